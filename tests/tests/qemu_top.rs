//! `qmp top` with real QEMUs.

use std::fs;
use std::process::Command;

use qmp_std::Monitor;
use qmp_tests::qemu::{self, Machine, named};
use serde_json::{Value, json};

#[test]
fn processors_disks_jobs_and_a_migration() {
    qemu::each(|qemu| {
        // QEMU makes this socket itself, and so is known by it.
        let second = ["-chardev", "socket,id=n,path=n,server=on,wait=off", "-mon", "chardev=n,mode=control"];
        let machine = Machine::with(qemu, false, &second);
        let mut monitor = Monitor::unix(machine.socket()).expect("a monitor");
        for name in ["source", "target"] {
            fs::File::create(machine.folder().join(name)).and_then(|file| file.set_len(16 << 20)).expect("a file");
            let add = format!(r#"{{"driver":"file","node-name":"{name}","filename":"{name}"}}"#);
            monitor.execute_raw("blockdev-add", Some(&add)).expect("a disk");
        }
        let mirror = r#"{"job-id":"mirror","device":"source","target":"target","sync":"full","speed":65536}"#;
        monitor.execute_raw("blockdev-mirror", Some(mirror)).expect("a job");
        monitor.execute_raw("migrate", Some(r#"{"uri":"exec:cat > moved"}"#)).expect("it begins");

        let mut program = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
        program.args(["top", "--once", "--json", "--interval", "0.1"]).arg(machine.folder().join("n"));
        let output = program.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        let view: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(view["status"].is_string() && view["cpus"].is_array(), "{view}");
        let job = &view["jobs"][0];
        assert_eq!((&job["name"], job["total"].as_u64()), (&json!("mirror"), Some(16 << 20)), "{view}");
        assert_eq!(view["migration"]["name"], "migration", "{view}");
        println!("QEMU {}: {view}", qemu.version);
    });
}

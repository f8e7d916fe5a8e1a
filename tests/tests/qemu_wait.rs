//! `qmp wait` with real QEMUs.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use qmp_std::Monitor;
use qmp_tests::process::Process;
use qmp_tests::qemu::{self, Machine, named};
use qmp_tests::wait_until;

/// The program, waiting.
struct Waiting {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
    last: String,
}

fn waiting(socket: &Path, arguments: &[&str]) -> Waiting {
    let mut program = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
    program.arg("--socket").arg(socket).args(["wait", "--json", "--timeout", "60"]).args(arguments);
    let mut process = Process::start(program.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    Waiting { process, lines, last: String::new() }
}

impl Waiting {
    /// Waits until it has asked, and so will see what comes.
    fn has_asked(mut self) -> Self {
        self.last = self.lines.next().expect("a line").expect("text");
        self
    }

    fn is_over(&mut self) -> bool {
        self.process.has_ended()
    }

    /// What it came to: whether well, its last line, and what it said.
    fn ended(mut self) -> (bool, String, String) {
        for line in self.lines.by_ref() {
            self.last = line.expect("text");
        }
        let status = self.process.ends();
        let mut said = String::new();
        self.process.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        (status.success(), self.last, said)
    }
}

/// A machine with a second monitor, as the first is taken by who waits.
fn machine(qemu: &qemu::Qemu, more: &[&str]) -> (Machine, Monitor) {
    let second = ["-chardev", "socket,id=n,path=n,server=on,wait=off", "-mon", "chardev=n,mode=control"];
    let machine = Machine::with(qemu, false, &[&second[..], more].concat());
    let monitor = Monitor::unix(machine.folder().join("n")).expect("a monitor");
    (machine, monitor)
}

const SIZE: u64 = 16 << 20;

fn mirror(machine: &Machine, monitor: &mut Monitor, id: &str, more: &str) {
    for name in ["source", "target"] {
        let file = machine.folder().join(name);
        if !file.exists() {
            fs::File::create(&file).and_then(|file| file.set_len(SIZE)).expect("a file");
            let add =
                format!(r#"{{"driver":"raw","node-name":"{name}","file":{{"driver":"file","filename":"{name}"}}}}"#);
            monitor.execute_raw("blockdev-add", Some(&add)).expect("a disk");
        }
    }
    let mirror =
        format!(r#"{{"job-id":"{id}","device":"source","target":"target","sync":"full","speed":1048576{more}}}"#);
    monitor.execute_raw("blockdev-mirror", Some(&mirror)).expect("a job");
}

#[test]
fn jobs() {
    qemu::each(|qemu| {
        let (machine, mut monitor) = machine(qemu, &[]);
        let socket = machine.socket();
        // One that is ready waits to be completed, and is then forgotten.
        mirror(&machine, &mut monitor, "a", "");
        let ready = waiting(&socket, &["job", "a", "--ready"]).has_asked();
        monitor.execute_raw("block-job-set-speed", Some(r#"{"device":"a","speed":0}"#)).expect("a job");
        let (well, last, said) = ready.ended();
        assert!(well && last.contains(r#""status":"ready""#) && last.ends_with(r#""ended":true}"#), "{last} {said}");
        let end = waiting(&socket, &["job", "a"]).has_asked();
        monitor.execute_raw("block-job-complete", Some(r#"{"device":"a"}"#)).expect("a job");
        let (well, last, said) = end.ended();
        assert!(well && last.ends_with(r#""ended":true}"#), "{last} {said}");
        let (well, last, _) = waiting(&socket, &["job", "a"]).ended();
        assert!(!well && last.starts_with(r#"{"wait":"job","id":"a","ended":true,"error":"no job a"#), "{last}");

        // One that is cancelled has failed; whether it is forgotten or stays.
        for (id, more) in [("b", ""), ("c", r#","auto-dismiss":false"#)] {
            mirror(&machine, &mut monitor, id, more);
            let end = waiting(&socket, &["job", id]).has_asked();
            monitor.execute_raw("job-cancel", Some(&format!(r#"{{"id":"{id}"}}"#))).expect("a job");
            let (well, last, said) = end.ended();
            assert!(!well && last.contains(r#""ended":true,"error":""#), "{last} {said}");
            assert!(said.contains("ancel"), "{said}");
        }
    });
}

#[test]
fn a_status_an_event_and_the_end() {
    qemu::each(|qemu| {
        let (mut machine, mut monitor) = machine(qemu, &[]);
        let running = waiting(&machine.socket(), &["status", "running"]).has_asked();
        monitor.execute_raw("cont", None).expect("it runs");
        let (well, last, said) = running.ended();
        assert!(well && last.contains(r#""status":"running","ended":true"#), "{last} {said}");

        // Nobody tells when it listens: so it happens again and again.
        let mut stop = waiting(&machine.socket(), &["event", "STOP"]);
        wait_until("the event", || {
            monitor.execute_raw("stop", None).expect("it stops");
            monitor.execute_raw("cont", None).expect("it runs");
            stop.is_over()
        });
        let (well, last, said) = stop.ended();
        assert!(well && last.contains(r#""event":"STOP""#), "{last} {said}");

        let end = waiting(&machine.socket(), &["status", "shutdown"]).has_asked();
        monitor.execute_raw("quit", None).expect("it quits");
        let (well, last, said) = end.ended();
        assert!(well && last.contains(r#""status":"shutdown","ended":true"#), "{last} {said}");
        machine.wait();
    });
}

#[test]
fn a_migration() {
    qemu::each(|qemu| {
        let (machine, mut monitor) = machine(qemu, &[]);
        let socket = machine.socket();
        let (well, _, said) = waiting(&socket, &["migration"]).ended();
        assert!(!well && said.contains("no migration has begun"), "{said}");
        monitor.execute_raw("migrate", Some(r#"{"uri":"exec:cat > moved"}"#)).expect("it begins");
        let (well, last, said) = waiting(&socket, &["migration"]).ended();
        assert!(well && last.contains(r#""status":"completed""#), "{last} {said}");
        assert!(fs::metadata(machine.folder().join("moved")).expect("a file").len() > 0);
    });
}

//! The pilot (`firmware/pilot`): firmware that drives a hypervisor over its UART. Its own, others of every release, and by a line
//! that loses bytes.

use core::time::Duration;
use std::path::Path;

use qmp_std::Monitor;
use qmp_tests::firmware::{self, Board};
use qmp_tests::lossy::{Damage, Line};
use qmp_tests::qemu::{self, Machine, Qemu};

/// How long a journey may take on the slowest machine, with several at once.
const JOURNEY: Duration = Duration::from_secs(180);

/// The journey's marks, in order: what each line begins with.
const MARKS: [&str; 8] = [
    "negotiated",
    "query-version: QEMU ",
    "query-status: running (running: true)",
    "query-block: ",
    "qom-get /machine type: ",
    "blockdev-backup: job ",
    "query-qmp-schema: ",
    "done: ",
];

/// Fails unless the log has all marks, in order: the beginnings of what is said of each step, where the rest may be damaged.
fn check(log: &str, damaged: bool) {
    let mut rest = log;
    for mark in MARKS {
        let mark = if damaged { mark.split_inclusive(": ").next().unwrap_or(mark) } else { mark };
        let at = rest.find(mark).unwrap_or_else(|| panic!("no {mark:?} behind what was before it in:\n{log}"));
        rest = &rest[at..];
    }
}

/// The number behind `name` in the report at the end.
fn counted(log: &str, name: &str) -> u32 {
    let (_, rest) = log.rsplit_once(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in:\n{log}"));
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no number for {name} in:\n{log}"))
}

#[test]
fn it_drives_its_own_hypervisor() {
    firmware::each_processor(|board| {
        let wiring = [
            // QEMU makes the monitor's socket before it connects the UART to it.
            "-chardev",
            "socket,id=monitor,path=own,server=on,wait=off",
            "-mon",
            "chardev=monitor,mode=control",
            "-serial",
            "unix:own",
        ];
        let (code, log) = board.run("qmp-pilot", wiring).wait(JOURNEY);
        println!("{}:\n{log}", board.name);
        assert_eq!(code, 0, "{log}");
        check(&log, false);
        assert!(log.contains(&format!("qom-get /machine type: {}-machine", board.machine)), "{log}");
        assert!(!log.contains("RESET"), "it has restarted itself: {log}");
        assert!(log.contains("BLOCK_JOB_COMPLETED: job disk-ad, 1048576 of 1048576 bytes"), "{log}");
        assert!(counted(&log, "query-qmp-schema") > 800);
        assert!(counted(&log, "events") >= 2);
    });
}

/// Runs the pilot on `board` with its UART at a monitor's socket, or a line to one.
fn fly(board: &Board, socket: &Path, damaged: bool) -> String {
    let (code, log) = board.run("qmp-pilot", ["-serial", &format!("unix:{}", socket.display())]).wait(JOURNEY);
    assert_eq!(code, 0, "{log}");
    check(&log, damaged);
    assert!(log.contains("RESET: "), "{log}");
    log
}

#[test]
fn it_drives_another_hypervisor_of_every_release() {
    qemu::each(|qemu| {
        firmware::each(|board| {
            let machine = Machine::start(qemu);
            let log = fly(board, &machine.socket(), false);
            println!("{} with QEMU {}:\n{log}", board.name, qemu.version);
            // It was stopped before its first instruction; the pilot had it go on, which anybody can see.
            assert!(log.contains("query-status: prelaunch (running: false)"), "{log}");
            // It is no machine of the pilot's kind, so that was started anew.
            assert!(log.contains("RESET: host-qmp-system-reset"), "{log}");
            assert!(log.contains(&version(qemu)), "{log}");
            // A greeting that comes before the UART is up is lost in part.
            assert!(counted(&log, "broken") <= 1, "{log}");
            let mut monitor = Monitor::unix(machine.socket()).expect("a connection");
            let status: serde_json::Value = monitor.execute("query-status", &()).expect("an answer");
            assert_eq!(status["status"], "running");
            let schema: Vec<serde_json::Value> = monitor.execute("query-qmp-schema", &()).expect("an answer");
            assert_eq!(counted(&log, "query-qmp-schema") as usize, schema.len());
            let commands = schema.iter().filter(|entity| entity["meta-type"] == "command").count();
            assert!(log.contains(&format!(" entities, {commands} commands among them")), "{log}");
        });
    });
}

/// The line that names this release.
fn version(qemu: &Qemu) -> String {
    format!("query-version: QEMU {}", qemu.version)
}

#[test]
fn it_gets_there_over_a_line_that_loses_bytes() {
    qemu::each(|qemu| {
        // Not the same damage with every release.
        let major = qemu.version.split('.').next().and_then(|major| major.parse::<u64>().ok()).expect("a number");
        let seed = 1 + major % 3;
        firmware::each(|board| {
            let machine = Machine::start(qemu);
            // Each command has 40 bytes and more, each reply too: at first one of three is hurt.
            let damage = Damage { seed, rate: 120, most: 25 };
            let line = Line::to(machine.connect(), machine.folder(), damage);
            let log = fly(board, line.socket(), true);
            let [sent, received] = line.damaged();
            println!(
                "{} with QEMU {}, seed {seed}: {sent} bytes of commands and {received} of replies dropped or doubled\n{log}",
                board.name, qemu.version
            );
            assert!(sent > 2 && received > 2, "the line was good");
            assert!(counted(&log, "sent_again") > 0, "{log}");
        });
    });
}

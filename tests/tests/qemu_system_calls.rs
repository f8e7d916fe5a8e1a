//! What a command costs in system calls, counted by strace: one write, by any kind of monitor.

use std::fs;
use std::process::Command;

use qmp_tests::qemu::{self, Machine};

/// As many commands are executed.
const COMMANDS: usize = 50;

#[test]
fn a_command_is_one_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = Machine::start(&qemu::all().pop().expect("a QEMU"));
    for kind in ["blocking", "deadline", "shared", "async"] {
        let log = folder.path().join(kind);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=write,writev,send,sendto,sendmsg", "-s", "300", "-o"]).arg(&log);
        strace.arg(env!("CARGO_BIN_EXE_commands")).arg(machine.socket()).args([kind, &COMMANDS.to_string()]);
        let status = strace.status().expect("strace is installed");
        assert!(status.success(), "{kind}: {status}");
        let log = fs::read_to_string(log).expect("a log");
        // The negotiation is a command, too. Pieces of one would have neither both ends nor their own call.
        let calls: Vec<&str> =
            log.lines().filter(|line| line.contains("execute") || line.contains("\\\"id\\\"")).collect();
        let whole = calls.iter().filter(|line| line.contains("{\\\"execute") && line.contains("}\\n\"")).count();
        assert_eq!((calls.len(), whole), (COMMANDS + 1, COMMANDS + 1), "{kind}: {log}");
        let others = log.lines().filter(|line| line.contains(" = ") && !line.contains("execute")).count();
        println!("{kind}: {} writes for {COMMANDS} commands and the negotiation, {others} for other ends", calls.len());
        assert!(kind == "async" || others <= 4, "{kind}: {log}");
    }
}

//! `qmp shell` with real QEMUs: as a script, and at a terminal.

#[path = "../../cli/tests/program/terminal.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod terminal;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use qmp_tests::qemu::{self, Machine, named};
use serde_json::{Value, json};
use terminal::Terminal;

/// Names the program: `cargo` tells no package where another one's programs are.
const PROGRAM: &str = "QMP_TEST_PROGRAM";

fn script(socket: &Path, lines: &str) -> Output {
    let mut program = Command::new(named(PROGRAM, "the program `qmp`"));
    program.arg("--socket").arg(socket).args(["shell", "--timeout", "30"]);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().expect("it runs");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_script_is_executed() {
    qemu::each(|qemu| {
        let mut machine = Machine::start(qemu);
        let lines = "# what a person would type\n\
                     query-status\n\
                     blockdev-add driver=raw node-name=disk read-only=on file.driver=null-co file.size=0x100000 file.read-zeroes=on\n\
                     query-named-block-nodes\n\
                     human-monitor-command command-line='info status'\n\
                     {\"execute\": \"qom-get\", \"arguments\": {\"path\": \"/machine\", \"property\": \"type\"}}\n\
                     query-yank\n\
                     cont\n\
                     quit\n";
        let output = script(&machine.socket(), lines);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let (events, replies): (Vec<_>, Vec<_>) = all.iter().partition(|line| line.get("event").is_some());
        let names = replies.iter().map(|line| line["command"].as_str().expect("a command")).collect::<Vec<_>>();
        let executed = [
            "query-status",
            "blockdev-add",
            "query-named-block-nodes",
            "human-monitor-command",
            "qom-get",
            "query-yank",
            "cont",
            "quit",
        ];
        assert_eq!(names, executed, "{text}");
        assert_eq!(replies[0]["return"]["status"], "prelaunch");
        assert_eq!(replies[1]["return"], json!({}), "{text}");
        let nodes = replies[2]["return"].as_array().expect("a list");
        let disk = nodes.iter().find(|node| node["node-name"] == "disk").expect("the disk");
        assert_eq!((&disk["ro"], &disk["image"]["virtual-size"]), (&json!(true), &json!(0x10_0000)), "{disk}");
        assert!(replies[3]["return"].as_str().is_some_and(|text| text.starts_with("VM status: paused")));
        assert_eq!(replies[4]["return"], "none-machine");
        assert_eq!((&replies[6]["return"], &replies[7]["return"]), (&json!({}), &json!({})));
        assert!(events.iter().any(|event| event["event"] == "RESUME"), "{text}");
        // What the release lacks is told, by what QEMU itself says that it has; and QEMU is asked all the same.
        if !qemu.is_at_least(6, 0) {
            assert_eq!(replies[5]["error"]["class"], "CommandNotFound");
            let told = "qmp: line 7: warning: this server has no command query-yank (it is there only since 6.0)";
            assert!(said.starts_with(told), "{said}");
            assert_eq!(output.status.code(), Some(1));
        } else {
            assert_eq!((said.as_str(), output.status.code()), ("", Some(0)));
        }
        machine.wait();
    });
}

/// The judge of what fits is QEMU: what the shell says of a command, QEMU says, too.
#[test]
fn what_the_shell_warns_of_qemu_refuses() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        for (line, warns) in [
            ("block_resize size=10G node-name=x", true),
            ("block_resize node-name=x", true),
            ("blockdev-add driver=null-co node-name=a sise=1", true),
            ("blockdev-add driver=null-co node-name=a size=1048576", false),
            ("qom-list", true),
            ("qom-list path=/", false),
            ("trace-event-get-state name=*", false),
            ("job-cancel", true),
        ] {
            let output = script(&machine.socket(), line);
            let said = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(said.contains("warning: arguments."), warns, "{line}: {said}");
            assert_eq!(output.status.code(), Some(i32::from(warns)), "{line}: {said}");
        }
    });
}

#[test]
fn a_session_at_a_terminal() {
    qemu::each(|qemu| {
        let mut machine = Machine::start(qemu);
        let home = tempfile::tempdir().expect("a folder");
        let socket = machine.socket();
        let arguments = ["--socket", socket.to_str().expect("UTF-8"), "shell"];
        let mut terminal = Terminal::run(named(PROGRAM, "the program `qmp`"), &arguments, home.path());
        terminal.shows(&format!("QEMU {}", qemu.version));
        terminal.types("qmp> ");
        // Behind this one the schema has come.
        terminal.press("query-statu\t\r");
        terminal.shows("\"prelaunch\"");
        terminal.types("qmp> ");
        // The command is there since 6.0.
        terminal.press("query-yan\t");
        terminal.types(if !qemu.is_at_least(6, 0) { "qmp> query-yan" } else { "qmp> query-yank " });
        terminal.press("\u{15}blockdev-add driver=null-c\t");
        terminal.types("qmp> blockdev-add driver=null-co ");
        terminal.press("read-z\ttr\tnode-n\tdisk\r");
        terminal.shows("qmp> blockdev-add driver=null-co read-zeroes=true node-name=disk\n{}\n(");
        terminal.types("qmp> ");
        terminal.press("cont\r");
        terminal.shows("RESUME\n{}\n(");
        terminal.types("qmp> ");
        terminal.press("quit\r");
        terminal.shows("Really? [y/N]");
        terminal.press("y\r");
        terminal.shows("the server has closed the connection. reconnect connects anew, exit leaves.");
        terminal.types("qmp> ");
        terminal.press("\u{4}");
        assert_eq!(terminal.end(), Some(0));
        machine.wait();
    });
}

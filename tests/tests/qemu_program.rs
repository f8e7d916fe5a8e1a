//! The program `qmp` with real QEMUs.

use std::path::Path;
use std::process::{Command, Output};

use qmp_tests::qemu::{self, Machine, named};
use serde_json::Value;

/// Names the program: `cargo` tells no package where another one's programs are.
const PROGRAM: &str = "QMP_TEST_PROGRAM";

fn exec(socket: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(named(PROGRAM, "the program `qmp`"));
    program.arg("--socket").arg(socket).args(["exec", "--timeout", "30"]).args(arguments).output().expect("it runs")
}

fn returned(socket: &Path, arguments: &[&str]) -> Value {
    let output = exec(socket, arguments);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.matches('\n').count(), 1, "one line");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn exec_prints_what_a_command_returns() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &["-name", "the \"name\" ❤"]);
            let socket = machine.socket();
            let status = returned(&socket, &["query-status"]);
            assert_eq!((&status["status"], &status["running"]), (&"prelaunch".into(), &false.into()));
            assert_eq!(returned(&socket, &["query-name"])["name"], "the \"name\" ❤");
            assert!(returned(&socket, &["query-qmp-schema"]).as_array().is_some_and(|entries| entries.len() > 500));
            assert_eq!(returned(&socket, &["qom-get", "path=/machine", "property=type"]), "none-machine");
            let text = returned(&socket, &["human-monitor-command", "command-line=info status"]);
            assert!(text.as_str().is_some_and(|text| text.starts_with("VM status: paused")), "{text}");
            let add = ["blockdev-add", "driver=null-co", "node-name=disk", "size:=1048576", "read-zeroes:=true"];
            assert_eq!(returned(&socket, &add), serde_json::json!({}));
            let nodes = returned(&socket, &["query-named-block-nodes"]);
            assert_eq!(
                (&nodes[0]["node-name"], &nodes[0]["image"]["virtual-size"]),
                (&"disk".into(), &1_048_576.into())
            );
        }
    });
}

#[test]
fn exec_tells_why_a_command_failed() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let output = exec(&machine.socket(), &["no-such-command", "a=b"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(said, "CommandNotFound: The command no-such-command has not been found\n");
    });
}

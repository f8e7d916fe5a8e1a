//! `qmp exec --agent` with the agents of real QEMUs.

use std::path::Path;
use std::process::{Command, Output};

use qmp_tests::agent::{Daemon, FORBIDDEN};
use qmp_tests::qemu::{self, named};
use qmp_tests::wait_until;
use serde_json::{Value, json};

fn exec(socket: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
    program.arg("--socket").arg(socket).args(["exec", "--agent"]).args(arguments).output().expect("it runs")
}

fn returned(socket: &Path, arguments: &[&str]) -> Value {
    let output = exec(socket, &[&["--timeout", "30"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.matches('\n').count(), 1, "one line");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn what_a_command_returns_and_why_one_failed() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        drop(daemon.client());
        let socket = daemon.socket();
        assert_eq!(returned(socket, &["guest-ping"]), json!({}));
        assert_eq!(returned(socket, &["guest-info"])["version"], version.version);

        let refused = exec(socket, &["guest-file-close", "handle:=4711"]);
        assert_eq!((refused.status.code(), &*refused.stdout), (Some(1), &b""[..]));
        let said = String::from_utf8(refused.stderr).expect("UTF-8");
        assert!(said.starts_with("GenericError: ") && said.contains("4711"), "{said}");

        // It is forbidden here, so there is an answer.
        assert!(FORBIDDEN.contains(&"guest-shutdown"));
        let refused = exec(socket, &["guest-shutdown", "mode=halt"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stderr.starts_with(b"CommandNotFound: "), "{refused:?}");
    });
}

#[test]
fn a_program_is_run_and_its_output_is_fetched() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        drop(daemon.client());
        let started = returned(
            daemon.socket(),
            &["guest-exec", "path=/bin/echo", "arg.0=hello", "arg.1=guest", "capture-output:=true"],
        );
        let pid = format!("pid:={}", started["pid"]);
        let mut status = Value::Null;
        wait_until("the program's end", || {
            status = returned(daemon.socket(), &["guest-exec-status", &pid]);
            status["exited"] == true
        });
        assert_eq!(status["exitcode"], 0);
        // "hello guest\n", in base64.
        assert_eq!(status["out-data"], "aGVsbG8gZ3Vlc3QK");
    });
}

#[test]
fn a_stopped_agent_is_told_and_the_next_one_is_in_step() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        drop(daemon.client());
        daemon.stop();
        let output = exec(daemon.socket(), &["--timeout", "0.5", "guest-get-time"]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.contains("no guest agent answered"), "{said}");
        daemon.go_on();
        // What that one left in the socket is read first.
        assert_eq!(returned(daemon.socket(), &["--wait", "30", "guest-ping"]), json!({}));
    });
}

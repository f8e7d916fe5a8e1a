//! Where the monitor is: each way to say it, and a virtual machine that is just starting.

mod program;

use core::time::Duration;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};
use std::thread;

use program::canned::Canned;
use program::run;

/// A server that answers one command with `7`.
fn server() -> Canned {
    Canned::after_negotiation("[]", |wire| wire.answer("\"return\": 7"))
}

fn assert_answered(output: &Output) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_address_in_any_form() {
    let server = server();
    let address = format!("unix:{}", server.path().display());
    assert_eq!(run(&["--connect", &address, "exec", "ask"]).stdout, "7\n");
    assert_eq!(server.commands().len(), 2);

    // Nobody is at these any more, or ever was; that is found out there, and not before.
    let name = format!("@qmp-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name[1..]).unwrap()).unwrap();
    drop(listener);
    for (address, words) in [
        (address.as_str(), "no such socket"),
        (&name, "nobody listens"),
        ("serial:/no/such/line", "/no/such/line"),
        ("fd:1000", "fd:1000"),
        ("/no/such", "no such socket"),
    ] {
        let outcome = run(&["--connect", address, "exec", "ask"]);
        assert!(outcome.stderr.contains(words), "{address}: {}", outcome.stderr);
        assert_eq!(outcome.status, Some(1));
    }
}

#[test]
fn a_descriptor_that_was_handed_over() {
    let connected = |server: &Canned| Stdio::from(OwnedFd::from(UnixStream::connect(server.path()).unwrap()));
    let program = env!("CARGO_BIN_EXE_qmp");

    let first = server();
    let output = Command::new(program).args(["--fd", "0", "exec", "ask"]).stdin(connected(&first)).output().unwrap();
    assert_answered(&output);

    // As a supervisor does: a number of its choice, and standard input is something else.
    let second = server();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 7<&0 </dev/null", "sh", program, "--fd", "7", "exec", "ask"]);
    assert_answered(&shell.stdin(connected(&second)).output().unwrap());
}

#[test]
fn a_virtual_machine_that_is_just_starting() {
    let server = server();
    let elsewhere = server.path();
    let path = elsewhere.with_file_name("later");
    let socket = path.to_str().unwrap();
    let outcome = run(&["--socket", socket, "--wait", "0.2", "exec", "ask"]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("no such socket") && outcome.stderr.contains("attempts"), "{}", outcome.stderr);

    let starting = thread::spawn({
        let path = path.clone();
        move || {
            thread::sleep(Duration::from_millis(100));
            std::fs::rename(elsewhere, path).unwrap();
        }
    });
    assert_eq!(run(&["exec", "ask", "--wait", "30", "--socket", socket]).stdout, "7\n");
    starting.join().unwrap();
}

#[test]
fn what_is_no_address_or_more_than_one() {
    for (arguments, words) in [
        (&["--connect", "qmp.sock", "exec", "ask"][..], "unix:PATH"),
        (&["--connect", "tcp:localhost", "exec", "ask"], "no port"),
        (&["--fd=-1", "exec", "ask"], "--fd"),
        (&["--fd", "3", "--connect", "fd:3", "exec", "ask"], "exclude each other"),
        (&["--wait", "5", "exec", "ask"], "--connect ADDRESS"),
        (&["--wait", "5", "decode"], "talks to no monitor"),
        (&["--connect", "fd:3"], "talks to no monitor"),
    ] {
        let outcome = run(arguments);
        assert!(outcome.stderr.contains(words), "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.status, Some(2));
    }
}

//! `qmp record` in front of real QEMUs, and `qmp replay` in their place.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use qmp_qapi::commands::{Closefd, Getfd};
use qmp_std::Monitor;
use qmp_tests::LIMIT;
use qmp_tests::process::Process;
use qmp_tests::qemu::{self, Machine, named};
use serde_json::Value;

/// The program at work.
struct Program(Process);

impl Program {
    /// Starts it, and waits until it listens.
    fn listening(arguments: &[&str]) -> Self {
        let mut program = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
        let mut process = Process::start(program.args(arguments).stderr(Stdio::piped()));
        let mut first = String::new();
        let mut said = BufReader::new(process.stderr.take().expect("it is piped"));
        said.read_line(&mut first).expect("text");
        assert!(first.contains(" at "), "{first}");
        // What it says later must find somebody who reads it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::stderr()));
        Self(process)
    }

    /// Waits until it ends, well.
    fn ended(mut self) {
        assert!(self.0.ends().success());
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Records what `talk` and the server at `socket`, which it ends, say.
fn record(socket: &Path, folder: &Path, name: &str, talk: impl Fn(&Path)) -> PathBuf {
    let (listen, file) = (folder.join("listen"), folder.join(name));
    let recorder = Program::listening(&["--socket", text(socket), "record", "--listen", text(&listen), text(&file)]);
    talk(&listen);
    recorder.ended();
    file
}

/// Two sessions, by two kinds of clients. Events come where they came: one by a command, one between commands.
fn talk(listen: &Path) {
    by_hand(listen);

    let mut monitor = Monitor::unix(listen).expect("a recorder");
    let add = r#"{"driver":"null-co","node-name":"disk","size":1048576,"read-zeroes":true}"#;
    monitor.execute_raw("blockdev-add", Some(add)).expect("a disk");
    let (descriptor, _other) = UnixStream::pair().expect("a pair");
    monitor.send_with_fd(&Getfd::new("fd"), descriptor.as_fd(), drop).expect("a descriptor goes along");
    monitor.send(&Closefd::new("fd"), drop).expect("it is there");
    monitor.execute_raw("query-block-jobs", None).expect("a list");
    let created = r#"{"job-id":"job","options":{"driver":"file","filename":"image.raw","size":65536}}"#;
    monitor.execute_raw("blockdev-create", Some(created)).expect("a job");
    while !monitor
        .wait_event(&["JOB_STATUS_CHANGE"], Some(LIMIT))
        .expect("a monitor")
        .expect("an event")
        .data
        .is_some_and(|data| data.contains("concluded"))
    {}
    monitor.execute_raw("query-jobs", None).expect("a list");
    monitor.execute_raw("job-dismiss", Some(r#"{"id":"job"}"#)).expect("it is over");
    monitor.execute_raw("quit", None).expect("it quits");
    monitor.drain_to_end(Some(LIMIT)).expect("it ends");
}

/// A client that knows no better.
fn by_hand(listen: &Path) {
    let stream = UnixStream::connect(listen).expect("a recorder");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let say = |text: &str| (&stream).write_all(text.as_bytes()).expect("it is sent");
    line();
    say("{'execute':'qmp_capabilities','id':'c'}\n");
    line();
    for command in [
        "\"query-status\"",
        "\"query-version\"",
        "\"no-such\"",
        "\"query-qmp-schema\"",
        "\"query-command-line-options\"",
    ] {
        say(&format!("{{\"execute\":{command},\"id\":[{command}]}}\n"));
        line();
    }
    say("{\"execute\":\"query-status\",\"unexpected\":1,\"id\":1}{\"execute\":\"stop\",\"arguments\":{\"x\":1}}");
    line();
    line();
}

/// What was told, but for times and ids, and without descriptors, which a replay has no use for; each side by itself, as a client that
/// does not wait may say something earlier or later.
fn told(file: &Path, from: &str) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("a file");
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        line["time"].take();
        if let Some(message) = line.get_mut("message").and_then(Value::as_object_mut) {
            message.remove("id");
        }
        (line["from"] == from).then_some(line)
    };
    text.lines().filter_map(line).collect()
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut program = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
    let output = program.args(arguments).output().expect("it runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

/// What `qmp decode` makes of one side, but for ids and places.
fn decoded(file: &Path, role: &str) -> Vec<Value> {
    let (_, lines) = run(&["decode", "--role", role, text(file)]);
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        line.as_object_mut().expect("an object").retain(|name, _| !["id", "offset", "bytes"].contains(&name.as_str()));
        line
    };
    lines.lines().map(line).collect()
}

#[test]
fn recorded_replayed_and_recorded_again() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let mut machine = Machine::with(qemu, pretty, &[]);
            let folder = tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder");
            // The image is there beforehand, as this QEMU makes a file but of one that is there.
            fs::write(machine.folder().join("image.raw"), []).expect("a file");
            let first = record(&machine.socket(), folder.path(), "first", if pretty { by_program } else { talk });
            machine.wait();
            let (_, misfits) = run(&["lint", text(&first)]);
            let expected = if pretty { 0 } else { 3 };
            assert_eq!(misfits.lines().count(), expected, "{misfits}");
            if pretty {
                continue;
            }

            let socket = folder.path().join("replay");
            let replay = Program::listening(&["--socket", text(&socket), "replay", text(&first)]);
            let second = record(&socket, folder.path(), "second", talk);
            replay.ended();
            for side in ["client", "server"] {
                let (one, other) = (told(&first, side), told(&second, side));
                let one: Vec<_> = one.into_iter().filter(|line| line.get("descriptors").is_none()).collect();
                let other: Vec<_> = other.into_iter().filter(|line| line.get("descriptors").is_none()).collect();
                assert_eq!(one.len(), other.len(), "{side}");
                assert!(one.len() > 15);
                for (one, other) in one.iter().zip(&other) {
                    assert_eq!(one, other, "{side}");
                }
            }
            for role in ["client", "server"] {
                let (one, other) = (decoded(&first, role), decoded(&second, role));
                assert!(one.len() > 15 && one == other, "{role}");
            }
        }
    });
}

/// The program itself, with a QEMU that writes each message over many lines.
fn by_program(listen: &Path) {
    for command in ["query-status", "query-version", "query-qmp-schema", "quit"] {
        let (status, _) = run(&["--socket", text(listen), "exec", "--timeout", "30", command]);
        assert_eq!(status, Some(0), "{command}");
    }
}

//! `qmp exec`: a command goes out, its outcome comes back, and what is wrong is said so that a person can act.

mod program;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use program::canned::{Canned, Wire};
use program::{Outcome, command, run};

fn exec(path: &Path, arguments: &[&str]) -> Outcome {
    let mut all = vec!["--socket", path.to_str().unwrap(), "exec"];
    all.extend_from_slice(arguments);
    run(&all)
}

#[test]
fn what_it_returns_is_one_line_of_json() {
    let server = Canned::after_negotiation("[\"oob\"]", |wire| {
        wire.send("{\"event\": \"RESUME\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n");
        wire.answer("\"return\": {\r\n    \"a\": [ 1.50, inf, \"\\u00e9  \\/\" ],\r\n    \"b\": {\r\n    }\r\n}");
    });
    let outcome =
        exec(&server.path(), &["block_resize", "node-name=a \"b\"", "size:=18446744073709551615", "force:=true"]);
    assert_eq!(outcome.stdout, "{\"a\":[1.50,null,\"\\u00e9  \\/\"],\"b\":{}}\n");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        server.commands(),
        [
            r#"{"execute":"qmp_capabilities"}"#,
            r#"{"execute":"block_resize","arguments":{"node-name":"a \"b\"","size":18446744073709551615,"force":true}}"#,
        ]
    );
}

#[test]
fn without_arguments_none_are_sent() {
    let server = Canned::after_negotiation("[]", |wire| wire.answer("\"return\": \"x\""));
    assert_eq!(exec(&server.path(), &["--pretty", "query-status"]).stdout, "\"x\"\n");
    assert_eq!(server.commands()[1], r#"{"execute":"query-status"}"#);
    let server = Canned::after_negotiation("[]", |wire| wire.answer("\"return\": {\"a\": [1]}"));
    assert_eq!(exec(&server.path(), &["--pretty", "x"]).stdout, "{\n  \"a\": [\n    1\n  ]\n}\n");
}

#[test]
fn a_failure_is_qemus_own_words() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer("\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command coffee has not been found\"}");
    });
    let outcome = exec(&server.path(), &["coffee"]);
    assert_eq!(outcome.stderr, "CommandNotFound: The command coffee has not been found\n");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
}

#[test]
fn out_of_band_where_it_is_offered() {
    let server = Canned::after_negotiation("[\"oob\"]", |wire| wire.answer("\"return\": [{\"type\": \"chardev\"}]"));
    let outcome = exec(&server.path(), &["--oob", "yank", "instances:=[{\"type\": \"chardev\", \"id\": \"\\u00e9\"}]"]);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("[{\"type\":\"chardev\"}]\n", Some(0)));
    assert_eq!(
        server.commands(),
        [
            r#"{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}"#,
            r#"{"exec-oob":"yank","arguments":{"instances":[{"type":"chardev","id":"\u00e9"}]}}"#,
        ]
    );
    let server = Canned::after_negotiation("[]", |_| {});
    let outcome = exec(&server.path(), &["--oob", "yank"]);
    assert!(outcome.stderr.contains("no out-of-band"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn a_deadline_ends_the_wait() {
    let server = Canned::after_negotiation("[]", Wire::wait_for_end);
    let outcome = exec(&server.path(), &["--timeout", "1", "stop"]);
    assert!(outcome.stderr.contains("no reply in time"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn the_connections_end_leaves_the_outcome_unknown() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.receive();
    });
    let outcome = exec(&server.path(), &["quit"]);
    assert!(outcome.stderr.contains("unknown"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn misuse_is_told_before_anything_is_sent() {
    for arguments in [
        &["exec", "stop"][..],
        &["--socket", "/no/such", "--tcp", "localhost:1", "exec", "stop"],
        &["--socket", "/no/such", "exec"],
        &["--socket", "/no/such", "exec", "stop", "key"],
        &["--socket", "/no/such", "exec", "stop", "key:=nonsense"],
        &["--socket", "/no/such", "exec", "stop", "a=1", "a=2"],
        &["--socket", "/no/such", "exec", "stop", "--timeout", "-1"],
        &["--socket", "/no/such"],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
    }
}

#[test]
fn why_there_is_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let says = |path: &Path, words: &[&str]| {
        let outcome = exec(path, &["query-status", "--timeout", "0.1"]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
        for word in words {
            assert!(outcome.stderr.contains(word), "{word}: {}", outcome.stderr);
        }
    };

    says(&folder.path().join("absent"), &["no such socket", "absent", "No such file"]);
    says(&folder.path().join("long".repeat(40)), &["no such socket", "longlong"]);

    let deserted = folder.path().join("deserted");
    drop(UnixListener::bind(&deserted).unwrap());
    says(&deserted, &["nobody listens"]);

    // Its queue takes the connection, and nobody greets: as it is while another client is served.
    let busy = folder.path().join("busy");
    let _listener = UnixListener::bind(&busy).unwrap();
    says(&busy, &["no greeting", "another client"]);

    let server = Canned::from_the_beginning(|wire| wire.send("SSH-2.0-OpenSSH_9.6\r\n"));
    says(&server.path(), &["not a QMP server", "SSH-2.0"]);
}

#[test]
fn why_this_user_may_not_connect() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("closed");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
    let mut command = if UnixStream::connect(&socket).is_err() {
        command(&[])
    } else {
        // The superuser may do anything. So another one runs the program, from where that one can.
        let program = folder.path().join("qmp");
        // Not by this process: a test beside this one may start a program while the copy is open for writing, and it would
        // be held so.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_qmp")).arg(&program).status().unwrap();
        assert!(copied.success());
        for path in [folder.path(), &program] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new(program);
        command.uid(65534);
        command
    };
    let output = command.args(["--socket", socket.to_str().unwrap(), "exec", "query-status"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no permission") && stderr.contains("Permission denied"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn by_tcp_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        (&stream).write_all(b"{\"QMP\": {}}\n").unwrap();
        for line in BufReader::new(&stream).lines().take(2) {
            let line = line.unwrap();
            let (_, id) = line.rsplit_once("\"id\":").unwrap();
            (&stream).write_all(format!("{{\"return\": [], \"id\": {id}\n").as_bytes()).unwrap();
        }
    });
    let outcome = run(&["--tcp", &address, "exec", "stop"]);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("[]\n", Some(0)), "{}", outcome.stderr);
    server.join().unwrap();

    let outcome = run(&["--tcp", &address, "exec", "stop"]);
    assert!(outcome.stderr.contains("nobody listens"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

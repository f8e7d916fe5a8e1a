//! `qmp shell` without a terminal: lines in, lines of JSON out.

mod program;

use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use program::canned::{Canned, Wire};
use program::{Outcome, command, run, run_with};

fn shell(path: &Path, options: &[&str], script: &str) -> Outcome {
    let mut all = vec!["--socket", path.to_str().unwrap(), "shell"];
    all.extend_from_slice(options);
    run_with(&all, script.as_bytes())
}

const EVENT: &str = "{\"event\": \"RESUME\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n";
const EVENT_LINE: &str = r#"{"timestamp":{"seconds":1,"microseconds":2},"event":"RESUME"}"#;

#[test]
fn each_line_is_a_command_and_its_outcome() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer("\"return\": {\"running\": true, \"a\": [ 1.50, inf ]}");
        let id = wire.receive();
        wire.send(&format!("{EVENT}{{\"return\": {{}}, \"id\": {id}}}\r\n"));
        wire.answer("\"return\": 7");
        wire.wait_for_end();
    });
    let script = "# what runs\nquery-status\n\n  cont \nset_link name='a \"b\"' up=off";
    let outcome = shell(&server.path(), &[], script);
    assert_eq!(
        outcome.lines(),
        [
            r#"{"command":"query-status","return":{"running":true,"a":[1.50,null]}}"#,
            EVENT_LINE,
            r#"{"command":"cont","return":{}}"#,
            r#"{"command":"set_link","return":7}"#,
        ]
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(server.commands()[3], r#"{"execute":"set_link","arguments":{"name":"a \"b\"","up":false}}"#);
}

#[test]
fn a_failure_is_told_and_the_script_goes_on() {
    let script = "stop\ncont =1\ncont";
    let session = |wire: &mut Wire| {
        wire.answer("\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[31m way\"}");
        wire.answer("\"return\": {}");
    };
    let outcome = shell(&Canned::after_negotiation("[]", session).path(), &[], script);
    assert_eq!(
        outcome.lines(),
        [
            r#"{"command":"stop","error":{"class":"GenericError","desc":"no \u001B[31m way"}}"#,
            r#"{"command":"cont","return":{}}"#,
        ]
    );
    assert_eq!(outcome.status, Some(1));
    let said: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(said[0], r"qmp: line 1: stop: GenericError: no \u001b[31m way");
    assert!(said[1].starts_with("qmp: line 2: '=1': no key"), "{said:?}");

    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer("\"error\": {\"class\": \"A\", \"desc\": \"b\"}");
        wire.wait_for_end();
    });
    let outcome = shell(&server.path(), &["-e"], script);
    assert_eq!((outcome.status, outcome.lines().len(), outcome.stderr.lines().count()), (Some(1), 1, 1));
}

/// What does not fit the release makes the shell ask for the server's schema; the command goes all the same.
#[test]
fn what_does_not_fit_is_told_and_sent() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer("\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no schema\"}");
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let outcome = shell(&server.path(), &[], "block_resize size=10G node-name=disk0 mode=fast");
    assert_eq!(
        outcome.stderr.lines().collect::<Vec<_>>(),
        [
            "qmp: line 1: warning: arguments.size: a string in place of int64",
            "qmp: line 1: warning: arguments.mode: unknown member",
        ]
    );
    assert_eq!((outcome.status, outcome.lines()), (Some(0), vec![r#"{"command":"block_resize","return":{}}"#]));
    let commands = server.commands();
    assert_eq!(commands[1], r#"{"execute":"query-qmp-schema"}"#);
    let sent = r#"{"execute":"block_resize","arguments":{"size":"10G","node-name":"disk0","mode":"fast"}}"#;
    assert_eq!(commands[2], sent);
}

#[test]
fn a_line_of_json_is_a_whole_command() {
    let server = Canned::after_negotiation("[\"oob\"]", |wire| {
        wire.answer("\"return\": 1");
        wire.answer("\"return\": 2");
        wire.wait_for_end();
    });
    let script = "{\"execute\": \"qom-get\", \"arguments\": {\"path\": \"/\", \"property\": \"\\u00e9\"}, \"id\": 1}\n\
                  {\"exec-oob\": \"migrate-pause\"}";
    let outcome = shell(&server.path(), &["--oob"], script);
    assert_eq!(outcome.lines(), [r#"{"command":"qom-get","return":1}"#, r#"{"command":"migrate-pause","return":2}"#]);
    assert!(outcome.stderr.contains("line 1: warning: the id is left out"), "{}", outcome.stderr);
    assert_eq!(
        server.commands()[1..],
        [r#"{"execute":"qom-get","arguments":{"path":"/","property":"é"}}"#, r#"{"exec-oob":"migrate-pause"}"#,]
    );
}

#[test]
fn out_of_band_where_it_is_enabled() {
    let server = Canned::after_negotiation("[\"oob\"]", Wire::wait_for_end);
    let outcome = shell(&server.path(), &[], "oob migrate-pause");
    assert!(outcome.stderr.contains("line 1: out-of-band execution is not enabled"), "{}", outcome.stderr);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(1)));
}

#[test]
fn a_late_reply_is_no_other_commands() {
    let server = Canned::after_negotiation("[]", |wire| {
        let late = wire.receive();
        let id = wire.receive();
        wire.send(&format!("{{\"return\": \"late\", \"id\": {late}}}\r\n{{\"return\": \"now\", \"id\": {id}}}\r\n"));
    });
    let outcome = shell(&server.path(), &["--timeout", "2"], "stop\ncont");
    assert_eq!(
        outcome.lines(),
        [
            r#"{"command":"stop","pending":true}"#,
            r#"{"command":"stop","late":true,"return":"late"}"#,
            r#"{"command":"cont","return":"now"}"#,
        ]
    );
    assert!(outcome.stderr.contains("line 1: stop: no reply in time"), "{}", outcome.stderr);
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn the_connections_end_loses_no_command_silently() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.receive();
    });
    let outcome = shell(&server.path(), &[], "stop\ncont\nreconnect\nexit\nnever");
    let lines = outcome.lines();
    assert_eq!(lines[0], r#"{"command":"stop","outcome":"unknown"}"#);
    assert!(lines[1].starts_with(r#"{"command":"cont","unsent":"#), "{lines:?}");
    assert_eq!((lines.len(), outcome.status), (2, Some(1)));
    for says in ["line 1: stop: the connection ended", "line 2: cont: the server has closed", "line 3: nobody listens"]
    {
        assert!(outcome.stderr.contains(says), "{says}: {}", outcome.stderr);
    }
}

#[test]
fn quit_ends_without_a_question() {
    let server = Canned::after_negotiation("[]", |wire| wire.answer("\"return\": {}"));
    let outcome = shell(&server.path(), &[], "quit");
    assert_eq!(outcome.lines(), [r#"{"command":"quit","return":{}}"#]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn events_are_shown_as_they_come_and_as_wished() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.send(EVENT);
        for _ in 0..2 {
            wire.answer("\"return\": {}");
            // Before the next reply, so it is known to have come.
            wire.send(EVENT);
        }
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let mut program = command(&["--socket", server.path().to_str().unwrap(), "shell"]);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, received) = channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = || match received.recv_timeout(Duration::from_secs(30)) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("no line"),
    };
    // While it waits for its first line.
    assert_eq!(next().as_deref(), Some(EVENT_LINE));
    input.write_all(b"stop\n").unwrap();
    assert_eq!(next().as_deref(), Some(r#"{"command":"stop","return":{}}"#));
    assert_eq!(next().as_deref(), Some(EVENT_LINE));
    input.write_all(b"events off RESUME\nstop\nstop\n").unwrap();
    for _ in 0..2 {
        assert_eq!(next().as_deref(), Some(r#"{"command":"stop","return":{}}"#));
    }
    drop(input);
    assert_eq!(next(), None);
    assert!(child.wait().unwrap().success());
    drop(server);
}

#[test]
fn help_goes_where_people_read() {
    let server = Canned::after_negotiation("[]", Wire::wait_for_end);
    let outcome = shell(&server.path(), &["--color", "always"], "help block_resize\nhelp coffee");
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(1)));
    assert!(outcome.stderr.starts_with("block_resize, "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("line 2: no command, event or type is called coffee"), "{}", outcome.stderr);
}

#[test]
fn colours_where_they_are_wished() {
    let exec = |options: &[&str]| {
        let server = Canned::after_negotiation("[]", |wire| wire.answer("\"return\": {\"a\": 1}"));
        let mut all = vec!["--socket", server.path().to_str().unwrap(), "exec", "stop"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        all.extend(options.iter().map(|option| (*option).to_owned()));
        run(&all.iter().map(String::as_str).collect::<Vec<_>>()).stdout
    };
    assert_eq!(exec(&[]), "{\"a\":1}\n");
    assert_eq!(exec(&["--color", "never"]), "{\"a\":1}\n");
    let painted = exec(&["--color", "always"]);
    assert!(painted.contains("\u{1b}[34m\"a\"\u{1b}[0m:\u{1b}[36m1\u{1b}[0m"), "{painted:?}");
}

#[test]
fn misuse_is_told() {
    for arguments in [&["shell"][..], &["--socket", "/no/such", "shell", "stop"], &["shell", "--color", "blue"]] {
        assert_eq!(run(arguments).status, Some(2), "{arguments:?}");
    }
    let outcome = run_with(&["--socket", "/no/such", "shell"], b"stop");
    assert!(outcome.stderr.contains("no such socket"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

//! `qmp events`: each as it comes.

mod program;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;

use program::canned::Canned;
use program::{command, run};
use qmp_core::json::scan;

const STOP: &str = "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}\r\n";
const DELETED: &str = "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"DEVICE_DELETED\", \
                       \"data\": {\"device\": \"\\u00e9 \\\"0\\\"\", \"n\": nan}}\r\n";

#[test]
fn until_the_one_that_was_waited_for() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.send(STOP);
        wire.send(DELETED);
        wire.send(STOP);
        wire.wait_for_end();
    });
    let path = server.path();
    let outcome =
        run(&["--socket", path.to_str().unwrap(), "events", "--until", "RESUME", "--until", "DEVICE_DELETED"]);
    let expected = [
        r#"{"timestamp":{"seconds":1,"microseconds":2},"event":"STOP"}"#,
        r#"{"timestamp":{"seconds":-1,"microseconds":-1},"event":"DEVICE_DELETED","data":{"device":"\u00e9 \"0\"","n":null}}"#,
    ];
    assert_eq!(outcome.lines(), expected);
    assert!(outcome.lines().iter().all(|line| scan::check(line.as_bytes()).is_ok()));
    assert_eq!(outcome.status, Some(0));
}

#[test]
fn each_line_comes_with_its_event() {
    let (go_on, when) = mpsc::channel();
    let server = Canned::after_negotiation("[]", move |wire| {
        wire.send(STOP);
        when.recv().unwrap();
        wire.send(DELETED);
    });
    let path = server.path();
    let mut child = command(&["--socket", path.to_str().unwrap(), "events"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("STOP"));
    go_on.send(()).unwrap();
    assert!(lines.next().unwrap().unwrap().contains("DEVICE_DELETED"));
    // The server goes, and nothing else was asked for than what happens until then.
    assert!(lines.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn for_a_time() {
    let server = || {
        Canned::after_negotiation("[]", |wire| {
            wire.send(STOP);
            wire.wait_for_end();
        })
    };
    let watched = server();
    let outcome = run(&["--socket", watched.path().to_str().unwrap(), "events", "--for", "0.1"]);
    assert_eq!((outcome.lines().len(), outcome.status), (1, Some(0)));

    let watched = server();
    let outcome = run(&["--socket", watched.path().to_str().unwrap(), "events", "--for", "0.1", "--until", "RESUME"]);
    assert_eq!((outcome.lines().len(), outcome.status), (1, Some(1)));
    assert!(outcome.stderr.contains("no RESUME within 0.1 seconds"), "{outcome:?}");
}

#[test]
fn an_end_that_comes_too_early_is_told() {
    let server = Canned::after_negotiation("[]", |wire| wire.send(STOP));
    let outcome = run(&["--socket", server.path().to_str().unwrap(), "events", "--until", "RESUME"]);
    assert_eq!((outcome.lines().len(), outcome.status), (1, Some(1)));
    assert!(outcome.stderr.contains("closed the connection"), "{outcome:?}");
}

//! What a hostile peer or a hostile file says reaches the terminal as text: it does not steer it.

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use program::canned::{Canned, Wire};
use program::served::Client;
use program::{Outcome, command, run, run_with};

/// Inside of a JSON string: clears a screen and rings, by escapes of JSON; colours, deletes and turns around, by the characters as such.
const EVIL: &str = "\\u001b[2J\\u0007\u{9b}31m\u{7f}\u{202e}";
/// What is shown of it, however often it was quoted on the way.
const SHOWN: [&str; 2] = ["[2J", "31m"];

fn is_text(outcome: &Outcome) {
    let Outcome { stdout, stderr, .. } = outcome;
    for said in [stdout, stderr] {
        let strange =
            said.chars().find(|char| (char.is_control() && !matches!(char, '\n' | '\t')) || *char == '\u{202e}');
        assert_eq!(strange, None, "{said}");
    }
    assert!(SHOWN.iter().all(|text| stdout.contains(text) || stderr.contains(text)), "{outcome:?}");
}

fn talk(arguments: &[&str], session: impl FnOnce(&mut Wire) + Send + 'static) -> Outcome {
    let server = Canned::after_negotiation("[]", session);
    let path = server.path();
    run(&[&["--socket", path.to_str().unwrap()], arguments].concat())
}

#[test]
fn replies_of_a_server() {
    for arguments in [&["exec", "x"][..], &["exec", "x", "--pretty"], &["exec", "x", "--color", "never"]] {
        is_text(&talk(arguments, |wire| wire.answer(&format!("\"return\": {{\"{EVIL}\": \"{EVIL}\"}}"))));
    }
    let error = format!("\"error\": {{\"class\": \"{EVIL}\", \"desc\": \"{EVIL}\"}}");
    is_text(&talk(&["exec", "x"], move |wire| wire.answer(&error)));
    // No colours were asked for, so that each escape is a peer's.
    let painted = talk(&["exec", "x", "--color", "always"], |wire| wire.answer(&format!("\"return\": \"{EVIL}\"")));
    let plain = Outcome { stdout: anstream::adapter::strip_str(&painted.stdout).to_string(), ..painted };
    is_text(&plain);
}

#[test]
fn events_of_a_server() {
    let event = format!("{{\"event\": \"{EVIL}\", \"data\": {{\"{EVIL}\": \"{EVIL}\"}}}}\r\n");
    is_text(&talk(&["events", "--for", "60", "--until", "END"], move |wire| {
        wire.send(&event);
        wire.send("{\"event\": \"END\"}\r\n");
        wire.wait_for_end();
    }));
}

#[test]
fn jobs_of_a_server() {
    let listed = |status: &str| {
        format!(
            "\"return\": [{{\"id\": \"j\", \"type\": \"backup\", \"status\": \"{status}\", \"current-progress\": 1, \
             \"total-progress\": 2, \"error\": \"{EVIL}\"}}]"
        )
    };
    for status in [EVIL, "running"] {
        let outcome = talk(&["wait", "job", "j"], move |wire| {
            wire.answer(&listed(status));
            wire.send("{\"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"id\": \"j\", \"status\": \"concluded\"}}\r\n");
            wire.answer(&listed("concluded"));
            wire.wait_for_end();
        });
        is_text(&outcome);
        assert_eq!(outcome.status, Some(1));
    }
}

#[test]
fn a_servers_schema() {
    let schema = format!(
        "\"return\": [{{\"name\": \"{EVIL}\", \"meta-type\": \"command\", \"arg-type\": \"0\", \"ret-type\": \"1\", \
         \"features\": [\"{EVIL}\"]}}, {{\"name\": \"0\", \"meta-type\": \"object\", \"members\": [{{\"name\": \"{EVIL}\", \
         \"type\": \"2\"}}]}}, {{\"name\": \"1\", \"meta-type\": \"object\", \"members\": []}}, {{\"name\": \"2\", \"meta-type\": \
         \"enum\", \"values\": [\"{EVIL}\"]}}]"
    );
    for more in [&[][..], &["--json"], &["--diff", "8.2"]] {
        let schema = schema.clone();
        is_text(&talk(&[&["schema"], more].concat(), move |wire| wire.answer(&schema)));
    }
}

#[test]
fn the_shell_read_from_a_file() {
    let server = Canned::after_negotiation("[]", |wire| {
        wire.send(&format!(
            "{{\"event\": \"{EVIL}\", \"data\": {{\"a\": \"{EVIL}\"}}}}\r\n{{\"odd\": \"{EVIL}\"}}\r\n"
        ));
        for _ in 0..2 {
            wire.answer(&format!("\"return\": [{{\"name\": \"{EVIL}\"}}]"));
        }
        wire.wait_for_end();
    });
    let path = server.path();
    is_text(&run_with(&["--socket", path.to_str().unwrap(), "shell"], b"query-name\nquery-version\n"));
}

/// A file of messages, as somebody may send it along with a bug report.
fn hostile_file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let text = format!(
        "{{\"QMP\": {{\"version\": {{\"qemu\": {{\"micro\": 0, \"minor\": 2, \"major\": 8}}, \"package\": \"{EVIL}\"}}, \
         \"capabilities\": [\"{EVIL}\"]}}}}\n{{\"execute\": \"qmp_capabilities\"}}\n{{\"return\": {{}}}}\n{{\"execute\": \"{EVIL}\", \
         \"arguments\": {{\"{EVIL}\": \"{EVIL}\"}}, \"id\": \"{EVIL}\"}}\n{{\"return\": {{\"{EVIL}\": \"{EVIL}\"}}, \"id\": \
         \"{EVIL}\"}}\n{{\"execute\": \"block_resize\", \"arguments\": {{\"size\": 1, \"{EVIL}\": \"{EVIL}\"}}}}\n{{\"execute\": \
         \"query-status\"}}\n{{\"return\": {{\"status\": \"{EVIL}\", \"running\": \"{EVIL}\"}}}}\n{{\"event\": \"{EVIL}\"}}\n"
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

#[test]
fn a_file_that_is_read() {
    let (_folder, file) = hostile_file();
    for arguments in [
        &["decode"][..],
        &["decode", "--role", "server"],
        &["decode", "--buffer", "64"],
        &["lint"],
        &["lint", "--json"],
    ] {
        is_text(&run(&[arguments, &[&file]].concat()));
    }
}

#[test]
fn a_file_that_is_replayed() {
    let (folder, file) = hostile_file();
    let path = folder.path().join("listen");
    let mut replay = command(&["--socket", path.to_str().unwrap(), "replay", &file]);
    let mut replay = replay.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(replay.stderr.take().unwrap());
    let mut stderr = String::new();
    said.read_line(&mut stderr).unwrap();
    let mut client = Client::connect(&path);
    client.line();
    // Another command than the one that is next there, by a client that is no better; then it leaves too early.
    client.send(&format!("{{\"execute\": \"qmp_capabilities\"}}\n{{\"execute\": \"other{EVIL}\"}}\n"));
    client.line();
    client.line();
    drop(client);
    said.read_to_string(&mut stderr).unwrap();
    assert_eq!(replay.wait().unwrap().code(), Some(1), "{stderr}");
    assert!(stderr.contains("and not other") && stderr.contains("left where the transcript has"), "{stderr}");
    is_text(&Outcome { status: None, stdout: String::new(), stderr });
}

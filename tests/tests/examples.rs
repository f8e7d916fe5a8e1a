//! The examples of QEMU's own documents, which are not part of this project: all are JSON, and all but slips of the documents are
//! read as their types, whichever release they show.
//!
//! `QMP_TEST_EXAMPLES` names a file of them, one JSON object a line: the document (`seed`), the `line` in it, and the message
//! (`json`). A reply stands behind its command.

use std::env;
use std::fs;

use qmp_core::json::{Payload, Value};
use qmp_qapi::Event;
use qmp_tests::vocabulary::{QMP, Unread};

const EXAMPLES: &str = "QMP_TEST_EXAMPLES";

/// What cannot be read as its type, because the document is wrong: the beginning of the document's name, the line, what it is.
const SLIPS: &[(&str, u64, &str)] = &[
    // A member is missing that was never optional.
    ("000", 369, "blockdev-snapshot-sync: missing member `snapshot-f...`"),
    // A boolean stands in quotes.
    ("000", 1215, "trace-event-set-state: expected true or false"),
    ("001", 1, "dump-guest-memory: missing member `paging`"),
    ("002", 8505, "dump-guest-memory: missing member `paging`"),
    // The data of an event is a string.
    ("002", 9270, "FAILOVER_NEGOTIATED: expected an object at byte 0"),
    ("002", 13297, "trace-event-set-state: expected true or false"),
    // What the command takes stands in `data`.
    ("002", 16001, "replay-break: expected an object"),
    ("002", 16029, "replay-seek: expected an object"),
    // What stands in `info` stands beside it.
    ("002", 17255, "ACPI_DEVICE_OST: missing member `info` at byte 75"),
    ("004", 209, "trace-event-set-state: expected true or false"),
];

/// A name that nothing ever had: it is `BLOCK_JOB_PENDING`.
const UNKNOWN: &[(&str, u64, &str)] = &[("002", 6660, "BLOCK_JOB_WAITING")];

#[test]
fn all_examples_are_read_as_their_types() {
    let Some(path) = env::var_os(EXAMPLES) else {
        println!("left out: {EXAMPLES} is not set, so there are no examples to read");
        return;
    };
    let text = fs::read_to_string(path).expect("the examples");
    let (mut counts, mut slips, mut unknown) = ([0; 4], Vec::new(), Vec::new());
    let mut command = None;
    for line in text.lines() {
        let mut bytes = line.as_bytes().to_vec();
        let example = Payload::parse(&mut bytes).unwrap_or_else(|error| panic!("{error}: {line}")).into_value();
        let place = (
            example.get("seed").and_then(Value::as_str).expect("a document").get(..3).expect("a number"),
            example.get("line").and_then(Value::as_u64).expect("a line"),
        );
        let message = example.get("json").expect("a message");
        let (kind, read) = read(message, &mut command);
        counts[kind] += 1;
        match read {
            Some(Ok(())) => {}
            Some(Err(error)) => slips.push((place.0.to_owned(), place.1, error)),
            None => unknown.push((place.0.to_owned(), place.1, name(message).to_owned())),
        }
    }
    println!("commands, returns, events, errors and replies to commands that are not shown: {counts:?}");
    let listed = |found: &[(String, u64, String)]| {
        found.iter().map(|(seed, line, what)| format!("(\"{seed}\", {line}, \"{what}\"),\n")).collect::<String>()
    };
    let is = |found: &[(String, u64, String)], known: &[(&str, u64, &str)]| {
        found.iter().map(|(seed, line, what)| (&**seed, *line, &**what)).eq(known.iter().copied())
    };
    assert!(is(&slips, SLIPS), "slips:\n{}", listed(&slips));
    assert!(is(&unknown, UNKNOWN), "unknown:\n{}", listed(&unknown));
    assert_eq!(counts.iter().sum::<usize>(), 745);
}

/// The command or event that a message names.
fn name(message: Value<'_>) -> &str {
    let named = |member: &str| message.get(member)?.as_str();
    ["event", "exec-oob", "execute"].into_iter().find_map(named).unwrap_or_default()
}

/// Reads a message: what it is (a command, a return, an event, something else), and how it went; `None` for a name unknown.
fn read(message: Value<'_>, command: &mut Option<String>) -> (usize, Option<Result<(), String>>) {
    let text = |name| message.get(name).and_then(Value::as_str);
    let outcome =
        |name: &str, again: Result<String, Unread>| again.map(drop).map_err(|error| format!("{name}: {error}"));
    if let Some(name) = text("execute").or(text("exec-oob")) {
        *command = Some(name.to_owned());
        let arguments = message.get("arguments").unwrap_or(Value::NULL);
        (0, QMP.decode_arguments(name, arguments).map(|again| outcome(name, again)))
    } else if let Some(name) = text("event") {
        let data = message.get("data").unwrap_or(Value::NULL);
        match Event::read(name, data) {
            Ok(Event::Other { .. }) => (2, None),
            Ok(event) => {
                assert_eq!(event.name(), name);
                (2, QMP.decode_event(name, data).map(|again| outcome(name, again)))
            }
            Err(error) => (2, Some(Err(format!("{name}: {error}")))),
        }
    } else if let (Some(returned), Some(name)) = (message.get("return"), command.take()) {
        (1, QMP.decode_return(&name, returned).map(|again| outcome(&name, again)))
    } else {
        (3, Some(Ok(())))
    }
}

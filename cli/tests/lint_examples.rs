//! `qmp lint` and the examples of QEMU's own documents, which are not part of this project.
//!
//! `QMP_TEST_EXAMPLES` names a file of them, one JSON object a line: the document (`seed`), the `line` in it, and the message
//! (`json`). Of each document nothing is reported but its known slips.

mod program;

use core::fmt::Write as _;
use std::env;
use std::fs;

use program::run_with;
use qmp_core::json::{Payload, Value};

const EXAMPLES: &str = "QMP_TEST_EXAMPLES";

/// A document, and what is known of it.
struct Document {
    seed: &'static str,
    /// The release that it fits best, of those about its age.
    release: &'static str,
    messages: usize,
    /// What is reported for that release: the message, counted from 1; its line in the document; name, place and reason.
    slips: &'static [(usize, u64, &'static str)],
    /// How many messages are reported as QEMU 5.2's: slips, and what that release has no more.
    misfits_of_5_2: usize,
}

const DOCUMENTS: [Document; 5] = [
    Document {
        seed: "000",
        release: "2.8",
        messages: 105,
        slips: &[
            (31, 369, "blockdev-snapshot-sync: arguments.snapshot-file: missing"),
            (93, 1215, "trace-event-set-state: arguments.enable: a string in place of bool"),
        ],
        misfits_of_5_2: 6,
    },
    Document {
        seed: "001",
        release: "2.1",
        messages: 188,
        // It shows these one level too deep.
        slips: &[
            (59, 1, "dump-guest-memory: arguments.paging: missing"),
            (149, 1, "query-migrate: return.ram.total-time: unknown member"),
            (149, 1, "query-migrate: return.ram.setup-time: unknown member"),
            (149, 1, "query-migrate: return.ram.downtime: unknown member"),
            (153, 1, "query-migrate: return.ram.total-time: unknown member"),
            (153, 1, "query-migrate: return.ram.setup-time: unknown member"),
            (153, 1, "query-migrate: return.ram.expected-downtime: unknown member"),
            (155, 1, "query-migrate: return.ram.total-time: unknown member"),
            (155, 1, "query-migrate: return.ram.setup-time: unknown member"),
            (155, 1, "query-migrate: return.ram.expected-downtime: unknown member"),
            (157, 1, "query-migrate: return.capabilities: unknown member"),
            (157, 1, "query-migrate: return.ram.total-time: unknown member"),
            (157, 1, "query-migrate: return.ram.setup-time: unknown member"),
            (157, 1, "query-migrate: return.ram.expected-downtime: unknown member"),
        ],
        misfits_of_5_2: 9,
    },
    Document {
        seed: "002",
        release: "5.2",
        messages: 392,
        slips: &[
            // It is `backing-filename`.
            (15, 2159, "query-block: return[0].inserted.image.backing_file: unknown member"),
            (32, 3214, "query-named-block-nodes: return[0].image.backing_file: unknown member"),
            // It is `BLOCK_JOB_PENDING`.
            (64, 6660, "BLOCK_JOB_WAITING: unknown event"),
            (146, 8505, "dump-guest-memory: arguments.paging: missing"),
            (154, 8646, "netdev_add: arguments.dnssearch: a string in place of [String]"),
            (163, 9270, "FAILOVER_NEGOTIATED: data: a string in place of object"),
            (272, 13297, "trace-event-set-state: arguments.enable: a string in place of bool"),
            // It is `core-id`.
            (326, 15265, "query-hotpluggable-cpus: return[0].props.core: unknown member"),
            (326, 15265, "query-hotpluggable-cpus: return[1].props.core: unknown member"),
            // A command's arguments are not `data`.
            (342, 16001, "replay-break: data: unknown member"),
            (342, 16001, "replay-break: arguments.icount: missing"),
            (344, 16029, "replay-seek: data: unknown member"),
            (344, 16029, "replay-seek: arguments.icount: missing"),
            // They stand in `info`.
            (390, 17255, "ACPI_DEVICE_OST: data.device: unknown member"),
            (390, 17255, "ACPI_DEVICE_OST: data.slot: unknown member"),
            (390, 17255, "ACPI_DEVICE_OST: data.slot-type: unknown member"),
            (390, 17255, "ACPI_DEVICE_OST: data.source: unknown member"),
            (390, 17255, "ACPI_DEVICE_OST: data.status: unknown member"),
            (390, 17255, "ACPI_DEVICE_OST: data.info: missing"),
        ],
        misfits_of_5_2: 11,
    },
    Document { seed: "003", release: "2.6", messages: 30, slips: &[], misfits_of_5_2: 7 },
    Document {
        seed: "004",
        release: "2.9",
        messages: 30,
        slips: &[(23, 209, "trace-event-set-state: arguments.enable: a string in place of bool")],
        misfits_of_5_2: 2,
    },
];

#[test]
fn only_known_slips_are_reported() {
    let Some(path) = env::var_os(EXAMPLES) else {
        println!("left out: {EXAMPLES} is not set, so there are no examples to lint");
        return;
    };
    let text = fs::read_to_string(path).expect("the examples");
    let mut all = 0;
    for Document { seed, release, messages, slips, misfits_of_5_2 } in &DOCUMENTS {
        let (stream, places) = transcript(&text, seed);
        assert_eq!(places.len(), *messages, "{seed}");
        all += messages;
        let reported = reported(&stream, release);
        let reported: Vec<_> = reported.iter().map(|(number, said)| (*number, places[number - 1], &**said)).collect();
        assert_eq!(reported, *slips, "{seed}");
        let mut misfits: Vec<_> = self::reported(&stream, "5.2").into_iter().map(|(number, _)| number).collect();
        misfits.dedup();
        assert_eq!(misfits.len(), *misfits_of_5_2, "{seed}");
    }
    assert_eq!(text.lines().count(), all);
}

/// What is reported: the message, counted from 1, and what of it.
fn reported(stream: &str, release: &str) -> Vec<(usize, String)> {
    let outcome = run_with(&["lint", "--qemu", release], stream.as_bytes());
    let split = |line: &&str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let number = parts.next().and_then(|number| number.parse().ok());
        (number.expect("a line"), parts.next().expect("a report").trim().to_owned())
    };
    outcome.lines().iter().map(split).collect()
}

/// The messages of one document, one a line, and where they stand in it. The documents show a reply right behind its command, so
/// both get an id by which they are known to belong together.
fn transcript(text: &str, seed: &str) -> (String, Vec<u64>) {
    let (mut stream, mut places) = (String::new(), Vec::new());
    let mut sent = None;
    for line in text.lines() {
        let mut bytes = line.as_bytes().to_vec();
        let example = Payload::parse(&mut bytes).expect("JSON").into_value();
        if !example.get("seed").and_then(Value::as_str).expect("a document").starts_with(seed) {
            continue;
        }
        let message = example.get("json").expect("a message");
        places.push(example.get("line").and_then(Value::as_u64).expect("a line"));
        let is = |name| message.get(name).is_some();
        let id = if is("execute") || is("exec-oob") {
            sent = Some(places.len());
            sent
        } else if is("return") || is("error") {
            sent.take()
        } else {
            None
        };
        let text = message.to_string();
        let _ = match id {
            Some(id) if !is("id") => writeln!(stream, "{{\"id\":{id},{}", &text[1..]),
            _ => writeln!(stream, "{text}"),
        };
    }
    (stream, places)
}

//! What four QEMUs were recorded to send, compact and pretty, read in all ways that bytes can arrive; serde_json is the judge of what
//! it says. `cargo run -p qmp-tests --example record` records anew.

extern crate alloc;

use alloc::collections::BTreeMap;

use qmp_core::message::Kind;
use qmp_tests::random::Random;
use qmp_tests::said::Passed;
use qmp_tests::transcript::{self, Heard, What, payload, read};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

/// Each message as serde_json reads it, and where it begins and ends. `inf`, which QEMU writes for one id and which is no JSON,
/// stands as 999 there.
fn messages(bytes: &[u8]) -> Vec<(Value, usize, usize)> {
    let text = core::str::from_utf8(bytes).expect("ASCII").replace(": inf", ": 999");
    assert!(text.is_ascii());
    let mut stream = Deserializer::from_str(&text).into_iter::<Value>();
    let mut messages = Vec::new();
    loop {
        let gap = text[stream.byte_offset()..].chars().take_while(char::is_ascii_whitespace).count();
        let start = stream.byte_offset() + gap;
        match stream.next() {
            Some(value) => messages.push((value.expect("JSON"), start, stream.byte_offset())),
            None => return messages,
        }
    }
}

#[test]
fn each_message_is_what_serde_json_reads() {
    for transcript in transcript::all() {
        let heard = read(&transcript.bytes, 64 << 10, &[], true);
        let expected = messages(&transcript.bytes);
        assert_eq!(heard.len(), expected.len(), "{}", transcript.name);
        let mut kinds = [0; 4];
        for (heard, (value, start, end)) in heard.iter().zip(&expected) {
            let Heard { what, origin } = heard;
            assert_eq!((origin.offset, origin.bytes), (*start as u64, (end - start) as u64), "{}", transcript.name);
            assert!(!origin.after_gap);
            assert_eq!(origin.not_finite, value["id"] == 999);
            kinds[kind(what)] += 1;
            check(what, value);
        }
        println!(
            "{}: {} bytes, greetings, returns, errors, events: {kinds:?}",
            transcript.name,
            transcript.bytes.len()
        );
        assert!(kinds[0] == 1 && kinds[1] > 40 && kinds[2] > 10 && kinds[3] == 4, "{kinds:?}");
    }
}

fn kind(what: &What) -> usize {
    match what {
        What::Greeting(_) => 0,
        What::Return { .. } => 1,
        What::Error { .. } => 2,
        What::Event(_) => 3,
        other => panic!("{other:?}"),
    }
}

fn check(what: &What, value: &Value) {
    let same_id = |id: &Option<String>| match id.as_deref() {
        Some("inf") => assert_eq!(value["id"], 999),
        Some(id) => assert_eq!(serde_json::from_str::<Value>(id).ok().as_ref(), value.get("id")),
        None => assert_eq!(value.get("id"), None),
    };
    match what {
        What::Greeting(greeting) => {
            let qemu = &value["QMP"]["version"]["qemu"];
            let version = greeting.version.expect("a version");
            assert_eq!(version.to_string(), format!("{}.{}.{}", qemu["major"], qemu["minor"], qemu["micro"]));
            assert_eq!(value["QMP"]["capabilities"], serde_json::json!(greeting.capabilities));
        }
        What::Return { id, raw, value: shown } => {
            same_id(id);
            assert_eq!(serde_json::from_str::<Value>(raw).expect("JSON"), value["return"]);
            assert_eq!(serde_json::from_str::<Value>(shown).expect("JSON"), value["return"]);
            payload(raw, |payload| {
                let read = payload.into_value();
                assert_eq!(transcript::gather(read), value["return"]);
                assert_eq!(read.decode::<Value>().as_ref(), Ok(&value["return"]));
            });
        }
        What::Error { id, failed } => {
            same_id(id);
            assert_eq!(value["error"], serde_json::json!({"class": failed.class, "desc": failed.desc}));
        }
        What::Event(event) => {
            assert_eq!(value["event"], *event.name);
            let data = event.data.as_ref().map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
            assert_eq!(data.as_ref(), value.get("data"));
            let time = event.timestamp.expect("a time");
            let time = serde_json::json!({"seconds": time.seconds, "microseconds": time.microseconds});
            assert_eq!(value["timestamp"], time);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn streams_are_the_same_however_they_are_cut() {
    for transcript in transcript::all() {
        let stream = &transcript.bytes;
        let whole = read(stream, stream.len() + 1, &[], false);
        let longest = whole.iter().map(|heard| heard.origin.bytes).max().expect("messages") as usize;
        let check = |size: usize, cuts: &[usize], what: &str| {
            for fast in [false, true] {
                let heard = read(stream, size, cuts, fast);
                assert!(heard == whole, "{}: {what}, buffer of {size}, fast {fast}", transcript.name);
            }
        };
        for step in (1..=20).chain([31, 32, 33, 61, 64, 127, 128, 1000, 1448, 4096]) {
            let cuts: Vec<usize> = (0..stream.len()).step_by(step).collect();
            check(longest, &cuts, &format!("every {step} bytes"));
        }
        let mut random = Random::seeded(11);
        for most in [2, 5, 20, 100, 500, 3000, 10_000] {
            for size in [longest, longest + 1, longest + 500, stream.len()] {
                check(size, &random.cuts(stream.len(), most), &format!("at random, up to {most} bytes"));
            }
        }
    }
}

#[test]
fn messages_are_the_same_cut_at_each_two_of_their_bytes() {
    for transcript in transcript::all() {
        let messages = messages(&transcript.bytes);
        let mut random = Random::seeded(12);
        // A message with its neighbours, so that each cut has something on both sides.
        for window in messages.windows(3) {
            let (start, end) = (window[0].1, (window[2].2 + 2).min(transcript.bytes.len()));
            let stream = &transcript.bytes[start..end];
            let whole = read(stream, stream.len() + 1, &[], false);
            assert_eq!(whole.len(), 3);
            // Long lists hold the same thing again and again: some cuts of these will do.
            let stride = 1 + stream.len() / 300;
            for first in (0..stream.len()).step_by(stride) {
                let second = first + random.below(stream.len() - first);
                for cuts in [&[first][..], &[first, second]] {
                    assert!(
                        read(stream, stream.len(), cuts, true) == whole,
                        "{}: {cuts:?} of {start}",
                        transcript.name
                    );
                }
            }
        }
    }
}

#[test]
fn small_buffers_pass_over_what_does_not_fit_and_lose_nothing_else() {
    for transcript in transcript::all() {
        let stream = &transcript.bytes;
        let whole = read(stream, stream.len() + 1, &[], true);
        let mut random = Random::seeded(13);
        for size in [16, 17, 23, 40, 64, 100, 150, 256, 500, 1024, 4096] {
            let expected: Vec<Heard> = whole.iter().map(|heard| through(heard, stream, size)).collect();
            assert!(expected.iter().any(|heard| matches!(heard.what, What::Oversize(_))), "all fits {size}");
            let bytes: Vec<usize> = (0..stream.len()).collect();
            for cuts in [&[][..], &bytes, &random.cuts(stream.len(), 30), &random.cuts(stream.len(), size)] {
                for fast in [false, true] {
                    let heard = read(stream, size, cuts, fast);
                    for (heard, expected) in heard.iter().zip(&expected) {
                        assert_eq!(heard, expected, "{}: buffer of {size}", transcript.name);
                    }
                    assert_eq!(heard.len(), expected.len());
                }
            }
        }
    }
}

/// What a buffer of `size` bytes makes of a message.
fn through(heard: &Heard, stream: &[u8], size: usize) -> Heard {
    if heard.origin.bytes <= size as u64 {
        return heard.clone();
    }
    let (of, id, name) = match &heard.what {
        What::Greeting(_) => (Kind::Greeting, None, None),
        What::Return { id, .. } => (Kind::Return, id.clone(), None),
        What::Error { id, .. } => (Kind::Error, id.clone(), None),
        What::Event(event) => (Kind::Event, None, Some(event.name.clone())),
        other => panic!("{other:?}"),
    };
    // Ids and names are kept up to three quarters of the buffer, as they are on the wire.
    let room = size - size / 4;
    let message = &stream[heard.origin.offset as usize..][..heard.origin.bytes as usize];
    let id = id.filter(|_| id_on_the_wire(message).is_some_and(|length| length <= room));
    let name = name.filter(|name| name.len() + 2 <= room);
    let what = What::Oversize(Passed { of, id, name, bytes: heard.origin.bytes });
    // Where it was, and what it held, is told as of a whole one.
    Heard { what, origin: heard.origin }
}

/// How long the message's id is as QEMU wrote it.
fn id_on_the_wire(message: &[u8]) -> Option<usize> {
    let text = core::str::from_utf8(message).expect("ASCII").replace(": inf", ": 999");
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(&text).expect("an object");
    members.get("id").map(|id| id.get().len())
}

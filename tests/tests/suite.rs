//! What is JSON and what is none, case by case, for whatever of ours reads it; beside serde_json.

extern crate alloc;

use alloc::collections::BTreeMap;

use qmp_core::frame::Reading;
use qmp_core::json::{Payload, scan};
use qmp_core::message::ServerMessage;
use qmp_core::reader::Reader;
use qmp_tests::suite::{self, Case, Class};

/// Whether we are to read it.
fn to_be_read(case: &Case) -> bool {
    match case.class {
        Class::Accept => true,
        Class::Reject => false,
        Class::Free { read } => read,
    }
}

#[test]
fn each_text_is_read_or_refused_as_is_due() {
    let cases = suite::cases();
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let read = scan::check(&case.text);
        *counts.entry((case.class, read.is_ok())).or_insert(0) += 1;
        if read.is_ok() != to_be_read(case) {
            wrong.push(format!("{}: {read:?}: {}", case.name, case.text.escape_ascii()));
        }
        // What can be read has a value, and is written as what can be read.
        let mut text = case.text.clone();
        if let Ok(payload) = Payload::parse(&mut text) {
            let again = payload.into_value().to_string();
            assert_eq!(scan::check(again.as_bytes()), Ok(()), "{}", case.name);
        }
    }
    println!("{} cases: {counts:?}", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn serde_json_agrees_where_nothing_is_left_to_the_parser() {
    for case in suite::cases() {
        let theirs = serde_json::from_slice::<serde_json::Value>(&case.text).is_ok();
        match case.class {
            Class::Accept => assert!(theirs, "{}", case.name),
            Class::Reject => assert!(!theirs, "{}", case.name),
            Class::Free { .. } => {}
        }
    }
}

/// In a message: a bad value costs the message, and the one behind it, which begins a line, is read.
#[test]
fn in_a_message_each_text_is_read_or_costs_that_message() {
    for case in suite::cases() {
        // Text that is more than one value could be all sorts of members.
        let value = case.name.starts_with("values") || !to_be_read(&case);
        let before = b"{\"id\": 1, \"return\": ";
        let stream = [before, &case.text[..], b"}\r\n{\"event\": \"LAST\"}\r\n"].concat();
        let mut memory = vec![0; stream.len() + 1];
        let mut reader = Reader::of_server(memory.as_mut_slice(), Reading::DEFAULT);
        assert_eq!(reader.feed(&stream), Ok(stream.len()));
        reader.rx_eof();
        let mut said = Vec::new();
        while let Some((message, _)) = reader.poll() {
            said.push(match message {
                ServerMessage::Return { .. } => "return",
                ServerMessage::Event(event) if event.name == "LAST" => "last",
                ServerMessage::Malformed(_) | ServerMessage::Oversize(_) => "bad",
                ServerMessage::Incomplete => "incomplete",
                _ => "other",
            });
        }
        let (name, text) = (&case.name, case.text.escape_ascii());
        // The message's own level counts, too.
        let depth = case.text.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
        if depth == usize::from(scan::MAX_DEPTH) {
            assert_eq!(said, ["bad", "last"], "{name}");
        } else if to_be_read(&case) {
            assert_eq!(said, ["return", "last"], "{name}: {text}");
        } else if value && said.contains(&"return") {
            // Two values with a brace between them, or a number that QEMU sends though it is none.
            let excused = case.text.contains(&b'}') || case.text.windows(3).any(|it| it == b"nan" || it == b"inf");
            assert!(excused, "{name}: {said:?}: {text}");
        } else if !case.text.contains(&b'\n') && !case.text.contains(&b'{') {
            assert_eq!(said.last(), Some(&"last"), "{name}: {said:?}: {text}");
        }
    }
}

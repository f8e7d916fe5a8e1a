mod hostile;
#[cfg(feature = "fast")]
mod pace;

use super::*;
use crate::json::Value;
use crate::json::scan::Input;
use crate::message::{Kind, SERVER_MEMBERS, ServerMessage, Whole, server_message};
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

#[test]
fn reading_is_what_it_says_without_being_asked() {
    assert_eq!(format!("{:?}", Reading::default()), format!("{:?}", Reading::DEFAULT));
}

/// A message, owned, with all that is said of it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    what: Said,
    offset: u64,
    bytes: u64,
    after_gap: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Greeting(String),
    Return { id: Option<String>, raw: String, value: String },
    Error { id: Option<String>, class: String, desc: String },
    Event { name: String, data: Option<String>, timestamp: Option<(i64, i64)> },
    Unknown(String),
    Oversize { of: Kind, id: Option<String>, name: Option<String>, cause: Oversized },
    Malformed { at: u64, reason: Reason },
    Incomplete,
    Sentinel,
}

fn owned(message: ServerMessage<'_>) -> Said {
    let id = |id: Option<Value<'_>>| id.map(|id| id.to_string());
    match message {
        ServerMessage::Greeting(greeting) => Said::Greeting(greeting.value().to_string()),
        ServerMessage::Return { id: number, payload } => Said::Return {
            id: id(number),
            raw: payload.raw_str().unwrap().into(),
            value: payload.into_value().to_string(),
        },
        ServerMessage::Error { id: number, failure } => {
            Said::Error { id: id(number), class: failure.class().into(), desc: failure.desc().into() }
        }
        ServerMessage::Event(event) => Said::Event {
            name: event.name.into(),
            data: event.data.map(|data| data.into_value().to_string()),
            timestamp: event.timestamp.map(|time| (time.seconds, time.microseconds)),
        },
        ServerMessage::Unknown(payload) => Said::Unknown(payload.into_value().to_string()),
        ServerMessage::Oversize(oversize) => Said::Oversize {
            of: oversize.of,
            id: id(oversize.id),
            name: oversize.name.map(Into::into),
            cause: oversize.cause,
        },
        ServerMessage::Malformed(malformed) => Said::Malformed { at: malformed.at, reason: malformed.reason },
        ServerMessage::Incomplete => Said::Incomplete,
        ServerMessage::Sentinel => Said::Sentinel,
    }
}

/// Reads `stream` through a buffer of `size` bytes, given in pieces that end at each of `cuts` at the latest.
fn read(stream: &[u8], size: usize, cuts: &[usize], peer: Peer, reading: Reading) -> Vec<Seen> {
    if peer == Peer::Client {
        read_by(stream, size, cuts, peer, reading, of_client)
    } else {
        read_by::<Output>(stream, size, cuts, peer, reading, |frames, what| owned(server_message(frames, what, Whole)))
    }
}

/// Of a client's messages only what is no message is looked at here.
fn of_client(frames: &mut Frames<'_, Input>, what: What) -> Said {
    match what {
        What::Malformed(reason) | What::Mistaken(reason) => Said::Malformed { at: frames.fault(what), reason },
        _ => Said::Incomplete,
    }
}

fn read_by<G: Grammar>(
    stream: &[u8],
    size: usize,
    cuts: &[usize],
    peer: Peer,
    reading: Reading,
    said: impl Fn(&mut Frames<'_, G>, What) -> Said,
) -> Vec<Seen> {
    // What an earlier use left in the buffer must not matter.
    let mut memory = vec![b'7'; size];
    let mut frames = Frames::<G>::new(Buffer::from(memory.as_mut_slice()), peer, reading, SERVER_MEMBERS);
    let mut seen = Vec::new();
    let mut poll = |frames: &mut Frames<'_, G>| {
        while let Some(what) = frames.advance() {
            let outline = frames.outline(what);
            let what = said(frames, what);
            seen.push(Seen { what, offset: outline.offset, bytes: outline.bytes, after_gap: outline.after_gap });
        }
    };
    let mut from = 0;
    for &cut in cuts.iter().chain([&stream.len()]) {
        while from < cut {
            let taken = frames.feed(&stream[from..cut]).unwrap();
            assert!(taken > 0, "a polled buffer has room");
            from += taken;
            poll(&mut frames);
            // To ask once more, when nothing has come, changes nothing.
            poll(&mut frames);
        }
    }
    frames.rx_eof();
    poll(&mut frames);
    assert!(frames.is_finished());
    seen
}

fn server(stream: &[u8], size: usize, cuts: &[usize], fast: bool) -> Vec<Seen> {
    read(stream, size, cuts, Peer::Server, Reading { fast, ..Reading::DEFAULT })
}

const SESSION: &str = concat!(
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n",
    "{\"return\": {}, \"id\": 1}\r\n",
    "{\"timestamp\": {\"seconds\": 1267020223, \"microseconds\": 435656}, \"event\": \"STOP\"}\r\n",
    "{\"id\": \"a\\u0000b\", \"error\": {\"class\": \"GenericError\", \"desc\": \"no \\\"x\\\"\"}}{\"return\":[1,2,{\"a\":\"\\ud83d\\ude00\"}],\"id\":2}",
    "\r\n{\r\n    \"return\": {\r\n        \"status\": \"prelaunch\",\r\n        \"n\": [\r\n            1\r\n        ]\r\n    },\r\n    \"id\": 3\r\n}\r\n",
    "{\"data\": {\"device\": \"żółć\"}, \"event\": \"DEVICE_\\u0044ELETED\", \"timestamp\": {\"seconds\": -1, \"microseconds\": -1}}\n",
    "{\"what\": [true, null]}\n",
);

/// What a buffer of `size` bytes makes of what a large one delivers.
fn through(seen: &[Seen], size: usize) -> Vec<Seen> {
    let room = size - size / 4;
    let fits = |text: &String| text.len() <= room;
    seen.iter()
        .map(|seen| {
            if seen.bytes <= size as u64 {
                return seen.clone();
            }
            let cause = Oversized::TooLong(size as u32);
            let what = match &seen.what {
                Said::Greeting(_) => Said::Oversize { of: Kind::Greeting, id: None, name: None, cause },
                Said::Return { id, .. } => {
                    Said::Oversize { of: Kind::Return, id: id.clone().filter(fits), name: None, cause }
                }
                Said::Error { id, .. } => {
                    Said::Oversize { of: Kind::Error, id: id.clone().filter(fits), name: None, cause }
                }
                Said::Event { name, .. } => {
                    let raw = if name == "DEVICE_DELETED" { name.len() + 5 } else { name.len() };
                    Said::Oversize { of: Kind::Event, id: None, name: (raw + 2 <= room).then(|| name.clone()), cause }
                }
                Said::Unknown(_) => Said::Oversize { of: Kind::Unknown, id: None, name: None, cause },
                other => other.clone(),
            };
            Seen { what, ..seen.clone() }
        })
        .collect()
}

#[test]
fn a_session_is_the_same_however_it_is_cut() {
    let stream = SESSION.as_bytes();
    let whole = server(stream, stream.len() + 1, &[], true);
    assert_eq!(whole.len(), 8);
    assert_eq!(
        whole[3].what,
        Said::Error { id: Some("\"a\\u0000b\"".into()), class: "GenericError".into(), desc: "no \"x\"".into() }
    );
    assert_eq!(
        whole[6].what,
        Said::Event {
            name: "DEVICE_DELETED".into(),
            data: Some("{\"device\":\"żółć\"}".into()),
            timestamp: Some((-1, -1))
        }
    );
    let each_byte: Vec<usize> = (0..stream.len()).collect();
    for fast in [false, true] {
        for cut in 0..stream.len() {
            assert_eq!(server(stream, stream.len(), &[cut], fast), whole, "cut at {cut}, fast {fast}");
        }
        for step in [3, 7, 16, 61] {
            let cuts: Vec<usize> = (0..stream.len()).step_by(step).collect();
            assert_eq!(server(stream, 300, &cuts, fast), whole, "every {step} bytes, fast {fast}");
        }
        for size in 16..stream.len() + 2 {
            let expected = through(&whole, size);
            assert_eq!(server(stream, size, &[], fast), expected, "buffer of {size}, fast {fast}");
            assert_eq!(server(stream, size, &each_byte, fast), expected, "buffer of {size} by bytes, fast {fast}");
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn a_growing_buffer_grows_up_to_its_limit() {
    let stream = b"{\"return\": [12345], \"id\":1}{\"return\":2}";
    for limit in 20..40 {
        let mut frames =
            Frames::<Output>::new(Buffer::growing(3, limit), Peer::Server, Reading::DEFAULT, SERVER_MEMBERS);
        let mut said = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let taken = frames.feed(rest).unwrap();
            assert!(taken > 0);
            rest = &rest[taken..];
            while let Some(what) = frames.advance() {
                said.push(owned(server_message(&mut frames, what, Whole)));
            }
        }
        assert_eq!(said.len(), 2);
        assert_eq!(matches!(said[0], Said::Return { .. }), limit >= 27, "limit {limit}");
        assert!(frames.buffer.capacity() as usize <= limit.max(3));
    }
}

#[test]
fn messages_that_nest_too_deep_are_passed_over_and_their_ids_found() {
    let deep = format!("{{\"return\": {}1{}, \"id\": 77}}{{\"return\": 1}}", "[".repeat(1024), "]".repeat(1024));
    for size in [64, 4096] {
        let seen = server(deep.as_bytes(), size, &[], true);
        let cause = if size == 64 { Oversized::TooLong(64) } else { Oversized::TooDeep(1024) };
        assert_eq!(seen[0].what, Said::Oversize { of: Kind::Return, id: Some("77".into()), name: None, cause });
        assert_eq!(seen[0].bytes, 2049 + 12 + 10);
        assert!(matches!(seen[1].what, Said::Return { .. }));
    }
}

#[test]
fn reading_resumes_at_the_next_line_that_begins_with_a_brace() {
    let seen = server(b"{\"return\": {}, \"id\": 5\r\n{\"event\": \"A\"}\r\n{\"event\": \"B\"}\n", 64, &[], true);
    assert_eq!(seen[0].what, Said::Malformed { at: 24, reason: Reason::UnexpectedByte });
    assert_eq!((seen[0].offset, seen[0].bytes, seen[0].after_gap), (0, 24, false));
    assert!(matches!(&seen[1].what, Said::Event { name, .. } if name == "A"));
    assert_eq!([seen[1].after_gap, seen[2].after_gap], [true, false]);

    let seen = server(b"{\"a\": \"x\r\n{\"event\": \"A\"}", 64, &[], true);
    assert_eq!(seen[0].what, Said::Malformed { at: 8, reason: Reason::ControlCharacter });
    assert!(matches!(&seen[1].what, Said::Event { name, .. } if name == "A"));

    // The number tokens that are no JSON do not make their message malformed.
    let seen = server(b"{\"return\": {}, \"id\": inf}\r\n", 64, &[], true);
    assert_eq!(seen[0].what, Said::Return { id: Some("inf".into()), raw: "{}".into(), value: "{}".into() });
}

#[test]
fn behind_a_message_that_did_not_fit_reading_resumes_at_the_next_line() {
    // The line feed is the last byte that is passed over before the one that does not belong there.
    let stream = b"{\"return\": [1, 2, 3, 4, 5, 6, 7, 8, 9\n{\"event\": \"A\"}\n";
    let each_byte: Vec<usize> = (0..stream.len()).collect();
    for cuts in [&[][..], &each_byte] {
        let seen = server(stream, 16, cuts, true);
        assert_eq!(seen[0].what, Said::Malformed { at: 38, reason: Reason::UnexpectedByte });
        assert!(matches!(&seen[1].what, Said::Event { name, .. } if name == "A"), "{seen:?}");
        assert!(seen[1].after_gap);
    }
}

#[test]
fn reading_resumes_behind_a_message_that_did_not_fit_however_often_it_is_looked_for() {
    let stream = b"{\"id\": 5, \"return\": [1, 2, 3, 4, 5, 6, 7, 8, 9\n{\"event\": \"E\"}\n";
    let whole = server(stream, 200, &[], false);
    for cut in 0..=stream.len() {
        for fast in [false, true] {
            assert_eq!(server(stream, 32, &[cut], fast)[1..], whole[1..], "cut at {cut}");
        }
    }
}

#[test]
fn a_reset_byte_ends_whatever_was_begun() {
    let stream = b"{\"return\": \xFF{\"event\": \"A\"}\xFF\xFF{\"event\": \"B\"}";
    let seen = server(stream, 64, &[], true);
    let whats: Vec<_> = seen.iter().map(|seen| &seen.what).collect();
    let reason = Reason::Interrupted;
    assert_eq!(whats[0], &Said::Malformed { at: 11, reason });
    assert!(matches!(whats[1], Said::Event { .. }));
    assert_eq!(whats[2..4], [&Said::Malformed { at: 26, reason }, &Said::Malformed { at: 27, reason }]);
    assert!(matches!(whats[4], Said::Event { .. }));
    // From an agent it is the sentinel.
    let seen = read(stream, 64, &[], Peer::Agent, Reading::DEFAULT);
    let whats: Vec<_> = seen.iter().map(|seen| &seen.what).collect();
    assert_eq!(whats[..2], [&Said::Malformed { at: 11, reason }, &Said::Sentinel]);
    assert!(matches!(whats[2], Said::Event { .. }));
    assert_eq!(whats[3..5], [&Said::Sentinel, &Said::Sentinel]);
}

#[test]
fn a_stream_that_ends_inside_a_message_says_so() {
    for size in [16, 64] {
        let seen = server(b"  {\"return\": [1, 2, 3, 4, 5", size, &[], true);
        assert_eq!(seen, [Seen { what: Said::Incomplete, offset: 2, bytes: 25, after_gap: false }]);
    }
}

#[test]
fn misuse_changes_nothing() {
    let mut memory = [0; 8];
    let mut frames = Frames::<Output>::new(Buffer::from(&mut memory), Peer::Server, Reading::DEFAULT, SERVER_MEMBERS);
    assert_eq!(frames.rx_commit(9), Err(Error::Misuse(Misuse::CommitTooLong)));
    assert_eq!(frames.feed(b"{\"event\": 1}"), Ok(8));
    assert_eq!(frames.feed(b"x"), Ok(0));
    frames.rx_eof();
    assert_eq!(frames.rx_commit(0), Err(Error::Misuse(Misuse::AfterEof)));
    // Without room for anything nothing is read, and nothing hangs.
    let mut frames = Frames::<Output>::new(Buffer::from(&mut [][..]), Peer::Server, Reading::DEFAULT, SERVER_MEMBERS);
    assert_eq!(frames.feed(b"{}"), Ok(0));
    assert_eq!(frames.advance(), None);
}

/// One of six kinds of damage at each byte of a message costs that message and at most the one behind it.
fn damage(separator: &str, pretty: bool, framing: Framing) -> (usize, usize, usize) {
    let damaged = "{\"return\": {\"status\": \"run\\\"ning\", \"n\": [1, true]}, \"id\": 5}";
    let followers =
        ["{\"return\": {}, \"id\": 6}", "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}"];
    let layout = |text: &str| {
        if pretty {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let indented = serde_json::to_string_pretty(&value).unwrap().replace("  ", "    ");
            indented.replace('\n', "\r\n") + separator
        } else {
            text.to_string() + separator
        }
    };
    let [second, third] = followers.map(layout);
    let first = layout(damaged);
    let expected = |text: &str| server(text.as_bytes(), 512, &[], true).remove(0).what;
    let [want_first, want_second, want_third] = [&first, &second, &third].map(|text| expected(text));
    let (mut cases, mut lost_second, mut lost_third) = (0, 0, 0);
    for at in 0..first.len() - separator.len() {
        for kind in 0..6 {
            let mut bytes = first.clone().into_bytes();
            match kind {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = b'x',
                2 => bytes[at] = 0x80,
                3 => bytes.insert(at, b'{'),
                4 => bytes.insert(at, b'\n'),
                _ => {
                    bytes.truncate(at);
                    bytes.extend_from_slice(separator.as_bytes());
                }
            }
            let stream = [&bytes[..], second.as_bytes(), third.as_bytes()].concat();
            let reading = Reading { framing, ..Reading::DEFAULT };
            let seen = read(&stream, 512, &[], Peer::Server, reading);
            assert_eq!(seen, read(&stream, 512, &(0..stream.len()).collect::<Vec<_>>(), Peer::Server, reading));
            // Nothing is made of a part of the damaged message, only all of it or none. (A brace that comes to stand where a line
            // begins is what a message looks like: the mark is for that.)
            let line_start = kind == 3 && at > 0 && first.as_bytes()[at - 1] == b'\n';
            let forged = line_start || (kind == 4 && framing == Framing::Lines);
            for seen in
                seen.iter().filter(|seen| !forged && seen.after_gap && !matches!(seen.what, Said::Malformed { .. }))
            {
                assert!([&want_first, &want_second, &want_third].contains(&&seen.what), "{first:?} {seen:?}");
            }
            cases += 1;
            lost_second += usize::from(!seen.iter().any(|seen| seen.what == want_second));
            lost_third += usize::from(!seen.iter().any(|seen| seen.what == want_third));
        }
    }
    (cases, lost_second, lost_third)
}

#[test]
fn damage_costs_at_most_the_message_beside_it() {
    for (separator, pretty) in [("\r\n", false), ("\n", false), ("\r\n", true)] {
        let (cases, second, third) = damage(separator, pretty, Framing::Structure);
        assert_eq!(third, 0, "{cases} cases");
        assert!(second * 20 < cases, "{second} of {cases}");
    }
    // Where each message has its line, nothing beside the damaged one is lost.
    for separator in ["\r\n", "\n"] {
        let (_, second, third) = damage(separator, false, Framing::Lines);
        assert_eq!((second, third), (0, 0));
    }
}

/// The timestamp of an event is a level of its own, also where it is taken in one go with the rest of its head.
#[test]
fn an_event_with_a_timestamp_is_two_levels_deep() {
    let event = "{\"timestamp\": {\"seconds\": 1267020223, \"microseconds\": 435656}, \"event\": \"STOP\"}\r\n";
    for (max_depth, is_good) in [(1, false), (2, true)] {
        for fast in [false, true] {
            let reading = Reading { max_depth, fast, ..Reading::DEFAULT };
            let seen = read(event.as_bytes(), 256, &[], Peer::Server, reading);
            assert_eq!(matches!(seen[..], [Seen { what: Said::Event { .. }, .. }]), is_good, "{max_depth}, {fast}");
        }
    }
}

/// What begins as an event does is one only if it goes on so.
#[test]
fn what_begins_as_an_event_is_read_to_its_end() {
    for (member, name) in [
        ("\"event\": \"STOP\"", Some("STOP")),
        ("\"event\":\"STOP\"", Some("STOP")),
        ("\"event\":\"\"", Some("")),
        ("\"event\": \"\"", Some("")),
        ("\"event\" : \"STOP\"", Some("STOP")),
        ("\"other\": \"STOP\"", None),
        ("\"event2\": \"STOP\"", None),
    ] {
        let text = format!("{{\"timestamp\": {{\"seconds\": 1267020223, \"microseconds\": 435656}}, {member}}}\r\n");
        for fast in [false, true] {
            let seen = server(text.as_bytes(), 256, &[], fast);
            let found = match &seen[..] {
                [Seen { what: Said::Event { name, .. }, .. }] => Some(name.as_str()),
                [Seen { what: Said::Unknown(_), .. }] => None,
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(found, name, "{text}, fast {fast}");
        }
    }
}

/// Behind damage, a line is the next message whatever it begins with: elsewhere it has to begin with a bracket.
#[test]
fn by_lines_the_next_message_may_stand_behind_blanks() {
    let event = Said::Event { name: "E".into(), data: None, timestamp: None };
    for peer in [Peer::Server, Peer::Agent] {
        for (framing, found) in [(Framing::Lines, true), (Framing::Structure, false)] {
            let seen = read(b"{x\n {\"event\":\"E\"}\n", 64, &[], peer, Reading { framing, ..Reading::DEFAULT });
            assert!(matches!(seen[0].what, Said::Malformed { at: 1, .. }), "{seen:?}");
            assert_eq!(seen.iter().any(|seen| seen.what == event), found, "{framing:?}: {seen:?}");
        }
    }
}

/// The byte itself is told apart: who shows what was good shows what stands in front of it.
#[test]
fn what_is_malformed_is_as_long_as_it_was_good() {
    for peer in [Peer::Server, Peer::Agent, Peer::Client] {
        let seen = read(b"{\"a\":@}\n", 64, &[], peer, Reading::DEFAULT);
        assert!(matches!(seen[0].what, Said::Malformed { at: 5, .. }), "{peer:?}: {seen:?}");
        assert_eq!((seen[0].offset, seen[0].bytes), (0, 5), "{peer:?}");
    }
}

/// QEMU answers each error once, and to its lexer a TAB is no end of one: who counts the answers needs as many.
#[test]
fn a_client_that_errs_errs_up_to_the_next_token() {
    for (stream, errors) in [(&b"@\t@\n"[..], 1), (b"@ @\n", 1), (b"@\n@\n", 2)] {
        let seen = read(stream, 64, &[], Peer::Client, Reading::DEFAULT);
        let malformed = seen.iter().filter(|seen| matches!(seen.what, Said::Malformed { .. })).count();
        assert_eq!(malformed, errors, "{}: {seen:?}", stream.escape_ascii());
    }
}

proptest! {
    /// Kind, id or name, and the buffer that it would have taken are told of every message that does not fit.
    #[test]
    fn what_is_passed_over_is_looked_into(
        data in "[a-z0-9]{0,200}", name in "[A-Z_]{1,12}", id: u32, which in 0_u8..4, turn in 0_usize..4,
        size in 20_usize..120, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let (kind, mut members) = match which {
            0 => (Kind::Return, vec![format!("\"return\": [\"{data}\"]"), format!("\"id\": {id}")]),
            1 => (Kind::Error, vec![format!("\"error\": {{\"desc\": \"{data}\"}}"), format!("\"id\": {id}")]),
            2 => (Kind::Greeting, vec![format!("\"QMP\": {{\"x\": \"{data}\"}}"), "\"y\": {}".into()]),
            _ => (Kind::Event, vec![format!("\"data\": {{\"x\": \"{data}\"}}"), format!("\"event\": \"{name}\"")]),
        };
        members.push("\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}".into());
        let turn = turn % members.len();
        members.rotate_left(turn);
        let message = format!("{{{}}}", members.join(", "));
        let stream = format!("{message}\r\n{{\"return\": 1}}\r\n").into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let seen = server(&stream, size, &cuts, true);
        prop_assert_eq!(seen.len(), 2);
        prop_assert_eq!(seen[0].bytes, message.len() as u64);
        if message.len() > size {
            let id = matches!(kind, Kind::Return | Kind::Error).then(|| id.to_string());
            let name = (kind == Kind::Event).then(|| name.clone());
            let cause = Oversized::TooLong(size as u32);
            prop_assert_eq!(&seen[0].what, &Said::Oversize { of: kind, id, name, cause });
        }
        // As long as it said, the buffer takes it.
        let large = server(&stream, seen[0].bytes as usize, &cuts, true);
        prop_assert!(!matches!(large[0].what, Said::Oversize { .. }), "{:?}", large[0]);
    }
}

/// Pieces of streams: messages, damaged messages, noise.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let messages: Vec<Vec<u8>> = SESSION.lines().map(|line| line.as_bytes().to_vec()).collect();
    let number = any::<u32>()
        .prop_map(|id| format!("{{\"return\": {{\"long\": \"{id:060}\"}}, \"id\": {id}}}\r\n").into_bytes());
    let cut_off =
        (prop::sample::select(messages.clone()), any::<prop::sample::Index>()).prop_map(|(mut message, at)| {
            message.truncate(at.index(message.len()));
            message.push(b'\n');
            message
        });
    prop_oneof![
        2 => cut_off,
        4 => prop::sample::select(messages),
        4 => number,
        1 => prop::collection::vec(any::<u8>(), 0..12),
        1 => prop::sample::select(vec![&b"\n"[..], b"\r\n", b"{", b"}", b"\xFF", b"[", b"\"", b"{\n{", b" "]).prop_map(<[u8]>::to_vec),
    ]
}

proptest! {
    #[test]
    fn any_stream_is_the_same_however_it_is_cut(
        pieces in prop::collection::vec(piece(), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        size in 16_usize..200, lines: bool, agent: bool,
    ) {
        let stream = pieces.concat();
        let framing = if lines { Framing::Lines } else { Framing::Structure };
        let peer = if agent { Peer::Agent } else { Peer::Server };
        let reading = |fast| Reading { framing, fast, ..Reading::DEFAULT };
        let whole = read(&stream, size, &[], peer, reading(false));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&read(&stream, size, &cuts, peer, reading(true)), &whole);
        let each_byte: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&read(&stream, size, &each_byte, peer, reading(true)), &whole);
        // A buffer that is large enough sees the same messages; what a small one passes over has the same place and length.
        let large = read(&stream, stream.len() + 1, &cuts, peer, reading(true));
        // Behind the last message there is room for what is looked at at once.
        prop_assert_eq!(&read(&stream, stream.len() + 100, &cuts, peer, reading(true)), &large);
        prop_assert_eq!(large.len(), whole.len());
        for (large, small) in large.iter().zip(&whole) {
            prop_assert_eq!((large.offset, large.bytes, large.after_gap), (small.offset, small.bytes, small.after_gap));
            if !matches!(small.what, Said::Oversize { .. }) {
                prop_assert_eq!(&large.what, &small.what);
            }
        }
        // Together they cover the stream in order.
        let mut end = 0;
        for seen in &large {
            prop_assert!(seen.offset >= end);
            end = seen.offset + seen.bytes;
        }
        prop_assert!(end <= stream.len() as u64);
    }
}

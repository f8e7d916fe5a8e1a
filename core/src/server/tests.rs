//! The server against scripts of a client, and input by input against what QEMU was seen to answer.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::error::Misuse;
use crate::frame::Oversized;
use crate::message::{Timestamp, Version};

/// Memory of a test's server.
struct Memory {
    rx: Vec<u8>,
    tx: Vec<u8>,
    pending: Vec<Pending>,
    ids: Vec<u8>,
}

impl Memory {
    fn new(rx: usize, tx: usize, pending: usize, ids: usize) -> Self {
        Self { rx: vec![0; rx], tx: vec![0; tx], pending: vec![Pending::FREE; pending], ids: vec![0; ids] }
    }

    fn large() -> Self {
        Self::new(1 << 13, 1 << 16, 12, 12 * 4096)
    }

    fn server(&mut self, config: Config) -> Server<'_> {
        Server::new(Storage::new(&mut self.rx[..], &mut self.tx[..], &mut self.pending, &mut self.ids), config)
    }
}

fn with_oob() -> Config {
    Config { oob: true, ..Config::DEFAULT }
}

/// Takes what is to be sent.
fn take(server: &mut Server<'_>) -> String {
    let text = String::from_utf8(server.tx_pending().to_vec()).unwrap();
    server.tx_sent(text.len()).unwrap();
    text
}

/// The messages in `text`, each on a line. Nesting deeper than serde_json reads becomes shallow.
fn messages(text: &str) -> Vec<Json> {
    let shallow = text.replace(&"[".repeat(100), "").replace(&"]".repeat(100), "");
    shallow.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sent(server: &mut Server<'_>) -> Vec<Json> {
    messages(&take(server))
}

/// Answers as a small machine would: `query-name` takes no arguments and returns nothing, `migrate-pause` fails, also out of band.
fn answer(message: Message<'_>, replies: &mut Replies<'_>) {
    let Message::Command { ticket, name, oob, arguments } = message else { return };
    let outcome = match name {
        "query-name" if oob => replies.no_oob(ticket, name),
        "query-name" => match arguments.map(Payload::into_value).and_then(|arguments| arguments.entries().next()) {
            Some((key, _)) => replies.fail(ticket, "GenericError", &format!("Parameter '{key}' is unexpected")),
            None => replies.reply(ticket, &()),
        },
        "migrate-pause" => replies.fail(ticket, "GenericError", "not now"),
        _ => replies.not_found(ticket, name),
    };
    outcome.unwrap();
}

/// Feeds `bytes` by `chunk`, answers what can be answered, and gives all that was sent.
fn converse(server: &mut Server<'_>, bytes: &[u8], chunk: usize) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    loop {
        let piece = &rest[..chunk.min(rest.len())];
        let taken = server.feed(piece).unwrap();
        rest = &rest[taken..];
        while let Some(Incoming { message, replies, .. }) = server.poll().unwrap() {
            answer(message, replies);
        }
        let out = take(server);
        if rest.is_empty() && out.is_empty() {
            return text;
        }
        text.push_str(&out);
    }
}

fn negotiated<'b>(memory: &'b mut Memory, config: Config) -> Server<'b> {
    let mut server = memory.server(config);
    let text: &[u8] = if config.oob {
        b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}"
    } else {
        b"{\"execute\":\"qmp_capabilities\"}"
    };
    assert_eq!(messages(&converse(&mut server, text, 1 << 20)).len(), 2);
    server
}

// ---- input by input beside QEMU

/// What QEMU 5.2, 7.2 and 10.0 were seen to answer. `send` has a character for each byte. A description is left out where they
/// differ; `ours` is what is answered here where that is meant to differ, and `why` says why.
const INPUTS: &str = include_str!("../../../tests/fixtures/server-inputs.jsonl");

fn same_number(one: &Json, other: &Json) -> bool {
    one.is_number() && one.as_f64() == other.as_f64()
}

fn is_as_wanted(sent: &Json, wanted: &Json, any_id: bool) -> bool {
    sent.get("return").is_some() == wanted.get("return").is_some()
        && sent["error"]["class"] == wanted["class"]
        && (wanted.get("desc").is_none() || sent["error"]["desc"] == wanted["desc"])
        && (any_id || same_number(&sent["id"], &wanted["id"]) || sent.get("id") == wanted.get("id"))
}

#[test]
fn answers_as_qemu_does() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in INPUTS.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let bytes: Vec<u8> = case["send"].as_str().unwrap().chars().map(|char| char as u8).collect();
        let wanted = case.get("ours").unwrap_or(&case["answers"]).as_array().unwrap();
        let mut outputs = Vec::new();
        for chunk in [1 << 20, 1, 7] {
            let mut memory = Memory::large();
            let mut server = match case["mode"].as_str() {
                Some("fresh") => {
                    let mut server = memory.server(with_oob());
                    take(&mut server);
                    server
                }
                Some("oob") => negotiated(&mut memory, with_oob()),
                _ => {
                    let mut server = memory.server(with_oob());
                    converse(&mut server, b"{\"execute\":\"qmp_capabilities\"}", 99);
                    server
                }
            };
            outputs.push(converse(&mut server, &bytes, chunk));
        }
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {outputs:?}");
        assert!(outputs[0].is_ascii(), "{name}");
        let sent = messages(&outputs[0]);
        let same = sent.iter().zip(wanted).all(|(sent, wanted)| is_as_wanted(sent, wanted, case["any_id"] == true));
        if !same || sent.len() != wanted.len() {
            wrong.push(format!("{name}:\n  sent   {}\n  wanted {}", Json::from(sent), case["answers"]));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 200, "{count}");
}

#[test]
fn the_agent_answers_as_qemu_ga_does() {
    let config = Config { dialect: Dialect::Agent, ..Config::DEFAULT };
    let mut memory = Memory::large();
    let mut server = memory.server(config);
    assert_eq!(server.tx_pending(), b"");
    let type_error =
        r#"{"error":{"class":"GenericError","desc":"Invalid parameter type for 'id', expected: integer"},"id":1}"#;
    let missing = r#"{"error":{"class":"GenericError","desc":"Parameter 'id' is missing"},"id":1}"#;
    let unexpected = r#"{"error":{"class":"GenericError","desc":"Parameter 'x' is unexpected"},"id":1}"#;
    let stray = r#"{"error":{"class":"GenericError","desc":"JSON parse error, stray '\uFFFD'"}}"#;
    let cases: &[(&[u8], String)] = &[
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1}}", r#"{"return":1}"#.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1},\"id\":\"x\"}", r#"{"return":1,"id":"x"}"#.into()),
        (
            b"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":-5},\"id\":null}",
            "\u{ff}{\"return\":-5,\"id\":null}".into(),
        ),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":18446744073709551615},\"id\":1}", type_error.into()),
        (
            b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":9223372036854775807},\"id\":1}",
            r#"{"return":9223372036854775807,"id":1}"#.into(),
        ),
        (
            b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":-9223372036854775808}}",
            r#"{"return":-9223372036854775808}"#.into(),
        ),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1.0},\"id\":1}", type_error.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1e2},\"id\":1}", type_error.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":null},\"id\":1}", type_error.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":\"s\",\"x\":2},\"id\":1}", type_error.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{},\"id\":1}", missing.into()),
        (b"{\"execute\":\"guest-sync\",\"id\":1}", missing.into()),
        (b"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"x\":2},\"id\":1}", missing.into()),
        (b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1,\"x\":2},\"id\":1}", unexpected.into()),
        (
            b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":7}}\n",
            format!("{stray}\n\u{ff}{{\"return\":7}}"),
        ),
        (
            b"\xFF\xFF{\"execute\":\"guest-sync\",\"arguments\":{\"id\":-0}}",
            format!("{stray}\n{stray}\n{{\"return\":0}}"),
        ),
        (
            b"{\"execute\":\"guest-pi\xFF{\"execute\":\"guest-sync\",\"arguments\":{\"id\":7}}",
            format!("{}\n{{\"return\":7}}", stray.replace("\\uFFFD", "\\\"guest-pi\\uFFFD")),
        ),
        (
            b"{\"exec-oob\":\"guest-ping\",\"id\":1}",
            r#"{"error":{"class":"GenericError","desc":"QMP input member 'exec-oob' is unexpected"},"id":1}"#.into(),
        ),
        (
            b"{\"execute\":\"qmp_capabilities\",\"id\":1}",
            r#"{"error":{"class":"CommandNotFound","desc":"The command qmp_capabilities has not been found"},"id":1}"#
                .into(),
        ),
    ];
    for (input, wanted) in cases {
        server.feed(input).unwrap();
        while let Some(Incoming { message, replies, .. }) = server.poll().unwrap() {
            if let Message::Synchronized { id, delimited } = message {
                assert_eq!(delimited, id == -5 || input[0] == 0xFF && id == 7, "{id}");
            } else {
                answer(message, replies);
            }
        }
        let out: String = server.tx_pending().iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(out, format!("{wanted}\n"));
        server.tx_sent(out.chars().count()).unwrap();
    }
    assert_eq!(server.replies().event("STOP", None::<&()>, Timestamp::UNKNOWN), Ok(false));
    assert_eq!(server.tx_pending(), b"");
}

// ---- the session

#[test]
fn greets_and_negotiates() {
    let mut memory = Memory::large();
    let version = Version { major: 10, minor: 2, micro: 93 };
    let mut server = memory.server(Config { version, package: "v\u{e9}\"", oob: true, ..Config::DEFAULT });
    assert_eq!(
        take(&mut server),
        "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":93,\"minor\":2,\"major\":10},\"package\":\"v\\u00E9\\\"\"},\
         \"capabilities\":[\"oob\"]}}\r\n"
    );
    assert!(!server.replies().is_negotiated());
    server.feed(b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\",\"oob\"]},\"id\":0}").unwrap();
    let Some(Incoming { message, origin, .. }) = server.poll().unwrap() else { panic!() };
    assert!(matches!(message, Message::Negotiated { oob: true }), "{message:?}");
    assert_eq!(origin.map(|origin| (origin.offset, origin.bytes)), Some((0, 74)));
    assert_eq!(sent(&mut server), [json!({"return": {}, "id": 0})]);
    assert!(server.replies().is_negotiated() && server.replies().oob_enabled());

    server.reset();
    assert!(!server.replies().is_negotiated() && !server.replies().oob_enabled());
    assert!(take(&mut server).starts_with("{\"QMP\""));

    let mut memory = Memory::large();
    let mut server = memory.server(Config::DEFAULT);
    assert!(take(&mut server).ends_with("\"package\":\"\"},\"capabilities\":[]}}\r\n"));
    let out = converse(&mut server, b"{'execute':'qmp_capabilities','arguments':{'enable':['oob']},'id':1}", 99);
    assert_eq!(messages(&out)[0]["error"]["desc"], "Capability oob not available");
    assert!(!server.replies().is_negotiated());
}

#[test]
fn events_wait_for_negotiation() {
    let mut memory = Memory::large();
    let mut server = memory.server(Config::DEFAULT);
    take(&mut server);
    assert_eq!(server.replies().event("STOP", None::<&()>, Timestamp::UNKNOWN), Ok(false));
    assert_eq!(take(&mut server), "");
    converse(&mut server, b"{\"execute\":\"qmp_capabilities\"}", 99);
    let replies = server.replies();
    assert_eq!(replies.event("STOP", None::<&()>, Timestamp::UNKNOWN), Ok(true));
    assert_eq!(replies.event("X\u{e9}", Some(&()), Timestamp { seconds: 1, microseconds: 20 }), Ok(true));
    let data = json!({"a": "\u{1F600}"});
    assert_eq!(replies.event("Y", Some(&data), Timestamp { seconds: i64::MIN, microseconds: 999_999 }), Ok(true));
    assert_eq!(replies.event("Z", Some(&1), Timestamp::UNKNOWN), Err(Misuse::NotAnObject.into()));
    assert!(matches!(
        replies.event("Z", Some(&f64::NAN), Timestamp::UNKNOWN),
        Err(Error::Misuse(Misuse::Serialize(_)))
    ));
    assert_eq!(
        take(&mut server),
        "{\"timestamp\":{\"seconds\":-1,\"microseconds\":-1},\"event\":\"STOP\"}\r\n\
         {\"timestamp\":{\"seconds\":1,\"microseconds\":20},\"event\":\"X\\u00E9\"}\r\n\
         {\"timestamp\":{\"seconds\":-9223372036854775808,\"microseconds\":999999},\"event\":\"Y\",\
         \"data\":{\"a\":\"\\uD83D\\uDE00\"}}\r\n"
    );
}

#[test]
fn no_event_overtakes_the_reply_to_the_negotiation() {
    let mut memory = Memory::new(256, 200, 1, 120);
    let mut server = memory.server(Config::DEFAULT);
    // Behind the greeting, which nobody takes, there is room for an event, but not for this id.
    let id = "x".repeat(100);
    server.feed(format!("{{\"execute\":\"qmp_capabilities\",\"id\":\"{id}\"}}").as_bytes()).unwrap();
    let negotiated = server.poll();
    assert!(
        matches!(negotiated, Ok(Some(Incoming { message: Message::Negotiated { oob: false }, .. }))),
        "{negotiated:?}"
    );
    assert_eq!(server.replies().event("STOP", None::<&()>, Timestamp::UNKNOWN), Ok(false));
    assert!(take(&mut server).starts_with("{\"QMP\""));
    nothing(&mut server);
    assert_eq!(server.replies().event("STOP", None::<&()>, Timestamp::UNKNOWN), Ok(true));
    let out = sent(&mut server);
    assert_eq!((&out[0]["id"], &out[1]["event"]), (&json!(id), &json!("STOP")));
}

/// Polls, which must give a command.
fn command(server: &mut Server<'_>) -> Ticket {
    match server.poll() {
        Ok(Some(Incoming { message: Message::Command { ticket, .. }, .. })) => ticket,
        other => panic!("{other:?}"),
    }
}

fn nothing(server: &mut Server<'_>) {
    let polled = server.poll();
    assert!(matches!(polled, Ok(None)), "{polled:?}");
}

#[test]
fn one_command_at_a_time() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    server.feed(b"{\"execute\":\"a\",\"id\":1}{\"execute\":\"b\",\"id\":2} @ {\"execute\":\"c\",\"id\":3}").unwrap();
    let first = command(&mut server);
    nothing(&mut server);
    assert!(server.replies().is_pending(first));
    server.replies().reply(first, "one").unwrap();
    assert_eq!(server.replies().reply(first, "again"), Err(Misuse::Ticket.into()));
    let second = command(&mut server);
    nothing(&mut server);
    server.replies().release(second).unwrap();
    assert_eq!(server.replies().release(second), Err(Misuse::Ticket.into()));
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Malformed(_), .. }))));
    let third = command(&mut server);
    server.replies().fail(third, "DeviceNotFound", "no \"d\"\n").unwrap();
    let stray = json!({"error": {"class": "GenericError", "desc": "JSON parse error, stray '@'"}});
    let failed = json!({"error": {"class": "DeviceNotFound", "desc": "no \"d\"\n"}, "id": 3});
    assert_eq!(sent(&mut server), [json!({"return": "one", "id": 1}), stray, failed]);
}

#[test]
fn raw_replies() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    server.feed(b"{\"execute\":\"a\"}").unwrap();
    let ticket = command(&mut server);
    for bad in ["", "{", "[1,]", "'a'", "{} {}"] {
        assert_eq!(server.replies().reply_raw(ticket, bad), Err(Misuse::NotJson.into()), "{bad}");
    }
    assert_eq!(server.tx_pending(), b"");
    server.replies().reply_raw(ticket, " [ null,\r\n \"\u{e9}\u{1F600}\u{7f}\\u00e9\" ] ").unwrap();
    assert_eq!(take(&mut server), "{\"return\":[null,\"\\u00E9\\uD83D\\uDE00\\u007F\\u00e9\"]}\r\n");
}

#[test]
fn queues_eight_behind_one_and_lets_out_of_band_overtake() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, with_oob());
    let in_band = |n: usize| format!("{{\"execute\":\"a\",\"id\":{n}}}");
    let out_of_band = |n: &str| format!("{{\"exec-oob\":\"b\",\"id\":\"{n}\"}}");
    let mut tickets = Vec::new();
    for n in 0..8 {
        server.feed(in_band(n).as_bytes()).unwrap();
        tickets.push(command(&mut server));
    }
    // One executed and seven queued: out of band gets through.
    server.feed(out_of_band("x").as_bytes()).unwrap();
    let x = command(&mut server);
    server.replies().reply(x, &1).unwrap();
    assert_eq!(sent(&mut server), [json!({"return": 1, "id": "x"})]);
    // A refused one, too.
    server.feed(b"{\"exec-oob\":\"b\",\"zz\":1,\"id\":9}{\"exec-oob\":\"qmp_capabilities\",\"id\":10}").unwrap();
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Answered(_), .. }))));
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Answered(_), .. }))));
    let out = sent(&mut server);
    assert_eq!((out.len(), &out[0]["id"], &out[1]["id"]), (2, &json!(9), &json!(10)));
    // The ninth is read; then nothing is.
    server.feed(in_band(8).as_bytes()).unwrap();
    tickets.push(command(&mut server));
    server.feed(out_of_band("y").as_bytes()).unwrap();
    nothing(&mut server);
    assert_eq!(server.replies().reply(tickets[1], &1), Err(Misuse::OutOfTurn.into()));
    assert_eq!(server.replies().release(tickets[8]), Err(Misuse::OutOfTurn.into()));
    server.replies().reply(tickets[0], &0).unwrap();
    let y = command(&mut server);
    for (n, ticket) in tickets.iter().enumerate().skip(1) {
        server.replies().reply(*ticket, &n).unwrap();
    }
    server.replies().not_found(y, "b").unwrap();
    let out = sent(&mut server);
    assert_eq!(out.len(), 10);
    for (n, message) in out[..9].iter().enumerate() {
        assert_eq!(*message, json!({"return": n, "id": n}));
    }
    assert_eq!(out[9]["id"], "y");
}

#[test]
fn malformed_input_is_answered_in_its_turn() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, with_oob());
    server.feed(b"{\"execute\":\"a\",\"id\":1}{\"execute\":1,\"id\":2}{]{\"execute\":\"b\",\"id\":4}[]{\"exec-oob\":\"c\",\"id\":6}").unwrap();
    let a = command(&mut server);
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Answered(_), .. }))));
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Malformed(_), .. }))));
    let b = command(&mut server);
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Answered(_), .. }))));
    let c = command(&mut server);
    assert_eq!(server.tx_pending(), b"");
    assert_eq!(server.replies().reply(b, &()), Err(Misuse::OutOfTurn.into()));
    server.replies().reply(c, &()).unwrap();
    assert_eq!(sent(&mut server), [json!({"return": {}, "id": 6})]);
    server.replies().reply(a, &()).unwrap();
    let out = sent(&mut server);
    assert_eq!(out[0], json!({"return": {}, "id": 1}));
    assert_eq!(out[1]["error"]["desc"], "QMP input member 'execute' must be a string");
    assert_eq!(out[1]["id"], 2);
    assert_eq!(out[2], json!({"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}));
    assert_eq!(out.len(), 3);
    server.replies().reply(b, &()).unwrap();
    let out = sent(&mut server);
    assert_eq!(out[0], json!({"return": {}, "id": 4}));
    assert_eq!(out[1]["error"]["desc"], "QMP input must be a JSON object");
}

#[test]
fn any_order_where_asked_for() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, Config { in_order: false, ..with_oob() });
    server.feed(b"{\"execute\":\"a\",\"id\":1}{\"execute\":\"a\",\"id\":2}[]{\"execute\":\"a\",\"id\":3}").unwrap();
    let one = command(&mut server);
    let two = command(&mut server);
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Answered(_), .. }))));
    let three = command(&mut server);
    server.replies().reply(three, &3).unwrap();
    server.replies().reply(one, &1).unwrap();
    assert_eq!(sent(&mut server), [json!({"return": 3, "id": 3}), json!({"return": 1, "id": 1})]);
    server.replies().reply(two, &2).unwrap();
    let out = sent(&mut server);
    assert_eq!((out.len(), &out[0]["id"]), (2, &json!(2)));
}

#[test]
fn a_reply_of_an_earlier_connection_is_not_sent() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    server.feed(b"{\"execute\":\"a\",\"id\":1}").unwrap();
    let stale = command(&mut server);
    server.reset();
    take(&mut server);
    assert_eq!(server.replies().reply(stale, &()), Err(Misuse::Ticket.into()));
    converse(&mut server, b"{\"execute\":\"qmp_capabilities\"}", 99);
    server.feed(b"{\"execute\":\"a\",\"id\":2}").unwrap();
    let fresh = command(&mut server);
    assert_eq!(server.replies().fail(stale, "GenericError", ""), Err(Misuse::Ticket.into()));
    assert_eq!(server.replies().release(stale), Err(Misuse::Ticket.into()));
    assert_eq!(server.tx_pending(), b"");
    server.replies().reply(fresh, &()).unwrap();
    assert_eq!(sent(&mut server), [json!({"return": {}, "id": 2})]);
}

#[test]
fn the_end_of_the_stream() {
    let mut memory = Memory::large();
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    server.feed(b"{\"execute\":\"a\",\"id\":1}{\"execute\":\"a\",\"id\":2} {\"exec").unwrap();
    server.rx_eof();
    assert_eq!(server.feed(b"x"), Err(Misuse::AfterEof.into()));
    let one = command(&mut server);
    nothing(&mut server);
    server.replies().reply(one, &()).unwrap();
    let two = command(&mut server);
    nothing(&mut server);
    server.replies().reply(two, &()).unwrap();
    assert!(matches!(server.poll(), Ok(Some(Incoming { message: Message::Incomplete, .. }))));
    assert_eq!(server.poll().unwrap_err(), PeerError::Closed.into());
    assert_eq!(sent(&mut server).len(), 2);
    server.reset();
    server.feed(b"{}").unwrap();
    assert!(matches!(server.poll(), Ok(Some(_))));
}

// ---- limits

#[test]
fn long_ids_are_refused_with_themselves() {
    // 8 bytes for each id, and little room to send.
    for chunk in [1, 99] {
        let mut memory = Memory::new(128, 256, 2, 16);
        let mut server = negotiated(&mut memory, Config::DEFAULT);
        let fits = "{\"execute\":\"query-name\",\"id\":\"123456\"}";
        let long = "{\"execute\":\"query-name\",\"id\":\"123\u{e9}45\"}";
        let too = json!({"error": {"class": "GenericError", "desc": "QMP input member 'id' is longer than 8 bytes"},
            "id": "123\u{e9}45"});
        let out = converse(&mut server, format!("{fits}{long}{long}{fits}{{\"id\":\"123456789\"}}").as_bytes(), chunk);
        let fit = json!({"return": {}, "id": "123456"});
        let out = messages(&out);
        assert_eq!(out[..4], [fit.clone(), too.clone(), too.clone(), fit]);
        assert_eq!(out[4]["id"], "123456789");
        assert_eq!(out.len(), 5);
    }
}

#[test]
fn a_long_id_waits_for_room_where_it_stands() {
    let mut memory = Memory::new(256, 200, 1, 8);
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    let id = "\\u0022\u{e9}\\n'0123456789";
    let text = format!("{{\"execute\":\"a\"}}{{\"execute\":\"a\",\"id\":\"{id}\"}}{{\"execute\":\"b\",\"id\":3}}");
    server.feed(text.as_bytes()).unwrap();
    let first = command(&mut server);
    server.replies().reply(first, &format!("{:0>150}", "")).unwrap();
    let kept = server.tx_pending().len();
    let Ok(Some(Incoming { message: Message::Answered(refusal), .. })) = server.poll() else { panic!() };
    assert_eq!((refusal.kind(), refusal.number()), (RefusalKind::IdTooLong, 8));
    // It neither gets lost nor goes on while there is no room, whatever is called.
    for _ in 0..3 {
        nothing(&mut server);
        let _ = server.rx_space();
        server.feed(b" ").unwrap();
        assert_eq!(server.tx_pending().len(), kept);
    }
    take(&mut server);
    command(&mut server);
    let out = sent(&mut server);
    assert_eq!((out.len(), &out[0]["id"]), (1, &json!("\"\u{e9}\n'0123456789")));

    // An id that no buffer holds is left out rather than the session given up.
    let mut memory = Memory::new(512, 200, 1, 8);
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    let id = format!("{:x>180}", "");
    let out =
        converse(&mut server, format!("{{\"id\":\"{id}\"}}{{\"execute\":\"query-name\",\"id\":3}}").as_bytes(), 5);
    let out = messages(&out);
    assert_eq!(out.len(), 2);
    assert_eq!(out[0].get("id"), None);
    assert_eq!(out[1], json!({"return": {}, "id": 3}));
}

#[test]
fn names_in_descriptions_are_cut_to_their_bytes() {
    let mut memory = Memory::new(256, 256, 1, 12);
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    for (text, desc) in [
        ("{\"abcdefghijkl\":1}", "QMP input member 'abcdefghijkl' is unexpected"),
        ("{\"abcdefghijklm\":1}", "QMP input member 'abcdefghi...' is unexpected"),
        ("{\"abcdefghijklm\":1,\"id\":12345}", "QMP input member 'abcd...' is unexpected"),
        ("{\"abcd\u{e9}fghijklm\":1,\"id\":123}", "QMP input member 'abcd\u{e9}...' is unexpected"),
        ("{\"abc\u{1F600}fghijklm\":1,\"id\":123}", "QMP input member 'abc...' is unexpected"),
    ] {
        assert_eq!(messages(&converse(&mut server, text.as_bytes(), 3))[0]["error"]["desc"], desc);
    }
}

#[test]
fn nothing_is_lost_for_want_of_room() {
    // The greeting fits, and one error at a time.
    let mut memory = Memory::new(64, 120, 3, 30);
    let mut server = memory.server(with_oob());
    let input = b"{\"execute\":\"x\",\"id\":1}[]@ {]{\"execute\":\"x\",\"id\":2}";
    let mut rest = &input[..];
    let mut out = String::new();
    let mut idle = 0;
    while idle < 3 {
        let taken = server.feed(rest).unwrap();
        rest = &rest[taken..];
        while server.poll().unwrap().is_some() {}
        // A byte at a time.
        let byte = server.tx_pending().first().copied();
        match byte {
            Some(byte) => {
                out.push(char::from(byte));
                server.tx_sent(1).unwrap();
                idle = 0;
            }
            None => idle += 1,
        }
    }
    let out = messages(&out);
    assert_eq!(out.len(), 6, "{out:?}");
    assert_eq!(out[1]["id"], 1);
    assert_eq!(out[2]["error"]["desc"], "QMP input must be a JSON object");
    assert_eq!(out[3]["error"]["desc"], "JSON parse error, stray '@'");
    assert_eq!(out[4]["error"]["desc"], "JSON parse error, expecting value");
    assert_eq!(out[5]["id"], 2);
}

#[test]
fn what_can_never_be_sent_is_an_error() {
    let mut memory = Memory::new(64, 64, 1, 8);
    let mut server = memory.server(Config::DEFAULT);
    assert_eq!(server.poll().unwrap_err(), Resource::Tx { limit: 64 }.into());
    assert_eq!(server.poll().unwrap_err(), Resource::Tx { limit: 64 }.into());

    let mut memory = Memory::new(64, 120, 1, 8);
    let mut server = memory.server(Config::DEFAULT);
    take(&mut server);
    server.feed(b"{\"execute\":\"qmp_capabilities\"}").unwrap();
    server.poll().unwrap();
    server.feed(b"{\"execute\":\"a\",\"id\":1}").unwrap();
    let ticket = command(&mut server);
    let full = Err(Resource::Tx { limit: 120 }.into());
    assert_eq!(server.replies().reply(ticket, &format!("{:0>120}", "")), full);
    take(&mut server);
    assert_eq!(server.replies().reply(ticket, &format!("{:0>120}", "")), full);
    server.replies().fail(ticket, "GenericError", "too much").unwrap();
    assert_eq!(sent(&mut server)[0]["id"], 1);

    let mut memory = Memory::new(64, 120, 0, 8);
    let mut server = memory.server(Config::DEFAULT);
    assert_eq!(server.poll().unwrap_err(), Resource::Slots { limit: 0 }.into());
}

#[test]
fn oversize_commands_are_answered_with_their_id() {
    for chunk in [1, 5, 99] {
        let mut memory = Memory::new(64, 512, 1, 16);
        let mut server = negotiated(&mut memory, Config::DEFAULT);
        let long =
            format!("{{\"execute\":\"query-name\",\"arguments\":{{\"a\":\"{:x>100}\"}},\"id\":\"\\u0041\"}}", "");
        let last = "{\"execute\":\"query-name\",\"id\":2}";
        let out = messages(&converse(&mut server, format!("{long}\n{last}").as_bytes(), chunk));
        let too_long = json!({"error": {"class": "GenericError", "desc": "JSON token size limit exceeded"}, "id": "A"});
        assert_eq!(out, [too_long, json!({"return": {}, "id": 2})]);
    }
    let mut memory = Memory::new(64, 512, 1, 16);
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    let long = format!("{{\"execute\":\"query-n\\u0061me\",\"id\":7,\"arguments\":{{\"a\":\"{:x>100}\"}}}}", "");
    let mut rest = long.as_bytes();
    loop {
        let taken = server.feed(rest).unwrap();
        rest = &rest[taken..];
        if let Some(Incoming { message, .. }) = server.poll().unwrap() {
            let Message::Oversize(oversize) = message else { panic!("{message:?}") };
            assert_eq!((oversize.name, oversize.oob), (Some("query-name"), false));
            assert_eq!(oversize.id.and_then(Value::as_u64), Some(7));
            assert_eq!((oversize.bytes, oversize.cause), (long.len() as u64, Oversized::TooLong(64)));
            break;
        }
    }
}

#[test]
fn many_members() {
    let mut memory = Memory::new(1 << 14, 512, 1, 16);
    let mut server = negotiated(&mut memory, Config::DEFAULT);
    let members: Vec<String> = (0..1025).map(|n| format!("\"{n:x}\":0")).collect();
    let text = format!("{{\"execute\":\"a\",\"arguments\":{{{}}},\"id\":1}}", members.join(","));
    let out = messages(&converse(&mut server, text.as_bytes(), 1000));
    assert_eq!(out, [json!({"error": {"class": "GenericError", "desc": "JSON token count limit exceeded"}})]);
}

#[test]
fn framing_by_lines() {
    let mut memory = Memory::large();
    let mut config = Config::DEFAULT;
    config.reading.framing = crate::frame::Framing::Lines;
    let mut server = negotiated(&mut memory, config);
    let out = messages(&converse(&mut server, b"{\"execute\":[\n{\"execute\":\"query-name\",\"id\":1}\n", 3));
    assert_eq!(out.len(), 2);
    assert_eq!(out[0]["error"]["desc"], "JSON parse error, expecting value");
    assert_eq!(out[1], json!({"return": {}, "id": 1}));
}

#[test]
fn sizes() {
    assert!(size_of::<Server<'_>>() <= 448, "{}", size_of::<Server<'_>>());
    assert!(size_of::<Pending>() <= 16, "{}", size_of::<Pending>());
    assert!(size_of::<Message<'_>>() <= 96, "{}", size_of::<Message<'_>>());
    assert!(size_of::<ClientMessage<'_>>() <= 96);
    assert!(size_of::<Error>() <= 16);
    assert_eq!(size_of::<Ticket>(), 4);
}

#[cfg(feature = "alloc")]
#[test]
fn growing_storage() {
    let mut server = Server::new(Storage::growing(1 << 20, 1 << 20, 2, 32), Config::DEFAULT);
    let long = "x".repeat(100_000);
    let text = format!("{{'execute':'qmp_capabilities'}}{{'execute':'{long}','id':1}}");
    let out = messages(&converse(&mut server, text.as_bytes(), 1 << 16));
    assert_eq!(out[2]["error"]["desc"], format!("The command {long} has not been found"));
}

// ---- properties

/// Bytes in which something happens.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = INPUTS
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap())
        .map(|case| case["send"].as_str().unwrap().chars().map(|char| char as u8).collect::<Vec<u8>>())
        .filter(|bytes| bytes.len() < 200)
        .collect();
    let piece = prop_oneof![
        6 => proptest::sample::select(pieces),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => Just(b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}".to_vec()),
        1 => Just(b"{\"exec-oob\":\"migrate-pause\",\"id\":\"a long id, longer than there is room for\"}".to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A session with commands answered as they come, fed and sent in pieces of the given sizes: all that was sent, or why not.
fn session(input: &[u8], memory: &mut Memory, config: Config, feed: &[usize], send: usize) -> Result<Vec<u8>, Error> {
    let mut server = memory.server(config);
    let mut out = Vec::new();
    let mut rest = input;
    let mut turn = 0;
    let mut ended = false;
    let mut owed = None::<Ticket>;
    loop {
        if !rest.is_empty() {
            let chunk = feed[turn % feed.len()].clamp(1, rest.len());
            let taken = server.feed(&rest[..chunk])?;
            rest = &rest[taken..];
        } else if !ended {
            server.rx_eof();
            ended = true;
        }
        turn += 1;
        let mut closed = false;
        loop {
            if let Some(ticket) = owed {
                match server.replies().reply(ticket, &()) {
                    Ok(()) => owed = None,
                    Err(Error::Resource(Resource::Tx { .. })) if !server.tx_pending().is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            match server.poll() {
                Ok(Some(Incoming { message: Message::Command { ticket, .. }, .. })) => owed = Some(ticket),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(Error::Peer(PeerError::Closed)) => {
                    closed = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let pending = server.tx_pending();
        let count = send.min(pending.len());
        out.extend_from_slice(&pending[..count]);
        server.tx_sent(count)?;
        if closed && server.tx_pending().is_empty() {
            return Ok(out);
        }
        assert!(turn < 100_000, "no end");
    }
}

proptest! {
    #[test]
    fn the_same_answers_for_every_chunking(
        input in input(),
        feed in proptest::collection::vec(1usize..60, 1..5),
        send in 1usize..300,
        oob in any::<bool>(),
    ) {
        let config = Config { oob, ..Config::DEFAULT };
        let whole = session(&input, &mut Memory::new(512, 4096, 10, 320), config, &[1 << 20], 1 << 20).unwrap();
        let chunks = session(&input, &mut Memory::new(512, 4096, 10, 320), config, &feed, send).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&chunks));
        // Little room to send changes nothing; 416 bytes hold any answer with 32 bytes of id and detail.
        let narrow = session(&input, &mut Memory::new(512, 416, 10, 320), config, &feed, send).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&narrow));
        prop_assert!(whole.is_ascii());
        for line in String::from_utf8_lossy(&whole).lines() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok(), "{}", line);
        }
    }

    #[test]
    fn tiny_memory_never_panics(
        input in input(),
        feed in proptest::collection::vec(1usize..60, 1..5),
        (rx, tx, pending, ids) in (0usize..80, 0usize..300, 0usize..4, 0usize..40),
        agent in any::<bool>(),
    ) {
        let dialect = if agent { Dialect::Agent } else { Dialect::Qmp };
        let mut memory = Memory::new(rx, tx, pending, ids);
        if rx >= 2 {
            let _ = session(&input, &mut memory, Config { dialect, ..with_oob() }, &feed, 7);
        }
    }

    #[test]
    fn commands_and_deferred_replies_in_any_turn(
        script in proptest::collection::vec((0u8..7, any::<u8>()), 0..200),
        in_order in any::<bool>(),
    ) {
        let mut memory = Memory::new(512, 2048, 12, 12 * 8);
        let mut server = negotiated(&mut memory, Config { in_order, ..with_oob() });
        // Each message has its number as its name and id. The numbers of those in band, in their order; of all answers.
        let mut numbers = 0..;
        let mut in_band = Vec::new();
        let mut answered = Vec::new();
        let mut open: Vec<(Ticket, u64, bool)> = Vec::new();
        let drain = script.len()..script.len() + 500;
        for (what, which) in script.into_iter().chain(drain.map(|turn| (4 + (turn % 2) as u8, 0))) {
            match what {
                0..=3 => {
                    let number: u64 = numbers.next().unwrap();
                    let text = match what {
                        0 | 1 => format!("{{\"execute\":\"{number}\",\"id\":{number}}}"),
                        2 => format!("{{\"exec-oob\":\"{number}\",\"id\":{number}}}"),
                        _ => format!("{{\"id\":{number}}}"),
                    };
                    if server.rx_space().len() < text.len() {
                        numbers = number..;
                        continue;
                    }
                    server.feed(text.as_bytes()).unwrap();
                    if what != 2 {
                        in_band.push(number);
                    }
                }
                4 if !open.is_empty() => {
                    let index = usize::from(which) % open.len();
                    let (ticket, number, oob) = open[index];
                    match server.replies().reply(ticket, &number) {
                        Ok(()) => {
                            open.remove(index);
                        }
                        Err(Error::Misuse(Misuse::OutOfTurn)) => prop_assert!(in_order && !oob),
                        Err(Error::Resource(Resource::Tx { .. })) => {}
                        Err(error) => prop_assert!(false, "{error}"),
                    }
                }
                4 => {}
                _ => answered.extend(sent(&mut server).iter().map(|message| message["id"].as_u64().unwrap())),
            }
            while let Some(Incoming { message, .. }) = server.poll().unwrap() {
                if let Message::Command { ticket, name, oob, .. } = message {
                    open.push((ticket, name.parse().unwrap(), oob));
                }
            }
            prop_assert!(open.iter().filter(|(.., oob)| !oob).count() <= QUEUE + 1);
        }
        prop_assert!(open.is_empty());
        if in_order {
            let order: Vec<u64> = answered.iter().copied().filter(|number| in_band.contains(number)).collect();
            prop_assert_eq!(order, in_band);
        }
        answered.sort_unstable();
        prop_assert_eq!(answered, (0..numbers.next().unwrap()).collect::<Vec<_>>());
    }
}

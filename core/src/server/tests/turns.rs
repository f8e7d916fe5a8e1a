//! Greeting, negotiation, events, and the order of commands and replies.

use super::*;

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

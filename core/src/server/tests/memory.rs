//! What finds no room, and what is too much.

use super::*;

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
    // It has the frames that clients have, who take messages apart.
    let delivery = if cfg!(feature = "delivery") { 360 } else { 0 };
    assert!(size_of::<Server<'_>>() <= 448 + delivery, "{}", size_of::<Server<'_>>());
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

#[test]
fn the_number_of_a_synchronisation_is_sent_back_whole_or_refused() {
    let config = Config { dialect: Dialect::Agent, ..Config::DEFAULT };
    let sync = b"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":-123456789}}";
    let with_id = b"{\"execute\":\"guest-sync\",\"arguments\":{\"id\":123},\"id\":\"ab\"}";
    for ids in 0..16 {
        let mut memory = Memory::new(128, 256, 1, ids);
        let mut server = memory.server(config);
        let expected = match ids {
            10.. => "\u{fffd}{\"return\":-123456789}\n".to_owned(),
            _ => format!("{{\"error\":{{\"class\":\"GenericError\",\"desc\":\"{}\"}}}}\n", too_long(ids)),
        };
        server.feed(sync).unwrap();
        let answered = matches!(server.poll().unwrap().unwrap().message, Message::Answered(_));
        assert_eq!(answered, ids < 10);
        // What could not be kept is said by the next call.
        nothing(&mut server);
        assert_eq!(String::from_utf8_lossy(server.tx_pending()), expected, "{ids} bytes");
        server.tx_sent(server.tx_pending().len()).unwrap();
        // The id of the message stands in front of the number.
        let expected = match ids {
            7.. => "{\"return\":123,\"id\":\"ab\"}\n".to_owned(),
            _ => format!("{{\"error\":{{\"class\":\"GenericError\",\"desc\":\"{}\"}},\"id\":\"ab\"}}\n", too_long(ids)),
        };
        assert_eq!(converse(&mut server, with_id, 99), expected, "{ids} bytes");
    }

    fn too_long(ids: usize) -> String {
        format!("QMP input member 'id' is longer than {ids} bytes")
    }
}

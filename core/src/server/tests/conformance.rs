//! Input by input what QEMU and its agent answer.

use super::*;

/// What QEMU 5.2, 7.2 and 10.0 were seen to answer. `send` has a character for each byte. A description is left out where they
/// differ; `ours` is what is answered here where that is meant to differ, and `why` says why.
pub(super) const INPUTS: &str = include_str!("../../../../tests/fixtures/server-inputs.jsonl");

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

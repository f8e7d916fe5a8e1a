//! Our server in the agent's dialect beside real guest agents, input by input: the same number of answers, of the same class and with
//! the same ids, errors in the same words (up to 10.0), the sentinel at the same place, and the same way back.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use qmp_core::server::{Config, Dialect, Message, Replies, Server, Storage, Ticket};
use qmp_tests::agent::Daemon;
use qmp_tests::qemu;

/// What is sent, each behind a synchronisation that was answered. Commands that both have are `guest-ping` and the synchronisations.
const INPUTS: &[&[u8]] = &[
    br#"{"execute":"guest-ping"}"#,
    br#"{"execute":"guest-ping","id":1}"#,
    br#"{"execute":"guest-ping","id":null}"#,
    br#"{"execute":"guest-ping","id":"x"}"#,
    br#"{"execute":"guest-ping","id":[1,{"a":"b"}]}"#,
    br#"{"execute":"guest-ping","arguments":{},"id":2}"#,
    br#"{'execute':'guest-ping','id':'it\'s'}"#,
    br#"{"execute":"guest-ping","arguments":[],"id":3}"#,
    br#"{"execute":"guest-ping","arguments":null,"id":4}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1}}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1},"id":"x"}"#,
    br#"{"execute":"guest-sync","arguments":{"id":9223372036854775807},"id":5}"#,
    br#"{"execute":"guest-sync","arguments":{"id":-9223372036854775808},"id":6}"#,
    br#"{"execute":"guest-sync","arguments":{"id":9223372036854775808},"id":7}"#,
    br#"{"execute":"guest-sync","arguments":{"id":18446744073709551615},"id":8}"#,
    br#"{"execute":"guest-sync","arguments":{"id":18446744073709551616},"id":9}"#,
    br#"{"execute":"guest-sync","arguments":{"id":-0},"id":10}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1.0},"id":11}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1e2},"id":12}"#,
    br#"{"execute":"guest-sync","arguments":{"id":"1"},"id":13}"#,
    br#"{"execute":"guest-sync","arguments":{"id":null},"id":14}"#,
    br#"{"execute":"guest-sync","arguments":{"id":true},"id":15}"#,
    br#"{"execute":"guest-sync","arguments":{"id":[1]},"id":16}"#,
    br#"{"execute":"guest-sync","arguments":{},"id":17}"#,
    br#"{"execute":"guest-sync","id":18}"#,
    br#"{"execute":"guest-sync","arguments":{"x":2},"id":19}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1,"x":2},"id":20}"#,
    br#"{"execute":"guest-sync","arguments":{"id":1,"id":2},"id":21}"#,
    br#"{"execute":"guest-sync-delimited","arguments":{"id":-5},"id":null}"#,
    br#"{"execute":"guest-sync-delimited","arguments":{"id":7}}"#,
    br#"{"execute":"guest-sync-delimited","arguments":{},"id":22}"#,
    b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":8}}",
    b"\xFF\xFF{\"execute\":\"guest-sync\",\"arguments\":{\"id\":9}}",
    b"{\"execute\":\"guest-pi\xFF{\"execute\":\"guest-sync\",\"arguments\":{\"id\":7}}",
    b"{\"execute\":\"guest-ping\",\"id\":\xFF{\"execute\":\"guest-ping\",\"id\":23}",
    b"[[[[\xFF{\"execute\":\"guest-ping\",\"id\":24}",
    b"\xFF",
    b"\x00{\"execute\":\"guest-ping\",\"id\":25}",
    b"\xFE{\"execute\":\"guest-ping\",\"id\":26}",
    br#"{"exec-oob":"guest-ping","id":27}"#,
    br#"{"exec-oob":"guest-ping","execute":"guest-ping","id":28}"#,
    br#"{"execute":"qmp_capabilities","id":29}"#,
    br#"{"execute":"guest-no-such-thing","id":30}"#,
    br#"{"execute":7,"id":31}"#,
    br#"{"id":32}"#,
    br#"{}"#,
    br#"[]"#,
    br#""text""#,
    br#"12 true null"#,
    br#"{"execute":"guest-ping","extra":1,"id":33}"#,
    br#"{"execute":"guest-ping","control":{"run-oob":true},"id":34}"#,
    br#"{"execute":"guest-ping","id":35,"id":36}"#,
    br#"{"execute":"guest-ping""id":37}"#,
    br#"{"execute":"guest-ping",}"#,
    br#"{"execute" "guest-ping"}"#,
    b"garbage",
    b"}}",
    b"{]",
    b"{\"a\":[}}",
    b"\"unterminated\n",
    br#"{"execute":"guest-ping","id":38}{"execute":"guest-ping","id":39}"#,
    b" \t\r\n {\"execute\" : \"guest-ping\" ,\r\n \"id\" : 40 } ",
    b"{\"execute\":\"guest-ping\",\"id\":\"\\ud83d\\ude00 \\u00e9\"}",
    b"{\"execute\":\"guest-ping\",\"id\":\"\xc3\xa9\"}",
    b"{\"execute\":\"guest-ping\",\"id\":\"\xc3\"}",
];

/// One line of an agent's: what it says, and whether it came behind a 0xFF.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    delimited: bool,
    json: serde_json::Value,
}

impl Line {
    /// The same but for the words of an error.
    fn is_like(&self, other: &Self) -> bool {
        let bare = |line: &Self| {
            let mut line = line.clone();
            if let Some(error) = line.json.get_mut("error").and_then(serde_json::Value::as_object_mut) {
                error.remove("desc");
            }
            line
        };
        bare(self) == bare(other)
    }
}

/// The synchronisation behind each input, which is answered last. The control byte ends whatever was begun, without a 0xFF.
const END: &[u8] = b"\n\x02{\"execute\":\"guest-sync\",\"arguments\":{\"id\":4242},\"id\":\"end\"}\n";

fn lines(sent: &[u8]) -> Vec<Line> {
    let lines = sent.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let line = |line: &[u8]| {
        let json = line.strip_prefix(b"\xFF").unwrap_or(line);
        let json = serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()));
        Line { delimited: line[0] == 0xFF, json }
    };
    lines.map(line).collect()
}

fn theirs(stream: &mut UnixStream, input: &[u8]) -> Vec<Line> {
    stream.write_all(&[input, END].concat()).expect("the agent reads");
    let mut sent = Vec::new();
    let mut piece = [0; 4096];
    while !(sent.ends_with(b"\n") && sent.windows(5).any(|part| part == b"\"end\"")) {
        match stream.read(&mut piece) {
            Ok(0) => panic!("it hung up at {}", input.escape_ascii()),
            Ok(count) => sent.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error} at {}", input.escape_ascii()),
        }
    }
    lines(&sent)
}

fn ours(input: &[u8]) -> Vec<Line> {
    let config = Config { dialect: Dialect::Agent, ..Config::DEFAULT };
    let mut server = Server::new(Storage::growing(1 << 16, 1 << 16, 1, 64), config);
    let mut sent = Vec::new();
    let message = [input, END].concat();
    let mut rest = &*message;
    loop {
        let taken = server.feed(rest).expect("a server");
        rest = &rest[taken..];
        while let Some(incoming) = server.poll().expect("room") {
            if let Message::Command { ticket, name, .. } = incoming.message {
                answer(incoming.replies, ticket, name);
            }
        }
        let pending = server.tx_pending();
        sent.extend_from_slice(pending);
        let count = pending.len();
        server.tx_sent(count).expect("it was pending");
        if rest.is_empty() && count == 0 {
            return lines(&sent);
        }
    }
}

fn answer(replies: &mut Replies<'_>, ticket: Ticket, name: &str) {
    match name {
        "guest-ping" => replies.reply(ticket, &()),
        _ => replies.not_found(ticket, name),
    }
    .expect("room");
}

#[test]
fn input_is_answered_as_qemus_agent_answers_it() {
    qemu::each_agent(|agent| {
        let daemon = Daemon::start(agent);
        let mut stream = daemon.stream();
        let (mut wrong, mut words) = (Vec::new(), 0);
        for input in INPUTS {
            let (theirs, ours) = (theirs(&mut stream, input), ours(input));
            let alike = theirs.len() == ours.len() && theirs.iter().zip(&ours).all(|(one, other)| one.is_like(other));
            // From 11.1 on, errors of the parser begin with a place.
            let same_words = theirs == ours || agent.is_at_least(11, 0);
            words += usize::from(theirs != ours);
            if !alike || !same_words {
                wrong.push(format!("{}\n    ours{}\n    QEMU{}", input.escape_ascii(), show(&ours), show(&theirs)));
            }
        }
        println!("agent {}: {} inputs, {words} answered in other words", agent.version, INPUTS.len());
        assert!(wrong.is_empty(), "{} of {} inputs:\n{}", wrong.len(), INPUTS.len(), wrong.join("\n"));
    });
}

fn show(lines: &[Line]) -> String {
    let show = |line: &Line| format!("\n      {}{}", if line.delimited { "FF" } else { "" }, line.json);
    lines.iter().map(show).collect()
}

//! Odd input of clients, and the answers to it: `fixtures/server-inputs.jsonl`, given to a server of ours and to real QEMUs.

use core::fmt;
use std::fs;
use std::io::{Read, Write};

use qmp_core::error::{Error, PeerError};
use qmp_core::frame::Reading;
use qmp_core::json::Value;
use qmp_core::message::ServerMessage;
use qmp_core::reader::Reader;
use qmp_core::server::{Config, Message, Replies, Server, Storage, Ticket};
use serde::Deserialize;

use crate::qemu::Machine;
use crate::transcript;

/// An input of the list.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    /// What it is about.
    pub name: String,
    /// What was negotiated before: nothing, `ready` or `oob`.
    pub mode: Mode,
    /// The bytes, each as the character of that number.
    send: String,
}

/// What was negotiated before an input.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing.
    Fresh,
    /// No capability.
    Ready,
    /// Out-of-band execution.
    Oob,
}

/// All inputs of the list.
///
/// # Panics
/// If it cannot be read.
pub fn all() -> Vec<Input> {
    let text = fs::read_to_string(transcript::fixtures().join("server-inputs.jsonl")).expect("the inputs");
    let input = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:.100}"));
    text.lines().map(input).collect()
}

/// The id of the command that shows whether a parser has found its way back after an input.
pub const BACK: &str = "\"back\"";
/// The id of the command that is answered in any case: a control byte before it ends whatever was begun.
pub const SURE: &str = "\"sure\"";

impl Input {
    /// All that is sent for it on a new connection.
    ///
    /// # Panics
    /// If the list has a character that is no byte.
    pub fn bytes(&self) -> Vec<u8> {
        let negotiation: &[u8] = match self.mode {
            Mode::Fresh => b"",
            Mode::Ready => READY,
            Mode::Oob => b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":\"mode\"}\n",
        };
        let input: Vec<u8> = self.send.chars().map(|char| u8::try_from(char).expect("a byte")).collect();
        [negotiation, &ended(&input)].concat()
    }
}

const READY: &[u8] = b"{\"execute\":\"qmp_capabilities\",\"id\":\"mode\"}\n";

/// All that is sent for an input in [`Mode::Ready`].
pub fn command_and_end(input: &[u8]) -> Vec<u8> {
    [READY, &ended(input)].concat()
}

fn ended(input: &[u8]) -> Vec<u8> {
    let command = |id| format!("{{\"execute\":\"query-name\",\"id\":{id}}}\n");
    [input, b"\n", command(BACK).as_bytes(), b"\x02", command(SURE).as_bytes()].concat()
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The error class; empty for success.
    pub class: String,
    /// The id, as QEMU writes values that it has read.
    pub id: Option<String>,
    /// The error's description.
    pub desc: String,
}

/// The answers to an input, and whether the command behind it was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Up to the one that shows that the parser is back. Where it is not, what its end drew is left out.
    pub list: Vec<Answer>,
    /// The parser has found its way back by itself.
    pub back: bool,
}

impl Answers {
    /// Whether there are as many, of the same classes and with the same ids, and the same way back.
    pub fn agree_with(&self, other: &Self) -> bool {
        let agree = |(one, other): (&Answer, &Answer)| (&one.class, &one.id) == (&other.class, &other.id);
        self.back == other.back && self.list.len() == other.list.len() && self.list.iter().zip(&other.list).all(agree)
    }

    /// Whether the errors are described in the same words.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.list.iter().map(|answer| &answer.desc).eq(other.list.iter().map(|answer| &answer.desc))
    }

    /// From what a server sent on a connection, if the last answer is there.
    ///
    /// # Panics
    /// If it is not JSON, or no server's.
    pub fn of(sent: &[u8]) -> Option<Self> {
        let mut memory = vec![0; sent.len() + 1];
        let mut reader = Reader::of_server(memory.as_mut_slice(), Reading::DEFAULT);
        assert_eq!(reader.feed(sent), Ok(sent.len()));
        let mut list = Vec::new();
        while let Some((message, _)) = reader.poll() {
            let (class, desc, id) = match message {
                ServerMessage::Greeting(_) => continue,
                ServerMessage::Return { id, .. } => (String::new(), String::new(), id.map(written)),
                ServerMessage::Error { id, failure } => {
                    (failure.class().into(), failure.desc().into(), id.map(written))
                }
                other => panic!("{other:?}"),
            };
            list.push(Answer { class, id, desc });
        }
        list.iter().position(|answer| answer.has_id(SURE))?;
        if list.first().is_some_and(|answer| answer.has_id("\"mode\"")) {
            list.remove(0);
        }
        let back = list.iter().position(|answer| answer.has_id(BACK));
        list.truncate(back.unwrap_or(0));
        Some(Self { list, back: back.is_some() })
    }
}

impl Answer {
    fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }
}

/// Class, id and description of each.
impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Answer { class, id, desc } in &self.list {
            let class = if class.is_empty() { "return" } else { class };
            write!(f, "{class}/{}/{desc} | ", id.as_deref().unwrap_or_default())?;
        }
        f.write_str(if self.back { "and back" } else { "not back" })
    }
}

/// An id as QEMU writes it: numbers as what they are worth, members in an order of their own.
fn written(id: Value<'_>) -> String {
    match serde_json::from_str::<serde_json::Value>(&id.to_string()) {
        Ok(value) => worth(value).to_string(),
        // Nested too deep for serde_json.
        Err(_) => id.to_string(),
    }
}

fn worth(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            let float = number.as_f64().expect("a number");
            if float.fract() == 0.0 && float.abs() < 1e15 { (float as i64).into() } else { float.into() }
        }
        serde_json::Value::Array(elements) => elements.into_iter().map(worth).collect::<Vec<_>>().into(),
        serde_json::Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, worth(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other,
    }
}

/// What a server of ours answers to `bytes`, given in pieces of up to `most`.
///
/// # Panics
/// If the server gives up.
pub fn ours(bytes: &[u8], most: usize) -> Answers {
    answers(bytes, &bytes.chunks(most).collect::<Vec<_>>())
}

/// The same, given in two pieces.
///
/// # Panics
/// As there.
pub fn ours_cut(bytes: &[u8], at: usize) -> Answers {
    answers(bytes, &[&bytes[..at], &bytes[at..]])
}

fn answers(bytes: &[u8], pieces: &[&[u8]]) -> Answers {
    let mut config = Config::DEFAULT;
    config.oob = true;
    let mut server = Server::new(Storage::growing(64 << 10, 64 << 10, 16, 4096), config);
    let mut sent = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let taken = server.feed(rest).expect("the stream goes on");
            rest = &rest[taken..];
            serve(&mut server, &mut sent);
        }
    }
    Answers::of(&sent).unwrap_or_else(|| panic!("{}: no end: {}", bytes.escape_ascii(), sent.escape_ascii()))
}

fn serve(server: &mut Server<'_>, sent: &mut Vec<u8>) {
    loop {
        let polled = match server.poll() {
            Ok(Some(incoming)) => {
                if let Message::Command { ticket, name, oob, arguments } = incoming.message {
                    let first = arguments.and_then(|payload| payload.into_value().entries().next());
                    answer(incoming.replies, ticket, name, oob, first.map(|(key, _)| key)).expect("room");
                }
                true
            }
            Ok(None) => false,
            Err(Error::Peer(PeerError::Closed)) => return,
            Err(error) => panic!("{error}"),
        };
        sent.extend_from_slice(server.tx_pending());
        server.tx_sent(server.tx_pending().len()).expect("what was pending");
        if !polled {
            return;
        }
    }
}

/// The commands of the list, as a QEMU without devices executes them. `argument` is the first one's name.
fn answer(
    replies: &mut Replies<'_>,
    ticket: Ticket,
    name: &str,
    oob: bool,
    argument: Option<&str>,
) -> Result<(), Error> {
    match (name, argument) {
        ("migrate-pause", _) => replies.fail(ticket, "GenericError", "not now"),
        ("query-name", _) if oob => replies.no_oob(ticket, name),
        ("query-name", Some(key)) => replies.fail(ticket, "GenericError", &format!("Parameter '{key}' is unexpected")),
        ("query-name", None) => replies.reply(ticket, &()),
        _ => replies.not_found(ticket, name),
    }
}

/// What QEMU answers on a new connection.
///
/// # Panics
/// If it hangs up, or does not answer the last command.
pub fn theirs(machine: &Machine, bytes: &[u8]) -> Answers {
    let mut stream = machine.connect();
    stream.write_all(bytes).expect("QEMU reads");
    let mut sent = Vec::new();
    let mut piece = [0; 65536];
    loop {
        let count = stream.read(&mut piece).unwrap_or_else(|error| panic!("{}: {error}", bytes.escape_ascii()));
        assert!(count > 0, "QEMU ended at {}", bytes.escape_ascii());
        sent.extend_from_slice(&piece[..count]);
        // The whole of the last answer ends the reading.
        let mark = SURE.as_bytes();
        if sent.ends_with(b"\r\n") && sent.windows(mark.len()).any(|window| window == mark) {
            return Answers::of(&sent).expect("the last answer");
        }
    }
}

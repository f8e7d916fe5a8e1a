//! The server against scripts of a client, and input by input against what QEMU was seen to answer.

mod conformance;
mod memory;
mod properties;
mod turns;

use std::borrow::ToOwned;
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

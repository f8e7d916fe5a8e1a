use super::*;
use crate::error::{Misuse, Resource};
use crate::frame::{Framing, Reading};
use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

mod commands;
mod hostile;
mod lossy;
mod synchronization;

/// The first number that a client of seed 0 sends.
const FIRST: u64 = (1 << 52) + 1;

/// What a real agent answers a 0xFF with.
const STRAY: &str = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray '\\uFFFD'\"}}\n";
const STRAY_SAID: &str = "diagnostic GenericError: JSON parse error, stray '\u{FFFD}'";

/// A client over memory of its own, and what it said, in words.
struct Bench {
    client: Client<'static>,
    now: u64,
}

impl Bench {
    fn with(config: Config, rx: usize, tx: usize, slots: usize) -> Self {
        let slots = vec![Slot { id: 9, oob: true, ..Slot::FREE }; slots];
        let storage = Storage::new(vec![0; rx].leak(), vec![0; tx].leak(), slots.leak());
        Self { client: Client::new(storage, config), now: 0 }
    }

    fn new(config: Config) -> Self {
        Self::with(config, 512, 512, 8)
    }

    /// In step with an agent that echoes ids.
    fn ready() -> Self {
        let mut bench = Self::new(Config::DEFAULT);
        bench.poll();
        assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
        bench
    }

    /// In step with an agent that does not, as it is too old.
    fn ready_in_order() -> Self {
        let mut bench = Self::new(Config { ids: false, ..Config::DEFAULT });
        bench.poll();
        assert_eq!(bench.answer(), [STRAY_SAID, "ready false"]);
        bench
    }

    /// Feeds `bytes` and says what was reported.
    fn feed(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        self.feed_by(bytes, usize::MAX)
    }

    /// [`feed`](Self::feed), at most so many bytes at a time.
    fn feed_by(&mut self, bytes: impl AsRef<[u8]>, most: usize) -> Vec<String> {
        let mut rest = bytes.as_ref();
        let mut said = Vec::new();
        loop {
            let taken = self.client.feed(&rest[..most.min(rest.len())]).unwrap();
            rest = &rest[taken..];
            said.extend(self.poll());
            if rest.is_empty() {
                return said;
            }
        }
    }

    fn poll(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.client.poll() {
                Ok(None) => return said,
                Ok(Some(incoming)) => said.push(words(incoming)),
                Err(error) => {
                    said.push(format!("{error:?}"));
                    return said;
                }
            }
        }
    }

    /// Lets so many milliseconds pass.
    fn pass(&mut self, milliseconds: u64) -> Vec<String> {
        self.now += milliseconds;
        self.client.handle_timeout(Instant::from_millis(self.now));
        self.poll()
    }

    fn eof(&mut self) -> Vec<String> {
        self.client.rx_eof();
        self.poll()
    }

    /// What is to be sent; it is then taken as sent.
    fn sent(&mut self) -> String {
        let pending = self.client.tx_pending();
        let text = pending.iter().map(|byte| char::from(*byte)).collect();
        let length = pending.len();
        self.client.tx_sent(length).unwrap();
        text
    }

    /// Answers the synchronisation that is to be sent, as an agent does that echoes ids.
    fn answer(&mut self) -> Vec<String> {
        let sent = self.sent();
        let number = number(&sent);
        let id =
            if sent.contains(&format!(",\"id\":{number}}}")) { format!(", \"id\": {number}") } else { String::new() };
        self.feed(reply(&format!("{STRAY}\u{FF}{{\"return\": {number}{id}}}\n")))
    }

    fn execute(&mut self, name: &str) -> Ticket {
        self.client.commands().execute(name, &()).unwrap()
    }

    fn execute_silent(&mut self, name: &str) -> Ticket {
        self.client.commands().execute_without_reply(name, &()).unwrap()
    }

    fn deadline(&mut self, ticket: Ticket, after: u64) {
        self.client.commands().set_timeout(ticket, Duration::from_millis(after)).unwrap();
    }
}

/// The bytes of a text in which U+00FF stands for 0xFF.
fn reply(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect()
}

/// The number of the last synchronisation in `sent`.
fn number(sent: &str) -> u64 {
    let (_, rest) = sent.rsplit_once("\"arguments\":{\"id\":").unwrap();
    rest[..rest.find('}').unwrap()].parse().unwrap()
}

fn words(incoming: Incoming<'_, '_>) -> String {
    let outcome = |outcome: Outcome<'_>| match outcome {
        Ok(payload) => payload.into_value().to_string(),
        Err(failure) => failure.to_string(),
    };
    match incoming.message {
        Message::Ready { ids } => format!("ready {ids}"),
        Message::Unanswered { attempts } => format!("unanswered {attempts}"),
        Message::Reply { ticket, outcome: reply } => format!("reply {} {}", ticket.id(), outcome(reply)),
        Message::Sent { ticket } => format!("sent {}", ticket.id()),
        Message::TimedOut { ticket } => format!("timed out {}", ticket.id()),
        Message::Late { ticket, outcome: reply } => format!("late {} {}", ticket.id(), outcome(reply)),
        Message::Lost { ticket } => format!("lost {}", ticket.id()),
        Message::Foreign { id, outcome: reply } => format!("foreign {id:?} {}", outcome(reply)),
        Message::Diagnostic(failure) => format!("diagnostic {failure}"),
        Message::Oversize { ticket, message } => {
            format!("oversize {:?} {} bytes", ticket.map(Ticket::id), message.bytes)
        }
        Message::Malformed(malformed) => format!("malformed at {}: {}", malformed.at, malformed.reason),
        Message::Unknown(payload) => format!("unknown {}", payload.raw_str().unwrap()),
        Message::Greeting(_) => "greeting".into(),
        Message::Event(event) => format!("event {}", event.name),
        Message::Sentinel => "sentinel".into(),
        Message::Element { ticket, index, element } => {
            format!("element {index} of {}: {}", ticket.id(), element.unwrap().into_value())
        }
        Message::ElementsEnd { ticket, count, late } => {
            format!("{count} elements of {}{}", ticket.id(), if late { ", late" } else { "" })
        }
        Message::Text { ticket, text } => format!("text of {}: {text}", ticket.id()),
        Message::TextEnd { ticket, late } => {
            format!("end of text of {}{}", ticket.id(), if late { ", late" } else { "" })
        }
        Message::Retracted { ticket, count, by } => format!("retracted {count} of {}: {by:?}", ticket.id()),
        Message::Incomplete => "incomplete".into(),
    }
}

/// Nothing.
const NONE: [&str; 0] = [];

#[test]
fn sizes_that_are_promised() {
    let delivery = if cfg!(feature = "delivery") { 416 } else { 0 };
    assert!(size_of::<Client<'_>>() <= 416 + delivery, "{}", size_of::<Client<'_>>());
    assert!(size_of::<Message<'_>>() <= 96);
    assert_eq!(size_of::<Slot>(), 16);
}

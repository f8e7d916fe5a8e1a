//! What a client owes its user, kept beside it: every command ends exactly once, in its order, as what it asked for; every event
//! arrives once, in order.

use qmp_core::client::Ticket;
use qmp_core::message::Kind;
use serde_json::Value;

use crate::said::{Outcome, Said};
use crate::world::COMMANDS;

/// The commands of all connections so far, and what came of them.
#[derive(Debug, Default)]
pub struct Ledger {
    commands: Vec<Entry>,
    /// The first command of this connection.
    connection: usize,
    /// The in-band command last answered.
    last_in_band: Option<usize>,
    /// Out-of-band replies that came before the reply to an in-band command sent earlier.
    pub overtaken: u32,
    /// The numbers of the events that came; `None` for one that was passed over.
    pub events: Vec<Option<u64>>,
    /// How often the handshake was completed.
    pub ready: u32,
    /// Replies to nobody here.
    pub foreign: Vec<Option<String>>,
    broken: bool,
}

#[derive(Debug)]
struct Entry {
    ticket: Ticket,
    name: String,
    oob: bool,
    nonce: u32,
    deadline: Option<u64>,
    end: Option<End>,
    late: bool,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With its reply.
    Replied,
    /// With a reply that was too long to be delivered.
    PassedOver,
    /// At its deadline.
    TimedOut,
    /// With the connection.
    Lost,
}

impl Ledger {
    /// A command was sent.
    pub fn sent(&mut self, ticket: Ticket, name: &str, oob: bool, nonce: u32, deadline: Option<u64>) {
        assert!(self.commands.iter().all(|entry| entry.ticket != ticket), "an id was given out twice");
        self.commands.push(Entry { ticket, name: name.into(), oob, nonce, deadline, end: None, late: false });
    }

    /// How each command of this connection ended.
    pub fn ends(&self) -> Vec<(u32, Option<End>)> {
        self.commands[self.connection..].iter().map(|entry| (entry.ticket.id(), entry.end)).collect()
    }

    /// How many commands ended so.
    pub fn count(&self, end: End) -> usize {
        self.commands.iter().filter(|entry| entry.end == Some(end)).count()
    }

    /// How many replies came behind their deadline.
    pub fn late(&self) -> usize {
        self.commands.iter().filter(|entry| entry.late).count()
    }

    /// Every command has ended.
    pub fn check_all_ended(&self) {
        let open: Vec<_> = self.commands.iter().filter(|entry| entry.end.is_none()).collect();
        assert!(open.is_empty(), "not ended: {open:?}");
    }

    /// From now on commands may be lost.
    pub const fn broken(&mut self) {
        self.broken = true;
    }

    /// A new connection: all of the old one has ended.
    pub fn reconnected(&mut self) {
        self.check_all_ended();
        self.broken = false;
        self.connection = self.commands.len();
        self.last_in_band = None;
    }

    /// The client reported something.
    pub fn said(&mut self, said: Said, now: u64) {
        match said {
            Said::Greeting(_) => {}
            Said::Ready { .. } => self.ready += 1,
            Said::Reply(ticket, outcome) => {
                self.end(ticket, End::Replied);
                self.answered(ticket, Some(outcome));
            }
            Said::Late(ticket, outcome) => {
                self.late_reply(ticket);
                self.answered(ticket, Some(outcome));
            }
            Said::Oversize(Some(ticket), _) => {
                self.end(ticket, End::PassedOver);
                self.answered(ticket, None);
            }
            Said::Oversize(None, passed) => match passed.of {
                Kind::Event => self.events.push(None),
                Kind::Return | Kind::Error => {
                    let id = passed.id.and_then(|id| id.parse::<u32>().ok()).expect("an id of ours");
                    let entry = self.commands.iter().find(|entry| entry.ticket.id() == id).expect("a command of ours");
                    let ticket = entry.ticket;
                    self.late_reply(ticket);
                    self.answered(ticket, None);
                }
                Kind::Greeting | Kind::Unknown => assert_eq!(passed.of, Kind::Greeting),
            },
            Said::Event(event) => {
                let data: Value = serde_json::from_str(&event.data.expect("data")).expect("JSON");
                self.events.push(data["number"].as_u64());
            }
            Said::TimedOut(ticket) => {
                self.end(ticket, End::TimedOut);
                assert!(self.entry(ticket).deadline.is_some_and(|deadline| deadline <= now), "before its time");
            }
            Said::Lost(ticket) => {
                assert!(self.broken, "the connection holds");
                self.end(ticket, End::Lost);
            }
            Said::Foreign(id, _) => self.foreign.push(id),
            Said::Incomplete if self.broken => {}
            other => panic!("on a channel without damage: {other:?}"),
        }
    }

    fn entry(&mut self, ticket: Ticket) -> &mut Entry {
        let connection = self.connection;
        let find = |entry: &&mut Entry| entry.ticket == ticket;
        self.commands[connection..].iter_mut().find(find).expect("a command of this connection")
    }

    fn end(&mut self, ticket: Ticket, end: End) {
        let entry = self.entry(ticket);
        assert_eq!(entry.end, None, "{entry:?} ends again, by {end:?}");
        entry.end = Some(end);
    }

    fn late_reply(&mut self, ticket: Ticket) {
        let entry = self.entry(ticket);
        assert_eq!(entry.end, Some(End::TimedOut));
        assert!(!core::mem::replace(&mut entry.late, true), "late twice");
    }

    /// The server has answered: in its order, and what was asked.
    fn answered(&mut self, ticket: Ticket, outcome: Option<Outcome>) {
        let place = self.commands.iter().position(|entry| entry.ticket == ticket).expect("a command");
        let entry = &self.commands[place];
        if entry.oob {
            let earlier = &self.commands[self.connection..place];
            let waits =
                |earlier: &Entry| !earlier.oob && matches!(earlier.end, None | Some(End::TimedOut)) && !earlier.late;
            self.overtaken += u32::from(earlier.iter().any(waits));
        } else {
            assert!(self.last_in_band < Some(place), "out of order");
            self.last_in_band = Some(place);
        }
        let nonce = entry.nonce;
        match outcome {
            Some(Ok(raw)) => {
                assert_eq!(entry.name, COMMANDS[0]);
                let value: Value = serde_json::from_str(&raw).expect("JSON");
                assert_eq!(value["nonce"], nonce);
                let padding = value["padding"].as_str().expect("padding");
                assert_eq!(padding.replace("\u{e9}\n ", ""), "");
            }
            Some(Err(failed)) if failed.class == "CommandNotFound" => assert_eq!(entry.name, COMMANDS[2]),
            // The server cannot read so much.
            Some(Err(failed)) if failed.desc == "JSON token size limit exceeded" => {}
            Some(Err(failed)) => assert!(failed.desc.starts_with(&format!("nonce {nonce} ")), "{failed}"),
            None => {}
        }
    }
}

//! The program behind a server of ours: it does what each command wishes, when its time has come.

use alloc::collections::VecDeque;

use qmp_core::error::{Error, Misuse, PeerError, Resource};
use qmp_core::message::Timestamp;
use qmp_core::server::{Message, Replies, Server, Ticket};
use serde::Serialize;

use crate::world::{COMMANDS, Wish};

/// Commands that are executed, and events that are owed.
#[derive(Debug, Default)]
pub struct Host {
    tasks: VecDeque<Task>,
    /// The number of the next event.
    events: u32,
    /// Events that a transmit buffer can never hold.
    pub unsendable: Vec<u32>,
    /// How many commands it has received; how many in-band ones it held at most.
    pub commands: u32,
    /// See [`commands`](Self::commands).
    pub held: usize,
}

#[derive(Debug)]
struct Task {
    ticket: Ticket,
    name: String,
    oob: bool,
    wish: Wish,
    due: u64,
}

#[derive(Serialize)]
struct Event {
    number: u32,
}

#[derive(Serialize)]
struct Done<'a> {
    nonce: u32,
    padding: &'a str,
}

impl Host {
    /// Takes commands in and answers those whose time has come.
    pub fn serve(&mut self, now: u64, server: &mut Server<'_>) {
        loop {
            let polled = match server.poll() {
                Ok(Some(incoming)) => {
                    if let Message::Command { ticket, name, oob, arguments } = incoming.message {
                        let wish: Wish = arguments.expect("arguments").decode().expect("a wish");
                        self.commands += 1;
                        self.tasks.push_back(Task {
                            ticket,
                            name: name.into(),
                            oob,
                            wish,
                            due: now.saturating_add(wish.delay),
                        });
                        self.held = self.held.max(self.tasks.iter().filter(|task| !task.oob).count());
                    } else {
                        let expected = matches!(incoming.message, Message::Negotiated { .. } | Message::Oversize(_));
                        assert!(expected, "{:?}", incoming.message);
                    }
                    true
                }
                Ok(None) => false,
                Err(Error::Peer(PeerError::Closed)) => return,
                Err(error) => panic!("{error}"),
            };
            // What was answered makes room for the next one.
            if !polled && !self.work(now, server) {
                return;
            }
        }
    }

    /// Answers what is due. Whether any was.
    pub fn work(&mut self, now: u64, server: &mut Server<'_>) -> bool {
        let mut worked = false;
        // The in-band command that came first, and every one out of band.
        let mut in_band_seen = false;
        let mut index = 0;
        while let Some(task) = self.tasks.get_mut(index) {
            let turn = task.oob || !core::mem::replace(&mut in_band_seen, true);
            if !turn || task.due > now || !answer(task, &mut self.events, &mut self.unsendable, server) {
                index += 1;
                continue;
            }
            let done = self.tasks.remove(index);
            in_band_seen &= done.is_some_and(|done| done.oob);
            worked = true;
        }
        worked
    }

    /// When something is due, if not for want of room only.
    pub fn next_due(&self) -> Option<u64> {
        let mut in_band_seen = false;
        let turn = |task: &&Task| task.oob || !core::mem::replace(&mut in_band_seen, true);
        self.tasks.iter().filter(turn).map(|task| task.due).filter(|due| *due < u64::MAX).min()
    }

    /// Whether a command waits that is never answered.
    pub fn is_held_up(&self) -> bool {
        self.tasks.iter().any(|task| task.due == u64::MAX)
    }

    /// The events that were sent, or would have been.
    pub const fn events(&self) -> u32 {
        self.events
    }

    /// The connection is gone. Commands of it can no longer be answered.
    pub fn forget(&mut self, server: &mut Server<'_>) {
        for task in self.tasks.drain(..) {
            let refused = server.replies().reply(task.ticket, &());
            assert_eq!(refused, Err(Error::Misuse(Misuse::Ticket)));
        }
    }
}

/// Answers a task as far as there is room; whether it is done with.
fn answer(task: &mut Task, events: &mut u32, unsendable: &mut Vec<u32>, server: &mut Server<'_>) -> bool {
    while task.wish.events > 0 {
        let sent = server.replies().event("TICK", Some(&Event { number: *events }), Timestamp::UNKNOWN);
        match sent {
            Ok(sent) => assert!(sent, "commands come behind the negotiation"),
            Err(Error::Resource(Resource::Tx { .. })) if server.tx_pending().is_empty() => unsendable.push(*events),
            Err(Error::Resource(Resource::Tx { .. })) => return false,
            Err(error) => panic!("{error}"),
        }
        *events += 1;
        task.wish.events -= 1;
    }
    let outcome = reply(task, server.replies());
    match outcome {
        Ok(()) => true,
        // It never fits: then an error must.
        Err(Error::Resource(Resource::Tx { .. })) if server.tx_pending().is_empty() => {
            let desc = format!("nonce {} too long", task.wish.nonce);
            server.replies().fail(task.ticket, "GenericError", &desc).expect("an error fits");
            true
        }
        Err(Error::Resource(Resource::Tx { .. })) => false,
        Err(error) => panic!("{error}"),
    }
}

fn reply(task: &Task, replies: &mut Replies<'_>) -> Result<(), Error> {
    let padding = "\u{e9}\n ".repeat(task.wish.size / 3);
    let nonce = task.wish.nonce;
    match task.name.as_str() {
        name if name == COMMANDS[0] => replies.reply(task.ticket, &Done { nonce, padding: &padding }),
        name if name == COMMANDS[1] => replies.fail(task.ticket, "DeviceNotFound", &format!("nonce {nonce} {padding}")),
        name => replies.not_found(task.ticket, name),
    }
}

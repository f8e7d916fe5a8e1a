//! What the client owes its user: each command ends exactly once, and as what it was to come to.

use qmp_core::client::{Client, Incoming, Message, Outcome, Retraction, Ticket};
use qmp_core::json::Value;
use qmp_core::message::Origin;

use super::line::{Foretold, Line};
use super::{Done, Tally};
use crate::world::Wish;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Returns what it was given, and padding.
    Do,
    /// Returns a list.
    List,
    /// Fails.
    Fail,
    /// There is no such command.
    Unknown,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Do, Self::List, Self::Fail, Self::Unknown];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::List => "list",
            Self::Fail => "fail",
            Self::Unknown => "no-such-command",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).expect("a command of ours")
    }
}

/// A place for each slot of the client: what is remembered does not grow.
#[derive(Debug)]
pub(super) struct Book {
    places: [Option<Entry>; 16],
    /// Elements that came of the reply at hand.
    elements: u32,
    /// One of them did not fit.
    too_long: bool,
    /// A command that was forgotten in the middle of what comes.
    forgotten: Option<Ticket>,
    /// The connection has ended.
    ended: bool,
}

/// A command that is in flight, or whose time is up and whose reply may still come.
#[derive(Clone, Copy, Debug)]
struct Entry {
    ticket: Ticket,
    kind: Kind,
    nonce: u32,
    size: usize,
    deadline: u64,
    oob: bool,
    elements: bool,
    timed_out: bool,
    /// Its reply was damaged.
    gone: bool,
}

impl Entry {
    /// It came to what it was to come to.
    fn check(&self, outcome: Outcome<'_>, another_is_lost: bool) {
        match (self.kind, outcome) {
            (Kind::Do, Ok(payload)) => {
                let done: Done<'_> = payload.decode().expect("what the server returned");
                assert_eq!((done.nonce, done.padding.len()), (self.nonce, self.size / 4 * 4));
            }
            (Kind::List, Ok(payload)) => {
                // It may have been taken for the reply to one before it, which was damaged; or the elements are another's by now.
                assert!(!self.elements || another_is_lost || self.timed_out, "{self:?}");
                assert_eq!(payload.into_value().elements().count(), self.size);
            }
            (Kind::Fail, Err(failure)) => assert_eq!(failure.class(), "DeviceNotFound"),
            (Kind::Unknown, Err(failure)) => assert_eq!(failure.class(), "CommandNotFound"),
            (_, outcome) => panic!("{self:?} has come to {outcome:?}"),
        }
    }
}

impl Book {
    pub(super) const fn new() -> Self {
        Self { places: [None; 16], elements: 0, too_long: false, forgotten: None, ended: false }
    }

    pub(super) fn sent(&mut self, ticket: Ticket, kind: Kind, wish: &Wish, deadline: u64, oob: bool, elements: bool) {
        let place = &mut self.places[ticket.id() as usize & 0xFF];
        assert!(place.is_none(), "{place:?} is not over, and its slot is given out again");
        let Wish { nonce, size, .. } = *wish;
        *place = Some(Entry { ticket, kind, nonce, size, deadline, oob, elements, timed_out: false, gone: false });
    }

    /// The client has reported something at the time `now`; its buffer holds messages of `rx` bytes.
    pub(super) fn hear(&mut self, incoming: Incoming<'_, '_>, line: &mut Line, rx: usize, now: u64, tally: &mut Tally) {
        let Incoming { message, origin, .. } = incoming;
        let goes_on = origin.is_none() || matches!(message, Message::Element { .. });
        let fits = |bytes: u64| bytes <= rx as u64;
        match message {
            Message::Greeting(_) => {
                self.next(line, origin, |it| it == Foretold::Greeting);
                tally.strays += 1;
            }
            Message::Ready { .. } => _ = self.next(line, origin, |it| it == Foretold::Ready),
            Message::Reply { ticket, outcome } => {
                self.next(
                    line,
                    origin,
                    |it| matches!(it, Foretold::Reply(id, bytes) if id == ticket.id() && fits(bytes)),
                );
                self.in_time(ticket).check(outcome, self.has_lost_one());
                tally.replied += 1;
            }
            Message::Late { ticket, outcome } => {
                self.next(
                    line,
                    origin,
                    |it| matches!(it, Foretold::Reply(id, bytes) if id == ticket.id() && fits(bytes)),
                );
                self.too_late(ticket).check(outcome, self.has_lost_one());
                tally.late += 1;
            }
            Message::Oversize { ticket, message } => {
                let id = message.id.and_then(Value::as_u64).map(|id| id as u32);
                assert!(!fits(message.bytes), "{message:?}");
                let of = self.next(line, origin, |it| match it {
                    Foretold::Reply(of, bytes) => Some(of) == id && bytes == message.bytes,
                    Foretold::Foreign(bytes) => ticket.is_none() && bytes == message.bytes,
                    _ => false,
                });
                match (of, ticket, id.and_then(|id| self.with_id(id)).map(|entry| entry.ticket)) {
                    (Foretold::Reply(..), Some(ticket), _) => {
                        self.in_time(ticket);
                        tally.too_long += 1;
                    }
                    (Foretold::Reply(..), None, Some(ticket)) => {
                        self.too_late(ticket);
                        tally.late += 1;
                    }
                    (Foretold::Foreign(_), None, _) => tally.strays += 1,
                    (of, ..) => panic!("{of:?} is told as of {ticket:?}"),
                }
            }
            Message::Element { ticket, index, element } => {
                assert_eq!(index, self.elements);
                self.elements += 1;
                // A reply that is taken for the one that it waits for may have begun when it was forgotten.
                let forgotten = self.forgotten == Some(ticket);
                let waits = self.with_id(ticket.id()).map_or(forgotten, |entry| entry.elements);
                assert!(waits, "{ticket:?} waits for no elements");
                // A message that goes with a list that breaks off is taken for an element of that.
                self.too_long |= element.is_err();
            }
            Message::ElementsEnd { ticket, count, late } => {
                self.next(line, origin, |it| matches!(it, Foretold::Reply(id, _) if id == ticket.id()));
                assert_eq!(count, core::mem::take(&mut self.elements));
                assert!(!self.too_long, "elements fit");
                let entry = if late { self.too_late(ticket) } else { self.in_time(ticket) };
                assert!(entry.elements && entry.kind == Kind::List && entry.size == count as usize);
                tally.late += u64::from(late);
                tally.replied += u64::from(!late);
                tally.in_elements += u64::from(!late);
            }
            Message::Retracted { count, by, .. } => {
                assert_eq!(count, core::mem::take(&mut self.elements));
                self.too_long = false;
                match by {
                    Retraction::Other(ticket) => {
                        self.next(line, origin, |it| matches!(it, Foretold::Reply(id, _) if id == ticket.id()));
                        assert_eq!(self.in_time(ticket).kind, Kind::List);
                        tally.replied += 1;
                    }
                    Retraction::Foreign => {
                        // To a command whose time was up.
                        let Foretold::Reply(id, _) = self.next(line, origin, |it| matches!(it, Foretold::Reply(..)))
                        else {
                            return;
                        };
                        let ticket = self.with_id(id).expect("a list's command").ticket;
                        assert_eq!(self.too_late(ticket).kind, Kind::List);
                        tally.late += 1;
                    }
                    Retraction::Broken => {}
                    by => panic!("each list is of a reply: {by:?}"),
                }
            }
            Message::Event(event) => {
                let number = event.data.expect("data").into_value().get("number").and_then(Value::as_u64);
                self.next(line, origin, |it| matches!(it, Foretold::Event(of) if Some(of.into()) == number));
                assert_eq!(event.name, "TICK");
                tally.events += 1;
            }
            Message::TimedOut { ticket } => {
                let entry = self.with_id(ticket.id()).expect("it was sent");
                assert!(!entry.timed_out && entry.deadline <= now, "{entry:?}, at {now}");
                entry.timed_out = true;
                tally.timed_out += 1;
            }
            Message::Lost { ticket } => {
                assert!(self.ended, "the connection holds");
                self.with_id(ticket.id()).expect("it was sent").gone = false;
                self.in_time(ticket);
                tally.lost += 1;
            }
            Message::Foreign { .. } => {
                self.next(line, origin, |it| matches!(it, Foretold::Foreign(bytes) if fits(bytes)));
                tally.strays += 1;
            }
            Message::Diagnostic(_) => {
                self.next(line, origin, |it| it == Foretold::Diagnostic);
                tally.strays += 1;
            }
            Message::Unknown(_) => {
                self.next(line, origin, |it| it == Foretold::Unknown);
                tally.strays += 1;
            }
            Message::Malformed(_) => {
                if let Foretold::Broken(Some(id)) =
                    self.next(line, origin, |it| matches!(it, Foretold::Junk | Foretold::Broken(_)))
                {
                    self.with_id(id).into_iter().for_each(|entry| entry.gone = true);
                }
                tally.malformed += 1;
            }
            Message::Incomplete => assert!(self.ended),
            other => panic!("{other:?}"),
        }
        if !goes_on {
            self.forgotten = None;
        }
    }

    /// Takes what was foretold of what has come, which must be so.
    fn next(&mut self, line: &mut Line, origin: Option<Origin>, is: impl Fn(Foretold) -> bool) -> Foretold {
        let at = origin.expect("it came on the line").offset;
        let what = line.next(at, |id| self.with_id(id).into_iter().for_each(|entry| entry.gone = true));
        assert!(is(what), "{what:?} was on its way, and something else came");
        what
    }

    fn with_id(&mut self, id: u32) -> Option<&mut Entry> {
        self.places.get_mut(id as usize & 0xFF)?.as_mut().filter(|entry| entry.ticket.id() == id)
    }

    /// The command is over.
    fn over(&mut self, ticket: Ticket) -> Entry {
        let place = self.places.get_mut(ticket.id() as usize & 0xFF).expect("a place for each slot");
        let entry = place.take().unwrap_or_else(|| panic!("{ticket:?} ends once more"));
        assert_eq!(entry.ticket, ticket, "another one is in its slot");
        assert!(!entry.gone, "{entry:?} has ended by a reply that was damaged");
        entry
    }

    fn in_time(&mut self, ticket: Ticket) -> Entry {
        let entry = self.over(ticket);
        assert!(!entry.timed_out, "{entry:?} ends once more");
        entry
    }

    fn too_late(&mut self, ticket: Ticket) -> Entry {
        let entry = self.over(ticket);
        assert!(entry.timed_out, "{entry:?} is not late");
        entry
    }

    /// Whether the reply to a command in band was damaged, which the client cannot know.
    fn has_lost_one(&self) -> bool {
        // One that was forgotten while the reply came was among them when it began.
        self.forgotten.is_some() || self.places.iter().flatten().any(|entry| entry.gone && !entry.oob)
    }

    /// A command whose time is up, and whose reply was damaged.
    pub(super) fn hopeless(&self) -> Option<Ticket> {
        let entries = self.places.iter().flatten();
        entries.filter(|entry| entry.timed_out && entry.gone).map(|entry| entry.ticket).next()
    }

    pub(super) fn forgotten(&mut self, ticket: Ticket) {
        self.places[ticket.id() as usize & 0xFF] = None;
        self.forgotten = Some(ticket);
    }

    /// The client sees it as it is.
    pub(super) fn check(&self, client: &mut Client<'_>) {
        let in_band = self.places.iter().flatten().filter(|entry| !entry.oob).count();
        assert_eq!(usize::from(client.commands().credits()) + in_band, 8);
        for entry in self.places.iter().flatten() {
            assert_eq!(client.is_in_flight(entry.ticket), !entry.timed_out, "{entry:?}");
        }
    }

    /// All has come that will, and all time is up but that of commands that are `held` or wait for ever for a reply that was damaged.
    pub(super) fn check_settled(&self, held: usize) {
        let open = self.places.iter().flatten().filter(|entry| !entry.gone);
        let open: usize = open.inspect(|entry| assert!(entry.oob, "{entry:?} has not ended")).count();
        assert!(open <= held, "{open} have not ended, of which {held} are held");
    }

    /// The connection ends.
    pub(super) const fn ends(&mut self) {
        self.ended = true;
    }

    /// The client has said all of the connection.
    pub(super) fn close(&mut self) {
        for place in &mut self.places {
            let entry = place.take();
            assert!(entry.is_none_or(|entry| entry.timed_out), "{entry:?} has not ended");
        }
        (self.elements, self.too_long, self.ended) = (0, false, false);
    }
}

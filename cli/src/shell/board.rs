//! What came from the server and is to be shown, and who shows it.
//!
//! While a line is typed that is the printer, a thread of its own: what it prints goes above the line, and it may have to wait for the
//! editor. While a reply is waited for it is whoever waits: so replies and events are shown as they came, and nobody waits for the
//! printer. The monitor's thread waits for neither: what nobody shows piles up here, events up to a limit.

use alloc::collections::{BTreeSet, VecDeque};
use core::mem;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use qmp_std::{Error, Notice, OwnedEvent};

/// Something to be shown.
#[derive(Debug)]
pub(super) enum Item {
    Event(OwnedEvent),
    Reply(Reply),
    Notice(Notice),
    /// So many events were dropped, as nobody showed them.
    Dropped(u64),
    /// The connection has ended; whether that was to be expected.
    Lost(Error, bool),
}

/// What came of a command.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) outcome: Result<String, Error>,
    /// From when it was asked for.
    pub(super) took: Duration,
}

/// What there is for who waits.
#[derive(Debug)]
pub(super) enum Next {
    Item(Item),
    TimedOut,
    Interrupted,
}

/// Who shows what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// The printer.
    Typing,
    /// Who waits for a reply.
    #[default]
    Waiting,
    /// Nobody any longer.
    Over,
}

/// A command that was not answered yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) since: Instant,
}

/// The events that are shown.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) all: bool,
    pub(super) except: BTreeSet<String>,
}

impl Filter {
    /// Shows these or hides them; all of them, if none is named.
    pub(super) fn set(&mut self, on: bool, names: Vec<String>) {
        if names.is_empty() {
            *self = Self { all: on, except: BTreeSet::new() };
        }
        for name in names {
            if on == self.all {
                self.except.remove(&name);
            } else {
                self.except.insert(name);
            }
        }
    }

    fn shows(&self, name: &str) -> bool {
        self.all != self.except.contains(name)
    }
}

#[derive(Debug, Default)]
pub(super) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    items: VecDeque<Item>,
    dropped: u64,
    turn: Turn,
    printing: bool,
    interrupted: bool,
    connected: bool,
    /// QEMU was told to quit, and said that it will.
    quitting: bool,
    pending: Vec<Pending>,
    filter: Filter,
}

impl Default for State {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            dropped: 0,
            turn: Turn::default(),
            printing: false,
            interrupted: false,
            connected: true,
            quitting: false,
            pending: Vec::new(),
            filter: Filter { all: true, except: BTreeSet::new() },
        }
    }
}

/// As many things pile up before events are dropped, the oldest first.
const MOST: usize = 4096;

/// For the monitor's thread.
impl Board {
    pub(super) fn push(&self, item: Item) {
        let mut state = self.state();
        match &item {
            Item::Event(event) if !state.filter.shows(&event.name) => return,
            Item::Lost(..) => state.connected = false,
            _ => {}
        }
        if state.items.len() >= MOST
            && let Some(oldest) = state.items.iter().position(|item| matches!(item, Item::Event(_) | Item::Notice(_)))
        {
            state.items.remove(oldest);
            state.dropped += 1;
        }
        state.items.push_back(item);
        drop(state);
        self.changed.notify_all();
    }

    /// A command came to its end.
    pub(super) fn conclude(&self, number: u64, outcome: Result<String, Error>) {
        let mut state = self.state();
        let Some(at) = state.pending.iter().position(|pending| pending.number == number) else { return };
        let Pending { name, since, .. } = state.pending.remove(at);
        state.quitting |= name == "quit" && outcome.is_ok();
        state.items.push_back(Item::Reply(Reply { number, name, outcome, took: since.elapsed() }));
        drop(state);
        self.changed.notify_all();
    }

    /// The connection has ended.
    pub(super) fn lost(&self, error: Error) {
        let expected = self.state().quitting && matches!(error, Error::Closed { source: None });
        self.push(Item::Lost(error, expected));
    }

    /// So many events were dropped before they came here.
    pub(super) fn dropped(&self, count: u64) {
        self.state().dropped += count;
        self.changed.notify_all();
    }
}

/// For the printer.
impl Board {
    /// What is to be shown while a line is typed: waits for it. `None` when all is over. To be followed by [`printed`](Self::printed).
    pub(super) fn take_while_typing(&self) -> Option<Vec<Item>> {
        let mut state = self.state();
        loop {
            match state.turn {
                Turn::Over => return None,
                Turn::Typing if !state.items.is_empty() || state.dropped > 0 => {
                    state.printing = true;
                    return Some(state.take());
                }
                Turn::Typing | Turn::Waiting => state = self.wait(state, None),
            }
        }
    }

    pub(super) fn printed(&self) {
        self.state().printing = false;
        self.changed.notify_all();
    }
}

/// For who asks.
impl Board {
    /// Passes the turn.
    pub(super) fn pass(&self, turn: Turn) {
        let mut state = self.state();
        state.turn = turn;
        state.interrupted = false;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the printer has printed what it took. It may be for ever, where that waits for an editor.
    pub(super) fn wait_for_printer(&self) {
        let mut state = self.state();
        while state.printing {
            state = self.wait(state, None);
        }
    }

    /// Whoever waits shall wait no longer.
    pub(super) fn interrupt(&self) {
        self.state().interrupted = true;
        self.changed.notify_all();
    }

    /// The next of what comes, until `deadline` at most.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Next {
        let mut state = self.state();
        loop {
            if let Some(item) = state.pop() {
                return Next::Item(item);
            }
            if mem::take(&mut state.interrupted) {
                return Next::Interrupted;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Next::TimedOut;
            }
            state = self.wait(state, left);
        }
    }

    /// What has come and was not shown.
    pub(super) fn rest(&self) -> Vec<Item> {
        self.state().take()
    }

    /// A command is about to be sent.
    pub(super) fn sent(&self, pending: Pending) {
        self.state().pending.push(pending);
    }

    pub(super) fn pending(&self) -> Vec<Pending> {
        self.state().pending.clone()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().connected
    }

    /// There is a new connection.
    pub(super) fn connected(&self) {
        let mut state = self.state();
        state.connected = true;
        state.quitting = false;
        // The old one's were concluded with it.
        state.pending.clear();
    }

    /// Changes which events are shown, and gives what that comes to.
    pub(super) fn filter(&self, change: impl FnOnce(&mut Filter)) -> Filter {
        let mut state = self.state();
        change(&mut state.filter);
        state.filter.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is whole at any moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, most: Option<Duration>) -> MutexGuard<'s, State> {
        match most {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(most) => self.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}

impl State {
    fn pop(&mut self) -> Option<Item> {
        match mem::take(&mut self.dropped) {
            0 => self.items.pop_front(),
            count => Some(Item::Dropped(count)),
        }
    }

    fn take(&mut self) -> Vec<Item> {
        core::iter::from_fn(|| self.pop()).collect()
    }
}

#[cfg(test)]
mod tests {
    use qmp_core::client::{Client, Config, Message, Storage};

    use super::*;

    fn event(name: &str) -> Item {
        // An event has no constructor but its message.
        let line = format!("{{\"event\": \"{name}\"}}");
        let mut client = Client::new(Storage::growing(4096, 4096, 1), Config::DEFAULT);
        client.feed(line.as_bytes()).unwrap();
        match client.poll().unwrap().unwrap().message {
            Message::Event(event) => Item::Event((&event).into()),
            other => panic!("{other:?}"),
        }
    }

    fn name(next: Next) -> String {
        match next {
            Next::Item(Item::Event(event)) => event.name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let board = Board::default();
        board.sent(Pending { number: 1, name: "stop".into(), since: Instant::now() });
        board.conclude(1, Ok("{}".into()));
        for number in 0..MOST + 9 {
            board.push(event(&number.to_string()));
        }
        assert!(matches!(board.next(None), Next::Item(Item::Dropped(10))));
        assert!(matches!(board.next(None), Next::Item(Item::Reply(_))), "a reply is never dropped");
        assert_eq!(name(board.next(None)), "10");
    }

    #[test]
    fn events_that_are_shown() {
        let board = Board::default();
        let shown = |on, names: &[&str]| {
            board.filter(|filter| filter.set(on, names.iter().map(|name| (*name).into()).collect()));
            for name in ["A", "B"] {
                board.push(event(name));
            }
            board.rest().into_iter().map(|item| name(Next::Item(item))).collect::<Vec<_>>()
        };
        assert_eq!(shown(false, &["A"]), ["B"]);
        assert_eq!(shown(true, &["A"]), ["A", "B"]);
        assert_eq!(shown(false, &[]), [""; 0]);
        assert_eq!(shown(true, &["A"]), ["A"]);
        assert_eq!(shown(true, &[]), ["A", "B"]);
    }

    #[test]
    fn waiting_ends() {
        let board = Board::default();
        assert!(matches!(board.next(Some(Instant::now())), Next::TimedOut));
        board.interrupt();
        assert!(matches!(board.next(None), Next::Interrupted));
        // What was interrupted before is not what is waited for now.
        board.interrupt();
        board.pass(Turn::Waiting);
        assert!(matches!(board.next(Some(Instant::now())), Next::TimedOut));
        board.pass(Turn::Over);
        assert!(board.take_while_typing().is_none());
    }
}

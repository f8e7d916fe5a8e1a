//! The book that is kept of a client's commands, by the rule that each ends exactly once.

use qmp_core::client::Ticket;

/// All commands of a client, of all its connections.
#[derive(Debug, Default)]
pub struct Book {
    entries: Vec<Entry>,
}

/// One of them.
#[derive(Debug)]
pub struct Entry {
    /// Its name to the client.
    pub ticket: Ticket,
    /// Whether it takes no credit.
    pub oob: bool,
    /// Whether it answers nothing when it succeeds.
    pub silent: bool,
    /// When its time is up.
    pub deadline: u64,
    /// What has become of it.
    pub state: State,
}

/// What has become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In flight.
    InFlight,
    /// Its time was up. That is its end, but a reply may still come, once.
    TimedOut,
    /// It has ended, and nothing more is heard of it.
    Over,
}

impl Book {
    /// A command was sent.
    pub fn sent(&mut self, ticket: Ticket, oob: bool, silent: bool) {
        assert!(self.entries.iter().all(|entry| entry.ticket != ticket), "{ticket:?} was given out twice");
        self.entries.push(Entry { ticket, oob, silent, deadline: u64::MAX, state: State::InFlight });
    }

    /// The entry of a command, which was sent.
    pub fn entry(&mut self, ticket: Ticket) -> &mut Entry {
        let entry = self.entries.iter_mut().find(|entry| entry.ticket == ticket);
        entry.unwrap_or_else(|| panic!("{ticket:?} was never sent"))
    }

    /// It ended.
    pub fn ended(&mut self, ticket: Ticket) {
        self.moves(ticket, &[State::InFlight], State::Over);
    }

    /// Its time is up.
    pub fn timed_out(&mut self, ticket: Ticket, now: u64) {
        self.moves(ticket, &[State::InFlight], State::TimedOut);
        assert!(self.entry(ticket).deadline <= now, "before its time");
    }

    /// It was answered behind its time.
    pub fn late(&mut self, ticket: Ticket) {
        self.moves(ticket, &[State::TimedOut], State::Over);
    }

    /// Nothing more is to be heard of it.
    pub fn forgotten(&mut self, ticket: Ticket) {
        self.moves(ticket, &[State::InFlight, State::TimedOut], State::Over);
    }

    fn moves(&mut self, ticket: Ticket, from: &[State], to: State) {
        let entry = self.entry(ticket);
        assert!(from.contains(&entry.state), "{entry:?} ends once more");
        entry.state = to;
    }

    /// The connection is done with: nothing is in flight.
    pub fn close(&mut self) {
        for entry in &mut self.entries {
            assert_ne!(entry.state, State::InFlight, "{entry:?} has not ended");
            entry.state = State::Over;
        }
    }

    /// The client was told to begin anew.
    pub fn reset(&mut self) {
        for entry in &mut self.entries {
            entry.state = State::Over;
        }
    }

    /// All commands.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All tickets given out.
    pub fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.entries.iter().map(|entry| entry.ticket)
    }

    /// The ticket at this place, counted in a circle.
    pub fn pick(&self, which: usize) -> Option<Ticket> {
        let place = which.checked_rem(self.entries.len())?;
        Some(self.entries[place].ticket)
    }

    /// What has become of the command with this id.
    pub fn state_of(&self, id: u64) -> Option<(Ticket, State)> {
        let entry = self.entries.iter().rev().find(|entry| u64::from(entry.ticket.id()) == id)?;
        Some((entry.ticket, entry.state))
    }

    /// Whether it is in flight.
    pub fn is_in_flight(&self, ticket: Ticket) -> bool {
        self.entries.iter().any(|entry| entry.ticket == ticket && entry.state == State::InFlight)
    }

    /// How many are in flight or may still be answered; how many of these take a credit.
    pub fn open(&self) -> (usize, usize) {
        let open = || self.entries.iter().filter(|entry| entry.state != State::Over);
        (open().count(), open().filter(|entry| !entry.oob).count())
    }

    /// When the first one's time is up, if that is ever.
    pub fn earliest_deadline(&self) -> u64 {
        let in_flight = self.entries.iter().filter(|entry| entry.state == State::InFlight);
        in_flight.map(|entry| entry.deadline).min().unwrap_or(u64::MAX)
    }
}

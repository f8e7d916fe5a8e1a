//! What has happened, counted.

use core::fmt;

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that the client and the server reported, elements of replies not counted.
    pub messages: u64,
    /// Elements of replies.
    pub elements: u64,
    /// Bytes that they received.
    pub bytes: u64,
    /// Connections.
    pub connections: u64,
    /// Commands that the client sent. Each ended in one of the next five ways.
    pub commands: u64,
    /// Commands that succeeded or failed, as they were to.
    pub replied: u64,
    /// Those of them whose reply came element by element.
    pub in_elements: u64,
    /// Commands that ended as their reply was too long.
    pub too_long: u64,
    /// Commands that ended at their deadline.
    pub timed_out: u64,
    /// Commands that ended with the connection.
    pub lost: u64,
    /// Replies that came behind the deadline.
    pub late: u64,
    /// Timed-out commands that were given up, as their reply was damaged.
    pub forgotten: u64,
    /// Commands that were executed out of band.
    pub out_of_band: u64,
    /// Events that came.
    pub events: u64,
    /// Messages that nobody had asked for: replies to strangers, greetings, errors without an id, unknown objects.
    pub strays: u64,
    /// Bytes that were no message.
    pub malformed: u64,
    /// Inputs that the server refused.
    pub refused: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| {} messages, {} bytes | {} connections |\n|---|---:|",
            self.messages, self.bytes, self.connections
        )?;
        let rows = [
            ("commands sent", self.commands),
            ("… of them out of band", self.out_of_band),
            ("ended by their reply", self.replied),
            ("… of them element by element", self.in_elements),
            ("… elements of those", self.elements),
            ("ended by a reply too long to be delivered", self.too_long),
            ("ended at their deadline", self.timed_out),
            ("… of them answered late", self.late),
            ("… of them forgotten, their reply being damaged", self.forgotten),
            ("ended with the connection", self.lost),
            ("events", self.events),
            ("messages nobody had asked for", self.strays),
            ("damage that the client met", self.malformed),
            ("inputs that the server refused", self.refused),
        ];
        rows.iter().try_for_each(|(what, count)| writeln!(f, "| {what} | {count} |"))
    }
}

impl Tally {
    /// Every command has ended, once.
    pub(super) fn check(&self) {
        assert_eq!(self.commands, self.replied + self.too_long + self.timed_out + self.lost, "{self}");
    }
}

//! The sending half of a server: replies and events out.

use serde::Serialize;

use super::config::{Config, Dialect};
use super::pending::{Answer, IdTooLong, State, Table, Ticket, detail};
use crate::error::{Error, Misuse};
use crate::json::ser::{self, Full, Serializer, Sink, SliceSink, decimal64};
use crate::json::{Value, scan, squeeze};
use crate::message::{COMMAND_NOT_FOUND, GENERIC_ERROR, Refusal, RefusalKind, Timestamp, Version};
use crate::transmit::Transmit;

/// The length of QEMU's queue of in-band commands (QMP_REQ_QUEUE_LEN_MAX), which wait while another one is executed.
pub const QUEUE: usize = 8;

/// Answers commands and sends events. Part of a [`Server`](super::Server), and of each [`Incoming`](super::Incoming), so that a
/// command can be answered while it is looked at.
///
/// Each call encodes one message, whole, on one line, in ASCII, or on any error nothing: the command is then still to be answered.
/// Where there is [no room](crate::error::Resource::Tx), take bytes from [`tx_pending`](super::Server::tx_pending) and try again; a reply longer
/// than the whole buffer never fits, and an error can be sent in its place.
#[derive(Debug)]
pub struct Replies<'b> {
    pub(super) tx: Transmit<'b>,
    pub(super) pending: Table<'b>,
    version: Version,
    package: &'static str,
    dialect: Dialect,
    offers_oob: bool,
    in_order: bool,
    /// Whether commands are executed, and whether out-of-band execution is on.
    negotiated: bool,
    oob: bool,
    /// The reply that says so was written: events may follow it.
    announced: bool,
    /// The greeting has not been written.
    greeting: bool,
}

impl<'b> Replies<'b> {
    pub(super) fn new(tx: Transmit<'b>, pending: Table<'b>, config: &Config) -> Self {
        let mut replies = Self {
            tx,
            pending,
            version: config.version,
            package: config.package,
            dialect: config.dialect,
            offers_oob: config.oob && config.dialect == Dialect::Qmp,
            in_order: config.in_order,
            negotiated: false,
            oob: false,
            announced: false,
            greeting: false,
        };
        replies.reset();
        replies
    }

    pub(super) fn reset(&mut self) {
        self.tx.clear();
        self.pending.clear();
        self.negotiated = self.dialect == Dialect::Agent;
        self.oob = false;
        self.announced = false;
        self.greeting = self.dialect == Dialect::Qmp;
        // If it does not fit, the first call of `poll` says so.
        let _ = self.flush();
    }

    /// Whether the client has negotiated, so that commands are executed and events are sent. Always true of an agent.
    pub const fn is_negotiated(&self) -> bool {
        self.negotiated
    }

    /// Whether out-of-band execution is on.
    pub const fn oob_enabled(&self) -> bool {
        self.oob
    }

    /// Whether `ticket` is still to be answered.
    pub fn is_pending(&self, ticket: Ticket) -> bool {
        self.pending.find(ticket).is_some()
    }

    /// The command succeeded and returns `value`, any JSON value but `null`. That (from `()`, for one) is sent as the empty object, as
    /// commands return it that return nothing.
    ///
    /// # Errors
    /// [`Misuse::Ticket`] if it was answered already, or came on another connection; [`Misuse::OutOfTurn`] where an earlier command
    /// is to be answered first; [`Misuse::Serialize`] for the value; [`Resource::Tx`](crate::error::Resource::Tx) when there is no room.
    pub fn reply<T: Serialize + ?Sized>(&mut self, ticket: Ticket, value: &T) -> Result<(), Error> {
        self.answer(ticket, |tx| {
            tx.text("{\"return\":")?;
            let mark = tx.mark();
            serialize(tx, value)?;
            if tx.written(mark) == b"null" {
                tx.rewind(mark);
                tx.text("{}")?;
            }
            Ok(())
        })
    }

    /// [`reply`](Self::reply) with a value that is JSON already. It is checked, and sent without white space and in ASCII.
    ///
    /// # Errors
    /// As there, and [`Misuse::NotJson`].
    pub fn reply_raw(&mut self, ticket: Ticket, json: &str) -> Result<(), Error> {
        self.answer(ticket, |tx| {
            scan::check(json.as_bytes()).map_err(|_| Misuse::NotJson)?;
            tx.text("{\"return\":")?;
            squeeze::squeeze(json.as_bytes(), &mut Ascii { to: tx }).map_err(|Full| tx.full())
        })
    }

    /// The command failed. `class` is `GenericError` unless clients are to tell this error from others; `desc` is for a person.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn fail(&mut self, ticket: Ticket, class: &str, desc: &str) -> Result<(), Error> {
        self.answer(ticket, |tx| error(tx, class, desc, "", ""))
    }

    /// There is no command `name`.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn not_found(&mut self, ticket: Ticket, name: &str) -> Result<(), Error> {
        self.answer(ticket, |tx| error(tx, COMMAND_NOT_FOUND, "The command ", name, " has not been found"))
    }

    /// The command `name` came out of band, but cannot be executed so.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn no_oob(&mut self, ticket: Ticket, name: &str) -> Result<(), Error> {
        self.answer(ticket, |tx| {
            let (before, behind) = RefusalKind::NoOutOfBand.around();
            error(tx, GENERIC_ERROR, before, name, behind)
        })
    }

    /// The command is done with and sends no reply, which is how some succeed (an agent's `guest-shutdown`).
    ///
    /// # Errors
    /// [`Misuse::Ticket`] if it was answered already, or came on another connection; [`Misuse::OutOfTurn`] where an earlier command
    /// is to be answered first.
    pub fn release(&mut self, ticket: Ticket) -> Result<(), Error> {
        let index = self.turn(ticket)?;
        self.pending.free(index);
        let _ = self.flush();
        Ok(())
    }

    /// Something happened: sends the event `name` with `data`, anything that serializes to an object (or to `null`, for none), and
    /// whether it was sent. Before the reply to the negotiation, and by an agent, events are not: they are dropped.
    ///
    /// # Errors
    /// [`Misuse::NotAnObject`] and [`Misuse::Serialize`] for the data; [`Resource::Tx`](crate::error::Resource::Tx) when there is no room.
    pub fn event<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        data: Option<&T>,
        timestamp: Timestamp,
    ) -> Result<bool, Error> {
        if !self.announced {
            return Ok(false);
        }
        let end = self.line_end();
        self.tx.append(|tx| {
            tx.text("{\"timestamp\":{\"seconds\":")?;
            integer(tx, timestamp.seconds).map_err(|Full| tx.full())?;
            tx.text(",\"microseconds\":")?;
            integer(tx, timestamp.microseconds).map_err(|Full| tx.full())?;
            tx.text("},\"event\":")?;
            ser::write_str(tx, name, true).map_err(|Full| tx.full())?;
            if let Some(data) = data {
                let mark = tx.mark();
                tx.text(",\"data\":")?;
                let start = tx.mark();
                serialize(tx, data)?;
                match tx.written(start) {
                    [b'{', ..] => {}
                    b"null" => tx.rewind(mark),
                    _ => return Err(Misuse::NotAnObject.into()),
                }
            }
            tx.text("}")?;
            tx.text(end)
        })?;
        Ok(true)
    }

    const fn line_end(&self) -> &'static str {
        match self.dialect {
            Dialect::Qmp => "\r\n",
            Dialect::Agent => "\n",
        }
    }

    /// Where the command of `ticket` is, if it may be answered now.
    fn turn(&mut self, ticket: Ticket) -> Result<usize, Error> {
        let index = self.pending.find(ticket).ok_or(Misuse::Ticket)?;
        let in_band = self.pending.all().get(index).is_some_and(|entry| entry.state == State::InBand);
        if self.in_order && in_band && self.pending.oldest_in_band() != Some(index) {
            // An answer of the server's own, which waits for room alone, goes first.
            self.flush()?;
            if self.pending.oldest_in_band() != Some(index) {
                return Err(Misuse::OutOfTurn.into());
            }
        }
        Ok(index)
    }

    /// Answers a command with what `body` writes, an object that is open yet, and with what waited for that.
    fn answer(
        &mut self,
        ticket: Ticket,
        body: impl FnOnce(&mut Transmit<'b>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let index = self.turn(ticket)?;
        let end = self.line_end();
        let (id, _) = self.pending.text(index);
        self.tx.append(|tx| {
            body(tx)?;
            finish(tx, id, end)
        })?;
        self.pending.free(index);
        let _ = self.flush();
        Ok(())
    }

    // ---- what the server does by itself

    /// Writes the greeting, and those of the server's own answers whose turn it is.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.greeting {
            self.greet()?;
            self.greeting = false;
        }
        while let Some(index) = self.next_answer() {
            self.write_answer(index)?;
            self.pending.free(index);
        }
        Ok(())
    }

    fn next_answer(&self) -> Option<usize> {
        let all = self.pending.all();
        if let Some(index) = all.iter().position(|entry| entry.state == State::AnswerOutOfBand) {
            return Some(index);
        }
        let oldest = self.pending.oldest_in_band()?;
        all.get(oldest).filter(|entry| entry.state == State::AnswerInBand).map(|_| oldest)
    }

    fn greet(&mut self) -> Result<(), Error> {
        let Self { tx, version, package, offers_oob, .. } = self;
        tx.append(|tx| {
            tx.text("{\"QMP\":{\"version\":{\"qemu\":{\"micro\":")?;
            tx.number(version.micro.into())?;
            tx.text(",\"minor\":")?;
            tx.number(version.minor.into())?;
            tx.text(",\"major\":")?;
            tx.number(version.major.into())?;
            tx.text("},\"package\":")?;
            ser::write_str(tx, package, true).map_err(|Full| tx.full())?;
            tx.text(if *offers_oob { "},\"capabilities\":[\"oob\"]}}\r\n" } else { "},\"capabilities\":[]}}\r\n" })
        })
    }

    fn write_answer(&mut self, index: usize) -> Result<(), Error> {
        let Some(entry) = self.pending.all().get(index).copied() else { return Ok(()) };
        let (id, detail) = self.pending.text(index);
        let detail = core::str::from_utf8(detail).unwrap_or_default();
        let end = self.line_end();
        self.tx.append(|tx| {
            match entry.answer {
                Answer::Return => tx.text("{\"return\":{}")?,
                Answer::Number | Answer::Delimited => {
                    if entry.answer == Answer::Delimited {
                        tx.push(b"\xFF").map_err(|Full| tx.full())?;
                    }
                    tx.text("{\"return\":")?;
                    tx.text(detail)?;
                }
                Answer::Error => {
                    let (before, behind) = entry.refusal.around();
                    error(tx, entry.refusal.class(), before, detail, behind)?;
                }
            }
            finish(tx, id, end)
        })?;
        // Of the server's own answers, only the one to the negotiation returns nothing.
        self.announced |= entry.answer == Answer::Return;
        Ok(())
    }

    /// Whether one more message may be read: there is an entry for it, and the queue is not full.
    pub(super) fn may_read(&self) -> bool {
        let queue = if self.oob { QUEUE } else { 0 };
        self.pending.has_free() && self.pending.in_band() <= queue
    }

    /// A command for the program to answer.
    pub(super) fn expect(&mut self, id: Option<Value<'_>>, oob: bool) -> Result<Ticket, IdTooLong> {
        let state = if oob { State::OutOfBand } else { State::InBand };
        self.pending.add(state, id, Answer::Return, RefusalKind::NotAnObject, b"")
    }

    /// Answers with an error, in its turn.
    pub(super) fn refuse(&mut self, id: Option<Value<'_>>, oob: bool, refusal: &Refusal<'_>) -> Result<(), IdTooLong> {
        let mut digits = [0; 20];
        let detail = detail(refusal, &mut digits);
        self.pending.add(answer_state(oob), id, Answer::Error, refusal.kind(), detail).map(|_| ())
    }

    /// Answers input that is no JSON, in its turn. The detail is as the client sent it.
    pub(super) fn refuse_malformed(&mut self, kind: RefusalKind, detail: &[u8]) {
        // There is no id that could be too long.
        let _ = self.pending.add(State::AnswerInBand, None, Answer::Error, kind, detail);
    }

    /// Answers the negotiation.
    pub(super) fn negotiate(&mut self, id: Option<Value<'_>>, enable_oob: bool) -> Result<(), IdTooLong> {
        self.pending.add(State::AnswerInBand, id, Answer::Return, RefusalKind::NotAnObject, b"")?;
        self.negotiated = true;
        self.oob = enable_oob;
        Ok(())
    }

    /// Answers a synchronisation.
    pub(super) fn sync(&mut self, id: Option<Value<'_>>, number: i64, delimited: bool) -> Result<(), IdTooLong> {
        let answer = if delimited { Answer::Delimited } else { Answer::Number };
        let mut text = [0; 20];
        let mut sink = SliceSink::new(&mut text);
        // 20 bytes hold every one of them.
        let _ = integer(&mut sink, number);
        let text = sink.into_written();
        self.pending.add(State::AnswerInBand, id, answer, RefusalKind::NotAnObject, text).map(|_| ())
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) const fn offers_oob(&self) -> bool {
        self.offers_oob
    }

    /// The longest id that is kept, as an error.
    pub(super) fn id_too_long(&self) -> Refusal<'static> {
        Refusal::numbered(RefusalKind::IdTooLong, self.pending.width() as u32)
    }

    /// Answers a command whose id is too long to be kept, at once. Where the transmit buffer cannot hold that id either, without it.
    /// There is none where a synchronisation's number is meant.
    pub(super) fn refuse_id(&mut self, id: Option<Value<'_>>) -> Result<(), Error> {
        let refusal = self.id_too_long();
        let mut digits = [0; 20];
        let detail = core::str::from_utf8(detail(&refusal, &mut digits)).unwrap_or_default();
        let (before, behind) = refusal.kind().around();
        let end = self.line_end();
        let with_id = self.tx.append(|tx| {
            error(tx, refusal.class(), before, detail, behind)?;
            if let Some(id) = id {
                tx.text(",\"id\":")?;
                serialize(tx, &id)?;
            }
            finish(tx, b"", end)
        });
        if with_id.is_ok() || !self.tx.pending().is_empty() {
            return with_id;
        }
        self.tx.append(|tx| {
            error(tx, refusal.class(), before, detail, behind)?;
            finish(tx, b"", end)
        })
    }
}

const fn answer_state(oob: bool) -> State {
    if oob { State::AnswerOutOfBand } else { State::AnswerInBand }
}

/// An error up to its id. The description is in three parts.
fn error(tx: &mut Transmit<'_>, class: &str, before: &str, detail: &str, behind: &str) -> Result<(), Error> {
    tx.text("{\"error\":{\"class\":")?;
    ser::write_str(tx, class, true).map_err(|Full| tx.full())?;
    tx.text(",\"desc\":\"")?;
    for part in [before, detail, behind] {
        ser::write_escaped(tx, part, true).map_err(|Full| tx.full())?;
    }
    tx.text("\"}")
}

fn finish(tx: &mut Transmit<'_>, id: &[u8], line_end: &str) -> Result<(), Error> {
    if !id.is_empty() {
        tx.text(",\"id\":")?;
        tx.push(id).map_err(|Full| tx.full())?;
    }
    tx.text("}")?;
    tx.text(line_end)
}

fn serialize<T: Serialize + ?Sized>(tx: &mut Transmit<'_>, value: &T) -> Result<(), Error> {
    match value.serialize(&mut Serializer::new(tx).ascii(true)) {
        Ok(()) => Ok(()),
        Err(ser::Error::Full) => Err(tx.full()),
        Err(error) => Err(Misuse::Serialize(error).into()),
    }
}

fn integer<S: Sink>(sink: &mut S, number: i64) -> Result<(), Full> {
    if number < 0 {
        sink.push(b"-")?;
    }
    sink.push(decimal64(number.unsigned_abs(), &mut [0; 20]))
}

/// Writes JSON in ASCII.
struct Ascii<'t, 'b> {
    to: &'t mut Transmit<'b>,
}

impl Sink for Ascii<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        ser::write_json_as_ascii(self.to, core::str::from_utf8(bytes).map_err(|_| Full)?)
    }
}

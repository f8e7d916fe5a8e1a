//! What a server sends: greeting, replies, events.

use core::fmt;

use super::{Malformed, NO_PAYLOAD, Parts, member};
use crate::frame::{Frames, Oversized, What};
#[cfg(feature = "fast")]
use crate::json::number::digits_by_words;
#[cfg(feature = "fast")]
use crate::json::scan::is_blank;
#[cfg(feature = "fast")]
use crate::json::scan::members::Span;
use crate::json::scan::members::{Found, Member, Members, Written};
use crate::json::scan::names;
use crate::json::{Payload, Strings, Value};

/// The slots of a server's message: what it is; its data; its time; its id.
pub(super) const BODY: u8 = 0;
const DATA: u8 = 1;
const TIME: u8 = 2;
pub(super) const ID: u8 = 3;
/// The place of `id` in the list.
#[cfg(feature = "delivery")]
pub(super) const ID_MEMBER: u8 = 6;

const LIST: &[Member] = &[
    member("QMP", BODY, false),
    member("return", BODY, false),
    member("error", BODY, false),
    member("event", BODY, true),
    member("data", DATA, false),
    member("timestamp", TIME, false),
    member("id", ID, true),
];
/// What a server's message is told by. The four that say what it is stand first, as in [`Kind`].
pub(crate) const SERVER_MEMBERS: &Members = &Members::new(LIST, &names::tree::<{ names::count(LIST) }>(LIST), None)
    .written(Written { timestamp: 5, event: 3, reply: 1, id: 6 })
    .taken_apart(1);
const KINDS: u8 = 0b1111;

/// What a message of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// `QMP`: the greeting.
    Greeting,
    /// `return`: a command succeeded.
    Return,
    /// `error`: a command failed.
    Error,
    /// `event`: something happened.
    Event,
    /// None of these, or more than one.
    Unknown,
}

impl Kind {
    pub(super) fn of(found: &Found) -> Self {
        match found.seen() & KINDS {
            0b0001 => Self::Greeting,
            0b0010 => Self::Return,
            0b0100 => Self::Error,
            0b1000 => Self::Event,
            _ => Self::Unknown,
        }
    }
}

/// A message of a server, or what came in the place of one. Borrows from the receive buffer until the next call that reads.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerMessage<'m> {
    /// The greeting, which a server sends on connection.
    Greeting(Greeting<'m>),
    /// A command succeeded.
    Return {
        /// The command's id, if it had one.
        id: Option<Value<'m>>,
        /// What the command returns: any JSON value.
        payload: Payload<'m>,
    },
    /// A command failed. Without an id: input could not be read, or the failed command had none.
    Error {
        /// The command's id, if the server knows it.
        id: Option<Value<'m>>,
        /// What failed.
        failure: Failure<'m>,
    },
    /// Something happened.
    Event(Event<'m>),
    /// A JSON object that is none of these: the whole of it.
    Unknown(Payload<'m>),
    /// A message that was passed over.
    Oversize(Oversize<'m>),
    /// Bytes that are no message.
    Malformed(Malformed<'m>),
    /// The stream ended inside a message.
    Incomplete,
    /// The guest agent's 0xFF: what it sent before belongs to an earlier command.
    Sentinel,
}

/// The greeting. QEMU's is `{"QMP": {"version": {"qemu": {"major": …, "minor": …, "micro": …}, "package": …}, "capabilities": […]}}`;
/// any of it may be missing.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Greeting<'m>(Value<'m>);

/// A QEMU version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Version {
    /// Raised once a year.
    pub major: u16,
    /// Raised with each release of a year.
    pub minor: u16,
    /// Raised with each stable update; 50 is a development tree, 90 and above are release candidates of the next minor.
    pub micro: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

impl<'m> Greeting<'m> {
    /// The version of QEMU, if the greeting has one in the form known.
    pub fn version(&self) -> Option<Version> {
        let qemu = self.0.get("version")?.get("qemu")?;
        let part = |name| u16::try_from(qemu.get(name)?.as_u64()?).ok();
        Some(Version { major: part("major")?, minor: part("minor")?, micro: part("micro")? })
    }

    /// What a distributor calls the build; empty for QEMU as released.
    pub fn package(&self) -> &'m str {
        self.0.get("version").and_then(|version| version.get("package")?.as_str()).unwrap_or_default()
    }

    /// The names of the capabilities that the server offers, in no order.
    pub fn capabilities(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        self.0.get("capabilities").unwrap_or(Value::NULL).elements().filter_map(Value::as_str)
    }

    /// Whether the server offers out-of-band execution.
    pub fn offers_oob(&self) -> bool {
        self.capabilities().any(|name| name == "oob")
    }

    /// The whole greeting, the value of `QMP`.
    pub const fn value(&self) -> Value<'m> {
        self.0
    }
}

/// Why a command failed. QEMU's is `{"class": …, "desc": …}`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Failure<'m>(Value<'m>);

impl<'m> Failure<'m> {
    /// A failure of which nothing is known.
    pub(crate) const UNKNOWN: Failure<'static> = Failure(Value::NULL);

    /// The error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … An open set; empty if the server names none.
    #[inline]
    pub fn class(&self) -> &'m str {
        self.0.get("class").and_then(Value::as_str).unwrap_or_default()
    }

    /// What happened, for a person. Its text changes between releases: do not parse it.
    pub fn desc(&self) -> &'m str {
        self.0.get("desc").and_then(Value::as_str).unwrap_or_default()
    }

    /// The whole error, the value of `error`.
    pub const fn value(&self) -> Value<'m> {
        self.0
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class(), self.desc())
    }
}

/// Something happened. Events come at any time, between any two messages, and QEMU holds some of them back for up to a second.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event<'m> {
    /// Its name: `SHUTDOWN`, `RESUME`, … An open set.
    pub name: &'m str,
    /// Its data, an object, if it has any.
    pub data: Option<Payload<'m>>,
    /// When it happened, by the server's clock.
    pub timestamp: Option<Timestamp>,
}

/// A time of the server's clock. Both parts are -1 where the server could not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Timestamp {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Microseconds of that second, 0 to 999,999.
    pub microseconds: i64,
}

impl Timestamp {
    /// What a server sends that has no clock.
    pub const UNKNOWN: Self = Self { seconds: -1, microseconds: -1 };

    #[inline(never)]
    fn of_value(value: Value<'_>) -> Option<Self> {
        // Two walks over some fifty bytes, where nothing tells the numbers by words: `entries` would be one, and more code.
        let part = |name| value.get(name)?.as_i64();
        Some(Self { seconds: part("seconds")?, microseconds: part("microseconds")? })
    }

    /// The timestamp at `span` of a message, in the form in which QEMU writes it where it does not write for people.
    #[cfg(feature = "fast")]
    #[inline(always)]
    fn as_written(text: &[u8], span: Span) -> Option<Self> {
        const SECONDS: &[u8] = b"{\"seconds\": ";
        const MICROSECONDS: &[u8] = b", \"microseconds\": ";
        let start = span.start as usize;
        if !text.get(start..)?.starts_with(SECONDS) {
            return None;
        }
        let (seconds, end) = digits_by_words(text, start.wrapping_add(SECONDS.len()))?;
        if !text.get(end..)?.starts_with(MICROSECONDS) {
            return None;
        }
        let (microseconds, end) = digits_by_words(text, end.wrapping_add(MICROSECONDS.len()))?;
        let all = end.wrapping_add(1) == span.end as usize;
        all.then_some(Self { seconds: seconds.cast_signed(), microseconds: microseconds.cast_signed() })
    }

    fn of(value: Value<'_>) -> Option<Self> {
        #[cfg(feature = "fast")]
        if let Some(timestamp) = Self::as_printed(value.text().as_bytes()) {
            return Some(timestamp);
        }
        Self::of_value(value)
    }

    /// The timestamp in the form in which QEMU writes it for people.
    #[cfg(feature = "fast")]
    fn as_printed(text: &[u8]) -> Option<Self> {
        let behind = |mut at: usize, token: &[u8]| {
            while is_blank(*text.get(at)?) {
                at = at.wrapping_add(1);
            }
            text.get(at..)?.starts_with(token).then_some(at.wrapping_add(token.len()))
        };
        let (seconds, end) = digits_by_words(text, behind(1, b"\"seconds\": ")?)?;
        let (microseconds, end) =
            digits_by_words(text, behind(end, b",").and_then(|at| behind(at, b"\"microseconds\": "))?)?;
        let all = behind(end, b"}")? == text.len();
        all.then_some(Self { seconds: seconds.cast_signed(), microseconds: microseconds.cast_signed() })
    }
}

/// A message that was passed over. Its end was found, so that the stream stays in step.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Oversize<'m> {
    /// What it was.
    pub of: Kind,
    /// Its id, if it had one and that fits three quarters of the buffer.
    pub id: Option<Value<'m>>,
    /// An event's name, if that fits.
    pub name: Option<&'m str>,
    /// How long it was: the buffer that it would have taken.
    pub bytes: u64,
    /// What it was too much for.
    pub cause: Oversized,
}

/// Makes something else of a message. Each kind is handed over where it is found, so that what becomes of it is made there, too: a message
/// that may be any of them is never in memory, which would take much of a small stack.
pub(crate) trait Receive<'m> {
    type Received;
    fn receive(self, message: ServerMessage<'m>) -> Self::Received;
}

/// Takes it as it is.
pub(crate) struct Whole;

impl<'m> Receive<'m> for Whole {
    type Received = ServerMessage<'m>;

    #[inline(always)]
    fn receive(self, message: ServerMessage<'m>) -> ServerMessage<'m> {
        message
    }
}

/// The outlined message of a server, as `to` receives it.
#[inline(always)]
pub(crate) fn server_message<'m, R: Receive<'m>>(frames: &'m mut Frames<'_>, what: What, to: R) -> R::Received {
    match what {
        What::Complete => complete(frames, to),
        What::Oversize(passed) => {
            let cause = frames.oversized(passed);
            let of = Kind::of(frames.found());
            let bytes = frames.outline(what).bytes;
            let (parts, _) = Parts::of(frames, NO_PAYLOAD);
            let name = if of == Kind::Event { parts.value(BODY).and_then(Value::as_str) } else { None };
            to.receive(ServerMessage::Oversize(Oversize { of, id: parts.value(ID), name, bytes, cause }))
        }
        // Mistakes are a client's.
        What::Malformed(reason) | What::Mistaken(reason) => {
            to.receive(ServerMessage::Malformed(Malformed { at: frames.fault(what), reason, text: frames.text() }))
        }
        // Nothing is taken apart but where it is asked for, and then this is not called.
        What::Incomplete | What::Piece(_) => to.receive(ServerMessage::Incomplete),
        What::Sentinel => to.receive(ServerMessage::Sentinel),
    }
}

/// Whether the outlined message is an error, whole or passed over.
pub(crate) fn is_error(frames: &Frames<'_>, what: What) -> bool {
    matches!(what, What::Complete | What::Oversize(_)) && Kind::of(frames.found()) == Kind::Error
}

/// What the outlined message returns and its id, as they were received, if it is a whole one that returns something.
pub(crate) fn raw_return<'f>(frames: &'f mut Frames<'_>, what: What) -> Option<(&'f [u8], Option<&'f [u8]>)> {
    if what != What::Complete || Kind::of(frames.found()) != Kind::Return {
        return None;
    }
    let (body, id) = (frames.found().span(BODY)?, frames.found().span(ID));
    let text: &[u8] = frames.text();
    Some((text.get(body.range())?, id.and_then(|id| text.get(id.range()))))
}

#[inline(always)]
fn complete<'m, R: Receive<'m>>(frames: &'m mut Frames<'_>, to: R) -> R::Received {
    let kind = Kind::of(frames.found());
    if kind == Kind::Unknown {
        // Escapes may stand anywhere in it.
        return to.receive(ServerMessage::Unknown(Payload::new(frames.text(), Strings::Escaped)));
    }
    #[cfg(feature = "fast")]
    if kind == Kind::Event
        && let Some(timestamp) = written_event(frames)
    {
        return to.receive(ServerMessage::Event(event(frames, timestamp)));
    }
    let (parts, payload) = Parts::of(
        frames,
        match kind {
            Kind::Return => BODY,
            Kind::Event => DATA,
            Kind::Greeting | Kind::Error | Kind::Unknown => NO_PAYLOAD,
        },
    );
    match kind {
        Kind::Greeting => to.receive(ServerMessage::Greeting(Greeting(parts.value(BODY).unwrap_or(Value::NULL)))),
        Kind::Error => {
            let failure = Failure(parts.value(BODY).unwrap_or(Value::NULL));
            to.receive(ServerMessage::Error { id: parts.value(ID), failure })
        }
        Kind::Event => to.receive(ServerMessage::Event(Event {
            name: parts.value(BODY).and_then(Value::as_str).unwrap_or_default(),
            data: payload,
            timestamp: parts.value(TIME).and_then(Timestamp::of),
        })),
        Kind::Return | Kind::Unknown => to.receive(ServerMessage::Return {
            id: parts.value(ID),
            payload: payload.unwrap_or_else(|| Payload::new(&mut [], Strings::Plain)),
        }),
    }
}

/// The timestamp of an event in the form in which QEMU writes nearly every one: the name has no escapes and stands behind it, and
/// behind that the data or nothing.
#[cfg(feature = "fast")]
#[inline(always)]
fn written_event(frames: &mut Frames<'_>) -> Option<Timestamp> {
    let (found, text) = frames.found_and_text();
    let (name, time) = (found.span(BODY)?, found.span(TIME)?);
    let in_order = time.end <= name.start && found.span(DATA).is_none_or(|data| name.end <= data.start);
    if !in_order || found.is_escaped(BODY) {
        return None;
    }
    Timestamp::as_written(text, time)
}

/// That event.
#[cfg(feature = "fast")]
#[inline(always)]
fn event<'m>(frames: &'m mut Frames<'_>, timestamp: Timestamp) -> Event<'m> {
    let (found, text) = frames.found_and_text();
    let (name, data) = (found.span(BODY).unwrap_or_default(), found.span(DATA));
    let strings = if found.is_escaped(DATA) { Strings::Escaped } else { Strings::Plain };
    let behind = data.map_or(name.end, |data| data.start);
    let (front, behind) = text.split_at_mut_checked(behind as usize).unwrap_or_default();
    let front: &[u8] = front;
    let name = front.get(name.range()).and_then(|name| core::str::from_utf8(name).ok());
    let data = data.and_then(|data| Some(Payload::new(behind.get_mut(..data.len() as usize)?, strings)));
    Event {
        name: name.and_then(|name| Value::whole(name).as_str()).unwrap_or_default(),
        data,
        timestamp: Some(timestamp),
    }
}

#[cfg(all(test, feature = "fast"))]
mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    /// A timestamp is the same read by words or as any value, however it is laid out; only what QEMU writes is read by words.
    #[test]
    fn timestamps_by_words_are_those_by_values() {
        let numbers = [
            "0",
            "7",
            "435656",
            "1267020223",
            "99999999",
            "123456789012345",
            "-1",
            "1.5",
            "2e3",
            "12345678901234567890",
        ];
        let layouts = [
            ("{\"seconds\": S, \"microseconds\": M}", true),
            ("{\r\n        \"seconds\": S,\r\n        \"microseconds\": M\r\n    }", true),
            ("{\n\"seconds\": S,\t \"microseconds\": M }", false),
            ("{\"seconds\":S,\"microseconds\":M}", false),
            ("{\"microseconds\": M, \"seconds\": S}", false),
            ("{\"seconds\": S, \"microseconds\": M, \"x\": 1}", false),
            ("{\"seconds\": S}", false),
        ];
        for (seconds, micro) in numbers.into_iter().flat_map(|seconds| numbers.map(|micro| (seconds, micro))) {
            for (layout, is_usual) in layouts {
                let object = layout.replace('S', seconds).replace('M', micro);
                let text = format!("{{\"timestamp\": {object}, \"event\": \"STOP\"}}").into_bytes();
                let span = Span { start: 14, end: 14 + object.len() as u32 };
                let mut copy = object.clone().into_bytes();
                let expected = Timestamp::of_value(Payload::new(&mut copy, Strings::Plain).into_value());
                let by_words = [Timestamp::as_written(&text, span), Timestamp::as_printed(object.as_bytes())];
                let found = by_words.into_iter().flatten().collect::<Vec<_>>();
                assert!(found.iter().all(|found| Some(*found) == expected), "{object}: {found:?}");
                let is_likely = is_usual && seconds == "1267020223" && micro == "435656";
                assert!(!is_likely || !found.is_empty(), "{object}");
            }
        }
    }
}

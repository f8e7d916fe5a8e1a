//! Values read as the types of the vocabulary, to the last element, and written again, by names known at run time only.

use alloc::string::String;
use core::fmt;

use qmp_core::json::{Value, de, ser};
use qmp_qapi::registry::{self, Arguments, Presence, Release, Type};
use serde::{Deserialize, Serialize};

pub use crate::by_name::{GUEST_AGENT, QMP};
use crate::within;

/// A vocabulary, by its names on the wire.
#[derive(Debug)]
pub struct Vocabulary {
    pub(crate) facts: fn() -> &'static registry::Vocabulary,
    pub(crate) arguments: &'static [Row],
    /// Commands in the form that older releases take.
    pub(crate) older: &'static [Row],
    pub(crate) returns: &'static [Row],
    pub(crate) events: &'static [Row],
    pub(crate) types: &'static [Row],
}

/// A type of the vocabulary.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) again: fn(Value<'_>) -> Result<String, Unread>,
}

/// Why a value is none of its type.
#[derive(Clone, Debug)]
pub enum Unread {
    /// It cannot be read.
    Whole(de::Error),
    /// It can, but not this that it holds in lists and in members that are read when asked for.
    Within(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(error) => write!(f, "{error}"),
            Self::Within(fault) => f.write_str(fault),
        }
    }
}

impl Vocabulary {
    /// Reads the arguments of the command `name` (`null` for none), in its older form where they fit only that, and writes them
    /// again. `None`: no such command.
    pub fn decode_arguments(&self, name: &str, value: Value<'_>) -> Option<Result<String, Unread>> {
        let newest = find(self.arguments, name)?(value);
        let older = || find(self.older, name).and_then(|again| again(value).ok());
        let Ok(again) = newest else {
            return Some(newest.or_else(|error| older().ok_or(error)));
        };
        let known = (self.facts)().command(name)?;
        let release = self.newest(&known.presence);
        let unread = match known.arguments_in(release) {
            Arguments::Members(members) => within::unread_members(self, value, members, release),
            Arguments::Union(union) => within::unread(self, value, Type::Union(union), release),
        };
        Some(whole(again, unread))
    }

    /// Reads what the command `name` returned, and writes it again. `None`: no such command.
    pub fn decode_return(&self, name: &str, value: Value<'_>) -> Option<Result<String, Unread>> {
        let again = find(self.returns, name)?(value);
        let known = (self.facts)().command(name)?;
        let release = self.newest(&known.presence);
        Some(again.and_then(|again| match known.returns_in(release) {
            Some(of) => whole(again, within::unread(self, value, of, release)),
            None => Ok(again),
        }))
    }

    /// Reads the data of the event `name` (`null` for none), and writes it again. `None`: no such event.
    pub fn decode_event(&self, name: &str, value: Value<'_>) -> Option<Result<String, Unread>> {
        let again = find(self.events, name)?(value);
        let known = (self.facts)().event(name)?;
        let release = self.newest(&known.presence);
        Some(again.and_then(|again| whole(again, within::unread_members(self, value, known.data, release))))
    }

    /// Reads a value of the type `name`, though not all that is in it, and writes it again. `None`: no such type.
    pub(crate) fn decode_type(&self, name: &str, value: Value<'_>) -> Option<Result<String, Unread>> {
        Some(find(self.types, name)?(value))
    }

    /// How many types there are to [`again`](Self::again): of arguments, replies, events, and all others.
    pub fn len(&self) -> usize {
        self.tables().iter().map(|rows| rows.len()).sum()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of the arguments of the command `name`; of what it returns; of the data of the event `name`.
    pub fn places(&self, name: &str) -> [Option<usize>; 3] {
        let place = |rows: &[Row]| rows.iter().position(|row| row.name == name);
        let before_events = self.arguments.len() + self.older.len() + self.returns.len();
        [
            place(self.arguments),
            place(self.returns).map(|at| at + self.arguments.len() + self.older.len()),
            place(self.events).map(|at| at + before_events),
        ]
    }

    /// The name of the type at this place.
    pub fn name(&self, which: usize) -> &'static str {
        self.row(which).map_or("", |row| row.name)
    }

    /// Reads a value as the type at this place, and writes it again. `None`: it cannot be read.
    pub fn again(&self, which: usize, value: Value<'_>) -> Option<String> {
        (self.row(which)?.again)(value).ok()
    }

    const fn tables(&self) -> [&'static [Row]; 5] {
        [self.arguments, self.older, self.returns, self.events, self.types]
    }

    fn row(&self, mut which: usize) -> Option<&'static Row> {
        for rows in self.tables() {
            if let Some(row) = rows.get(which) {
                return Some(row);
            }
            which -= rows.len();
        }
        None
    }

    fn newest(&self, presence: &Presence) -> Release {
        (self.facts)().newest_that(|release| presence.includes(release)).expect("a release that has it")
    }
}

fn whole(again: String, unread: Option<String>) -> Result<String, Unread> {
    unread.map_or(Ok(again), |fault| Err(Unread::Within(fault)))
}

fn find(rows: &[Row], name: &str) -> Option<fn(Value<'_>) -> Result<String, Unread>> {
    rows.iter().find(|row| row.name == name).map(|row| row.again)
}

/// Reads a `T` and writes it.
pub(crate) fn again<'a, T: Deserialize<'a> + Serialize>(value: Value<'a>) -> Result<String, Unread> {
    let read = T::deserialize(&mut de::Deserializer::new(value)).map_err(Unread::Whole)?;
    Ok(written(&read))
}

/// What `value` is on the wire.
///
/// # Panics
/// If it cannot be written.
pub fn written(value: &(impl Serialize + ?Sized)) -> String {
    let mut written = Vec::new();
    let mut sink = ser::VecSink::new(&mut written, 4 << 20);
    value.serialize(&mut ser::Serializer::new(&mut sink)).expect("what was read can be written");
    String::from_utf8(written).expect("JSON is UTF-8")
}

/// What is wrong with what a value was read as and written `again`, if anything: a name that is unknown, a value that cannot be
/// read, a member that got lost. The order of members does not matter, nor how a number is written.
pub fn fault(again: Option<Result<String, Unread>>, value: Value<'_>) -> Option<String> {
    match again {
        None => Some("unknown name".into()),
        Some(Err(error)) => Some(error.to_string()),
        Some(Ok(again)) => {
            let (given, again): (serde_json::Value, serde_json::Value) = (json(&value.to_string()), json(&again));
            (!same(&given, &again)).then(|| format!("written again as {again}"))
        }
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether these are the same JSON. No object and one that is empty are the same, too: no arguments, no data.
fn same(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Null, Number, Object};
    match (one, other) {
        (Number(one), Number(other)) if one.is_f64() || other.is_f64() => one.as_f64() == other.as_f64(),
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Object(one), Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        (Null, Object(object)) | (Object(object), Null) => object.is_empty(),
        _ => one == other,
    }
}

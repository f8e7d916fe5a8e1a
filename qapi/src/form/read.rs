//! Reading, as far as it is the same for all definitions of a form: one visitor for objects, one for what is looked at before
//! it is read. A definition brings one function, which names its fields.

use core::fmt;
use core::marker::PhantomData;

use qmp_core::json::de::again;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::names::Index;
use super::{Blank, Name};

/// What is read from the members of an object.
pub(crate) trait FromMembers<'de>: Blank {
    /// The names of the members known, 64 at most.
    const NAMES: &'static [&'static str];
    /// Where they stand.
    const INDEX: Index = Index::of(Self::NAMES);

    /// Hands each field to `members`, in the order of the names, from the `turn` of the first on. Returns that behind the last.
    fn read<M: MapAccess<'de>>(&mut self, turn: u8, members: &mut Members<'_, 'de, M>) -> u8;
}

/// Reads an object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: FromMembers<'de>>(deserializer: D) -> Result<T, D::Error> {
    in_place(|it| deserializer.deserialize_map(Read(it)))
}

/// Reads an object, or `null` as an empty one: where an event has no data, a command no arguments.
pub(crate) fn object_or_null<'de, D: Deserializer<'de>, T: FromMembers<'de>>(deserializer: D) -> Result<T, D::Error> {
    in_place(|it| deserializer.deserialize_option(Read(it)))
}

/// A value that `read` completes. It stands where it is returned from the beginning: nothing is moved.
fn in_place<T: Blank, E>(read: impl FnOnce(&mut T) -> Result<(), E>) -> Result<T, E> {
    let mut outcome = Ok(T::BLANK);
    if let Ok(it) = &mut outcome
        && let Err(error) = read(it)
    {
        outcome = Err(error);
    }
    outcome
}

/// Reads an object without members that are known, or `null`.
pub(crate) fn no_members<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    deserializer.deserialize_option(Read(&mut ()))
}

impl<'de> FromMembers<'de> for () {
    const NAMES: &'static [&'static str] = &[];

    fn read<M: MapAccess<'de>>(&mut self, turn: u8, _: &mut Members<'_, 'de, M>) -> u8 {
        turn
    }
}

/// Reads an object in its place: a result without the value costs less code.
struct Read<'p, T>(&'p mut T);

impl<'de, T: FromMembers<'de>> Visitor<'de> for Read<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&Other, f)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<(), M::Error> {
        const { assert!(T::NAMES.len() <= u64::BITS as usize, "a bit for each member") };
        let mut members = Members::of(&mut object, const { &T::INDEX });
        loop {
            self.0.read(0, &mut members);
            if !members.are_left() {
                return members.end();
            }
        }
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_map(NoMembers(PhantomData))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// The members of an object, on their way into fields.
///
/// Each field takes its turn, in the order of the names, round after round while members [are left](Self::are_left): the one
/// whose member comes next reads it, the others do nothing. All that is the same for any field, errors as well, is said here:
/// a field costs its type one call.
pub(crate) struct Members<'m, 'de, M: MapAccess<'de>> {
    object: &'m mut M,
    names: &'static Index,
    /// The field whose member comes next, or [`END`].
    next: u8,
    /// Fields read and fields that must be, a bit each.
    read: u64,
    required: u64,
    outcome: Result<(), M::Error>,
}

const END: u8 = u8::MAX;

impl<'m, 'de, M: MapAccess<'de>> Members<'m, 'de, M> {
    fn of(object: &'m mut M, names: &'static Index) -> Self {
        let mut members = Self { object, names, next: END, read: 0, required: 0, outcome: Ok(()) };
        members.advance();
        members
    }

    /// The turn of a field that must be read. Returns that of the next field, as the function below does.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn read<T: Deserialize<'de>>(&mut self, turn: u8, field: &mut T) -> u8 {
        self.required |= bit(turn);
        if self.next == turn
            && let Some(value) = self.value()
        {
            *field = value;
        }
        turn.wrapping_add(1)
    }

    /// The turn of a field that may stay `None`. (A `null` is read as the type reads it.)
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn read_some<T: Deserialize<'de>>(&mut self, turn: u8, field: &mut Option<T>) -> u8 {
        if self.next == turn
            && let Some(value) = self.value()
        {
            *field = Some(value);
        }
        turn.wrapping_add(1)
    }

    fn value<T: Deserialize<'de>>(&mut self) -> Option<T> {
        match self.object.next_value() {
            Ok(value) => {
                self.advance();
                Some(value)
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// Goes on to the next member known.
    fn advance(&mut self) {
        loop {
            match self.object.next_key_seed(Name(self.names)) {
                Ok(Some(Some(index))) => return self.begin(index),
                Ok(Some(None)) => {}
                Ok(None) => return self.next = END,
                Err(error) => return self.fail(error),
            }
            if let Err(error) = self.object.next_value::<IgnoredAny>() {
                return self.fail(error);
            }
        }
    }

    fn begin(&mut self, index: usize) {
        self.next = u8::try_from(index).unwrap_or(END);
        let it = bit(self.next);
        if self.read & it != 0 {
            return self.fail(M::Error::duplicate_field(self.name(it)));
        }
        self.read |= it;
    }

    /// Nothing is read after an error.
    fn fail(&mut self, error: M::Error) {
        self.next = END;
        self.outcome = Err(error);
    }

    /// Whether another round is needed.
    const fn are_left(&self) -> bool {
        self.next != END
    }

    fn end(self) -> Result<(), M::Error> {
        let missing = self.required & !self.read;
        match self.outcome {
            Ok(()) if missing != 0 => Err(M::Error::missing_field(self.name(missing))),
            outcome => outcome,
        }
    }

    /// The name of the first of these fields.
    fn name(&self, fields: u64) -> &'static str {
        self.names.name(fields.trailing_zeros() as usize)
    }
}

const fn bit(turn: u8) -> u64 {
    1 << (turn % 64)
}

/// An object without members.
struct NoMembers<E>(PhantomData<E>);

impl<'de, E: Error> MapAccess<'de> for NoMembers<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, E> {
        Err(E::invalid_length(0, &Other))
    }
}

/// What is read from a value after a look at it.
pub(crate) trait FromValue<'de>: Sized {
    /// Reads the value, which comes again and again.
    fn from_value<V: SeqAccess<'de>>(value: &mut V) -> Result<Self, V::Error>;
}

/// Reads a value that has to be looked at first.
pub(crate) fn value<'de, D: Deserializer<'de>, T: FromValue<'de>>(deserializer: D) -> Result<T, D::Error> {
    again(deserializer, Look(PhantomData))
}

/// The value once more, as another type.
pub(crate) fn next<'de, V: SeqAccess<'de>, T: Deserialize<'de>>(value: &mut V) -> Result<T, V::Error> {
    value.next_element()?.ok_or_else(|| V::Error::invalid_length(0, &Other))
}

/// The value, or the error that the member `name` is missing.
pub(crate) fn required<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

struct Look<T>(PhantomData<T>);

impl<'de, T: FromValue<'de>> Visitor<'de> for Look<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&Other, f)
    }

    fn visit_seq<V: SeqAccess<'de>>(self, mut value: V) -> Result<T, V::Error> {
        T::from_value(&mut value)
    }
}

/// What an error expects. Errors of qmp-core keep their kind, not this text.
pub(crate) struct Other;

impl Expected for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of another form, read by qmp-core")
    }
}

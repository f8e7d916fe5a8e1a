//! Lists: a slice to send, a view of what was received.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::slice;

use qmp_core::command::Listing;
use qmp_core::json::{Elements, Kind, Value, de};
use qmp_core::json::{Path, Paths};
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use serde::ser::{Serialize, Serializer};

/// A list of `T`: the caller's slice, to be sent, or the array of a message, whose elements are read as they are asked for.
///
/// Reading a list costs one pass over it, to find its end, and takes two words whatever it holds; each element is read when
/// [`iter`](Self::iter) comes to it. So an element that is no `T` is an error of its own, and those behind it are still read.
///
/// ```
/// use qmp_qapi::List;
///
/// let given = List::new(&["one", "two"]);
/// assert_eq!(given.iter().collect::<Result<Vec<_>, _>>()?, ["one", "two"]);
/// # Ok::<(), qmp_core::json::de::Error>(())
/// ```
///
/// Two lists are equal if their elements are, one by one. An element that cannot be read is equal to none. Of two received lists no
/// element is read, however deep they nest: they are equal if they are the same JSON, with the same members in the same order, those
/// that `T` does not know included.
///
/// A received list is read by the reader of qmp-core and written by its writer; any other format gets an error that says so.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Form<'a, T>);

#[derive(Clone, Copy)]
enum Form<'a, T> {
    Given(&'a [T]),
    /// An array.
    Received(Value<'a>),
}

impl<'a, T> List<'a, T> {
    /// A list without elements.
    pub const EMPTY: Self = Self(Form::Given(&[]));

    /// A list to be sent.
    pub const fn new(elements: &'a [T]) -> Self {
        Self(Form::Given(elements))
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        match self.0 {
            Form::Given(elements) => elements.is_empty(),
            Form::Received(array) => array.elements().next().is_none(),
        }
    }

    /// How many elements there are. Of a received list this is one more pass over it.
    pub fn len(&self) -> usize {
        match self.0 {
            Form::Given(elements) => elements.len(),
            Form::Received(array) => array.elements().fold(0, |count: usize, _| count.wrapping_add(1)),
        }
    }
}

impl<'a, T: Deserialize<'a>> Listing<'a> for List<'a, T> {
    type Element = T;
}

impl<'a, T: Copy + Deserialize<'a>> List<'a, T> {
    /// The elements, each read as it is come to. Its error's offset counts from the beginning of the element.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter(match self.0 {
            Form::Given(elements) => Rest::Given(elements.iter()),
            Form::Received(array) => Rest::Received(array.elements(), PhantomData),
        })
    }

    /// The element at `index`, read anew at each call.
    pub fn get(&self, index: usize) -> Option<Result<T, de::Error>> {
        self.iter().nth(index)
    }
}

impl<'a, T: Copy + Deserialize<'a>> IntoIterator for List<'a, T> {
    type Item = Result<T, de::Error>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Copy + Deserialize<'a>> IntoIterator for &List<'a, T> {
    type Item = Result<T, de::Error>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The elements of a [`List`].
#[derive(Clone, Debug)]
pub struct Iter<'a, T>(Rest<'a, T>);

#[derive(Clone, Debug)]
enum Rest<'a, T> {
    Given(slice::Iter<'a, T>),
    Received(Elements<'a>, PhantomData<T>),
}

impl<'a, T: Copy + Deserialize<'a>> Iterator for Iter<'a, T> {
    type Item = Result<T, de::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Rest::Given(elements) => elements.next().copied().map(Ok),
            Rest::Received(elements, _) => elements.decode_next(),
        }
    }
}

impl<'a, T: Copy + Deserialize<'a>> FusedIterator for Iter<'a, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(elements: &'a [T]) -> Self {
        Self::new(elements)
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(elements: &'a [T; N]) -> Self {
        Self::new(elements)
    }
}

impl<'a, T: Copy + Deserialize<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        if let (Form::Received(one), Form::Received(other)) = (self.0, other.0) {
            return one == other;
        }
        // No deeper than the given one.
        let mut others = other.iter();
        self.iter().all(|one| match (one, others.next()) {
            (Ok(one), Some(Ok(other))) => one == other,
            _ => false,
        }) && others.next().is_none()
    }
}

impl<'a, T: Copy + Deserialize<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for element in self {
            match element {
                Ok(element) => list.entry(&element),
                Err(error) => list.entry(&error),
            };
        }
        list.finish()
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for List<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.kind() {
            Kind::Array => Ok(Self(Form::Received(value))),
            _ => Err(D::Error::invalid_type(Unexpected::Other("no array"), &"an array")),
        }
    }
}

impl<T: Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Given(elements) => serializer.collect_seq(*elements),
            Form::Received(array) => array.serialize(serializer),
        }
    }
}

impl<T: Paths> Paths for List<'_, T> {
    const PATHS: &'static [Path] = T::PATHS;
}

//! How the reply to a command is delivered.

use super::slots::Ticket;
use crate::frame::Oversized;
use crate::json::{Paths, Projection};

/// How the reply to a command is delivered, if it is no error.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Delivery {
    /// In one piece, which must fit the receive buffer.
    #[default]
    Whole,
    /// Element by element: of the array at these member names below `return`, or with none of `return` itself. Only one element
    /// must fit. What else the reply holds is checked and dropped.
    ///
    /// A reply that has no array there is delivered whole.
    Elements(&'static [&'static str]),
    /// In pieces: the string at these member names below `return`, or with none `return` itself, decoded. A piece takes the whole
    /// receive buffer, but for the last one; how long it is does not depend on how the bytes arrive. What else the reply holds is
    /// checked and dropped.
    ///
    /// A reply that has no string there is delivered whole.
    Text(&'static [&'static str]),
    /// In one piece, in which these members of what is returned are, and no others: those are checked and dropped. Only what is kept
    /// must fit the receive buffer. Of another command, executed out of band, whose reply came first and lost members by that, it is
    /// told instead of the reply: [`Retraction::Other`].
    Members(Projection),
    /// As [`Elements`](Self::Elements), each with these members and no others. Only what is kept of one must fit.
    ElementMembers(&'static [&'static str], Projection),
}

impl Delivery {
    /// The elements of the array that is returned.
    pub const ELEMENTS: Self = Self::Elements(&[]);
    /// The string that is returned, in pieces.
    pub const TEXT: Self = Self::Text(&[]);

    /// In one piece, with the members that `T` reads.
    pub const fn members_of<T: Paths>() -> Self {
        Self::Members(Projection::of::<T>())
    }

    /// The elements of the array that is returned, each with the members that `T` reads.
    pub const fn elements_of<T: Paths>() -> Self {
        Self::ElementMembers(&[], Projection::of::<T>())
    }
}

/// An element that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OversizeElement {
    /// How long it was: the buffer that it would have taken, and a byte more for a number or word, which ends by what follows.
    pub bytes: u64,
    /// What it was too much for.
    pub cause: Oversized,
}

/// Why elements or pieces of a text were not the command's, or not all of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Retraction {
    /// The reply bears the id of this other command, which ended by it: they were its own. Happens where that command is
    /// executed out of band and returns such a value, too.
    Other(Ticket),
    /// The reply bears the id of no command in flight, or none.
    Foreign,
    /// The message was more than a reply: it had members that make it something else, too.
    NoReply,
    /// Bytes that are no JSON, or the end of the stream, came before the reply's end.
    Broken,
}

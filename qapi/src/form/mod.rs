//! The forms that definitions have on the wire, each a macro that makes the Rust type of a definition and reads and writes
//! it. What is generated says names and types only; how they are read and written is said here, once.
//!
//! | macro | definition | on the wire |
//! |---|---|---|
//! | [`record`] | struct, arguments, data | an object |
//! | [`bare`] | no arguments, no data | nothing |
//! | [`union`] | flat union | an object whose tag decides what else is in it |
//! | [`simple_union`] | simple union | an object of a tag and `data` |
//! | [`alternate`] | alternate | one of several JSON types |
//! | [`enumeration`] | enum | a string |
//! | [`newtype`] | arguments that are a union | that union |

#![allow(unused, reason = "which forms are used depends on the chapters that are on")]

mod alternate;
mod bare;
mod blank;
mod enumeration;
mod names;
mod newtype;
mod read;
mod record;
mod simple_union;
#[cfg(test)]
#[allow(single_use_lifetimes, unreachable_pub, reason = "as in the chapters")]
mod tests;
mod union;
mod write;

pub(crate) use alternate::alternate;
pub(crate) use bare::bare;
pub(crate) use blank::Blank;
pub(crate) use enumeration::enumeration;
pub(crate) use names::{Name, position};
pub(crate) use newtype::newtype;
pub(crate) use read::{
    FromMembers, FromValue, Members, Other, next, no_members, object, object_or_null, required, value,
};
pub(crate) use record::record;
pub(crate) use simple_union::{Data, simple_union};
pub(crate) use union::{tag, union};
pub(crate) use write::{ToMembers, Writing, show, whole};

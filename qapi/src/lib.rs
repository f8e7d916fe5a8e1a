//! The typed vocabulary of QMP and of the guest agent: every command, event and type of QEMU 1.0 to 11.1, both ways, without std
//! or an allocator.
//!
//! ```
//! # #[cfg(all(feature = "block-core", feature = "run-state"))] {
//! use qmp_core::client::{Client, Config, Message, StaticStorage};
//! use qmp_qapi::commands::{BlockResize, QueryStatus};
//! use qmp_qapi::types::{RunState, StatusInfo};
//!
//! let mut storage = StaticStorage::<1024, 256, 4>::new();
//! let mut client = Client::new(storage.lend(), Config::DEFAULT);
//! # client.feed(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}").unwrap();
//! # while client.poll().unwrap().is_some() {}
//! # client.feed(b"{\"return\": {}, \"id\": 511}").unwrap();
//! # client.poll().unwrap();
//! # client.tx_sent(client.tx_pending().len()).unwrap();
//!
//! // A command with what must be there, and what may.
//! let resize = BlockResize { node_name: Some("disk0"), ..BlockResize::new(1 << 30) };
//! client.commands().send(&resize)?;
//! # let sent = client.tx_pending();
//! # assert!(sent.starts_with(br#"{"execute":"block_resize","arguments":{"node-name":"disk0","size":1073741824}"#));
//! # client.tx_sent(sent.len()).unwrap();
//! # client.feed(b"{\"return\": {}, \"id\": 512}").unwrap();
//! # client.poll().unwrap();
//! client.commands().send(&QueryStatus)?;
//! # client.feed(b"{\"return\": {\"status\": \"running\", \"running\": true}, \"id\": 768}").unwrap();
//!
//! // A reply, read in place.
//! # let mut seen = false;
//! while let Some(incoming) = client.poll()? {
//!     if let Message::Reply { outcome: Ok(payload), .. } = incoming.message {
//!         let status: StatusInfo<'_> = payload.decode()?;
//!         assert!(status.running && status.status == RunState::Running);
//!         # seen = true;
//!     }
//! }
//! # assert!(seen);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! [`commands`], [`events`] and [`types`] have every name of QMP, [`guest_agent`] those of the guest agent. [`chapter`] has the same
//! by subject, with an index of each: that is where to read. [`Event`] is any event as one enum. [`registry`] is all of it as data:
//! which release has what, and whether a value fits.
//!
//! Nothing is on by default. Each chapter is a feature, which brings the chapters that it needs; `all` is every chapter.
//!
//! # What the types have in common
//!
//! - They are `Copy`, and borrow: strings are `&str`, lists [`List`], what contains itself is [`Nested`], what may be anything is
//!   [`Any`], members that nobody knows in advance are [`Pairs`].
//! - Each one reads and writes: a client writes commands and reads replies, a server the other way round. What is written reads
//!   back as what it was.
//! - `new` takes what must be there; the rest is `None`. What goes to QEMU has it, and all of the guest agent's. More members come
//!   with each release of QEMU, so build with `..X::new(…)`, and match an enum with a last arm.
//! - A member that any release lacks is an `Option`, also where QEMU's own documentation of today calls it mandatory. So one build
//!   reads every release.
//! - Shown by `Debug`, a type is the JSON that it is on the wire.
//!
//! What is to come passes: an unknown member is skipped, an unknown value or branch is `Other`, and is written again as it came.
//! What is wrong does not: a missing member, a mistyped one, one that stands twice, or `null` for what may be left out is an
//! [error](qmp_core::json::de::Error) that says where.
//!
//! The elements of a [`List`] and what is [`Nested`] are read when they are asked for; so an error in one of them comes then. Types
//! that hold either, unions, alternates and [`Any`] read by qmp-core's reader only, as received values are written by its writer
//! only: any other format gets an error that says so.
//!
//! # Numbers
//!
//! Integers have the width that QEMU's schema gives them; where that changed, the one that takes what every release sends. `i128`
//! stands for an integer whose width is not known. Only members that are fractions are `f64`, and only who reads one pays for it.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
// Tests have std; they need not be as careful where a name comes from.
#![cfg_attr(test, allow(clippy::std_instead_of_alloc, clippy::std_instead_of_core))]

#[cfg(test)]
extern crate std;

mod any;
pub mod chapter;
pub mod commands;
mod event;
pub mod events;
mod form;
mod list;
mod nested;
mod nothing;
mod pairs;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(test)]
mod sample;
#[cfg(feature = "introspect")]
pub mod schema;
pub mod types;

pub use any::Any;
#[cfg(feature = "guest-agent")]
pub use chapter::guest_agent;
pub use event::Event;
pub use list::{Iter, List};
pub use nested::Nested;
pub use nothing::Nothing;
pub use pairs::{Pairs, PairsIter};

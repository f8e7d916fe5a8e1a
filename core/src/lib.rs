//! QMP, the QEMU Machine Protocol, as an engine without I/O: bytes in, messages out, from buffers of fixed size.
//!
//! No std, no allocator, no `unsafe`, no recursion, no panic. The caller brings the memory, the bytes and the time; the engine brings
//! the protocol. It runs in firmware, in guest agents that face a host they do not trust, and below clients in any language.
//!
//! ```
//! use qmp_core::client::{Client, Config, Message, StaticStorage};
//!
//! # fn receive(buffer: &mut [u8]) -> usize {
//! #     static SCRIPT: std::sync::Mutex<&[u8]> = std::sync::Mutex::new(concat!(
//! #         r#"{"QMP": {"version": {"qemu": {"micro": 1, "minor": 1, "major": 11}, "package": ""}, "capabilities": []}}"#, "\r\n",
//! #         r#"{"return": {}, "id": 511}"#, "\r\n", r#"{"return": {"status": "running"}, "id": 512}"#, "\r\n").as_bytes());
//! #     let mut script = SCRIPT.lock().unwrap();
//! #     std::io::Read::read(&mut *script, buffer).unwrap()
//! # }
//! # fn send(bytes: &[u8]) -> usize { bytes.len() }
//! // Memory for the longest message to be delivered, the longest command to be sent, and four commands in flight.
//! let mut storage = StaticStorage::<1024, 256, 4>::new();
//! let mut client = Client::new(storage.lend(), Config::DEFAULT);
//!
//! 'session: loop {
//!     // Bytes in, from wherever they come: a UART, a socket, DMA.
//!     let count = receive(client.rx_space());
//!     client.rx_commit(count)?;
//!
//!     // Messages out. Greeting and negotiation go on by themselves.
//!     while let Some(incoming) = client.poll()? {
//!         match incoming.message {
//!             Message::Ready { .. } => {
//!                 incoming.commands.execute("query-status", &())?;
//!             }
//!             Message::Reply { outcome: Ok(payload), .. } => {
//!                 let status = payload.into_value().get("status").and_then(|status| status.as_str());
//!                 assert_eq!(status, Some("running"));
//!                 break 'session;
//!             }
//!             Message::Reply { outcome: Err(failure), .. } => panic!("{failure}"),
//!             // Events, late or foreign replies, damaged or oversize messages: each is a value; here none matters.
//!             _ => {}
//!         }
//!     }
//!
//!     // Bytes out.
//!     let count = send(client.tx_pending());
//!     client.tx_sent(count)?;
//! }
//! # Ok::<(), qmp_core::error::Error>(())
//! ```
//!
//! # The layers
//!
//! | module | what it does | knows |
//! |---|---|---|
//! | [`json`] | scans bytes as they come, decodes strings in place, reads and writes values with serde | JSON |
//! | [`frame`] | cuts a stream into messages in one buffer; passes what does not fit; finds its way back behind damage | where messages begin and end |
//! | [`message`] | tells greeting, reply, event, command by their members | the messages |
//! | [`reader`] | a stream of messages, for who has a session of their own | |
//! | [`client`] | a session: negotiation, ids, commands in flight, deadlines | a client's duties |
//! | [`agent`] | a session with a guest agent: synchronisation, commands in flight, deadlines | an agent's client's duties |
//! | [`server`] | the other side: agents, mocks, tests | a server's duties |
//! | `drive` (feature `embedded-io`) | moves bytes between a client and a device | |
//! | `owned` (feature `heapless`) | copies that outlive the buffer | |
//!
//! # What is promised
//!
//! - The same bytes give the same messages, however they are cut, in every buffer that is large enough. A message too large for the
//!   buffer is passed in constant memory and reported with its kind, id and length.
//! - Each byte is scanned once. Decoding strings in place and reading a value are one more pass each; a value that is captured
//!   unread, or read level by level, is passed once more at each level: at most depth times bytes.
//! - Whatever a peer sends, in whatever order calls come: no panic, no endless loop, no recursion.
//! - Nothing is lost silently, and every command ends exactly once.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `fast` (default) | scanning by whole words; costs flash, changes no outcome |
//! | `delivery` | replies element by element, in pieces of a text, or with some members only: any reply through a small buffer |
//! | `alloc` | owned buffers that grow up to a limit |
//! | `heapless` | owned copies of fixed capacity |
//! | `embedded-io` | a blocking drive step |
//! | `embedded-io-async` | one that does not block |
//! | `defmt` | `defmt::Format` on every public type |
//! | `serde-json-core` | reading and writing with that crate, for types made for it |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
// Tests have std; they need not be as careful where a name comes from.
#![cfg_attr(test, allow(clippy::std_instead_of_alloc, clippy::std_instead_of_core))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod agent;
pub mod client;
pub mod command;
mod copy;
#[cfg(feature = "embedded-io")]
pub mod drive;
pub mod error;
#[cfg(feature = "defmt")]
mod format;
pub mod frame;
pub mod json;
mod memory;
pub mod message;
#[cfg(feature = "heapless")]
pub mod owned;
pub mod reader;
pub mod server;
pub mod time;
mod transmit;

//! A client for QEMU monitors over real sockets, [`Monitor`], and for guest agents, [`Agent`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use qmp_std::Monitor;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Status {
//!     running: bool,
//!     status: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Snapshot<'a> {
//!     device: &'a str,
//!     #[serde(rename = "snapshot-file")]
//!     file: &'a str,
//! }
//!
//! let mut monitor = Monitor::unix("/run/vm/qmp.sock")?;
//! monitor.set_timeout(Some(Duration::from_secs(30)));
//!
//! let status: Status = monitor.execute("query-status", &())?;
//! println!("{} ({})", status.status, status.running);
//!
//! monitor.run("blockdev-snapshot-sync", &Snapshot { device: "drive0", file: "/vm/snap.qcow2" })?;
//!
//! monitor.run("system_powerdown", &())?;
//! let event = monitor.wait_event(&["SHUTDOWN"], Some(Duration::from_secs(60)))?;
//! println!("{event:?}");
//! # Ok::<(), qmp_std::Error>(())
//! ```
//!
//! The protocol is [`qmp_core`]'s; this crate adds the socket, the clock, and memory that grows. It starts no thread and sleeps
//! only between attempts to connect, where [`Options::retry`] asks for them: it works while one of its methods is called. A monitor that is held for long without a call should be called now and
//! then ([`next_event`](Monitor::next_event) with no time to wait will do): QEMU keeps what nobody reads in its own memory, without
//! a limit.
//!
//! Whatever comes is one of these, and nothing else happens to it: the reply that a call waits for; a reply kept for its ticket;
//! an [event](OwnedEvent) in the bounded queue; or a [`Notice`] in another one: late replies, replies to others, damaged and
//! oversize messages. Both queues count what they had to drop.
//!
//! # Features
//! - `log`: tells a logger of connections, timeouts and what was dropped, and at the level `trace`, under the target `qmp_std::wire`, of
//!   each byte that goes or comes. Those can be secret.
//! - `spawn`: [`Options::spawn`] starts a QEMU with its monitor on a pair of sockets.
//! - `vsock`: [`Options::vsock`].

extern crate alloc;

mod address;
mod agent;
#[cfg(feature = "async")]
pub mod asynchronous;
mod call;
mod clock;
mod connect;
mod drive;
mod elements;
mod engine;
mod error;
mod events;
mod fds;
mod inbox;
mod kept;
mod log;
mod monitor;
mod notice;
mod options;
mod poll;
mod shared;
mod stream;
mod watch;

pub use address::{Address, AddressError};
pub use agent::{Agent, AgentOptions};
#[cfg(feature = "spawn")]
pub use connect::child::Child;
pub use elements::Elements;
pub use error::{Error, Failure};
pub use events::{Events, OwnedEvent};
pub use inbox::Server;
pub use monitor::Monitor;
pub use notice::Notice;
pub use options::Options;
pub use shared::{Callback, Shared, Subscription};
pub use stream::Stream;
pub use watch::{Wanted, Watch};

pub use qmp_core;
pub use qmp_core::client::Ticket;
pub use qmp_core::message::{Timestamp, Version};

/// The examples of README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

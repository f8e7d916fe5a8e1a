//! The same without blocking: [`Monitor`], over whatever `embedded-io-async` reads and writes.
//!
//! One implementation serves tokio, by embedded-io-adapters (feature `tokio` has the functions that connect), embassy, and any other
//! runtime. It starts no task and knows no timer: deadlines are the runtime's.
//!
//! ```no_run
//! # #[cfg(feature = "tokio")] {
//! use std::time::Duration;
//!
//! use qmp_std::Options;
//! use tokio::time::timeout;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut monitor = Options::new().unix_tokio("/run/vm/qmp.sock").await?;
//! // Time is up: the command stays pending, and the session goes on.
//! let status = timeout(Duration::from_secs(5), monitor.execute_raw("query-status", None)).await??;
//! println!("{status}");
//!
//! monitor.run("system_powerdown", &()).await?;
//! let event = monitor.wait_event(&["SHUTDOWN"]).await?;
//! println!("{event:?}");
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! # What is dropped loses nothing
//!
//! A future of any method may be dropped before it is ready: by a timeout, a `select!`, the end of a task.
//!
//! - What had come is filed, and stays to be asked for: events in their queue, replies for their tickets.
//! - A command of [`submit`](Monitor::submit) or [`execute`](Monitor::execute) that had not been encoded is not sent. One that had is
//!   sent, whole, by the calls that follow, and its reply becomes a [`Notice::Late`](crate::Notice::Late).
//! - [`wait`](Monitor::wait) can be called again with the same ticket.
//!
//! That holds if the futures of `read` and `write` themselves take or give bytes only when they are ready, as those of sockets and of
//! buffered UARTs do.

mod commands;
mod connect;
mod elements;
mod monitor;
mod tap;
#[cfg(feature = "tokio")]
mod tokio;

pub use elements::Elements;
pub use monitor::Monitor;
#[cfg(feature = "tokio")]
pub use tokio::{TcpMonitor, UnixMonitor};

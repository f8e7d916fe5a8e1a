//! Connecting again, with a monitor that was connected before.

use core::time::Duration;
use std::thread;

use crate::address::Address;
use crate::connect::handshake::handshake;
use crate::connect::{open, retry};
use crate::error::Error;
use crate::log;
use crate::monitor::Monitor;

/// QEMU greets a client on a terminal once it has seen the one before hang up, and sees that only while nobody has the terminal open.
const HANGS_UP: Duration = Duration::from_millis(100);

/// Connecting again.
impl Monitor {
    /// Where it is connected, or was. `None`: over a stream or a descriptor that it was given.
    pub const fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Ends the connection, if it has not ended yet, and connects to the same address again with the same [`Options`](crate::Options):
    /// [`retry`](crate::Options::retry) is for a virtual machine that is started anew.
    ///
    /// - A command in flight is lost, and is **not sent again**: whoever waits for its ticket gets [`Error::OutcomeUnknown`]. A command
    ///   that timed out before gives a [`Notice::Lost`](crate::Notice::Lost) as well. What the server still answers is
    ///   [foreign](crate::Notice::Foreign) to the new connection.
    /// - Whatever came before stays: replies for their tickets, then events and notices in their queues, in front of those of the new
    ///   connection. What happens while there is no connection, nobody tells. Who wants the border between old and new events takes out
    ///   the old ones first ([`next_event`](Self::next_event) with no time to wait), or asks for the state anew behind it.
    /// - A serial line is let go for a moment first, 100 ms, or QEMU would not know of the change.
    /// - What the server is, and whether out-of-band execution is on, can change.
    ///
    /// # Errors
    /// [`Error::NoAddress`] where there is none to connect to: the connection is as it was then. Behind any other error there is no
    /// connection; it can be tried again.
    pub fn reconnect(&mut self) -> Result<(), Error> {
        let address = match &self.address {
            None | Some(Address::Fd(_)) => return Err(Error::NoAddress),
            Some(address) => address.clone(),
        };
        log::reconnecting(&self.driver.at);
        self.driver.end();
        let Self { driver, options, .. } = self;
        let clock = driver.clock;
        self.oob = retry::until(options, clock, |deadline| {
            if let Address::Serial(_) = address {
                thread::sleep(HANGS_UP);
            }
            driver.renew(open(&address, clock, deadline)?);
            handshake(driver, deadline).inspect_err(|_| driver.end())
        })?;
        Ok(())
    }
}

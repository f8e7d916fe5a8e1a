//! From an open stream to a monitor that is ready.

use embedded_io_async::{Read, Write};
use qmp_core::time::Instant;

use super::Monitor;
use crate::clock::Clock;
use crate::connect::handshake::{End, Handshake};
use crate::error::Error;
use crate::log;
use crate::options::Options;

impl Options {
    /// Speaks over `reader` and `writer`, which are connected to a monitor that nothing was read from yet, without blocking: greeting
    /// and negotiation. [`Options::deadline`] and [`Options::timeout`] are not looked at: deadlines are the runtime's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn over_async<R: Read, W: Write<Error = R::Error>>(
        &self,
        reader: R,
        writer: W,
    ) -> Result<Monitor<R, W>, Error> {
        let mut opening = Opening::new(reader, writer, self, "the stream", Clock::start());
        let end = opening.shake_hands().await;
        opening.conclude(Some(end))
    }
}

/// A monitor whose session is not ready yet.
pub(super) struct Opening<R: Read, W> {
    monitor: Monitor<R, W>,
    handshake: Handshake,
}

impl<R: Read, W: Write<Error = R::Error>> Opening<R, W> {
    /// `at`: where, for people. `clock` has run since connecting began.
    pub(super) fn new(reader: R, writer: W, options: &Options, at: &str, clock: Clock) -> Self {
        log::connected(at);
        Self { monitor: Monitor::new(reader, writer, options, at, clock), handshake: Handshake::default() }
    }

    /// Greeting and negotiation. The future may be dropped: what has come by then counts.
    pub(super) async fn shake_hands(&mut self) -> Result<End, Error> {
        self.monitor.drive(|message| self.handshake.look(message)).await
    }

    /// What it has come to, by its `end`; `None`: time is up.
    pub(super) fn conclude(self, end: Option<Result<End, Error>>) -> Result<Monitor<R, W>, Error> {
        let Self { mut monitor, handshake } = self;
        let received = monitor.take_first();
        log::greeted(&monitor.at, monitor.inbox.server.as_ref());
        let end = end.unwrap_or_else(|| Ok(End::TimedOut(monitor.client.session())));
        let after = Instant::ZERO.until(monitor.clock.now());
        monitor.oob = handshake.conclude(end, &monitor.at, received, after).inspect_err(log::failed)?;
        Ok(monitor)
    }
}

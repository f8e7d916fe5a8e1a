//! The monitor and the loop under every method.

use alloc::sync::Arc;
use core::fmt;
use core::ops::ControlFlow;
use std::io;

use embedded_io_async::{Read, Write};
use qmp_core::client::{Client, Message, Ticket};
use qmp_core::drive::{self, Line, Moved};
use qmp_core::time::Instant;

use super::tap::Tap;
use crate::clock::Clock;
use crate::drive::{is_end, pass};
use crate::error::Error;
use crate::events::OwnedEvent;
use crate::inbox::{Inbox, Server};
use crate::log;
use crate::notice::Notice;
use crate::options::Options;
use crate::watch::{Mailbox, Wanted, Watch};

/// A connection to a QEMU monitor that does not block, ready for commands. See the [module](super) for what it means to drop a
/// future.
///
/// - **Connecting**: [`Options::over_async`](Options::over_async), and with feature `tokio` what is named there.
/// - **Commands**: [`execute`](Self::execute) and [`run`](Self::run) for any type of serde's, [`send`](Self::send) for typed commands,
///   [`execute_raw`](Self::execute_raw) for JSON text; each is one write.
/// - **Lists, element by element**: [`elements`](Self::elements), [`each`](Self::each); long texts, piece by piece:
///   [`text`](Self::text).
/// - **Several at once**: [`submit`](Self::submit) gives a ticket, [`wait`](Self::wait) takes it.
/// - **Events**: [`next_event`](Self::next_event), [`wait_event`](Self::wait_event), [`arm`](Self::arm).
/// - **The rest**: [`next_notice`](Self::next_notice).
///
/// Descriptors go with commands of [`qmp_std::Monitor`](crate::Monitor) only: what `embedded-io-async` writes carries none.
pub struct Monitor<R: Read, W> {
    pub(super) client: Client<'static>,
    pub(super) inbox: Inbox,
    line: Line<Tap<R>, Tap<W>>,
    pub(super) clock: Clock,
    /// Where it leads, for people.
    pub(super) at: Arc<str>,
    pub(super) oob: bool,
    /// Why the stream ended, if it was more than an end.
    pub(super) cause: Option<io::Error>,
}

impl<R: Read, W: Write<Error = R::Error>> Monitor<R, W> {
    pub(super) fn new(reader: R, writer: W, options: &Options, at: &str, clock: Clock) -> Self {
        let at = Arc::from(at);
        Self {
            client: Client::new(options.storage(), options.config()),
            inbox: Inbox::new(options),
            line: Line::new(Tap::new(reader, &at), Tap::new(writer, &at)),
            clock,
            at,
            oob: false,
            cause: None,
        }
    }

    /// Shows each message to `look` until that breaks with what it wanted, and files the others.
    pub(super) async fn drive<T>(
        &mut self,
        mut look: impl for<'m> FnMut(Message<'m>) -> ControlFlow<T, Message<'m>>,
    ) -> Result<T, Error> {
        loop {
            if let Some(found) = self.sift(&mut look)? {
                return Ok(found);
            }
            self.step().await?;
        }
    }

    /// [`drive`](Self::drive), as far as the bytes already received go.
    pub(super) fn sift<T>(
        &mut self,
        look: &mut impl for<'m> FnMut(Message<'m>) -> ControlFlow<T, Message<'m>>,
    ) -> Result<Option<T>, Error> {
        loop {
            match self.client.poll() {
                Ok(Some(incoming)) => match look(incoming.message) {
                    ControlFlow::Break(found) => return Ok(Some(found)),
                    ControlFlow::Continue(message) => self.inbox.file(message),
                },
                Ok(None) => return Ok(None),
                Err(error) => {
                    return Err(match Error::from(error) {
                        Error::Closed { .. } => Error::Closed { source: self.cause.take() },
                        error => error,
                    });
                }
            }
        }
    }

    /// Files what has been received.
    pub(super) fn file(&mut self) -> Result<(), Error> {
        self.sift(&mut pass).map(drop)
    }

    /// Moves bytes, one way or the other.
    pub(super) async fn step(&mut self) -> Result<(), Error> {
        match self.line.step(&mut self.client).await {
            Ok(Moved::Sent | Moved::Received) => {}
            Ok(Moved::End) => log::ended(&self.at, None),
            Err(drive::Error::Io(error)) => self.because(as_io(&error)),
            // The device does not keep to its contract; and there is room, as all was polled.
            Err(error) => self.because(io::Error::other(error.to_string())),
        }
        self.client.handle_timeout(self.clock.now());
        Ok(())
    }

    fn because(&mut self, error: io::Error) {
        log::ended(&self.at, Some(&error));
        self.client.rx_eof();
        if !is_end(&error) {
            self.cause.get_or_insert(error);
        }
    }

    /// The first bytes that came.
    pub(super) fn take_first(&mut self) -> Vec<u8> {
        self.line.reader_mut().take_first()
    }

    /// Nobody waits for the command any more: a reply that has come is a notice, as one that comes will be.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        if !self.inbox.abandon(ticket) && self.client.commands().set_deadline(ticket, Instant::ZERO).is_ok() {
            self.client.handle_timeout(self.clock.now());
        }
    }
}

/// What came, and is not the reply to a command.
impl<R: Read, W: Write<Error = R::Error>> Monitor<R, W> {
    /// What the server said of itself in its greeting.
    pub fn server(&self) -> &Server {
        self.inbox.server()
    }

    /// Whether out-of-band execution is on.
    pub const fn oob_enabled(&self) -> bool {
        self.oob
    }

    /// The next event. They are kept from the connection on.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended and every event was given out.
    pub async fn next_event(&mut self) -> Result<OwnedEvent, Error> {
        self.event(|_| true).await
    }

    /// The next event that has one of the `names`. Other events stay for later calls.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub async fn wait_event(&mut self, names: &[&str]) -> Result<OwnedEvent, Error> {
        self.event(|event| names.contains(&&*event.name)).await
    }

    /// The next event that is `wanted`. Other events stay for later calls.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub async fn wait_event_that(&mut self, wanted: impl Fn(&OwnedEvent) -> bool) -> Result<OwnedEvent, Error> {
        self.event(wanted).await
    }

    /// Keeps the events that are `wanted` from now on, apart from all others; see [`crate::Monitor::arm`].
    ///
    /// What has been received by now is of before, and is not among them; what the system holds of it may be.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended.
    pub fn arm(&mut self, wanted: Wanted) -> Result<Watch, Error> {
        self.file()?;
        let mailbox = Mailbox::new(wanted);
        self.inbox.mailboxes.add(&mailbox);
        Ok(Watch(mailbox))
    }

    /// The next event of `watch`.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub async fn next_of(&mut self, watch: &Watch) -> Result<OwnedEvent, Error> {
        loop {
            let filed = self.file();
            if let Some(event) = watch.0.take() {
                return Ok(self.keep_cause(filed, event));
            }
            filed?;
            self.step().await?;
        }
    }

    /// How many events were dropped, as more came than are kept, since the connection was made.
    pub const fn events_lost(&self) -> u64 {
        self.inbox.events.lost()
    }

    /// The oldest notice that was not given out. Only gives what other calls have received.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.inbox.notices.pop()
    }

    /// How many notices were dropped, as more came than are kept, since the connection was made.
    pub const fn notices_lost(&self) -> u64 {
        self.inbox.notices.lost()
    }

    /// Receives to the end of the connection: behind `quit`, so that it is executed. Events stay to be asked for.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is not the server that ended the connection.
    pub async fn drain_to_end(&mut self) -> Result<(), Error> {
        match self.drive(never).await {
            Err(Error::Closed { source: None }) => Ok(()),
            Err(error) => Err(error),
            Ok(never) => match never {},
        }
    }

    /// The end is told when there is nothing else to tell.
    fn keep_cause(&mut self, filed: Result<(), Error>, event: OwnedEvent) -> OwnedEvent {
        if let Err(Error::Closed { source }) = filed {
            self.cause = source;
        }
        event
    }

    async fn event(&mut self, wanted: impl Fn(&OwnedEvent) -> bool) -> Result<OwnedEvent, Error> {
        loop {
            // Filed first, so that a future that is dropped drops no event.
            let filed = self.file();
            if let Some(event) = self.inbox.events.take(&wanted) {
                return Ok(self.keep_cause(filed, event));
            }
            filed?;
            self.step().await?;
        }
    }
}

const fn never(message: Message<'_>) -> ControlFlow<core::convert::Infallible, Message<'_>> {
    ControlFlow::Continue(message)
}

/// The error of a device as the system would tell it.
fn as_io(error: &impl embedded_io_async::Error) -> io::Error {
    let text = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    io::Error::new(error.kind().into(), text)
}

impl<R: Read, W: Write<Error = R::Error>> fmt::Debug for Monitor<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("at", &self.at)
            .field("server", self.server())
            .field("session", &self.client.session())
            .field("events", &self.inbox.events.items.len())
            .field("notices", &self.inbox.notices.items.len())
            .finish_non_exhaustive()
    }
}

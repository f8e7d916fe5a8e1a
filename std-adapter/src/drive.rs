//! The loop under every call: messages out of the core, bytes in and out of the stream.

use alloc::boxed::Box;
use core::ops::ControlFlow;
use core::time::Duration;
use std::io::{self, ErrorKind};

use qmp_core::client::{Client, Message, Ticket};
use qmp_core::time::Instant;

use crate::clock::Clock;
use crate::connect::Opened;
use crate::engine::Engine;
use crate::error::Error;
use crate::fds::Waiting;
use crate::inbox::Inbox;
use crate::log;
use crate::notice::Notice;
use crate::options::Options;
use crate::stream::{Gone, Stream};

/// A client, its stream, and what came that nobody has asked for yet.
pub(crate) struct Driver<E: Engine = Client<'static>> {
    pub(crate) client: E,
    pub(crate) inbox: E::Inbox,
    pub(crate) clock: Clock,
    pub(crate) stream: Box<dyn Stream>,
    /// Where it leads, for people.
    pub(crate) at: String,
    /// A descriptor whose command has not begun to go.
    pub(crate) waiting: Option<Waiting>,
    /// The latest command that a descriptor goes or went with.
    pub(crate) with_fd: Option<Ticket>,
    /// Sending failed: what has come is still received.
    pub(crate) unsendable: bool,
    /// Why the stream ended, if it was more than an end.
    pub(crate) cause: Option<io::Error>,
    /// The first bytes received: to show if they are not what should come.
    pub(crate) first: Vec<u8>,
    /// The session is not ready yet.
    pub(crate) opening: bool,
}

impl Driver {
    pub(crate) fn new(opened: Opened, clock: Clock, options: &Options) -> Self {
        Self::with(Client::new(options.storage(), options.config()), Inbox::new(options), opened, clock)
    }

    /// Ends the connection. What has come is filed, commands in flight are lost.
    pub(crate) fn end(&mut self) {
        for _ in 0..OVERTIME {
            if self.file().is_err() || !matches!(self.receive(Some(Duration::ZERO)), Ok(true)) {
                break;
            }
        }
        let _ = self.stream.close();
        // What cannot be ended, a serial line, must not be held either.
        self.stream = Box::new(Gone);
        self.client.rx_eof();
        // To the end, which is an error.
        let _ = self.file();
        // The core has no more to say of those whose time was up.
        for ticket in core::mem::take(&mut self.inbox.overdue) {
            self.inbox.notices.push(Notice::Lost { ticket });
        }
    }

    /// Shows each message to `look` until that breaks with what it wanted, and files the others; receives as long as it takes, until
    /// `deadline` at most, which gives `None`.
    pub(crate) fn drive<R>(
        &mut self,
        deadline: Instant,
        mut look: impl for<'m> FnMut(Message<'m>) -> ControlFlow<R, Message<'m>>,
    ) -> Result<Option<R>, Error> {
        self.pump(deadline, |message, inbox| match look(message) {
            ControlFlow::Break(found) => Some(found),
            ControlFlow::Continue(message) => {
                inbox.file(message);
                None
            }
        })
    }

    /// Begins anew over another stream. What was filed stays.
    pub(crate) fn renew(&mut self, opened: Opened) {
        (self.stream, self.at) = (opened.stream, opened.at);
        self.client.reset();
        self.inbox.server = None;
        (self.waiting, self.with_fd) = (None, None);
        (self.unsendable, self.cause) = (false, None);
        self.first.clear();
        self.opening = true;
    }
}

impl<E: Engine> Driver<E> {
    pub(crate) fn with(client: E, inbox: E::Inbox, opened: Opened, clock: Clock) -> Self {
        Self {
            client,
            inbox,
            clock,
            stream: opened.stream,
            at: opened.at,
            waiting: None,
            with_fd: None,
            unsendable: false,
            cause: None,
            first: Vec::new(),
            opening: true,
        }
    }

    /// Shows each message to `look`, which files it or gives what it wanted; receives as long as it takes, until `deadline` at most,
    /// which gives `None`.
    pub(crate) fn pump<R>(
        &mut self,
        deadline: Instant,
        mut look: impl FnMut(E::Message<'_>, &mut E::Inbox) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        // However little time there is, what has come by then is looked at; but no flood can go on for ever.
        let mut overtime = OVERTIME;
        let mut idle = false;
        loop {
            if let Some(found) = self.sift(&mut look)? {
                return Ok(Some(found));
            }
            if self.clock.is_past(deadline) {
                if idle || overtime == 0 {
                    return Ok(None);
                }
                overtime -= 1;
            }
            idle = !self.turn(deadline)?;
        }
    }

    /// [`pump`](Self::pump), as far as the bytes already received go.
    fn sift<R>(
        &mut self,
        look: &mut impl FnMut(E::Message<'_>, &mut E::Inbox) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        loop {
            match self.client.poll() {
                Ok(Some(message)) => {
                    let found = look(message, &mut self.inbox);
                    if found.is_some() {
                        return Ok(found);
                    }
                }
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
    pub(crate) fn file(&mut self) -> Result<(), Error> {
        self.sift(&mut |message, inbox| {
            E::file(inbox, message);
            None::<()>
        })
        .map(drop)
    }

    /// Sends what can go of what is pending, no longer than until `deadline`. What the server sends meanwhile is received, as it may
    /// read nothing before that is taken.
    pub(crate) fn flush(&mut self, deadline: Instant) -> Result<(), Error> {
        while !self.client.tx_pending().is_empty() && !self.unsendable {
            self.turn(deadline)?;
            if self.client.tx_pending().is_empty() {
                break;
            }
            self.file()?;
            if self.clock.is_past(deadline) {
                break;
            }
        }
        Ok(())
    }

    /// One step: sends what is pending or, if there is nothing, receives; waits for that until `deadline` at most. Whether a byte
    /// went or came.
    pub(crate) fn turn(&mut self, deadline: Instant) -> Result<bool, Error> {
        let moved = if self.client.tx_pending().is_empty() || self.unsendable {
            let deadline = self.client.poll_timeout().map_or(deadline, |core| core.min(deadline));
            self.receive(self.clock.until(deadline))?
        } else if self.send()? {
            true
        } else {
            match self.stream.wait(self.clock.until(deadline)) {
                Err(error) if !is_passing(&error) => self.unsendable(error),
                _ => self.receive(Some(Duration::ZERO))?,
            }
        };
        self.client.handle_timeout(self.clock.now());
        Ok(moved)
    }

    /// Sends, without waiting, what can go of what is pending. `false`: nothing can at present.
    pub(crate) fn send(&mut self) -> Result<bool, Error> {
        match E::send(self) {
            Ok(0) => Ok(self.unsendable(ErrorKind::WriteZero.into())),
            Ok(count) => {
                log::sent(&self.at, self.client.tx_pending().get(..count).unwrap_or_default());
                self.client.tx_sent(count)?;
                Ok(true)
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => Ok(true),
                ErrorKind::WouldBlock => Ok(false),
                _ => Ok(self.unsendable(error)),
            },
        }
    }

    /// Whether something came, the end included.
    fn receive(&mut self, timeout: Option<Duration>) -> Result<bool, Error> {
        let space = self.client.rx_space();
        match self.stream.receive(space, timeout) {
            Ok(0) => {
                log::ended(&self.at, None);
                self.client.rx_eof();
            }
            Ok(count) => {
                log::received(&self.at, space.get(..count).unwrap_or_default());
                if self.opening {
                    keep_first(&mut self.first, space.get(..count).unwrap_or_default());
                }
                self.client.rx_commit(count)?;
            }
            Err(error) if is_passing(&error) => return Ok(false),
            Err(error) => {
                self.because(error);
                self.client.rx_eof();
            }
        }
        Ok(true)
    }

    /// The peer takes nothing any more. What it has sent is still there to be received, but it must end there.
    fn unsendable(&mut self, error: io::Error) -> bool {
        self.because(error);
        self.unsendable = true;
        let _ = self.stream.close();
        true
    }

    fn because(&mut self, error: io::Error) {
        log::ended(&self.at, Some(&error));
        if !is_end(&error) {
            self.cause.get_or_insert(error);
        }
    }

    /// Why the stream ended, if it was more than an end. Told once.
    pub(crate) const fn take_cause(&mut self) -> Option<io::Error> {
        self.cause.take()
    }
}

/// As many steps are taken behind a deadline while there is still something to take in.
const OVERTIME: u32 = 1000;
/// As many of the first bytes are kept.
const FIRST: usize = 80;

/// Keeps `bytes` behind those that are the `first`, as far as they are.
pub(crate) fn keep_first(first: &mut Vec<u8>, bytes: &[u8]) {
    first.extend(bytes.iter().take(FIRST.saturating_sub(first.len())));
}

/// Looks for nothing: all is filed.
pub(crate) const fn pass(message: Message<'_>) -> ControlFlow<(), Message<'_>> {
    ControlFlow::Continue(message)
}

/// A peer that goes with input unread resets the connection. It is an end like another.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}

/// Nothing came in time, or a signal did.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Whoever else holds the stream, QEMU shall know at once that this client is gone: it serves one at a time.
impl<E: Engine> Drop for Driver<E> {
    fn drop(&mut self) {
        let _ = self.stream.close();
    }
}

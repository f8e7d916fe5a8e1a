//! Greeting and negotiation: what it comes to, whether the monitor blocks or not.

use core::ops::ControlFlow;
use core::time::Duration;

use qmp_core::client::{Message, Session};
use qmp_core::time::Instant;

use crate::drive::Driver;
use crate::error::{Error, Failure};
use crate::log;

/// Waits until the session is ready, until `deadline` at most, and gives whether out-of-band execution is on.
pub(crate) fn handshake(driver: &mut Driver, deadline: Instant) -> Result<bool, Error> {
    log::connected(&driver.at);
    let begun = driver.clock.now();
    driver.client.commands().set_handshake_deadline(deadline);
    let mut handshake = Handshake::default();
    let end = driver.drive(Instant::NEVER, |message| handshake.look(message));
    driver.opening = false;
    log::greeted(&driver.at, driver.inbox.server.as_ref());
    let received = core::mem::take(&mut driver.first);
    let end = end.map(|end| end.unwrap_or(End::TimedOut(Session::Greeting)));
    handshake.conclude(end, &driver.at, received, begun.until(driver.clock.now()))
}

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    greeting: bool,
    /// Events and replies to others, which come before a greeting too, in the field.
    usual: bool,
    /// Objects that are no message of the protocol.
    unknown: bool,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    Ready { oob: bool },
    Refused(Failure),
    TimedOut(Session),
    NotQmp,
}

impl Handshake {
    /// Ends it by `message`, or gives that back to be filed.
    pub(crate) fn look<'m>(&mut self, message: Message<'m>) -> ControlFlow<End, Message<'m>> {
        ControlFlow::Break(match message {
            Message::Ready { oob } => End::Ready { oob },
            Message::Refused(failure) => End::Refused(failure.into()),
            Message::HandshakeTimedOut(session) => End::TimedOut(session),
            Message::Malformed(_) if !self.greeting => End::NotQmp,
            other => {
                match other {
                    Message::Greeting(_) => self.greeting = true,
                    Message::Unknown(_) => self.unknown = true,
                    _ => self.usual = true,
                }
                return ControlFlow::Continue(other);
            }
        })
    }

    /// Whether out-of-band execution is on, or what is wrong `at` the other end, of which the first bytes were `received`.
    pub(crate) fn conclude(
        &self,
        end: Result<End, Error>,
        at: &str,
        received: Vec<u8>,
        after: Duration,
    ) -> Result<bool, Error> {
        let place = || at.to_owned();
        match end {
            Ok(End::Ready { oob }) => {
                log::ready(at, oob);
                Ok(oob)
            }
            Ok(End::Refused(failure)) => Err(Error::Refused { at: place(), failure }),
            Ok(End::NotQmp) => Err(Error::NotQmp { at: place(), received }),
            Ok(End::TimedOut(Session::Greeting)) if self.is_no_server(&received) => {
                Err(Error::NotQmp { at: place(), received })
            }
            Ok(End::TimedOut(Session::Greeting)) => Err(Error::NoGreeting { at: place(), after }),
            Ok(End::TimedOut(_)) => Err(Error::NotReady { at: place(), after }),
            Err(Error::Closed { .. }) if !self.greeting && !received.is_empty() => {
                Err(Error::NotQmp { at: place(), received })
            }
            Err(error) => Err(error),
        }
    }

    /// It spoke, and said what no QMP server says instead of a greeting.
    fn is_no_server(&self, received: &[u8]) -> bool {
        self.unknown || (!self.usual && !received.iter().all(u8::is_ascii_whitespace))
    }
}

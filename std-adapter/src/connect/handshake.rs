//! Greeting and negotiation.

use core::ops::ControlFlow;

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
    let mut heard = Heard::default();
    let end = driver.drive(Instant::NEVER, |message| {
        ControlFlow::Break(match message {
            Message::Ready { oob } => End::Ready { oob },
            Message::Refused(failure) => End::Refused(failure.into()),
            Message::HandshakeTimedOut(session) => End::TimedOut(session),
            Message::Malformed(_) if !heard.greeting => End::NotQmp,
            other => {
                heard.note(&other);
                return ControlFlow::Continue(other);
            }
        })
    });
    driver.opening = false;
    let (at, received) = (driver.at.clone(), core::mem::take(&mut driver.first));
    let after = begun.until(driver.clock.now());
    log::greeted(&at, driver.inbox.server.as_ref());
    match end {
        Ok(Some(End::Ready { oob })) => {
            log::ready(&at, oob);
            Ok(oob)
        }
        Ok(Some(End::Refused(failure))) => Err(Error::Refused { at, failure }),
        Ok(Some(End::NotQmp)) => Err(Error::NotQmp { at, received }),
        Ok(Some(End::TimedOut(Session::Greeting)) | None) if heard.is_no_server(&received) => {
            Err(Error::NotQmp { at, received })
        }
        Ok(Some(End::TimedOut(Session::Greeting)) | None) => Err(Error::NoGreeting { at, after }),
        Ok(Some(End::TimedOut(_))) => Err(Error::NotReady { at, after }),
        Err(Error::Closed { .. }) if !heard.greeting && !received.is_empty() => Err(Error::NotQmp { at, received }),
        Err(error) => Err(error),
    }
}

enum End {
    Ready { oob: bool },
    Refused(Failure),
    TimedOut(Session),
    NotQmp,
}

/// What has come so far.
#[derive(Default)]
struct Heard {
    greeting: bool,
    /// Events and replies to others, which come before a greeting too, in the field.
    usual: bool,
    /// Objects that are no message of the protocol.
    unknown: bool,
}

impl Heard {
    const fn note(&mut self, message: &Message<'_>) {
        match message {
            Message::Greeting(_) => self.greeting = true,
            Message::Unknown(_) => self.unknown = true,
            _ => self.usual = true,
        }
    }

    /// It spoke, and said what no QMP server says instead of a greeting.
    fn is_no_server(&self, received: &[u8]) -> bool {
        self.unknown || (!self.usual && !received.iter().all(u8::is_ascii_whitespace))
    }
}

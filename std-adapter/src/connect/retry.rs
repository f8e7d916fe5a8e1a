//! Trying again while a virtual machine starts.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::thread;

use qmp_core::time::Instant;
use rustix::io::Errno;

use crate::clock::Clock;
use crate::error::Error;
use crate::log;
use crate::options::Options;

/// The first pause; each is twice the one before, up to the longest.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);
/// The most that one attempt of several may take. QEMU greets at once, or it holds to another client, or (5.2, 7.2, rarely, while they
/// start) it has forgotten this one: then only another connection helps.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Attempts, each with its own deadline, until one succeeds, fails for good, or time is up. One, unless the options ask for more.
pub(crate) fn until<T>(
    options: &Options,
    clock: Clock,
    mut attempt: impl FnMut(Instant) -> Result<T, Error>,
) -> Result<T, Error> {
    let begun = clock.now();
    let deadline = clock.deadline(options.deadline);
    if !options.retry {
        return attempt(deadline).inspect_err(log::failed);
    }
    let mut attempts: u32 = 0;
    let mut pause = SHORTEST;
    loop {
        attempts = attempts.saturating_add(1);
        let error = match attempt(deadline.min(clock.deadline(Some(ATTEMPT)))) {
            Err(error) if passes(&error) => error,
            outcome => return outcome.inspect_err(log::failed),
        };
        // Half of what is left at most, so that the last attempts have time to succeed.
        let next = clock.until(deadline).map_or(pause, |left| pause.min(left / 2));
        if next < SHORTEST / 2 {
            let error = Error::GaveUp { attempts, after: begun.until(clock.now()), last: Box::new(error) };
            log::failed(&error);
            return Err(error);
        }
        log::again(&error, next);
        thread::sleep(next);
        pause = pause.saturating_mul(2).min(LONGEST);
    }
}

/// Whether what failed may succeed by itself a little later.
fn passes(error: &Error) -> bool {
    match error {
        Error::NoSuchSocket { source, .. } => source.kind() == ErrorKind::NotFound,
        // Closed: before a greeting, by who stands in front of QEMU, or as QEMU ended.
        Error::NobodyListens { .. }
        | Error::NoGreeting { .. }
        | Error::NotReady { .. }
        | Error::NoAgent { .. }
        | Error::Closed { .. } => true,
        Error::Connect { source, .. } => is_of_the_way(source),
        _ => false,
    }
}

/// A host or a virtual machine that is not up yet.
fn is_of_the_way(error: &io::Error) -> bool {
    // A vsock CID that is nobody's, and a device that is not there: std's own errors of the latter kind mean names without an address.
    [Errno::NODEV, Errno::NOENT].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
        || matches!(
            error.kind(),
            ErrorKind::TimedOut
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::Interrupted
        )
}

//! TCP.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};

use qmp_core::time::Instant;

use crate::clock::Clock;
use crate::connect::Opened;
use crate::error::Error;

/// The first of the addresses of `name` that answers. Each may take its share of the time that is left, so that one which is silent does
/// not use up all of it.
pub(crate) fn open(
    addresses: &impl ToSocketAddrs,
    name: &str,
    clock: Clock,
    deadline: Instant,
) -> Result<Opened, Error> {
    let unknown = |source| Error::Connect { at: name.to_owned(), source };
    let mut last = unknown(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    let addresses: Vec<_> = addresses.to_socket_addrs().map_err(unknown)?.collect();
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let at = address.to_string();
        let share = |time: Duration| time / u32::try_from(left).unwrap_or(u32::MAX);
        let stream = match clock.until(deadline).map(share) {
            None => TcpStream::connect(address),
            Some(Duration::ZERO) => Err(ErrorKind::TimedOut.into()),
            Some(share) => TcpStream::connect_timeout(address, share),
        };
        // Commands are small, and each waits for its reply.
        match stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok(Opened { stream: Box::new(stream), at }),
            Err(source) if source.kind() == ErrorKind::ConnectionRefused => last = Error::NobodyListens { at, source },
            Err(source) => last = Error::Connect { at, source },
        }
    }
    Err(last)
}

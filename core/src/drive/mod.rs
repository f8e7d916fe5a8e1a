//! A blocking drive over `embedded_io`: what moves bytes between a client and a UART, a socket or a channel.
//!
//! One [`step`] sends what is pending and takes what has come. A client's loop is then: step, and poll until there is nothing.
//! `Line` (feature `embedded-io-async`) does the same without blocking.

#[cfg(feature = "embedded-io-async")]
mod asynchronous;

use core::fmt;

use embedded_io::{Read, ReadReady, Write};

use crate::client::Client;
use crate::error;
#[cfg(feature = "embedded-io-async")]
pub use asynchronous::{Line, Moved};

/// Why a drive step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The device failed. The client was told that the stream has ended: its commands in flight are lost.
    Io(E),
    /// The device took no byte of a write, or said that it took or gave more than there was.
    Device,
    /// There is no room: poll first.
    Full,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the device failed: {error:?}"),
            Self::Device => f.write_str("the device does not keep to its contract"),
            Self::Full => f.write_str("messages wait to be polled"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

impl<E> From<error::Error> for Error<E> {
    fn from(_: error::Error) -> Self {
        Self::Device
    }
}

/// Sends what is pending, then waits for bytes and takes them. How many came; 0 at the end of the stream, of which the client is
/// told.
///
/// A device that can say whether bytes have come is better driven by [`step_ready`], which reads while it writes: a peer that is
/// blocked on its own output reads nothing.
///
/// # Errors
/// See [`Error`].
pub fn step<D: Read + Write>(client: &mut Client<'_>, device: &mut D) -> Result<usize, Error<D::Error>> {
    while !client.tx_pending().is_empty() {
        send_some(client, device)?;
    }
    flush(client, device)?;
    receive(client, device)
}

/// Sends what is pending and takes what has come meanwhile, without waiting for bytes. How many came.
///
/// # Errors
/// See [`Error`]. [`Error::Full`] when what has come leaves no room before all is sent: poll, and call again.
pub fn step_ready<D: Read + Write + ReadReady>(
    client: &mut Client<'_>,
    device: &mut D,
) -> Result<usize, Error<D::Error>> {
    let mut received = 0_usize;
    let pending = !client.tx_pending().is_empty();
    while !client.tx_pending().is_empty() {
        received = received.saturating_add(receive_ready(client, device)?);
        send_some(client, device)?;
    }
    if pending {
        flush(client, device)?;
    }
    Ok(received.saturating_add(receive_ready(client, device)?))
}

fn receive_ready<D: Read + ReadReady>(client: &mut Client<'_>, device: &mut D) -> Result<usize, Error<D::Error>> {
    match device.read_ready() {
        Ok(true) => receive(client, device),
        Ok(false) => Ok(0),
        Err(error) => Err(fail(client, error)),
    }
}

fn receive<D: Read>(client: &mut Client<'_>, device: &mut D) -> Result<usize, Error<D::Error>> {
    let space = client.rx_space();
    if space.is_empty() {
        return Err(Error::Full);
    }
    match device.read(space) {
        Ok(0) => {
            client.rx_eof();
            Ok(0)
        }
        Ok(count) => {
            client.rx_commit(count)?;
            Ok(count)
        }
        Err(error) => Err(fail(client, error)),
    }
}

fn send_some<D: Write>(client: &mut Client<'_>, device: &mut D) -> Result<(), Error<D::Error>> {
    match device.write(client.tx_pending()) {
        Ok(0) => Err(Error::Device),
        Ok(count) => Ok(client.tx_sent(count)?),
        Err(error) => Err(fail(client, error)),
    }
}

fn flush<D: Write>(client: &mut Client<'_>, device: &mut D) -> Result<(), Error<D::Error>> {
    device.flush().map_err(|error| fail(client, error))
}

fn fail<E>(client: &mut Client<'_>, error: E) -> Error<E> {
    client.rx_eof();
    Error::Io(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Config, Message, Session, StaticStorage};
    use embedded_io::ErrorType;
    use std::collections::VecDeque;
    use std::vec::Vec;

    /// A line that gives a few bytes at a time and takes a few.
    #[derive(Default)]
    struct Line {
        incoming: VecDeque<u8>,
        outgoing: Vec<u8>,
        writes: usize,
        broken: bool,
    }

    impl ErrorType for Line {
        type Error = embedded_io::ErrorKind;
    }

    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
            if self.broken {
                return Err(embedded_io::ErrorKind::BrokenPipe);
            }
            let count = buffer.len().min(self.incoming.len()).min(5);
            for (place, byte) in buffer.iter_mut().zip(self.incoming.drain(..count)) {
                *place = byte;
            }
            Ok(count)
        }
    }

    impl ReadReady for Line {
        fn read_ready(&mut self) -> Result<bool, Self::Error> {
            Ok(!self.incoming.is_empty())
        }
    }

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
            let count = bytes.len().min(20);
            self.outgoing.extend_from_slice(&bytes[..count]);
            self.writes += 1;
            Ok(count)
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    fn drive(by: fn(&mut Client<'_>, &mut Line) -> Result<usize, Error<embedded_io::ErrorKind>>) {
        let mut storage = StaticStorage::<256, 256, 2>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        let mut line = Line::default();
        line.incoming.extend(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"event\": \"A\"}\r\n");
        let mut events = 0;
        while client.session() != Session::Negotiating || events == 0 {
            assert!(by(&mut client, &mut line).unwrap() > 0);
            while let Some(incoming) = client.poll().unwrap() {
                events += usize::from(matches!(incoming.message, Message::Event(_)));
            }
        }
        // The last piece of the event's line is still there to be read.
        while line.writes == 0 || !client.tx_pending().is_empty() {
            line.incoming.extend(b" ");
            by(&mut client, &mut line).unwrap();
        }
        assert_eq!(line.outgoing, b"{\"execute\":\"qmp_capabilities\",\"id\":511}\n");
        assert_eq!(line.writes, 2);
        line.broken = true;
        line.incoming.extend(b" ");
        assert_eq!(by(&mut client, &mut line), Err(Error::Io(embedded_io::ErrorKind::BrokenPipe)));
        assert!(client.poll().is_err());
    }

    #[test]
    fn both_steps_move_all_bytes() {
        drive(step);
        drive(step_ready);
    }

    #[test]
    fn a_full_buffer_is_polled_first() {
        let mut storage = StaticStorage::<16, 64, 1>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        client.feed(b"{\"event\": \"abc\"}").unwrap();
        let mut line = Line::default();
        line.incoming.extend(b"x");
        assert_eq!(step(&mut client, &mut line), Err(Error::Full));
        assert!(client.poll().unwrap().is_some());
        assert_eq!(step(&mut client, &mut line), Ok(1));
    }
}

//! A blocking drive over `embedded_io`: what moves bytes between a client or a server and a UART, a socket or a channel.
//!
//! One [`step`] sends what is pending and takes what has come. A loop is then: step, and poll until there is nothing.
//! `Line` (feature `embedded-io-async`) does the same without blocking, for a client.

#[cfg(feature = "embedded-io-async")]
mod asynchronous;

use core::fmt;

use embedded_io::{Read, ReadReady, Write};

use crate::client::Client;
use crate::server::Server;
use crate::{agent, error};
#[cfg(feature = "embedded-io-async")]
pub use asynchronous::{Line, Moved};

/// Why a drive step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The device failed. The engine was told that the stream has ended: a client's commands in flight are lost.
    Io(E),
    /// The device took no byte of a write, or said that it took or gave more than there was.
    Device,
    /// There is no room: poll first. A server may have to answer first what was polled.
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

/// What bytes are moved for: a [`Client`], an agent's [client](agent::Client), a [`Server`].
pub trait Engine: sealed::Sealed {
    /// The free part of the receive buffer.
    fn rx_space(&mut self) -> &mut [u8];

    /// The first `count` bytes of [`rx_space`](Self::rx_space) were received.
    ///
    /// # Errors
    /// [`Misuse`](error::Misuse) if there are not so many, or behind [`rx_eof`](Self::rx_eof).
    fn rx_commit(&mut self, count: usize) -> Result<(), error::Error>;

    /// No more bytes will come.
    fn rx_eof(&mut self);

    /// Bytes to be sent.
    fn tx_pending(&self) -> &[u8];

    /// The first `count` bytes of [`tx_pending`](Self::tx_pending) were sent.
    ///
    /// # Errors
    /// [`Misuse`](error::Misuse) if there are not so many.
    fn tx_sent(&mut self, count: usize) -> Result<(), error::Error>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! engine {
    ($of:ty) => {
        impl sealed::Sealed for $of {}

        impl Engine for $of {
            fn rx_space(&mut self) -> &mut [u8] {
                self.rx_space()
            }

            fn rx_commit(&mut self, count: usize) -> Result<(), error::Error> {
                self.rx_commit(count)
            }

            fn rx_eof(&mut self) {
                self.rx_eof();
            }

            fn tx_pending(&self) -> &[u8] {
                self.tx_pending()
            }

            fn tx_sent(&mut self, count: usize) -> Result<(), error::Error> {
                self.tx_sent(count)
            }
        }
    };
}

engine!(Client<'_>);
engine!(agent::Client<'_>);
engine!(Server<'_>);

/// Sends what is pending, then waits for bytes and takes them. How many came; 0 at the end of the stream, of which the engine is
/// told.
///
/// A device that can say whether bytes have come is better driven by [`step_ready`], which reads while it writes: a peer that is
/// blocked on its own output reads nothing.
///
/// # Errors
/// See [`Error`].
pub fn step<D: Read + Write>(engine: &mut impl Engine, device: &mut D) -> Result<usize, Error<D::Error>> {
    while !engine.tx_pending().is_empty() {
        send_some(engine, device)?;
    }
    flush(engine, device)?;
    receive(engine, device)
}

/// Sends what is pending and takes what has come meanwhile, without waiting for bytes. How many came.
///
/// # Errors
/// See [`Error`]. [`Error::Full`] when what has come leaves no room before all is sent: poll, and call again. Something was sent
/// even then, as a server may need that room before it can read on.
pub fn step_ready<D: Read + Write + ReadReady>(
    engine: &mut impl Engine,
    device: &mut D,
) -> Result<usize, Error<D::Error>> {
    let mut received = 0_usize;
    while !engine.tx_pending().is_empty() {
        send_some(engine, device)?;
        if engine.tx_pending().is_empty() {
            flush(engine, device)?;
        }
        received = received.saturating_add(receive_ready(engine, device)?);
    }
    Ok(received.saturating_add(receive_ready(engine, device)?))
}

fn receive_ready<D: Read + ReadReady>(engine: &mut impl Engine, device: &mut D) -> Result<usize, Error<D::Error>> {
    match device.read_ready() {
        Ok(true) => receive(engine, device),
        Ok(false) => Ok(0),
        Err(error) => Err(fail(engine, error)),
    }
}

fn receive<D: Read>(engine: &mut impl Engine, device: &mut D) -> Result<usize, Error<D::Error>> {
    let space = engine.rx_space();
    if space.is_empty() {
        return Err(Error::Full);
    }
    match device.read(space) {
        Ok(0) => {
            engine.rx_eof();
            Ok(0)
        }
        Ok(count) => {
            engine.rx_commit(count)?;
            Ok(count)
        }
        Err(error) => Err(fail(engine, error)),
    }
}

fn send_some<D: Write>(engine: &mut impl Engine, device: &mut D) -> Result<(), Error<D::Error>> {
    match device.write(engine.tx_pending()) {
        Ok(0) => Err(Error::Device),
        Ok(count) => Ok(engine.tx_sent(count)?),
        Err(error) => Err(fail(engine, error)),
    }
}

fn flush<D: Write>(engine: &mut impl Engine, device: &mut D) -> Result<(), Error<D::Error>> {
    device.flush().map_err(|error| fail(engine, error))
}

fn fail<E>(engine: &mut impl Engine, error: E) -> Error<E> {
    engine.rx_eof();
    Error::Io(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Config, Message, Session, StaticStorage};
    use crate::server;
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
        drive(|client, line| step(client, line));
        drive(|client, line| step_ready(client, line));
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

    #[test]
    fn a_server_whose_answers_wait_for_room_is_driven_on() {
        // Replies take more room than commands, and neither buffer holds all of them.
        let mut storage = server::StaticStorage::<64, 176, 1, 16>::new();
        let config = server::Config { dialect: server::Dialect::Agent, ..server::Config::DEFAULT };
        let mut server = Server::new(storage.lend(), config);
        let mut line = Line::default();
        for id in 0..40 {
            line.incoming.extend(std::format!("{{\"id\":{id}}}\n").bytes());
        }
        for turn in 0.. {
            assert!(turn < 1000, "{:?}", std::str::from_utf8(&line.outgoing));
            match step_ready(&mut server, &mut line) {
                Ok(_) | Err(Error::Full) => {}
                Err(error) => panic!("{error}"),
            }
            while server.poll().unwrap().is_some() {}
            if line.incoming.is_empty() && line.outgoing.iter().filter(|byte| **byte == b'\n').count() == 40 {
                break;
            }
        }
        assert!(line.outgoing.ends_with(b"\"id\":39}\n"));
    }
}

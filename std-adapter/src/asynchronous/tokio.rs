//! Sockets of tokio's.

use std::path::Path;

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{Read, Write};
use tokio::net::{TcpStream, ToSocketAddrs, UnixStream, tcp, unix};
use tokio::time::{self, Instant};

use super::Monitor;
use super::connect::Opening;
use crate::clock::Clock;
use crate::connect::unix::unconnected;
use crate::error::Error;
use crate::log;
use crate::options::Options;

/// A monitor on a Unix socket.
pub type UnixMonitor = Monitor<FromTokio<unix::OwnedReadHalf>, FromTokio<unix::OwnedWriteHalf>>;
/// A monitor on a TCP connection.
pub type TcpMonitor = Monitor<FromTokio<tcp::OwnedReadHalf>, FromTokio<tcp::OwnedWriteHalf>>;

/// With tokio's sockets and timer: [`Options::deadline`] holds; [`Options::timeout`] is for `tokio::time::timeout`.
impl Options {
    /// Connects to the Unix socket at `path`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// Outside of a tokio runtime that has I/O and time enabled, as tokio does.
    pub async fn unix_tokio(&self, path: impl AsRef<Path>) -> Result<UnixMonitor, Error> {
        let path = path.as_ref();
        let connect = async {
            let stream = UnixStream::connect(path).await.map_err(|source| unconnected(path, self.deadline, source))?;
            let (reader, writer) = stream.into_split();
            Ok((FromTokio::new(reader), FromTokio::new(writer)))
        };
        self.establish(&path.display().to_string(), connect).await
    }

    /// Connects by TCP to `address`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`unix_tokio`](Self::unix_tokio).
    pub async fn tcp_tokio(&self, address: impl ToSocketAddrs) -> Result<TcpMonitor, Error> {
        let at = "the address given";
        let connect = async {
            let stream = TcpStream::connect(address).await;
            // Commands are small, and each waits for its reply.
            let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
            let (reader, writer) = stream.map_err(|source| Error::Connect { at: at.to_owned(), source })?.into_split();
            Ok((FromTokio::new(reader), FromTokio::new(writer)))
        };
        self.establish(at, connect).await
    }

    /// Connects and shakes hands, by one deadline.
    async fn establish<R: Read, W: Write<Error = R::Error>>(
        &self,
        at: &str,
        connect: impl Future<Output = Result<(R, W), Error>>,
    ) -> Result<Monitor<R, W>, Error> {
        let deadline = self.deadline.and_then(|deadline| Instant::now().checked_add(deadline));
        let clock = Clock::start();
        let connected = in_time(deadline, connect)
            .await
            .unwrap_or_else(|| Err(Error::NoGreeting { at: at.to_owned(), after: self.deadline.unwrap_or_default() }));
        let (reader, writer) = connected.inspect_err(log::failed)?;
        let mut opening = Opening::new(reader, writer, self, at, clock);
        let end = in_time(deadline, opening.shake_hands()).await;
        opening.conclude(end)
    }
}

/// `None`: it is not ready by the `deadline`.
async fn in_time<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => time::timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

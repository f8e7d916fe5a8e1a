//! Sockets of tokio's.

use std::path::Path;

use embedded_io_adapters::tokio_1::FromTokio;
use tokio::net::{TcpStream, ToSocketAddrs, UnixStream, tcp, unix};
use tokio::time;

use super::Monitor;
use crate::connect::unix::unconnected;
use crate::error::Error;
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
        let establish = async {
            let stream = UnixStream::connect(path).await.map_err(|source| unconnected(path, self.deadline, source))?;
            let (reader, writer) = stream.into_split();
            self.over_async(FromTokio::new(reader), FromTokio::new(writer)).await
        };
        self.in_time(&path.display().to_string(), establish).await
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
        let establish = async {
            let stream = TcpStream::connect(address).await;
            // Commands are small, and each waits for its reply.
            let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
            let (reader, writer) = stream.map_err(|source| Error::Connect { at: at.to_owned(), source })?.into_split();
            self.over_async(FromTokio::new(reader), FromTokio::new(writer)).await
        };
        self.in_time(at, establish).await
    }

    async fn in_time<M>(&self, at: &str, establish: impl Future<Output = Result<M, Error>>) -> Result<M, Error> {
        let Some(deadline) = self.deadline else { return named(at, establish.await) };
        match time::timeout(deadline, establish).await {
            Ok(outcome) => named(at, outcome),
            Err(_) => Err(Error::NoGreeting { at: at.to_owned(), after: deadline }),
        }
    }
}

/// Says where it was.
fn named<M>(place: &str, outcome: Result<M, Error>) -> Result<M, Error> {
    outcome.map_err(|error| match error {
        Error::Refused { failure, .. } => Error::Refused { at: place.to_owned(), failure },
        Error::NotQmp { received, .. } => Error::NotQmp { at: place.to_owned(), received },
        error => error,
    })
}

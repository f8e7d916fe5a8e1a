//! The clients in this process.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use qmp_qapi::commands::QueryStatus;
use qmp_qapi::types::RunState;
use qmp_std::asynchronous::UnixMonitor;
use qmp_std::{Monitor, Options, Shared};
use tokio::runtime::Runtime;

/// A client that is connected.
pub(crate) trait Client {
    fn name(&self) -> &'static str;

    /// So many round trips, one after the other, and how long they took.
    fn run(&mut self, trips: u32) -> Result<Duration>;
}

/// From which our clients number commands: their ids have ten digits then, as most seeds make them.
const SEED: u32 = 8_000_000;
/// What ours send, byte for byte as long.
const COMMAND: &[u8] = b"{\"execute\":\"query-status\",\"id\":2048000511}\n";

/// A write and a read.
pub(crate) struct Bare(UnixStream);

impl Bare {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let mut bare = Self(UnixStream::connect(path)?);
        bare.line(&mut [0; 4096])?;
        bare.0.write_all(b"{\"execute\":\"qmp_capabilities\"}\n")?;
        bare.line(&mut [0; 4096])?;
        Ok(bare)
    }

    fn line(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut length = 0;
        loop {
            let count = self.0.read(&mut buffer[length..])?;
            ensure!(count > 0, "the end");
            length += count;
            if buffer[length - 1] == b'\n' {
                return Ok(length);
            }
        }
    }
}

impl Client for Bare {
    fn name(&self) -> &'static str {
        "a write and a read"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        let mut buffer = [0; 4096];
        let start = Instant::now();
        for _ in 0..trips {
            self.0.write_all(COMMAND)?;
            ensure!(self.line(&mut buffer)? > 50);
        }
        Ok(start.elapsed())
    }
}

/// The blocking monitor, typed.
pub(crate) struct Ours(Monitor);

impl Ours {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        Ok(Self(Options::new().seed(SEED).unix(path)?))
    }
}

impl Client for Ours {
    fn name(&self) -> &'static str {
        "qmp-std Monitor, typed"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..trips {
            let is = self.0.send(&QueryStatus, |status| status.status == RunState::Prelaunch)?;
            ensure!(is);
        }
        Ok(start.elapsed())
    }
}

/// The one for many threads, used by one.
pub(crate) struct OursShared(Shared);

impl OursShared {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        Ok(Self(Options::new().seed(SEED).unix(path)?.share()?))
    }
}

impl Client for OursShared {
    fn name(&self) -> &'static str {
        "qmp-std Shared, typed"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..trips {
            let is = self.0.send(&QueryStatus, |status| status.status == RunState::Prelaunch)?;
            ensure!(is);
        }
        Ok(start.elapsed())
    }
}

/// The one that does not block, on tokio.
pub(crate) struct OursAsync(Runtime, UnixMonitor);

impl OursAsync {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let monitor = runtime.block_on(Options::new().seed(SEED).unix_tokio(path))?;
        Ok(Self(runtime, monitor))
    }
}

impl Client for OursAsync {
    fn name(&self) -> &'static str {
        "qmp-std asynchronous, tokio, typed"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        let Self(runtime, monitor) = self;
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..trips {
                let is = monitor.send(&QueryStatus, |status| status.status == RunState::Prelaunch).await?;
                ensure!(is);
            }
            Ok(start.elapsed())
        })
    }
}

/// The crate `qapi`, its blocking client, typed.
pub(crate) struct QapiRs(qapi::Qmp<qapi::Stream<std::io::BufReader<UnixStream>, UnixStream>>);

impl QapiRs {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path)?;
        let mut client = qapi::Qmp::new(qapi::Stream::new(std::io::BufReader::new(stream.try_clone()?), stream));
        client.handshake()?;
        Ok(Self(client))
    }
}

impl Client for QapiRs {
    fn name(&self) -> &'static str {
        "qapi-rs 0.15, typed"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..trips {
            ensure!(!self.0.execute(&qapi::qmp::query_status {})?.running);
        }
        Ok(start.elapsed())
    }
}

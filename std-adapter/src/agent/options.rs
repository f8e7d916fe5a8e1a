//! How an agent is connected.

use core::time::Duration;
use std::path::Path;

use qmp_core::agent::{Config, Sync};
use qmp_core::client::Storage;

use crate::address::Address;
use crate::agent::Agent;
use crate::agent::connect;
use crate::error::Error;
use crate::options::{Options, random};
use crate::stream::Stream;

/// How to connect an [`Agent`], and how much it keeps. The defaults are right for QEMU's own.
///
/// ```no_run
/// use std::time::Duration;
///
/// let agent = qmp_std::AgentOptions::new().deadline(Duration::from_secs(60)).unix("/run/vm/qga.sock")?;
/// # Ok::<(), qmp_std::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `connect`, `unix`, `serial` or `over`"]
pub struct AgentOptions {
    /// What a monitor has, too.
    pub(crate) base: Options,
    pub(crate) reconnect: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) farewell: Duration,
    sync: Sync,
    sync_timeout: Duration,
    ids: bool,
}

impl AgentOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            base: Options::new(),
            reconnect: Some(Duration::from_secs(3)),
            grace: Duration::from_millis(500),
            farewell: Duration::from_millis(200),
            sync: Sync::Delimited,
            sync_timeout: Duration::from_secs(1),
            ids: true,
        }
    }

    /// The longest that connecting may take, from `connect()` until the agent is in step: 10 seconds. `None` is as long as it takes.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.base = self.base.deadline(deadline);
        self
    }

    /// The longest that each command may take; see [`Agent::set_timeout`]. None, but an agent in a guest that hangs never answers:
    /// set one.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.base = self.base.timeout(timeout);
        self
    }

    /// Whether to try again, up to the [deadline](Self::deadline), what may succeed a little later: no. There is no such socket yet,
    /// nobody listens. See [`Options::retry`].
    pub fn retry(mut self, retry: bool) -> Self {
        self.base = self.base.retry(retry);
        self
    }

    /// How long a connection may be silent before another one takes its place, while connecting: 3 seconds. An agent that started
    /// behind the connection may never answer over that one. `None` stays with the first connection, and so keeps its place in the
    /// line where a client before this one is still being served.
    pub fn reconnect(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.reconnect = after.into();
        self
    }

    /// How long an error to a command is waited for that answers nothing when it succeeds (`guest-shutdown`, `guest-suspend-*`), up
    /// to the call's timeout: half a second.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long, when the agent is dropped, answers are waited for that are on their way: 200 ms. An agent that finds a client gone
    /// before it took them may end itself; QEMU's own does, where it listens itself.
    pub fn farewell(mut self, farewell: Duration) -> Self {
        self.farewell = farewell;
        self
    }

    /// How to get in step: see [`Sync`].
    pub fn sync(mut self, sync: Sync) -> Self {
        self.sync = sync;
        self
    }

    /// How long the answer to a synchronisation is waited for before the next one is sent: a second, and twice as long each time.
    pub fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.sync_timeout = timeout;
        self
    }

    /// Whether commands bear ids where the agent echoes them: yes.
    pub fn ids(mut self, ids: bool) -> Self {
        self.ids = ids;
        self
    }

    /// The longest reply that is received, in bytes: 64 MiB. `guest-file-read` returns that much at most. Longer ones are passed over
    /// and reported.
    pub fn rx_limit(mut self, bytes: usize) -> Self {
        self.base = self.base.rx_limit(bytes);
        self
    }

    /// The longest command that is sent, in bytes: 64 MiB, the most that QEMU's agent reads.
    pub fn tx_limit(mut self, bytes: usize) -> Self {
        self.base = self.base.tx_limit(bytes);
        self
    }

    /// The most notices that are kept until they are asked for: 64. When one more comes the oldest is dropped, and counted.
    pub fn notices(mut self, most: usize) -> Self {
        self.base = self.base.notices(most);
        self
    }

    /// Connects to `address`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn connect(&self, address: &Address) -> Result<Agent, Error> {
        connect::to(address, self)
    }

    /// Connects to the Unix socket at `path`: the host's side of QEMU's `-chardev socket,path=PATH,server=on,wait=off,…` behind a
    /// `virtserialport`, or an agent's own.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix(&self, path: impl AsRef<Path>) -> Result<Agent, Error> {
        self.connect(&Address::Unix(path.as_ref().to_owned()))
    }

    /// Opens the character device at `path`: a serial line, or the pseudo-terminal of QEMU's `-chardev pty`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn serial(&self, path: impl AsRef<Path>) -> Result<Agent, Error> {
        self.connect(&Address::Serial(path.as_ref().to_owned()))
    }

    /// Speaks over `stream`. There is no other connection to try than this one.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn over(&self, stream: impl Stream + 'static) -> Result<Agent, Error> {
        connect::over(Box::new(stream), self)
    }

    pub(crate) fn storage(&self) -> Storage<'static> {
        self.base.storage()
    }

    pub(crate) fn config(&self) -> Config {
        Config { sync: self.sync, sync_timeout: self.sync_timeout, ids: self.ids, seed: random(), ..Config::DEFAULT }
    }
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self::new()
    }
}

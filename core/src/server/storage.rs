//! The memory that a server works in.

use super::pending::Pending;
use crate::frame::Buffer;
use crate::memory::Entries;

/// Memory for a server: a receive buffer, a transmit buffer, and room for commands that are not answered yet.
///
/// - The receive buffer bounds the longest command that is delivered; longer ones are passed over and answered with an error.
/// - The transmit buffer bounds the longest reply or event. It must hold the greeting, about 120 bytes and the package, and the
///   longest of the server's own errors: 160 bytes and up to 6 times the bytes for an id.
/// - There is an entry for each command that is delivered or refused and not answered yet: one is enough where commands are answered
///   as they come and there is no out-of-band execution, 10 make full use of that. At most 255 are used.
/// - The bytes for ids are divided among the entries. An entry's part holds the command's id until it is answered, as JSON in ASCII;
///   a command with a longer id is refused. Where the server refuses a command, the name it complains of is kept there too, cut if
///   need be. 32 bytes each are plenty for most clients; strings of 36 characters are not unusual. An agent keeps the number of a
///   synchronisation there, behind the id: up to 20 bytes.
#[derive(Debug)]
pub struct Storage<'b> {
    pub(crate) rx: Buffer<'b>,
    pub(crate) tx: Buffer<'b>,
    pub(super) pending: Entries<'b, Pending>,
    pub(super) ids: Buffer<'b>,
}

impl<'b> Storage<'b> {
    /// The caller's memory, lent for as long as the server lives. Its content does not matter.
    pub fn new(
        rx: impl Into<Buffer<'b>>,
        tx: impl Into<Buffer<'b>>,
        pending: &'b mut [Pending],
        ids: &'b mut [u8],
    ) -> Self {
        pending.fill(Pending::FREE);
        Self { rx: rx.into(), tx: tx.into(), pending: Entries::Lent(pending), ids: ids.into() }
    }

    /// Owned memory: `rx` and `tx` grow as needed up to so many bytes; `id` bytes for the id of each of `pending` commands.
    #[cfg(feature = "alloc")]
    pub fn growing(rx: usize, tx: usize, pending: usize, id: usize) -> Storage<'static> {
        let pending = pending.min(super::pending::MOST);
        let ids = pending.saturating_mul(id);
        let entries = alloc::vec![Pending::FREE; pending].into_boxed_slice();
        Storage {
            rx: Buffer::growing(4096, rx),
            tx: Buffer::growing(1024, tx),
            pending: Entries::Owned(entries),
            ids: Buffer::growing(ids, ids),
        }
    }
}

/// Memory for a server in one piece, for a `static`: all zeroes, so that it takes no room in flash. `IDS` bytes are divided among
/// `PENDING` commands.
///
/// ```
/// use qmp_core::server::{Config, Server, StaticStorage};
///
/// let mut storage = StaticStorage::<1024, 512, 2, 64>::new();
/// let server = Server::new(storage.lend(), Config::DEFAULT);
/// assert!(server.tx_pending().starts_with(b"{\"QMP\":"));
/// ```
#[derive(Debug)]
pub struct StaticStorage<const RX: usize, const TX: usize, const PENDING: usize, const IDS: usize> {
    rx: [u8; RX],
    tx: [u8; TX],
    pending: [Pending; PENDING],
    ids: [u8; IDS],
}

impl<const RX: usize, const TX: usize, const PENDING: usize, const IDS: usize> StaticStorage<RX, TX, PENDING, IDS> {
    /// All zeroes.
    pub const fn new() -> Self {
        Self { rx: [0; RX], tx: [0; TX], pending: [Pending::FREE; PENDING], ids: [0; IDS] }
    }

    /// Lends it to a server.
    pub fn lend(&mut self) -> Storage<'_> {
        Storage::new(self.rx.as_mut_slice(), self.tx.as_mut_slice(), &mut self.pending, &mut self.ids)
    }
}

impl<const RX: usize, const TX: usize, const PENDING: usize, const IDS: usize> Default
    for StaticStorage<RX, TX, PENDING, IDS>
{
    fn default() -> Self {
        Self::new()
    }
}

//! The memory that a client works in.

use super::slots::{Slot, Slots};
use crate::frame::Buffer;
use crate::memory::Entries;

/// Memory for a client: a receive buffer, a transmit buffer, and a slot for each command in flight.
///
/// The receive buffer bounds the longest message that is delivered; longer ones are passed over and reported. It takes at least
/// 16 bytes, so that a reply can be told even when it is passed over. The transmit buffer bounds the longest command.
#[derive(Debug)]
pub struct Storage<'b> {
    pub(crate) rx: Buffer<'b>,
    pub(crate) tx: Buffer<'b>,
    pub(crate) slots: Slots<'b>,
}

impl<'b> Storage<'b> {
    /// The caller's memory, lent for as long as the client lives. Its content does not matter. At most 255 slots are used.
    pub fn new(rx: impl Into<Buffer<'b>>, tx: impl Into<Buffer<'b>>, slots: &'b mut [Slot]) -> Self {
        slots.fill(Slot::FREE);
        Self { rx: rx.into(), tx: tx.into(), slots: Slots(Entries::Lent(slots)) }
    }

    /// Owned memory: `rx` and `tx` grow as needed up to so many bytes.
    #[cfg(feature = "alloc")]
    pub fn growing(rx: usize, tx: usize, slots: usize) -> Storage<'static> {
        let slots = alloc::vec![Slot::FREE; slots.min(super::slots::MOST)].into_boxed_slice();
        Storage { rx: Buffer::growing(4096, rx), tx: Buffer::growing(256, tx), slots: Slots(Entries::Owned(slots)) }
    }
}

/// Memory for a client in one piece, for a `static`: all zeroes, so that it takes no room in flash.
///
/// ```
/// use qmp_core::client::{Client, Config, StaticStorage};
///
/// let mut storage = StaticStorage::<1024, 256, 4>::new();
/// let client = Client::new(storage.lend(), Config::DEFAULT);
/// # let _ = client;
/// ```
#[derive(Debug)]
pub struct StaticStorage<const RX: usize, const TX: usize, const SLOTS: usize> {
    pub(super) rx: [u8; RX],
    pub(super) tx: [u8; TX],
    pub(super) slots: [Slot; SLOTS],
}

impl<const RX: usize, const TX: usize, const SLOTS: usize> StaticStorage<RX, TX, SLOTS> {
    /// All zeroes.
    pub const fn new() -> Self {
        Self { rx: [0; RX], tx: [0; TX], slots: [Slot::FREE; SLOTS] }
    }

    /// Lends it to a client.
    pub fn lend(&mut self) -> Storage<'_> {
        Storage::new(self.rx.as_mut_slice(), self.tx.as_mut_slice(), &mut self.slots)
    }
}

impl<const RX: usize, const TX: usize, const SLOTS: usize> Default for StaticStorage<RX, TX, SLOTS> {
    fn default() -> Self {
        Self::new()
    }
}

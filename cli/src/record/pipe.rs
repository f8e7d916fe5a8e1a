//! One direction between two sockets: bytes, and the descriptors that come with them.

use core::mem::MaybeUninit;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// How many bytes are under way at most.
const ROOM: usize = 1 << 16;
/// The most descriptors that the system sends in one piece.
const DESCRIPTORS: usize = 253;

/// What a program starts does not inherit them.
#[cfg(not(target_vendor = "apple"))]
const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const RECEIVE: RecvFlags = RecvFlags::empty();

/// What was received and is to be sent. It receives only when all is sent: where the receiver waits, so does the sender.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: Vec<u8>,
    received: usize,
    sent: usize,
    /// They came with the first byte that is to be sent.
    descriptors: Vec<OwnedFd>,
    ended: bool,
}

/// What went on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'p> {
    pub(super) bytes: &'p [u8],
    pub(super) descriptors: usize,
}

impl Pipe {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; ROOM], received: 0, sent: 0, descriptors: Vec::new(), ended: false }
    }

    /// All that was received is sent.
    pub(super) const fn is_empty(&self) -> bool {
        self.sent == self.received
    }

    /// There is room, and more to come.
    pub(super) const fn receives(&self) -> bool {
        self.is_empty() && !self.ended
    }

    /// Nothing more comes.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes what there is. Sockets do not block.
    pub(super) fn receive(&mut self, from: &impl AsFd) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let outcome = recvmsg(from, &mut [IoSliceMut::new(&mut self.bytes)], &mut control, RECEIVE);
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        match outcome.map_err(io::Error::from) {
            Ok(received) => {
                self.sent = 0;
                self.received = received.bytes;
                self.ended = received.bytes == 0;
                Ok(())
            }
            Err(error) if crate::socket::is_passing(&error) => Ok(()),
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }

    /// Sends what can go.
    pub(super) fn send(&mut self, to: &impl AsFd) -> io::Result<Option<Sent<'_>>> {
        let bytes = &self.bytes[self.sent..self.received];
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        let outcome = sendmsg(to, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
        match outcome.map_err(io::Error::from) {
            Ok(count) => {
                let descriptors = descriptors.len();
                self.descriptors.clear();
                let start = self.sent;
                self.sent += count;
                Ok(Some(Sent { bytes: &self.bytes[start..self.sent], descriptors }))
            }
            Err(error) if crate::socket::is_passing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

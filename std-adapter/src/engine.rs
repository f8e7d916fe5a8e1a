//! What the loop drives: a session of the core's, with a monitor or with a guest agent.

use std::io;

use qmp_core::client::{Client, Message};
use qmp_core::error::Error as Refusal;
use qmp_core::time::Instant;

use crate::drive::Driver;
use crate::inbox::Inbox;

/// A session without a socket, and where its messages go that no call waits for.
pub(crate) trait Engine: Sized {
    type Message<'m>;
    type Inbox;

    fn rx_space(&mut self) -> &mut [u8];
    fn rx_commit(&mut self, count: usize) -> Result<(), Refusal>;
    fn rx_eof(&mut self);
    fn tx_pending(&self) -> &[u8];
    fn tx_sent(&mut self, count: usize) -> Result<(), Refusal>;
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    fn poll(&mut self) -> Result<Option<Self::Message<'_>>, Refusal>;

    /// Sends as much of what is pending as can go without waiting.
    fn send(driver: &mut Driver<Self>) -> io::Result<usize> {
        driver.stream.send(driver.client.tx_pending())
    }

    /// Keeps a message for who will ask for it.
    fn file(inbox: &mut Self::Inbox, message: Self::Message<'_>);
}

/// The part of an [`Engine`] that each of the core's clients has under the same names.
macro_rules! moves_bytes {
    () => {
        fn rx_space(&mut self) -> &mut [u8] {
            self.rx_space()
        }

        fn rx_commit(&mut self, count: usize) -> Result<(), Refusal> {
            self.rx_commit(count)
        }

        fn rx_eof(&mut self) {
            self.rx_eof();
        }

        fn tx_pending(&self) -> &[u8] {
            self.tx_pending()
        }

        fn tx_sent(&mut self, count: usize) -> Result<(), Refusal> {
            self.tx_sent(count)
        }

        fn handle_timeout(&mut self, now: Instant) {
            self.handle_timeout(now);
        }

        fn poll_timeout(&self) -> Option<Instant> {
            self.poll_timeout()
        }

        fn poll(&mut self) -> Result<Option<Self::Message<'_>>, Refusal> {
            Ok(self.poll()?.map(|incoming| incoming.message))
        }
    };
}
pub(crate) use moves_bytes;

impl Engine for Client<'static> {
    type Message<'m> = Message<'m>;
    type Inbox = Inbox;

    moves_bytes!();

    /// A descriptor goes with its command.
    fn send(driver: &mut Driver) -> io::Result<usize> {
        driver.send_pending()
    }

    fn file(inbox: &mut Inbox, message: Message<'_>) {
        inbox.file(message);
    }
}

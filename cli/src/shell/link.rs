//! The thread that owns the monitor: it sends what it is asked to and puts on the board what comes.
//!
//! It waits for the server and for its orders at once, so a command is on its way as soon as it is asked for, and what the server sends
//! is taken in at any time.

use alloc::sync::Arc;
use core::time::Duration;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use qmp_std::{Error, Monitor, Ticket};
use rustix::event::{PollFd, PollFlags, poll};

use super::board::{Board, Item};
use super::schema::Schema;

/// A connection, served by a thread. Dropping it ends both.
#[derive(Debug)]
pub(super) struct Link {
    orders: Sender<Order>,
    wake: PipeWriter,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Execute { number: u64, name: String, arguments: Option<String>, oob: bool },
    Schema,
    Leave,
}

impl Link {
    pub(super) fn new(monitor: Monitor, board: Arc<Board>, schema: Arc<Schema>) -> Result<Self> {
        monitor.poll_fd().context("this connection cannot be waited for")?;
        let (reader, wake) = pipe().context("making a pipe")?;
        let (orders, received) = channel();
        let serving =
            Serving { monitor, orders: received, wake: reader, board, schema, pending: Vec::new(), dropped: 0 };
        let thread =
            thread::Builder::new().name("monitor".into()).spawn(move || serving.run()).context("starting a thread")?;
        Ok(Self { orders, wake, thread: Some(thread) })
    }

    /// Has a command executed; what it comes to will be on the board by its number.
    pub(super) fn execute(&mut self, number: u64, name: &str, arguments: Option<String>, oob: bool) {
        self.order(Order::Execute { number, name: name.to_owned(), arguments, oob });
    }

    /// Has the server's schema asked for.
    pub(super) fn ask_schema(&mut self) {
        self.order(Order::Schema);
    }

    fn order(&mut self, order: Order) {
        // A thread that has ended has said why, on the board.
        if self.orders.send(order).is_ok() {
            let _ = self.wake.write_all(&[0]);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.order(Order::Leave);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Serving {
    monitor: Monitor,
    orders: Receiver<Order>,
    wake: PipeReader,
    board: Arc<Board>,
    schema: Arc<Schema>,
    pending: Vec<(Ticket, Asker)>,
    /// Of the events that the monitor has dropped, these are told.
    dropped: u64,
}

/// Who wants to know what comes of a command.
#[derive(Clone, Copy, Debug)]
enum Asker {
    User(u64),
    Schema,
}

impl Serving {
    fn run(mut self) {
        // This loop is what waits.
        self.monitor.set_timeout(Some(Duration::ZERO));
        loop {
            if let Err(error) = self.receive() {
                self.board.lost(error);
                return self.refuse_orders();
            }
            match self.orders.try_recv() {
                Ok(Order::Leave) | Err(TryRecvError::Disconnected) => return,
                Ok(order) => self.obey(order),
                Err(TryRecvError::Empty) => self.wait(),
            }
        }
    }

    /// Takes in all that has come, in the order in which it came.
    fn receive(&mut self) -> Result<(), Error> {
        loop {
            // What came in front of the event is kept, and goes first.
            let event = self.monitor.next_event(Some(Duration::ZERO));
            self.conclude();
            self.notice();
            match event {
                Ok(Some(event)) => self.board.push(Item::Event(event)),
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Tells what was nobody's.
    fn notice(&mut self) {
        while let Some(notice) = self.monitor.next_notice() {
            self.board.push(Item::Notice(notice));
        }
        let lost = self.monitor.events_lost();
        if lost > self.dropped {
            self.board.dropped(lost - self.dropped);
            self.dropped = lost;
        }
    }

    /// Tells what commands came to.
    fn conclude(&mut self) {
        let Self { monitor, board, schema, pending, .. } = self;
        pending.retain(|(ticket, asker)| match monitor.arrived_raw(*ticket) {
            Ok(None) => true,
            outcome => {
                // What is not there yet was kept just now.
                let outcome = outcome.map(Option::unwrap_or_default);
                match asker {
                    Asker::User(number) => board.conclude(*number, outcome),
                    Asker::Schema => schema.tell(outcome.ok().as_deref()),
                }
                false
            }
        });
    }

    fn obey(&mut self, order: Order) {
        let (asker, sent) = match order {
            Order::Execute { number, name, arguments, oob } => {
                let arguments = arguments.as_deref();
                let sent = if oob {
                    self.monitor.submit_oob_raw(&name, arguments)
                } else {
                    self.monitor.submit_raw(&name, arguments)
                };
                (Asker::User(number), sent)
            }
            Order::Schema => (Asker::Schema, self.monitor.submit_raw("query-qmp-schema", None)),
            Order::Leave => return,
        };
        match (sent, asker) {
            (Ok(ticket), _) => self.pending.push((ticket, asker)),
            (Err(error), Asker::User(number)) => self.board.conclude(number, Err(error)),
            (Err(_), Asker::Schema) => self.schema.tell(None),
        }
    }

    /// There is nobody any longer to send orders to.
    fn refuse_orders(&self) {
        for order in &self.orders {
            match order {
                Order::Execute { number, .. } => self.board.conclude(number, Err(Error::Closed { source: None })),
                Order::Schema => self.schema.tell(None),
                Order::Leave => return,
            }
        }
    }

    /// Waits until something comes, or an order.
    fn wait(&mut self) {
        let wanted = if self.monitor.wants_write() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let Some(socket) = self.monitor.poll_fd() else { return };
        let mut fds = [PollFd::from_borrowed_fd(socket, wanted), PollFd::new(&self.wake, PollFlags::IN)];
        if poll(&mut fds, None).is_ok() && !fds[1].revents().is_empty() {
            // However many orders there are, all of them are looked at.
            let _ = self.wake.read(&mut [0; 64]);
        }
    }
}

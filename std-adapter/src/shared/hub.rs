//! The monitor under a lock, the thread that receives, and those who wait.

use alloc::sync::{Arc, Weak};
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use qmp_core::client::{Commands, Ticket};
use qmp_core::error::{Error as Refusal, Misuse};
use qmp_core::json::Payload;
use qmp_core::time::Instant;
use rustix::event::{PollFd, PollFlags, poll};

use crate::call::End;
use crate::clock::Clock;
use crate::drive::is_passing;
use crate::error::Error;
use crate::events::OwnedEvent;
use crate::kept;
use crate::monitor::Monitor;
use crate::watch::{Mailbox, Wanted};

/// What the handles and the thread have in common.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Interrupts the thread's waiting.
    waker: UnixStream,
    clock: Clock,
    /// The connection has ended, as everybody is told.
    ended: AtomicBool,
}

struct State {
    monitor: Monitor,
    /// Who waits for which reply, and who for a place in the queue.
    waiting: Vec<(Ticket, Thread)>,
    queueing: Vec<Thread>,
    callbacks: Vec<(Weak<Mailbox>, Callback)>,
    /// The last handle is gone.
    stopped: bool,
    /// Why the connection has ended, to the first who asks.
    cause: Option<io::Error>,
}

type Callback = Box<dyn FnMut(OwnedEvent) + Send>;

impl Hub {
    pub(super) fn start(monitor: Monitor) -> io::Result<Arc<Self>> {
        let fd = monitor.poll_fd().ok_or_else(|| {
            io::Error::new(ErrorKind::Unsupported, "the stream is of a kind that cannot be polled (Stream::poll_fd)")
        })?;
        let fd = fd.try_clone_to_owned()?;
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let clock = monitor.driver.clock;
        let state = State {
            monitor,
            waiting: Vec::new(),
            queueing: Vec::new(),
            callbacks: Vec::new(),
            stopped: false,
            cause: None,
        };
        let hub = Arc::new(Self { state: Mutex::new(state), waker, clock, ended: AtomicBool::new(false) });
        let of_thread = Arc::clone(&hub);
        thread::Builder::new().name("qmp-monitor".into()).spawn(move || of_thread.live(&fd, &woken))?;
        Ok(hub)
    }

    /// Ends the connection, and the thread.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let _ = state.monitor.driver.stream.close();
        drop(state);
        self.wake();
    }

    pub(super) fn deadline(&self, timeout: Option<Duration>) -> Instant {
        self.clock.deadline(timeout)
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Monitor) -> R) -> R {
        look(&mut self.lock().monitor)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(super) fn closed(&self) -> Error {
        Error::Closed { source: self.lock().cause.take() }
    }

    pub(super) fn subscribe(&self, wanted: Wanted) -> Arc<Mailbox> {
        let mailbox = Mailbox::new(wanted);
        self.lock().monitor.driver.inbox.mailboxes.add(&mailbox);
        mailbox
    }

    pub(super) fn call_back(&self, mailbox: &Arc<Mailbox>, callback: Callback) {
        self.lock().callbacks.push((Arc::downgrade(mailbox), callback));
        // What has come meanwhile.
        self.wake();
    }

    /// Sends what `encode` encodes when there is a place for it.
    pub(super) fn dispatch(
        &self,
        deadline: Instant,
        mut encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Ticket, Error> {
        let mut state = self.lock();
        let ticket = loop {
            if self.has_ended() {
                return Err(Error::Closed { source: state.cause.take() });
            }
            if let Some(ticket) = state.monitor.driver.encode(None, &mut encode)? {
                break ticket;
            }
            if self.clock.is_past(deadline) {
                // Woken in vain, perhaps: then it is another's turn.
                state.settle();
                return Err(Error::QueueFull);
            }
            state.queueing.push(thread::current());
            drop(state);
            self.park(deadline);
            state = self.lock();
            let me = thread::current().id();
            state.queueing.retain(|thread| thread.id() != me);
        };
        // Without waiting, and nothing is received here: what does not go now, the thread sends when it can.
        while state.monitor.wants_write() && state.monitor.driver.send()? {}
        let wake = state.monitor.wants_write() || state.monitor.driver.unsendable;
        drop(state);
        if wake {
            self.wake();
        }
        Ok(ticket)
    }

    /// Waits for what a command came to.
    pub(super) fn conclude<R>(
        &self,
        ticket: Ticket,
        deadline: Instant,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.lock();
        loop {
            let driver = &mut state.monitor.driver;
            match driver.inbox.conclude(ticket, |payload| Ok(kept::own(&payload))) {
                Ok(End::Ended(outcome)) => {
                    driver.inbox.overdue.retain(|other| *other != ticket);
                    drop(state);
                    // Others need not wait for that.
                    return kept::read(&outcome?, read);
                }
                Ok(End::Lost) => return Err(Error::OutcomeUnknown { source: state.cause.take() }),
                Err(_) => {}
            }
            let overdue = driver.inbox.overdue.contains(&ticket);
            if !overdue && !driver.client.is_in_flight(ticket) {
                return Err(Error::Misuse(Misuse::Ticket.into()));
            }
            if self.has_ended() {
                state.monitor.driver.inbox.overdue.retain(|other| *other != ticket);
                return Err(Error::OutcomeUnknown { source: state.cause.take() });
            }
            if self.clock.is_past(deadline) {
                if !overdue {
                    let driver = &mut state.monitor.driver;
                    // Told that its time is up, the core knows a late reply to it from others.
                    driver.client.commands().set_deadline(ticket, Instant::ZERO)?;
                    // It is overdue from then on. If the connection has ended meanwhile, the thread tells.
                    let outcome = driver.file();
                    state.note(outcome);
                    state.settle();
                }
                return Err(Error::Timeout { ticket });
            }
            state.waiting.push((ticket, thread::current()));
            drop(state);
            self.park(deadline);
            state = self.lock();
            let me = thread::current().id();
            state.waiting.retain(|(of, thread)| *of != ticket || thread.id() != me);
        }
    }

    /// The thread.
    fn live(&self, fd: &OwnedFd, woken: &UnixStream) {
        let received = panic::catch_unwind(AssertUnwindSafe(|| self.receive(fd, woken)));
        let source = received.err().map(|_| io::Error::other("a callback panicked"));
        let mut state = self.lock();
        let _ = state.monitor.driver.stream.close();
        state.note(Err(Error::Closed { source }));
        self.ended.store(true, Ordering::Release);
        state.waiting.drain(..).for_each(|(_, thread)| thread.unpark());
        state.queueing.drain(..).for_each(|thread| thread.unpark());
        let mailboxes = core::mem::take(&mut state.monitor.driver.inbox.mailboxes);
        drop(state);
        mailboxes.wake();
    }

    /// Receives until the connection has ended.
    fn receive(&self, fd: &OwnedFd, woken: &UnixStream) {
        loop {
            let mut state = self.lock();
            let driver = &mut state.monitor.driver;
            // One step, so that others get at the lock.
            let outcome = driver.turn(Instant::ZERO).and_then(|_| driver.file());
            // Who wants events has a mailbox.
            driver.inbox.events.items.clear();
            let over = outcome.is_err() || state.stopped;
            // Before anybody looks.
            state.note(outcome);
            state.settle();
            let wants_write = state.monitor.wants_write();
            let callbacks = core::mem::take(&mut state.callbacks);
            drop(state);
            self.call(callbacks);
            if over {
                return;
            }
            let mut events = PollFlags::IN;
            events.set(PollFlags::OUT, wants_write);
            wait(fd.as_fd(), events, woken);
        }
    }

    /// Runs callbacks, without the lock.
    fn call(&self, mut callbacks: Vec<(Weak<Mailbox>, Callback)>) {
        if callbacks.is_empty() {
            return;
        }
        callbacks.retain_mut(|(mailbox, callback)| {
            let Some(mailbox) = mailbox.upgrade() else { return false };
            while let Some(event) = mailbox.take() {
                callback(event);
            }
            true
        });
        self.lock().callbacks.append(&mut callbacks);
    }

    fn park(&self, deadline: Instant) {
        match self.clock.until(deadline) {
            None => thread::park(),
            Some(left) => thread::park_timeout(left),
        }
    }

    fn wake(&self) {
        // Full is as good: it wakes.
        let _ = (&self.waker).write(&[0]);
    }

    /// Where a callback or a predicate panics, nothing is half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps why the connection has ended, if it has, for who will be told.
    fn note(&mut self, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) | Err(Error::Closed { source: None }) => {}
            Err(Error::Closed { source: Some(source) }) => _ = self.cause.get_or_insert(source),
            Err(error) => _ = self.cause.get_or_insert_with(|| io::Error::other(error)),
        }
    }

    /// Wakes those for whom something has come.
    fn settle(&mut self) {
        let inbox = &self.monitor.driver.inbox;
        self.waiting.retain(|(ticket, thread)| {
            let is_here = inbox.has(*ticket);
            if is_here {
                thread.unpark();
            }
            !is_here
        });
        let places = usize::from(self.monitor.driver.client.commands().credits()).max(1);
        self.queueing.drain(..places.min(self.queueing.len())).for_each(|thread| thread.unpark());
    }
}

/// Waits until something can be done, or is wanted.
fn wait(fd: BorrowedFd<'_>, events: PollFlags, mut woken: &UnixStream) {
    let mut fds = [PollFd::from_borrowed_fd(fd, events), PollFd::from_borrowed_fd(woken.as_fd(), PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) => {}
        Err(error) if is_passing(&error.into()) => {}
        // It cannot be waited for: receiving will tell why.
        Err(_) => return,
    }
    let mut drained = [0; 64];
    while matches!(woken.read(&mut drained), Ok(1..)) {}
}

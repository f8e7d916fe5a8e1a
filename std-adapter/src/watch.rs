//! Events wanted: by whom, which, and those that have come.

use alloc::sync::{Arc, Weak};
use core::fmt;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::events::OwnedEvent;
use crate::notice::Queue;

/// Which events are wanted.
///
/// ```
/// use qmp_std::Wanted;
///
/// let ended = Wanted::named(["BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", "BLOCK_JOB_ERROR"])
///     .that(|event| event.data.as_deref().is_some_and(|data| data.contains("job0")));
/// # let _ = ended;
/// ```
pub struct Wanted {
    /// Any, if there is none.
    names: Vec<String>,
    that: Vec<Predicate>,
    most: usize,
}

type Predicate = Box<dyn Fn(&OwnedEvent) -> bool + Send + Sync>;

impl Wanted {
    /// All events.
    #[must_use]
    pub const fn all() -> Self {
        Self { names: Vec::new(), that: Vec::new(), most: 1024 }
    }

    /// Events of these names.
    #[must_use]
    pub fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..Self::all() }
    }

    /// Of those, the ones for which `holds`. It is asked while the monitor is at work: it should be quick, and must not use the
    /// monitor.
    #[must_use]
    pub fn that(mut self, holds: impl Fn(&OwnedEvent) -> bool + Send + Sync + 'static) -> Self {
        self.that.push(Box::new(holds));
        self
    }

    /// The most that are kept until they are asked for: 1024, at least 1. When one more comes the oldest is dropped, and counted.
    #[must_use]
    pub const fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    fn includes(&self, event: &OwnedEvent) -> bool {
        (self.names.is_empty() || self.names.contains(&event.name)) && self.that.iter().all(|holds| holds(event))
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").field("names", &self.names).field("that", &self.that.len()).finish_non_exhaustive()
    }
}

/// Where the events that somebody wants are put as they come.
pub(crate) struct Mailbox {
    wanted: Wanted,
    events: Mutex<Queue<OwnedEvent>>,
    came: Condvar,
}

impl Mailbox {
    pub(crate) fn new(wanted: Wanted) -> Arc<Self> {
        let events = Mutex::new(Queue::new("events", wanted.most.max(1)));
        Arc::new(Self { wanted, events, came: Condvar::new() })
    }

    pub(crate) fn take(&self) -> Option<OwnedEvent> {
        self.events().pop()
    }

    /// The next event, waited for until `deadline`, or until `is_over` once that is [told](Self::wake).
    pub(crate) fn wait(&self, timeout: Option<Duration>, is_over: impl Fn() -> bool) -> Option<OwnedEvent> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut events = self.events();
        loop {
            if let Some(event) = events.pop() {
                return Some(event);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if is_over() || left == Some(Duration::ZERO) {
                return None;
            }
            events = match left {
                None => self.came.wait(events).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.came.wait_timeout(events, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.events().lost()
    }

    /// Has whoever waits look again.
    pub(crate) fn wake(&self) {
        drop(self.events());
        self.came.notify_all();
    }

    pub(crate) fn includes(&self, event: &OwnedEvent) -> bool {
        self.wanted.includes(event)
    }

    fn offer(&self, event: &OwnedEvent) {
        if self.includes(event) {
            self.events().push(event.clone());
            self.came.notify_one();
        }
    }

    /// Nothing is half done when a predicate panics.
    fn events(&self) -> MutexGuard<'_, Queue<OwnedEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All who want events. Those who are gone are forgotten.
#[derive(Default)]
pub(crate) struct Mailboxes(Vec<Weak<Mailbox>>);

impl Mailboxes {
    pub(crate) fn add(&mut self, mailbox: &Arc<Mailbox>) {
        self.0.push(Arc::downgrade(mailbox));
    }

    pub(crate) fn offer(&mut self, event: &OwnedEvent) {
        self.0.retain(|mailbox| mailbox.upgrade().inspect(|mailbox| mailbox.offer(event)).is_some());
    }

    pub(crate) fn wake(&self) {
        self.0.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.wake());
    }
}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mailboxes", self.0.len())
    }
}

/// Events that a [`Monitor`](crate::Monitor) is armed for: kept from [`Monitor::arm`](crate::Monitor::arm) on, apart from all others, so
/// that no flood of those pushes them out. It ends when it is dropped.
#[derive(Clone)]
#[must_use = "it keeps events for as long as it is there"]
pub struct Watch(pub(crate) Arc<Mailbox>);

impl Watch {
    /// How many events were dropped, as more came than are kept.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.0.wanted).finish()
    }
}

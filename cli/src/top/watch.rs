//! One monitor, looked at again and again.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use anyhow::Result;
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use qmp_std::{Address, Monitor, Options};

use super::figures::{Moment, Sample};
use crate::output::Line;

/// What is new about a monitor.
#[derive(Debug)]
pub(super) enum News {
    Sample(Sample),
    Event(String),
    Lost(String),
}

/// What is known about a monitor.
#[derive(Debug)]
pub(super) struct View {
    /// Where it is.
    pub(super) monitor: String,
    pub(super) sample: Option<Sample>,
    /// The last ones, newest last.
    pub(super) events: VecDeque<String>,
    pub(super) lost: Option<String>,
}

/// How many events are kept.
const EVENTS: usize = 5;
/// How long a monitor may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl View {
    pub(super) fn new(monitor: &Address) -> Self {
        let monitor = match monitor {
            Address::Unix(path) => path.display().to_string(),
            other => other.to_string(),
        };
        Self { monitor, sample: None, events: VecDeque::new(), lost: None }
    }

    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Sample(sample) => {
                self.sample = Some(sample);
                self.lost = None;
            }
            News::Event(name) => {
                if self.events.len() == EVENTS {
                    self.events.pop_front();
                }
                self.events.push_back(name);
            }
            News::Lost(reason) => self.lost = Some(reason),
        }
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// There is something to be shown.
    pub(super) const fn is_settled(&self) -> bool {
        self.sample.is_some() || self.is_lost()
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let mut line = Line::default();
        line.member("monitor", &self.monitor);
        match (&self.lost, &self.sample) {
            (Some(reason), _) => line.member("lost", reason),
            (None, None) => {}
            (None, Some(sample)) => {
                line.member("status", &sample.status);
                line.member("cpus", &sample.cpus);
                line.member("disks", &sample.disks);
                line.member("jobs", &sample.jobs);
                if let Some(migration) = &sample.migration {
                    line.member("migration", migration);
                }
                line.member("events", &self.events.iter().collect::<Vec<_>>());
            }
        }
        line.finish()
    }
}

/// How monitors are talked to.
pub(super) fn options() -> Options {
    Options::new().deadline(PATIENCE).timeout(PATIENCE)
}

/// Tells what is new, until nobody wants to hear it. A monitor that is lost is tried again.
pub(super) fn watch(connecting: &Options, monitor: &Address, interval: Duration, mut tell: impl FnMut(News) -> bool) {
    loop {
        let Err(error) = session(connecting, monitor, interval, &mut tell) else { return };
        if !tell(News::Lost(error.to_string())) {
            return;
        }
        thread::sleep(interval.max(Duration::from_millis(100)));
    }
}

/// Ends well when nobody wants to hear any more.
fn session(
    connecting: &Options,
    monitor: &Address,
    interval: Duration,
    tell: &mut impl FnMut(News) -> bool,
) -> Result<()> {
    let mut monitor = connecting.connect(monitor)?;
    let process = peer(&monitor);
    let mut before = Moment::look(&mut monitor, process)?;
    loop {
        if !events_for(&mut monitor, interval, tell)? {
            return Ok(());
        }
        let now = Moment::look(&mut monitor, process)?;
        if !tell(News::Sample(now.since(&before))) {
            return Ok(());
        }
        before = now;
    }
}

/// Tells events for a time.
fn events_for(monitor: &mut Monitor, time: Duration, tell: &mut impl FnMut(News) -> bool) -> Result<bool> {
    let until = Instant::now() + time;
    while let Some(event) = monitor.next_event(Some(until.saturating_duration_since(Instant::now())))? {
        if !tell(News::Event(event.name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The process that made the Unix socket, where it can be seen from here: not from another container.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer(monitor: &Monitor) -> Option<u32> {
    // Not by rustix, whose type for a process cannot be the zero that the system tells of one that cannot be seen.
    let peer = getsockopt(&monitor.poll_fd()?, PeerCredentials).ok()?;
    u32::try_from(peer.pid()).ok().filter(|process| *process != 0)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peer(_: &Monitor) -> Option<u32> {
    None
}

//! A transcript, cut into sessions.

use core::time::Duration;
use std::path::Path;

use anyhow::{Context, Result};

use super::session::{Session, Step};
use crate::transcript::{self, Entry, Side, What};

/// What is in a file, and what the file is called.
pub(super) fn read(path: Option<&Path>, agent: bool) -> Result<(Vec<Session>, String)> {
    let (mut entries, name) = transcript::entries(path)?;
    let mut cutter = Cutter { agent, sessions: Vec::new(), steps: Vec::new(), greeted: false, before: None };
    while entries.next(|entry| cutter.add(&entry)).with_context(|| format!("reading {name}"))?.is_some() {}
    cutter.cut();
    Ok((cutter.sessions, name))
}

struct Cutter {
    agent: bool,
    sessions: Vec<Session>,
    /// Of the session under way.
    steps: Vec<Step>,
    greeted: bool,
    /// When the last thing happened.
    before: Option<Duration>,
}

impl Cutter {
    fn add(&mut self, entry: &Entry<'_>) {
        let delay = match (self.before, entry.time) {
            (Some(before), Some(time)) => time.saturating_sub(before),
            _ => Duration::ZERO,
        };
        self.before = entry.time.or(self.before);
        let step = match (&entry.what, entry.from) {
            (What::Opened, _) => return self.cut(),
            (What::Message(message), Side::Client) => Step::Asked(format!("{message}\n").into_bytes()),
            (What::Bytes(bytes), Side::Client) => Step::Asked(bytes.clone()),
            (What::Message(message), Side::Server) => {
                if message.get("QMP").is_some() && core::mem::replace(&mut self.greeted, true) {
                    self.cut();
                    self.greeted = true;
                }
                Step::Said(message.to_string(), delay)
            }
            (What::Closed, Side::Server) => Step::Closed,
            // What a server says that is no message is not said again.
            (What::Bytes(_), Side::Server) | (What::Closed, Side::Client) | (What::Descriptors, _) => return,
        };
        self.steps.push(step);
    }

    /// A session is over.
    fn cut(&mut self) {
        self.greeted = false;
        let steps = core::mem::take(&mut self.steps);
        if steps.iter().any(|step| !matches!(step, Step::Closed)) {
            self.sessions.push(Session::new(&steps, self.agent));
        }
    }
}

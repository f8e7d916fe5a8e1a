//! The state of a check: the session so far, and what came of it.

use core::fmt;

use anyhow::Result;
use qmp_core::frame::Oversized;
use qmp_core::json::Value;
use qmp_core::reader::Recorded;
use qmp_qapi::registry::{Release, Vocabulary};

use super::documents::Document;
use super::message::{self, Found};
use super::pending::Pending;
use super::release::Releases;
use super::report::Report;
use crate::transcript::{Entry, Side, What};

/// What a document is called that has no name of its own.
pub(super) const MESSAGE: &str = "message";

pub(super) struct Linter {
    pub(super) vocabulary: &'static Vocabulary,
    pub(super) agent: bool,
    pub(super) releases: Releases,
    pub(super) pending: Pending,
    documents: u64,
    misfits: u64,
    /// Replies whose command is not known.
    unchecked: u64,
}

impl Linter {
    pub(super) fn new(vocabulary: &'static Vocabulary, agent: bool, asked: Option<Release>) -> Self {
        let releases = Releases::new(vocabulary, asked);
        Self { vocabulary, agent, releases, pending: Pending::default(), documents: 0, misfits: 0, unchecked: 0 }
    }

    pub(super) fn document(&mut self, document: Document<'_>, report: &mut Report<'_>) -> Result<()> {
        let Document { line, message } = document;
        match message {
            Recorded::Message(payload) => {
                let message = payload.into_value();
                let Some(entry) = Entry::of(message) else {
                    self.message(message, line, report);
                    return self.passed(report);
                };
                if !self.entry(entry, line, report) {
                    return Ok(());
                }
            }
            Recorded::Oversize(Oversized::TooLong(limit)) => {
                report.misfit(line, MESSAGE, format_args!("not looked at: longer than {limit} bytes"));
            }
            Recorded::Oversize(Oversized::TooDeep(levels)) => {
                report.misfit(line, MESSAGE, format_args!("not looked at: deeper than {levels} levels"));
            }
            Recorded::Malformed(malformed) => {
                report.misfit(line, MESSAGE, format_args!("no JSON: {}", malformed.reason));
            }
            Recorded::Incomplete => report.misfit(line, MESSAGE, format_args!("the file ends inside of it")),
            // What a guest agent sends between messages.
            _ => return Ok(()),
        }
        self.passed(report)
    }

    fn passed(&mut self, report: &mut Report<'_>) -> Result<()> {
        self.documents += 1;
        self.misfits += u64::from(!report.end()?);
        Ok(())
    }

    /// A line of a transcript. Whether it is about anything that was sent.
    fn entry(&mut self, Entry { from, what, .. }: Entry<'_>, line: u64, report: &mut Report<'_>) -> bool {
        match what {
            What::Message(message) => {
                let command = ["execute", "exec-oob"].into_iter().any(|name| message.get(name).is_some());
                if command != (from == Side::Client) {
                    let who = if command { "server sends no command" } else { "client sends nothing but commands" };
                    report.misfit(line, MESSAGE, format_args!("a {who}"));
                }
                self.message(message, line, report);
            }
            // What the two sides of an agent's channel begin with.
            What::Bytes(bytes) if self.agent && bytes.iter().all(|byte| *byte == 0xFF) => return false,
            What::Bytes(bytes) => {
                report.misfit(line, MESSAGE, format_args!("{} bytes that are no message", bytes.len()));
            }
            What::Descriptors | What::Opened | What::Closed => return false,
        }
        true
    }

    fn message(&mut self, message: Value<'_>, line: u64, report: &mut Report<'_>) {
        let found = message::check(self, message, line, report);
        self.unchecked += u64::from(found == Found::Unchecked);
    }

    pub(super) fn summary(self) -> Summary {
        let Self { documents, misfits, unchecked, releases, .. } = self;
        Summary { documents, misfits, unchecked, releases }
    }
}

/// What came of it.
pub(super) struct Summary {
    documents: u64,
    misfits: u64,
    unchecked: u64,
    releases: Releases,
}

impl Summary {
    pub(super) const fn all_fits(&self) -> bool {
        self.misfits == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, misfits, unchecked, releases } = self;
        write!(f, "{documents} documents: {} fit, {misfits} do not; ", documents - misfits)?;
        match unchecked {
            0 => {}
            1 => f.write_str("1 reply was not checked, as its command is not known; ")?,
            more => write!(f, "{more} replies were not checked, as their commands are not known; ")?,
        }
        write!(f, "{releases}")
    }
}

//! How far something is, for people or for a script.

use std::io::{self, IsTerminal};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Line, Output, printable};

/// How far something is. The unit of `current` and `total` is its own, and only their ratio means anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// What it is: `job`, and which.
    pub(super) what: &'static str,
    pub(super) id: Option<String>,
    pub(super) status: String,
    pub(super) current: u64,
    pub(super) total: u64,
}

impl Report {
    fn percent(&self) -> Option<u64> {
        let percent = u128::from(self.current) * 100 / core::num::NonZeroU128::new(self.total.into())?;
        Some(u64::try_from(percent).unwrap_or(u64::MAX).min(100))
    }

    fn name(&self) -> String {
        self.id.as_ref().map_or_else(|| self.what.to_owned(), |id| format!("{} {id}", self.what))
    }
}

/// Tells each change, in one way.
pub(super) struct Progress {
    way: Way,
    /// What it is about, and nothing of how far it is.
    subject: Report,
    last: Option<Report>,
}

enum Way {
    Json(Output),
    Bar(ProgressBar),
    /// A line a status, and every so many percent.
    Plain,
}

const STEP: u64 = 10;

impl Progress {
    pub(super) fn new(json: bool, what: &'static str, id: Option<&str>) -> Self {
        let way = if json {
            Way::Json(Output::new())
        } else if io::stderr().is_terminal() {
            Way::Bar(bar())
        } else {
            Way::Plain
        };
        let subject = Report { what, id: id.map(str::to_owned), ..Report::default() };
        Self { way, subject, last: None }
    }

    /// It is so far now.
    pub(super) fn report(&mut self, report: &Report) -> Result<()> {
        let last = self.last.as_ref();
        if last == Some(report) {
            return Ok(());
        }
        match &mut self.way {
            Way::Json(output) => {
                output.line(&line(report).finish())?;
                output.flush()?;
            }
            Way::Bar(bar) => {
                bar.set_message(printable(&format!("{} {}", report.name(), report.status)).into_owned());
                bar.set_length(report.total);
                bar.set_position(report.current);
            }
            Way::Plain => {
                let step = |report: &Report| (report.status.clone(), report.percent().map(|percent| percent / STEP));
                if last.map(step) == Some(step(report)) {
                    return Ok(());
                }
                let percent = report.percent().map(|percent| format!(", {percent} %")).unwrap_or_default();
                eprintln!("qmp: {}: {}{percent}", report.name(), printable(&report.status));
            }
        }
        self.last = Some(report.clone());
        Ok(())
    }

    /// It has ended, with an error or not.
    pub(super) fn end(&mut self, error: Option<&str>) -> Result<()> {
        match &mut self.way {
            Way::Json(output) => {
                let mut line = line(self.last.as_ref().unwrap_or(&self.subject));
                line.member("ended", &true);
                if let Some(error) = error {
                    line.member("error", error);
                }
                output.line(&line.finish())?;
                output.flush()?;
            }
            Way::Bar(bar) if error.is_some() => bar.abandon(),
            Way::Bar(bar) => bar.finish(),
            Way::Plain => {}
        }
        Ok(())
    }
}

fn line(report: &Report) -> Line {
    let mut line = Line::default();
    line.member("wait", report.what);
    if let Some(id) = &report.id {
        line.member("id", id);
    }
    if !report.status.is_empty() {
        line.member("status", &report.status);
    }
    if report.total > 0 {
        line.member("current", &report.current);
        line.member("total", &report.total);
    }
    line
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{wide_bar}] {percent} % {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_of_something() {
        let percent = |current, total| Report { current, total, ..Report::default() }.percent();
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(1, 3), Some(33));
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
        // QEMU's estimate can be behind.
        assert_eq!(percent(5, 4), Some(100));
    }
}

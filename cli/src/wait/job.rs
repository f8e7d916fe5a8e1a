//! `qmp wait job`: until a job is over.

use anyhow::Result;
use clap::Args;
use qmp_core::json::Payload;
use qmp_qapi::Event;
use qmp_qapi::commands::{QueryBlockJobs, QueryJobs};
use qmp_qapi::types::JobStatus;
use qmp_std::{Error, Monitor, OwnedEvent};

use super::progress::{Progress, Report};
use super::{End, Wait};

/// Waits until a job has concluded, whether QEMU then forgets it or not
///
/// Neither finalizes nor dismisses it: one that was started with auto-finalize or auto-dismiss off waits for job-finalize, and stays
/// for job-dismiss.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The job's id; of a block job without one, the name of its drive
    pub(super) id: String,
    /// Ends also when the job is ready: a mirror or an active commit that waits for job-complete
    #[arg(long)]
    ready: bool,
}

pub(super) fn wait(options: &Options, wait: &mut Wait, progress: &mut Progress) -> Result<End> {
    let mut job = Job { id: &options.id, seen: false, trouble: None };
    loop {
        let found = job.query(&mut wait.monitor)?;
        // Those that came before the reply tell how one ended that is not listed any more.
        while let Some(event) = wait.monitor.next_event(Some(core::time::Duration::ZERO))? {
            job.take(&event);
        }
        let error = match found {
            Some(Listed { report, error }) => {
                progress.report(&report)?;
                job.seen = true;
                match report.status.as_str() {
                    "concluded" => error.or(job.trouble.take()),
                    "ready" if options.ready => None,
                    _ => {
                        let unfinished = format!("job {} is {}", job.id, report.status);
                        if let Some(event) = wait.rest(&unfinished)? {
                            job.take(&event);
                        }
                        continue;
                    }
                }
            }
            None if job.seen => job.trouble.take(),
            None => Some(format!("no job {}: it is not there, or was over before and forgotten", job.id)),
        };
        progress.end(error.as_deref())?;
        return Ok(error.map_or(End::Well, |error| End::Badly(format!("job {}: {error}", job.id))));
    }
}

struct Job<'o> {
    id: &'o str,
    /// It was listed, or an event told of it.
    seen: bool,
    /// Why it failed, by events.
    trouble: Option<String>,
}

/// A job as QEMU lists it.
struct Listed {
    report: Report,
    error: Option<String>,
}

impl Job<'_> {
    fn query(&self, monitor: &mut Monitor) -> Result<Option<Listed>, Error> {
        let id = self.id;
        let jobs = monitor.send(&QueryJobs, |jobs| {
            let job = jobs.iter().flatten().find(|job| job.id == id)?;
            let report = self.report(job.status.name(), job.current_progress, job.total_progress);
            Some(Listed { report, error: job.error.map(str::to_owned) })
        });
        match jobs {
            // Before 3.0 there were block jobs alone.
            Err(Error::Command(failure)) if failure.class == "CommandNotFound" => {
                monitor.send(&QueryBlockJobs, |jobs| {
                    let job = jobs.iter().flatten().find(|job| job.device == id)?;
                    let status = job.status.map_or("running", JobStatus::name);
                    let report = self.report(status, job.offset, job.len);
                    Some(Listed { report, error: job.error.map(str::to_owned) })
                })
            }
            jobs => jobs,
        }
    }

    fn report(&self, status: &str, current: i64, total: i64) -> Report {
        Report {
            what: "job",
            id: Some(self.id.to_owned()),
            status: status.to_owned(),
            current: u64::try_from(current).unwrap_or_default(),
            total: u64::try_from(total).unwrap_or_default(),
        }
    }

    /// Notes what an event tells of the job.
    fn take(&mut self, event: &OwnedEvent) {
        let mut data = event.data.clone().unwrap_or_else(|| "null".to_owned()).into_bytes();
        let Ok(data) = Payload::parse(&mut data).map(Payload::into_value) else { return };
        let trouble = match Event::read(&event.name, data) {
            Ok(Event::JobStatusChange(it)) if it.id == self.id => {
                // One that comes behind says why.
                (it.status == JobStatus::Aborting).then(|| "failed, and QEMU does not say why".to_owned())
            }
            Ok(Event::BlockJobCompleted(it)) if it.device == self.id => it.error.map(str::to_owned),
            Ok(Event::BlockJobCancelled(it)) if it.device == self.id => Some("cancelled".to_owned()),
            _ => return,
        };
        self.seen = true;
        self.trouble = trouble.or(self.trouble.take());
    }
}

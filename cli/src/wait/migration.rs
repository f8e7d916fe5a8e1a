//! `qmp wait migration`: until the virtual machine has moved, or will not.

use anyhow::Result;
use clap::Args;
use qmp_qapi::commands::QueryMigrate;
use qmp_qapi::types::MigrationStatus;

use super::progress::{Progress, Report};
use super::{End, Wait};

/// Waits until the migration under way has completed
///
/// On either side: where the virtual machine comes from, or where it goes.
#[derive(Debug, Args)]
pub(super) struct Options {}

pub(super) fn wait(wait: &mut Wait, progress: &mut Progress) -> Result<End> {
    loop {
        let (report, error) = wait
            .monitor
            .send(&QueryMigrate, |migration| {
                let status = migration.status.filter(|status| *status != MigrationStatus::None)?;
                let ram = migration.ram.map_or((0, 0), |ram| (ram.total.saturating_sub(ram.remaining), ram.total));
                let report = Report {
                    what: "migration",
                    id: None,
                    status: status.name().to_owned(),
                    current: u64::try_from(ram.0).unwrap_or_default(),
                    total: u64::try_from(ram.1).unwrap_or_default(),
                };
                let error = match status {
                    MigrationStatus::Failed => {
                        Some(migration.error_desc.unwrap_or("failed, and QEMU does not say why"))
                    }
                    MigrationStatus::Cancelled => Some("cancelled"),
                    _ => None,
                };
                Some((report, error.map(str::to_owned)))
            })?
            .unzip();
        let Some(report) = report else {
            let reason = "no migration has begun";
            progress.end(Some(reason))?;
            return Ok(End::Badly(reason.to_owned()));
        };
        progress.report(&report)?;
        let error = error.flatten();
        if error.is_some() || report.status == MigrationStatus::Completed.name() {
            progress.end(error.as_deref())?;
            return Ok(error.map_or(End::Well, |error| End::Badly(format!("migration: {error}"))));
        }
        // Where the migration capability `events` is on, one tells of each change.
        wait.rest(&format!("the migration is {}", report.status))?;
    }
}

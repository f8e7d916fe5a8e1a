//! What a monitor tells at a moment, and what two moments tell.

use std::time::Instant;

use qmp_qapi::commands::{QueryBlockstats, QueryCpusFast, QueryJobs, QueryMigrate, QueryStatus};
use qmp_std::qmp_core::command::Command;
use qmp_std::{Error, Monitor};
use serde::Serialize;

use super::processor;

/// What is so at a moment. Counters count since QEMU began.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    at: Instant,
    status: String,
    cpus: Vec<Counted<1>>,
    disks: Vec<Counted<4>>,
    jobs: Vec<Work>,
    migration: Option<Work>,
}

/// Counters of something that has a name.
#[derive(Clone, Debug)]
struct Counted<const N: usize> {
    name: String,
    counters: Option<[u64; N]>,
}

/// A sample, over a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sample {
    pub(super) status: String,
    pub(super) cpus: Vec<Cpu>,
    pub(super) disks: Vec<Disk>,
    pub(super) jobs: Vec<Work>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) migration: Option<Work>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cpu {
    pub(super) index: String,
    /// Of one processor of the host, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<u64>,
}

/// A disk's throughput a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Disk {
    pub(super) name: String,
    pub(super) read_bytes: u64,
    pub(super) written_bytes: u64,
    pub(super) reads: u64,
    pub(super) writes: u64,
}

/// A job, or the migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Work {
    pub(super) name: String,
    pub(super) status: String,
    pub(super) current: u64,
    pub(super) total: u64,
}

impl Work {
    fn new(name: &str, status: &str, current: i64, total: i64) -> Self {
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        Self { name: name.to_owned(), status: status.to_owned(), current: whole(current), total: whole(total) }
    }
}

impl Moment {
    /// `process`: QEMU's, if it is on this system.
    pub(super) fn look(monitor: &mut Monitor, process: Option<u32>) -> Result<Self, Error> {
        let status = monitor.send(&QueryStatus, |status| status.status.name().to_owned())?;
        let cpus = known(monitor, &QueryCpusFast, |cpus| {
            let cpu = |cpu: qmp_qapi::types::CpuInfoFast<'_>| Counted {
                name: cpu.cpu_index.to_string(),
                counters: process
                    .and_then(|process| processor::milliseconds(process, cpu.thread_id))
                    .map(|time| [time]),
            };
            cpus.iter().flatten().map(cpu).collect()
        })?;
        let disks = known(monitor, &QueryBlockstats::new(), |disks| {
            let disk = |disk: qmp_qapi::types::BlockStats<'_>| {
                let names = [disk.device, disk.qdev, disk.node_name];
                let name = names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or_default();
                let stats =
                    [disk.stats.rd_bytes, disk.stats.wr_bytes, disk.stats.rd_operations, disk.stats.wr_operations];
                Counted { name: name.to_owned(), counters: Some(stats.map(i64::cast_unsigned)) }
            };
            disks.iter().flatten().map(disk).collect()
        })?;
        let jobs = known(monitor, &QueryJobs, |jobs| {
            jobs.iter()
                .flatten()
                .map(|job| Work::new(job.id, job.status.name(), job.current_progress, job.total_progress))
                .collect()
        })?;
        let migration = known(monitor, &QueryMigrate, |migration| {
            let ram = migration.ram.map_or((0, 0), |ram| (ram.total.saturating_sub(ram.remaining), ram.total));
            migration.status.map(|status| Work::new("migration", status.name(), ram.0, ram.1))
        })?;
        Ok(Self { at: Instant::now(), status, cpus, disks, jobs, migration })
    }

    /// What has been so since `before`.
    pub(super) fn since(&self, before: &Self) -> Sample {
        let millis = u64::try_from(self.at.saturating_duration_since(before.at).as_millis()).unwrap_or(u64::MAX).max(1);
        let cpu = |cpu: &Counted<1>| Cpu {
            index: cpu.name.clone(),
            percent: grown(cpu, &before.cpus).map(|[ran]| ran.saturating_mul(100) / millis),
        };
        let disk = |disk: &Counted<4>| {
            let grown = grown(disk, &before.disks).unwrap_or_default();
            let [read_bytes, written_bytes, reads, writes] = grown.map(|count| count.saturating_mul(1000) / millis);
            Disk { name: disk.name.clone(), read_bytes, written_bytes, reads, writes }
        };
        Sample {
            status: self.status.clone(),
            cpus: self.cpus.iter().map(cpu).collect(),
            disks: self.disks.iter().map(disk).collect(),
            jobs: self.jobs.clone(),
            migration: self.migration.clone(),
        }
    }
}

/// What a command tells, or nothing from a server that does not have it, or not now.
fn known<C: Command, T: Default>(
    monitor: &mut Monitor,
    command: &C,
    read: impl for<'a> FnOnce(C::Return<'a>) -> T,
) -> Result<T, Error> {
    match monitor.send(command, read) {
        Err(Error::Command(_)) => Ok(T::default()),
        outcome => outcome,
    }
}

/// By how much each counter has grown. One that was not there before, or begins anew, has not.
fn grown<const N: usize>(now: &Counted<N>, before: &[Counted<N>]) -> Option<[u64; N]> {
    let before = before.iter().find(|counted| counted.name == now.name)?.counters?;
    let mut grown = now.counters?;
    for (grown, before) in grown.iter_mut().zip(before) {
        *grown = grown.saturating_sub(before);
    }
    Some(grown)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn rates_are_by_the_second() {
        let begin = Instant::now();
        let moment = |after, cpus: &[u64], disks: &[[u64; 4]]| Moment {
            at: begin + Duration::from_millis(after),
            status: "running".to_owned(),
            cpus: cpus.iter().map(|time| Counted { name: "0".to_owned(), counters: Some([*time]) }).collect(),
            disks: disks.iter().map(|it| Counted { name: "d".to_owned(), counters: Some(*it) }).collect(),
            jobs: Vec::new(),
            migration: None,
        };
        let before = moment(0, &[1000], &[[0, 500, 1, 2]]);
        let sample = moment(500, &[1250], &[[1024, 500, 11, 1]]).since(&before);
        assert_eq!(sample.cpus, [Cpu { index: "0".to_owned(), percent: Some(50) }]);
        let disk = Disk { name: "d".to_owned(), read_bytes: 2048, written_bytes: 0, reads: 20, writes: 0 };
        assert_eq!(sample.disks, [disk]);
        // What is new has done nothing yet, and no time at all is no reason to fail.
        let sample = moment(0, &[1], &[[9, 9, 9, 9]]).since(&moment(0, &[], &[]));
        assert_eq!((sample.cpus[0].percent, sample.disks[0].read_bytes), (None, 0));
    }
}

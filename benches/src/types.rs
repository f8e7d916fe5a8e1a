//! Types of what is read, derived, for every reader that knows serde.

use std::borrow::Cow;

use serde::Deserialize;

/// A reply, of which the rest is not looked at.
#[cfg(feature = "rivals")]
#[derive(Debug, Deserialize)]
pub(crate) struct Reply<T> {
    #[serde(rename = "return")]
    pub(crate) value: T,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Timestamp {
    pub(crate) seconds: i64,
    pub(crate) microseconds: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct JobStatusChange<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    pub(crate) status: JobStatus,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobStatus {
    Undefined,
    Created,
    Running,
    Paused,
    Ready,
    Standby,
    Waiting,
    Pending,
    Aborting,
    Concluded,
    Null,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct BlockStats<'a> {
    #[serde(borrow)]
    pub(crate) device: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) qdev: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) node_name: Option<Cow<'a, str>>,
    pub(crate) stats: BlockDeviceStats,
    pub(crate) parent: Option<Box<BlockStats<'a>>>,
    pub(crate) backing: Option<Box<BlockStats<'a>>>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "to be read from JSON is what they are for")]
pub(crate) struct BlockDeviceStats {
    pub(crate) rd_bytes: i64,
    pub(crate) wr_bytes: i64,
    unmap_bytes: Option<i64>,
    rd_operations: i64,
    wr_operations: i64,
    flush_operations: Option<i64>,
    unmap_operations: Option<i64>,
    rd_total_time_ns: Option<i64>,
    wr_total_time_ns: Option<i64>,
    flush_total_time_ns: Option<i64>,
    unmap_total_time_ns: Option<i64>,
    pub(crate) wr_highest_offset: i64,
    rd_merged: Option<i64>,
    wr_merged: Option<i64>,
    unmap_merged: Option<i64>,
    idle_time_ns: Option<i64>,
    failed_rd_operations: Option<i64>,
    failed_wr_operations: Option<i64>,
    failed_flush_operations: Option<i64>,
    failed_unmap_operations: Option<i64>,
    invalid_rd_operations: Option<i64>,
    invalid_wr_operations: Option<i64>,
    invalid_flush_operations: Option<i64>,
    invalid_unmap_operations: Option<i64>,
    account_invalid: Option<bool>,
    account_failed: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "to be read from JSON is what they are for")]
pub(crate) struct BlockDeviceInfo<'a> {
    #[serde(borrow)]
    pub(crate) file: Cow<'a, str>,
    #[serde(borrow, rename = "node-name")]
    pub(crate) node_name: Option<Cow<'a, str>>,
    ro: bool,
    #[serde(borrow)]
    drv: Cow<'a, str>,
    #[serde(borrow)]
    backing_file: Option<Cow<'a, str>>,
    backing_file_depth: Option<i64>,
    encrypted: bool,
    #[serde(borrow)]
    detect_zeroes: Option<Cow<'a, str>>,
    bps: Option<i64>,
    bps_rd: Option<i64>,
    bps_wr: Option<i64>,
    iops: Option<i64>,
    iops_rd: Option<i64>,
    iops_wr: Option<i64>,
    #[serde(borrow)]
    pub(crate) image: Option<ImageInfo<'a>>,
    cache: Option<BlockdevCacheInfo>,
    write_threshold: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "to be read from JSON is what they are for")]
pub(crate) struct ImageInfo<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    #[serde(borrow)]
    format: Cow<'a, str>,
    dirty_flag: Option<bool>,
    actual_size: Option<i64>,
    pub(crate) virtual_size: i64,
    cluster_size: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "to be read from JSON is what they are for")]
pub(crate) struct BlockdevCacheInfo {
    writeback: bool,
    direct: bool,
    no_flush: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "to be read from JSON is what they are for")]
pub(crate) struct CpuDefinitionInfo<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    migration_safe: Option<bool>,
    r#static: Option<bool>,
    #[serde(borrow)]
    pub(crate) unavailable_features: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    typename: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alias_of: Option<Cow<'a, str>>,
    deprecated: Option<bool>,
}

impl BlockStats<'_> {
    /// A number that needs all of the nodes.
    pub(crate) fn sum(&self) -> u64 {
        let names = [&self.device, &self.qdev, &self.node_name].into_iter().flatten().map(|name| name.len() as u64);
        let own = self.stats.rd_bytes + self.stats.wr_bytes + self.stats.wr_highest_offset;
        let below = [&self.parent, &self.backing].into_iter().flatten().map(|node| node.sum()).sum::<u64>();
        names.sum::<u64>() + own.cast_unsigned() + below
    }
}

impl BlockDeviceInfo<'_> {
    pub(crate) fn sum(&self) -> u64 {
        let size = self.image.as_ref().map_or(0, |image| image.virtual_size.cast_unsigned());
        self.file.len() as u64 + self.node_name.as_ref().map_or(0, |name| name.len() as u64) + size
    }
}

impl CpuDefinitionInfo<'_> {
    pub(crate) fn sum(&self) -> u64 {
        let features = self.unavailable_features.iter().flatten().map(|feature| feature.len() as u64);
        self.name.len() as u64 + features.sum::<u64>()
    }
}

impl JobStatusChange<'_> {
    pub(crate) fn sum(&self) -> u64 {
        self.id.len() as u64 + u64::from(self.status == JobStatus::Running)
    }
}

impl Timestamp {
    pub(crate) const fn sum(&self) -> u64 {
        (self.seconds + self.microseconds).cast_unsigned()
    }
}

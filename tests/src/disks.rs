//! Images and nodes of a machine at work.

use qmp_qapi::commands::{BlockdevAdd, BlockdevCreate, JobDismiss, QueryJobs, QueryNamedBlockNodes};
use qmp_qapi::types::{
    BlockdevCreateOptions, BlockdevCreateOptionsFile, BlockdevCreateOptionsQcow2, BlockdevDriver, BlockdevOptions,
    BlockdevOptionsBranch, BlockdevOptionsFile, BlockdevOptionsQcow2, BlockdevOptionsRaw, BlockdevRef,
    BlockdevRefOrNull, JobType,
};

use crate::work::Work;

/// How large the disks are: 1 MiB.
pub const SIZE: u64 = 1 << 20;

/// The node `name` over the file at `path`.
pub fn file<'a>(name: &'a str, path: &'a str) -> BlockdevOptions<'a> {
    let driver = BlockdevOptionsBranch::File(BlockdevOptionsFile::new(path));
    BlockdevOptions { node_name: Some(name), ..BlockdevOptions::new(driver) }
}

/// The raw node `name` over the node `file`.
pub fn raw<'a>(name: &'a str, file: &'a str) -> BlockdevOptions<'a> {
    let driver = BlockdevOptionsBranch::Raw(BlockdevOptionsRaw::new(BlockdevRef::Reference(file)));
    BlockdevOptions { node_name: Some(name), ..BlockdevOptions::new(driver) }
}

/// The qcow2 node `name` over the node `file`, its backing node given.
pub fn qcow2<'a>(name: &'a str, file: &'a str, backing: Option<&'a str>) -> BlockdevOptions<'a> {
    let backing = backing.map_or(BlockdevRefOrNull::Null, BlockdevRefOrNull::Reference);
    let options =
        BlockdevOptionsQcow2 { backing: Some(backing), ..BlockdevOptionsQcow2::new(BlockdevRef::Reference(file)) };
    BlockdevOptions { node_name: Some(name), ..BlockdevOptions::new(BlockdevOptionsBranch::Qcow2(options)) }
}

impl Work {
    /// Makes an image, a job to the end.
    ///
    /// # Panics
    /// If it fails.
    pub fn create(&mut self, options: BlockdevCreateOptions<'_>) {
        self.does(&BlockdevCreate::new("create", options));
        let states = self.job_until("create", "concluded");
        assert_eq!(states.first().map(String::as_str), Some("created"));
        self.ask(&QueryJobs, |jobs| {
            let job = jobs.get(0).expect("a job").expect("a job");
            assert_eq!((job.id, job.r#type, job.error), ("create", JobType::Create, None));
        });
        self.does(&JobDismiss::new("create"));
        assert_eq!(self.job_until("create", "null"), ["null"]);
    }

    /// Makes a file of [`SIZE`] and adds `NAME-file` and the raw node `NAME`.
    pub fn add_raw(&mut self, name: &str) {
        let (path, node) = (self.path(&format!("{name}.raw")), format!("{name}-file"));
        self.create(BlockdevCreateOptions::File(BlockdevCreateOptionsFile::new(&path, SIZE)));
        self.does(&BlockdevAdd(file(&node, &path)));
        self.does(&BlockdevAdd(raw(name, &node)));
    }

    /// Makes a qcow2 image of [`SIZE`], with the image of the node `backing` behind it, and adds `NAME-file` and the node `NAME`.
    pub fn add_qcow2(&mut self, name: &str, backing: Option<&str>) {
        let node = self.create_qcow2(name, backing);
        self.does(&BlockdevAdd(qcow2(name, &node, backing)));
    }

    /// As [`add_qcow2`](Self::add_qcow2), but adds only `NAME-file`, whose name it gives.
    pub fn create_qcow2(&mut self, name: &str, backing: Option<&str>) -> String {
        let (path, node) = (self.path(&format!("{name}.qcow2")), format!("{name}-file"));
        self.create(BlockdevCreateOptions::File(BlockdevCreateOptionsFile::new(&path, 0)));
        self.does(&BlockdevAdd(file(&node, &path)));
        let behind = backing.map(|backing| self.path(&format!("{backing}.qcow2")));
        self.create(BlockdevCreateOptions::Qcow2(BlockdevCreateOptionsQcow2 {
            backing_file: behind.as_deref(),
            backing_fmt: behind.as_ref().map(|_| BlockdevDriver::Qcow2),
            ..BlockdevCreateOptionsQcow2::new(BlockdevRef::Reference(&node), SIZE)
        }));
        node
    }

    /// The nodes behind `name`, as their images' names end: `base.qcow2`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn chain(&mut self, name: &str) -> Vec<String> {
        self.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some(name)).expect("the node");
            let mut chain = Vec::new();
            let mut image = node.image;
            while let Some(behind) = image.and_then(|image| image.backing_image) {
                let behind = behind.get().expect("an image");
                chain.push(behind.filename.rsplit('/').next().unwrap_or_default().to_owned());
                image = Some(behind);
            }
            chain
        })
    }
}

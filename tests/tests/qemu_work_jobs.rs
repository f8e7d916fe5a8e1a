//! Block jobs of real machines, each to its end, by typed commands and events.

use qmp_qapi::commands::{
    BlockCommit, BlockDirtyBitmapAdd, BlockDirtyBitmapClear, BlockDirtyBitmapDisable, BlockDirtyBitmapMerge,
    BlockDirtyBitmapRemove, BlockJobCancel, BlockJobComplete, BlockJobSetSpeed, BlockStream, BlockdevBackup,
    BlockdevDel, BlockdevMirror, DriveBackup, DriveMirror, JobCancel, JobComplete, JobDismiss, JobFinalize, JobPause,
    JobResume, QueryBlockJobs, QueryJobs, QueryNamedBlockNodes, Transaction,
};
use qmp_qapi::types::{
    self, ActionCompletionMode, BitmapSyncMode, BlockDirtyBitmap, BlockDirtyBitmapOrStr, BlockJobInfoBranch, JobStatus,
    JobType, MirrorCopyMode, MirrorSyncMode, NewImageMode, TransactionAction, TransactionProperties,
};
use qmp_qapi::{Event, List};
use qmp_tests::disks::SIZE;
use qmp_tests::qemu;
use qmp_tests::work::{Work, tool};

/// Waits for `BLOCK_JOB_COMPLETED`: what kind of job, and how far it came.
fn completed(work: &mut Work, job: &str) -> (String, i64, i64) {
    work.event("BLOCK_JOB_COMPLETED", |event| match event {
        Event::BlockJobCompleted(it) if it.device == job => {
            assert_eq!(it.error, None);
            Some((it.r#type.name().to_owned(), it.len, it.offset))
        }
        _ => None,
    })
}

fn ready(work: &mut Work, job: &str) {
    work.event("BLOCK_JOB_READY", |event| match event {
        Event::BlockJobReady(it) if it.device == job => Some(()),
        _ => None,
    });
}

/// The job comes to its end through the states of one that nobody has to finalize or dismiss. It is paused now and then: while the
/// block graph changes, or for a limit of its speed.
fn ends(work: &mut Work, job: &str) {
    let mut states = work.job_until(job, "null");
    states.retain(|state| state != "paused");
    states.dedup();
    assert_eq!(states, ["created", "running", "waiting", "pending", "concluded", "null"]);
}

#[test]
fn a_chain_is_streamed_and_committed() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_qcow2("base", None);
        work.io("base", "write -P 1 0 64k");
        work.add_qcow2("mid", Some("base"));
        work.io("mid", "write -P 2 64k 64k");
        work.add_qcow2("low", Some("mid"));
        work.add_qcow2("top", Some("low"));
        work.io("top", "write -P 3 128k 64k");

        // What is between goes into the base.
        work.does(&BlockCommit {
            job_id: Some("commit"),
            top_node: Some("mid"),
            base_node: Some("base"),
            ..BlockCommit::new("top")
        });
        ends(&mut work, "commit");
        assert_eq!(completed(&mut work, "commit"), ("commit".to_owned(), SIZE as i64, SIZE as i64));
        assert_eq!(work.chain("top"), ["low.qcow2", "base.qcow2"]);
        work.io("base", "read -P 2 64k 64k");

        // What is behind comes to the front.
        let stream = BlockStream { job_id: Some("stream"), base_node: Some("base"), ..BlockStream::new("top") };
        work.does(&stream);
        ends(&mut work, "stream");
        assert_eq!(completed(&mut work, "stream").0, "stream");
        assert_eq!(work.chain("top"), ["base.qcow2"]);

        // The active layer is committed as a mirror is made: until it is told to complete.
        work.does(&BlockCommit { job_id: Some("active"), ..BlockCommit::new("top") });
        ready(&mut work, "active");
        work.ask(&QueryBlockJobs, |jobs| {
            let job = jobs.get(0).unwrap().unwrap();
            assert_eq!((job.device, job.status, job.ready), ("active", Some(JobStatus::Ready), Some(true)));
            assert_eq!((job.auto_finalize, job.auto_dismiss, job.error), (Some(true), Some(true), None));
        });
        work.does(&BlockJobComplete::new("active"));
        let states = work.job_until("active", "null");
        assert!(states.contains(&"ready".to_owned()), "{states:?}");
        assert_eq!(completed(&mut work, "active").0, "commit");
        work.io("base", "read -P 3 128k 64k");
        work.finish();
    });
}

#[test]
fn a_disk_is_mirrored_to_the_end_and_a_mirror_is_cancelled() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_qcow2("disk", None);
        work.io("disk", "write -P 5 0 256k");
        work.add_raw("copy");
        work.does(&BlockdevMirror {
            job_id: Some("mirror"),
            granularity: Some(65536),
            copy_mode: Some(MirrorCopyMode::WriteBlocking),
            filter_node_name: Some("filter"),
            auto_finalize: Some(false),
            auto_dismiss: Some(false),
            ..BlockdevMirror::new("disk", "copy", MirrorSyncMode::Full)
        });
        ready(&mut work, "mirror");
        work.ask(&QueryBlockJobs, |jobs| {
            let job = jobs.get(0).unwrap().unwrap();
            assert_eq!((job.device, job.ready, job.auto_dismiss), ("mirror", Some(true), Some(false)));
            // Since 8.2 a mirror tells more than other jobs.
            let BlockJobInfoBranch::Mirror(mirror) = job.r#type else { panic!("{job:?}") };
            assert_eq!(mirror.actively_synced.is_some(), qemu.is_at_least(8, 2));
        });
        work.does(&JobComplete::new("mirror"));
        let states = work.job_until("mirror", "pending");
        assert_eq!(states.first().map(String::as_str), Some("created"));
        work.event("BLOCK_JOB_PENDING", |event| match event {
            Event::BlockJobPending(it) if (it.id, it.r#type) == ("mirror", JobType::Mirror) => Some(()),
            _ => None,
        });
        work.does(&JobFinalize::new("mirror"));
        assert_eq!(work.job_until("mirror", "concluded"), ["concluded"]);
        work.ask(&QueryJobs, |jobs| {
            let job = jobs.get(0).unwrap().unwrap();
            assert_eq!((job.id, job.r#type, job.status), ("mirror", JobType::Mirror, JobStatus::Concluded));
            assert_eq!((job.current_progress, job.error), (job.total_progress, None));
        });
        work.does(&JobDismiss::new("mirror"));
        assert_eq!(work.job_until("mirror", "null"), ["null"]);
        assert_eq!(completed(&mut work, "mirror").0, "mirror");
        let copy = work.content("copy.raw");
        assert!(copy[..256 << 10].iter().all(|byte| *byte == 5) && copy[256 << 10..].iter().all(|byte| *byte == 0));

        // A slow one: paused, resumed, cancelled.
        work.add_qcow2("second", None);
        let path = work.path("second-copy.qcow2");
        work.io("second", "write -P 6 0 1M");
        work.does(&DriveMirror {
            job_id: Some("slow"),
            format: Some("qcow2"),
            mode: Some(NewImageMode::AbsolutePaths),
            // A piece at once, and then a byte a second.
            granularity: Some(65536),
            buf_size: Some(65536),
            speed: Some(1),
            node_name: Some("second-copy"),
            ..DriveMirror::new("second", &path, MirrorSyncMode::Full)
        });
        work.does(&JobPause::new("slow"));
        work.ask(&QueryBlockJobs, |jobs| {
            let job = jobs.get(0).unwrap().unwrap();
            assert_eq!((job.device, job.paused, job.speed), ("slow", Some(true), 1));
        });
        work.does(&JobResume::new("slow"));
        work.does(&BlockJobSetSpeed::new("slow", 2));
        work.does(&BlockJobCancel { force: Some(true), ..BlockJobCancel::new("slow") });
        let states = work.job_until("slow", "null");
        assert!(states.contains(&"aborting".to_owned()), "{states:?}");
        work.event("BLOCK_JOB_CANCELLED", |event| match event {
            Event::BlockJobCancelled(it) if (it.device, it.r#type) == ("slow", JobType::Mirror) => Some(()),
            _ => None,
        });
        assert_eq!(work.refused(&JobCancel::new("slow")).class, "GenericError");
        assert_eq!(work.refused(&BlockJobCancel::new("slow")).class, "DeviceNotActive");
        work.finish();
    });
}

#[test]
fn a_disk_is_backed_up_by_what_has_changed() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_qcow2("disk", None);
        work.io("disk", "write -P 1 0 1M");
        // The full one and the bitmap begin at the same moment.
        work.add_qcow2("full", None);
        let all = [
            TransactionAction::BlockDirtyBitmapAdd(types::BlockDirtyBitmapAdd {
                persistent: Some(true),
                granularity: Some(65536),
                ..types::BlockDirtyBitmapAdd::new("disk", "changes")
            }),
            TransactionAction::BlockdevBackup(types::BlockdevBackup {
                job_id: Some("full"),
                ..types::BlockdevBackup::new("disk", MirrorSyncMode::Full, "full")
            }),
        ];
        work.does(&Transaction::new(List::new(&all)));
        ends(&mut work, "full");
        assert_eq!(completed(&mut work, "full"), ("backup".to_owned(), SIZE as i64, SIZE as i64));

        work.io("disk", "write -P 2 128k 64k");
        work.io("disk", "write -P 3 512k 1");
        assert_eq!(dirty(&mut work, "changes"), Some((2 * 65536, true)));
        // Merged into another, which then stands still.
        work.does(&BlockDirtyBitmapAdd {
            granularity: Some(65536),
            disabled: Some(true),
            ..BlockDirtyBitmapAdd::new("disk", "merged")
        });
        let bitmaps = [
            BlockDirtyBitmapOrStr::Local("changes"),
            BlockDirtyBitmapOrStr::External(BlockDirtyBitmap::new("disk", "changes")),
        ];
        work.does(&BlockDirtyBitmapMerge::new("disk", "merged", List::new(&bitmaps)));
        assert_eq!(dirty(&mut work, "merged"), Some((2 * 65536, false)));

        work.add_qcow2("part", Some("full"));
        work.does(&BlockdevBackup {
            job_id: Some("part"),
            bitmap: Some("changes"),
            bitmap_mode: Some(BitmapSyncMode::OnSuccess),
            ..BlockdevBackup::new("disk", MirrorSyncMode::Incremental, "part")
        });
        ends(&mut work, "part");
        assert_eq!(dirty(&mut work, "changes"), Some((0, true)));
        work.does(&BlockDirtyBitmapClear::new("disk", "merged"));
        work.does(&BlockDirtyBitmapDisable::new("disk", "changes"));
        assert_eq!(dirty(&mut work, "changes"), Some((0, false)));
        work.does(&BlockDirtyBitmapRemove::new("disk", "merged"));
        assert_eq!(dirty(&mut work, "merged"), None);

        // The images are whole when they are closed.
        for name in ["part", "part-file", "full", "full-file", "disk", "disk-file"] {
            work.does(&BlockdevDel::new(name));
        }
        let folder = work.machine.folder();
        let map = tool("qemu-img", &["map", "--output=json", "part.qcow2"], folder);
        let map: Vec<serde_json::Value> = serde_json::from_str(&map).expect("JSON");
        let copied: i64 = map.iter().filter(|it| it["depth"] == 0).map(|it| it["length"].as_i64().unwrap()).sum();
        assert_eq!(copied, 2 * 65536);
        // With what is behind it, it is the disk.
        let compared = tool("qemu-img", &["compare", "disk.qcow2", "part.qcow2"], folder);
        assert!(compared.contains("identical"), "{compared}");
        let info = tool("qemu-img", &["info", "--output=json", "disk.qcow2"], folder);
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!(info["format-specific"]["data"]["bitmaps"][0]["name"], "changes");
        work.finish();
    });
}

/// How many bytes a bitmap of `disk` has marked, and whether it records.
fn dirty(work: &mut Work, bitmap: &str) -> Option<(i64, bool)> {
    work.ask(&QueryNamedBlockNodes::new(), |nodes| {
        let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("disk")).expect("the node");
        let mut bitmaps = node.dirty_bitmaps?.iter().map(Result::unwrap);
        bitmaps.find(|it| it.name == Some(bitmap)).map(|it| (it.count, it.recording.expect("a state")))
    })
}

/// Where one of two grouped backups fails the other is cancelled, and the bitmap stays.
#[test]
fn grouped_backups_fail_together() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        for name in ["disk", "other", "target"] {
            work.add_qcow2(name, None);
        }
        work.io("disk", "write -P 1 0 1M");
        work.io("other", "write -P 1 0 1M");
        let path = work.path("drive.qcow2");
        let all = [
            TransactionAction::BlockdevBackup(types::BlockdevBackup {
                job_id: Some("one"),
                auto_finalize: Some(false),
                ..types::BlockdevBackup::new("disk", MirrorSyncMode::Full, "target")
            }),
            TransactionAction::DriveBackup(types::DriveBackup {
                job_id: Some("two"),
                format: Some("qcow2"),
                auto_finalize: Some(false),
                ..types::DriveBackup::new("other", MirrorSyncMode::Full, &path)
            }),
        ];
        let properties = TransactionProperties { completion_mode: Some(ActionCompletionMode::Grouped) };
        work.does(&Transaction { properties: Some(properties), ..Transaction::new(List::new(&all)) });
        // Each waits for the other, and then both for leave to end.
        for job in ["one", "two"] {
            work.job_until(job, "pending");
        }
        work.does(&JobCancel::new("one"));
        for job in ["one", "two"] {
            let states = work.job_until(job, "null");
            assert!(states.contains(&"aborting".to_owned()), "{states:?}");
            work.event("BLOCK_JOB_CANCELLED", |event| match event {
                Event::BlockJobCancelled(it) if it.device == job => Some(()),
                _ => None,
            });
        }
        let path = work.path("alone.qcow2");
        work.does(&DriveBackup {
            job_id: Some("alone"),
            compress: Some(true),
            format: Some("qcow2"),
            ..DriveBackup::new("other", MirrorSyncMode::Top, &path)
        });
        ends(&mut work, "alone");
        work.finish();
    });
}

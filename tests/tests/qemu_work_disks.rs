//! Nodes, drives and media of real machines, by typed commands.

use std::fs;

use qmp_qapi::commands::{
    BlockDirtyBitmapAdd, BlockLatencyHistogramSet, BlockResize, BlockSetIoThrottle, BlockSetWriteThreshold,
    BlockdevAdd, BlockdevCloseTray, BlockdevDel, BlockdevInsertMedium, BlockdevOpenTray, BlockdevRemoveMedium,
    BlockdevReopen, BlockdevSnapshot, BlockdevSnapshotDeleteInternalSync, BlockdevSnapshotInternalSync,
    BlockdevSnapshotSync, DeviceAdd, Eject, ObjectAdd, QomGet, QomSet, QueryBlock, QueryBlockstats,
    QueryNamedBlockNodes, Transaction, XBlockdevReopen, XDebugQueryBlockGraph,
};
use qmp_qapi::types::{
    Abort, ActionCompletionMode, BlockdevOptions, BlockdevOptionsBranch, BlockdevOptionsThrottle, BlockdevRef,
    ImageInfoSpecific, NewImageMode, ObjectOptions, ObjectOptionsBranch, ThrottleGroupProperties, ThrottleLimits,
    TransactionAction, TransactionProperties, XDbgBlockGraphNodeType,
};
use qmp_qapi::{Any, Event, List, Pairs, commands, types};
use qmp_tests::disks::{SIZE, file, qcow2, raw};
use qmp_tests::qemu;
use qmp_tests::work::{Work, tool};

const SCSI: [&str; 2] = ["-device", "virtio-scsi-pci,id=scsi"];

/// Plugs a disk in, with a node in it.
fn plug(work: &mut Work, driver: &str, id: &str, node: Option<&str>) {
    let with = [("drive", Any::Str(node.unwrap_or_default())), ("share-rw", Any::Bool(true))];
    let others = if node.is_some() { Pairs::new(&with) } else { Pairs::NONE };
    work.does(&DeviceAdd { id: Some(id), bus: Some("scsi.0"), others, ..DeviceAdd::new(driver) });
}

#[test]
fn a_backing_chain_is_built_looked_at_and_taken_apart() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        work.add_qcow2("base", None);
        work.add_qcow2("mid", Some("base"));
        work.add_qcow2("top", Some("mid"));
        assert_eq!(work.chain("top"), ["mid.qcow2", "base.qcow2"]);
        plug(&mut work, "scsi-hd", "disk", Some("top"));

        let path = work.path("top.qcow2");
        work.ask(&QueryBlock::new(), |drives| {
            let drive = drives.iter().map(Result::unwrap).find(|drive| drive.qdev == Some("disk")).expect("the drive");
            assert_eq!((drive.removable, drive.locked, drive.tray_open), (false, false, None));
            let inserted = drive.inserted.expect("a medium");
            assert_eq!((inserted.node_name, inserted.drv, inserted.ro), (Some("top"), "qcow2", false));
            assert_eq!((inserted.file, inserted.backing_file_depth), (&*path, Some(2)));
            let image = inserted.image.expect("an image");
            assert_eq!((image.virtual_size, image.format), (SIZE as i64, "qcow2"));
            let Some(ImageInfoSpecific::Qcow2(specific)) = image.format_specific else { panic!("{image:?}") };
            assert_eq!((specific.compat, specific.lazy_refcounts), ("1.1", Some(false)));
        });
        // The newer form, without what is behind.
        work.ask(&QueryNamedBlockNodes { flat: Some(true) }, |nodes| {
            let names: Vec<&str> = nodes.iter().map(|node| node.unwrap().node_name.unwrap()).collect();
            assert_eq!(nodes.len(), 6, "{names:?}");
            assert!(nodes.iter().all(|node| node.unwrap().image.unwrap().backing_image.is_none()));
        });
        work.ask(&XDebugQueryBlockGraph, |graph| {
            let drivers = graph.nodes.iter().filter(|it| it.unwrap().r#type == XDbgBlockGraphNodeType::BlockDriver);
            assert_eq!(drivers.count(), 6);
            assert!(graph.edges.len() >= 6);
        });

        work.io("top", "write -P 7 0 64k");
        work.ask(&QueryBlockstats { query_nodes: Some(true) }, |stats| {
            let node = stats.iter().map(Result::unwrap).find(|it| it.node_name == Some("top")).expect("the node");
            assert!(node.stats.wr_highest_offset > 0);
            assert_eq!(node.stats.account_failed, Some(false));
        });
        work.ask(&QueryBlockstats::new(), |stats| {
            let drive = stats.get(0).unwrap().unwrap();
            assert_eq!((drive.qdev, drive.stats.account_failed.is_some()), (Some("disk"), true));
            assert!(drive.parent.is_some() && drive.backing.unwrap().get().unwrap().backing.is_some());
        });
        work.does(&BlockResize { node_name: Some("top"), ..BlockResize::new(2 * SIZE as i64) });
        assert_eq!(size(&mut work, "top"), 2 * SIZE as i64);
        assert_eq!(work.refused(&BlockResize { node_name: Some("none"), ..BlockResize::new(1) }).class, "GenericError");

        let failure = work.refused(&BlockdevDel::new("base"));
        assert!(failure.desc.contains("busy") || failure.desc.contains("in use"), "{failure}");
        work.finish();
    });
}

fn size(work: &mut Work, name: &str) -> i64 {
    work.ask(&QueryNamedBlockNodes::new(), |nodes| {
        let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some(name));
        node.expect("the node").image.expect("an image").virtual_size
    })
}

#[test]
fn snapshots_are_taken_alone_and_in_a_transaction() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        // An overlay lives by who uses it: here, disks of the machine.
        for (name, id) in [("one", "first"), ("two", "second")] {
            work.add_qcow2(name, None);
            plug(&mut work, "scsi-hd", id, Some(name));
        }
        let path = work.path("one-1.qcow2");
        work.does(&BlockdevSnapshotSync {
            node_name: Some("one"),
            snapshot_node_name: Some("one-1"),
            format: Some("qcow2"),
            mode: Some(NewImageMode::AbsolutePaths),
            ..BlockdevSnapshotSync::new(&path)
        });
        assert_eq!(work.chain("one-1"), ["one.qcow2"]);
        // Over a node that exists, in which nothing is behind yet.
        let over = work.create_qcow2("two-1", Some("two"));
        work.does(&BlockdevAdd(qcow2("two-1", &over, None)));
        work.does(&BlockdevSnapshot::new("two", "two-1"));
        assert_eq!(work.chain("two-1"), ["two.qcow2"]);

        let (first, second) = (work.path("one-2.qcow2"), work.path("two-2.qcow2"));
        let snapshot = |node, name, file| {
            TransactionAction::BlockdevSnapshotSync(types::BlockdevSnapshotSync {
                node_name: Some(node),
                snapshot_node_name: Some(name),
                ..types::BlockdevSnapshotSync::new(file)
            })
        };
        let bitmap = TransactionAction::BlockDirtyBitmapAdd(types::BlockDirtyBitmapAdd {
            granularity: Some(65536),
            ..types::BlockDirtyBitmapAdd::new("two-1", "since")
        });
        let all = [snapshot("one-1", "one-2", &first), bitmap, TransactionAction::Abort(Abort {})];
        // One fails, none is done.
        assert_eq!(work.refused(&Transaction::new(List::new(&all))).class, "GenericError");
        assert!(!names(&mut work).contains(&"one-2".to_owned()));
        let all = [bitmap, snapshot("one-1", "one-2", &first), snapshot("two-1", "two-2", &second)];
        work.does(&Transaction::new(List::new(&all)));
        assert_eq!(work.chain("one-2"), ["one-1.qcow2", "one.qcow2"]);
        work.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("two-1")).expect("the node");
            let bitmap = node.dirty_bitmaps.expect("bitmaps").get(0).expect("one").expect("a bitmap");
            assert_eq!((bitmap.name, bitmap.granularity, bitmap.count), (Some("since"), Some(65536), 0));
            assert_eq!((bitmap.recording, bitmap.busy, bitmap.persistent), (Some(true), Some(false), Some(false)));
        });
        // All or none at their ends is for jobs.
        let properties = TransactionProperties { completion_mode: Some(ActionCompletionMode::Grouped) };
        let add = [TransactionAction::BlockDirtyBitmapAdd(types::BlockDirtyBitmapAdd::new("one-2", "more"))];
        let grouped = Transaction { properties: Some(properties), ..Transaction::new(List::new(&add)) };
        assert_eq!(work.refused(&grouped).class, "GenericError");

        work.does(&BlockdevSnapshotInternalSync::new("one-2", "within"));
        let delete = BlockdevSnapshotDeleteInternalSync {
            name: Some("within"),
            ..BlockdevSnapshotDeleteInternalSync::new("one-2")
        };
        work.ask(&delete, |snapshot| {
            assert_eq!((snapshot.id, snapshot.name, snapshot.vm_state_size), ("1", "within", 0));
        });
        work.finish();
    });
}

fn names(work: &mut Work) -> Vec<String> {
    work.ask(&QueryNamedBlockNodes::new(), |nodes| {
        nodes.iter().map(|node| node.unwrap().node_name.unwrap().to_owned()).collect()
    })
}

#[test]
fn a_node_is_reopened_with_other_options() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_qcow2("base", None);
        work.add_qcow2("top", Some("base"));
        let options = BlockdevOptions { read_only: Some(true), ..qcow2("top", "top-file", Some("base")) };
        if qemu.is_at_least(6, 1) {
            work.does(&BlockdevReopen::new(List::new(&[options])));
        } else {
            println!("QEMU {}: x-blockdev-reopen", qemu.version);
            work.does(&XBlockdevReopen(options));
        }
        work.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("top")).expect("the node");
            assert!(node.ro);
        });
        for name in ["top", "top-file", "base", "base-file"] {
            work.does(&BlockdevDel::new(name));
        }
        assert!(names(&mut work).is_empty());
        work.finish();
    });
}

#[test]
fn drives_and_nodes_are_throttled() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        work.add_raw("disk");
        plug(&mut work, "scsi-hd", "disk0", Some("disk"));
        work.does(&BlockSetIoThrottle {
            id: Some("disk0"),
            bps_max: Some(3_000_000),
            bps_max_length: Some(2),
            iops_size: Some(4096),
            group: Some("slow"),
            ..BlockSetIoThrottle::new(1_000_000, 0, 0, 0, 50, 20)
        });
        work.ask(&QueryBlock::new(), |drives| {
            let drive = drives.iter().map(Result::unwrap).find(|drive| drive.qdev == Some("disk0")).expect("the drive");
            let it = drive.inserted.expect("a medium");
            assert_eq!((it.bps, it.iops, it.iops_rd, it.iops_wr), (Some(1_000_000), Some(0), Some(50), Some(20)));
            assert_eq!((it.bps_max, it.bps_max_length), (Some(3_000_000), Some(2)));
            assert_eq!((it.iops_size, it.group), (Some(4096), Some("slow")));
        });

        let limits = ThrottleLimits { iops_total: Some(100), bps_read: Some(1 << 20), ..ThrottleLimits::new() };
        add_group(&mut work, qemu, "group", limits);
        work.add_raw("other");
        let driver = BlockdevOptionsThrottle::new("group", BlockdevRef::Reference("other"));
        let driver = BlockdevOptionsBranch::Throttle(driver);
        work.does(&BlockdevAdd(BlockdevOptions { node_name: Some("throttled"), ..BlockdevOptions::new(driver) }));
        let limits_of = |work: &mut Work| {
            work.ask(&QomGet::new("/objects/group", "limits"), |limits| {
                let limits: ThrottleLimits = limits.received().expect("a value").decode().expect("limits");
                (limits.iops_total, limits.bps_read, limits.bps_write)
            })
        };
        assert_eq!(limits_of(&mut work), (Some(100), Some(1 << 20), Some(0)));
        let changed = [("bps-write", Any::Int(5 << 20)), ("iops-total", Any::Int(200))];
        work.does(&QomSet::new("/objects/group", "limits", Any::Dict(&changed)));
        assert_eq!(limits_of(&mut work), (Some(200), Some(1 << 20), Some(5 << 20)));
        work.finish();
    });
}

/// Objects have their properties beside their names since 6.0, and before in `props`.
fn add_group(work: &mut Work, qemu: &qemu::Qemu, id: &str, limits: ThrottleLimits) {
    if qemu.is_at_least(6, 0) {
        let group = ThrottleGroupProperties { limits: Some(limits), ..ThrottleGroupProperties::new() };
        work.does(&ObjectAdd(ObjectOptions::new(id, ObjectOptionsBranch::ThrottleGroup(group))));
        return;
    }
    println!("QEMU {}: object-add with props", qemu.version);
    let limits = [
        ("iops-total", Any::Int(limits.iops_total.unwrap_or(0))),
        ("bps-read", Any::Int(limits.bps_read.unwrap_or(0))),
    ];
    let props = [("limits", Any::Dict(&limits))];
    work.does(&commands::older::ObjectAdd {
        props: Some(Any::Dict(&props)),
        ..commands::older::ObjectAdd::new("throttle-group", id)
    });
}

#[test]
fn a_write_beyond_a_threshold_is_told() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        work.add_qcow2("disk", None);
        plug(&mut work, "scsi-hd", "disk0", Some("disk"));
        work.does(&BlockSetWriteThreshold::new("disk-file", 300_000));
        work.does(&BlockLatencyHistogramSet {
            boundaries: Some(List::new(&[1000, 1_000_000])),
            boundaries_write: Some(List::new(&[5])),
            ..BlockLatencyHistogramSet::new("disk0")
        });
        work.io("disk", "write -P 1 0 512k");
        let (node, threshold) = work.event("BLOCK_WRITE_THRESHOLD", |event| match event {
            Event::BlockWriteThreshold(it) if it.amount_exceeded > 0 => {
                Some((it.node_name.to_owned(), it.write_threshold))
            }
            _ => None,
        });
        assert_eq!((&*node, threshold), ("disk-file", 300_000));
        work.ask(&QueryBlockstats::new(), |stats| {
            let stats = stats.get(0).unwrap().unwrap().stats;
            let bins = stats.rd_latency_histogram.expect("a histogram").bins.iter().collect::<Result<Vec<_>, _>>();
            assert_eq!(bins.expect("numbers"), [0, 0, 0]);
            assert_eq!(stats.wr_latency_histogram.expect("a histogram").boundaries.len(), 1);
        });
        work.finish();
    });
}

#[test]
fn a_medium_is_put_in_and_taken_out() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        work.add_raw("medium");
        plug(&mut work, "scsi-cd", "cd", None);
        let moved = |work: &mut Work| {
            work.event("DEVICE_TRAY_MOVED", |event| match event {
                Event::DeviceTrayMoved(it) => Some((it.id.map(ToOwned::to_owned), it.tray_open)),
                _ => None,
            })
        };
        work.does(&BlockdevOpenTray { id: Some("cd"), ..BlockdevOpenTray::new() });
        assert_eq!(moved(&mut work), (Some("cd".to_owned()), true));
        work.does(&BlockdevInsertMedium::new("cd", "medium"));
        work.does(&BlockdevCloseTray { id: Some("cd"), ..BlockdevCloseTray::new() });
        assert_eq!(moved(&mut work), (Some("cd".to_owned()), false));
        work.ask(&QueryBlock::new(), |drives| {
            let drive = drives.iter().map(Result::unwrap).find(|drive| drive.qdev == Some("cd")).expect("the drive");
            assert_eq!((drive.removable, drive.tray_open), (true, Some(false)));
            assert_eq!(drive.inserted.expect("a medium").node_name, Some("medium"));
        });
        work.does(&Eject { id: Some("cd"), force: Some(true), ..Eject::new() });
        assert_eq!(moved(&mut work), (Some("cd".to_owned()), true));
        assert_eq!(work.refused(&BlockdevRemoveMedium::new("none")).class, "DeviceNotFound");
        work.finish();
    });
}

/// What a file's name may hold: quotes, backslashes, signs beyond ASCII and beyond 16 bits.
const AWKWARD: [&str; 4] = [
    "it's \"quoted\".raw",
    "back\\slash\\\\es\\\".raw",
    "ge\u{e4}ndert e\u{301} \u{20ac} \u{1f600}.raw",
    "a\u{1}b\tc\nd %s {}[],.raw",
];

#[test]
fn names_with_quotes_backslashes_and_beyond_ascii_come_back() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &SCSI);
        for (index, name) in AWKWARD.iter().enumerate() {
            let path = work.path(name);
            fs::write(&path, vec![index as u8; 512]).expect("a file");
            let (node, over, device) = (format!("f{index}"), format!("n{index}"), format!("d{index}"));
            work.does(&BlockdevAdd(file(&node, &path)));
            work.does(&BlockdevAdd(raw(&over, &node)));
            plug(&mut work, "scsi-hd", &device, Some(&over));
            work.ask(&QueryBlock::new(), |drives| {
                let drive = drives.iter().map(Result::unwrap).find(|it| it.qdev == Some(&device)).expect("the drive");
                let inserted = drive.inserted.expect("a medium");
                assert_eq!(inserted.file, path);
                assert_eq!(inserted.image.expect("an image").filename, path);
            });
        }
        // A bitmap's name is free, too.
        for name in AWKWARD {
            work.does(&BlockDirtyBitmapAdd::new("n0", name));
        }
        work.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("n0")).expect("the node");
            let mut bitmaps: Vec<&str> =
                node.dirty_bitmaps.expect("bitmaps").iter().map(|bitmap| bitmap.unwrap().name.unwrap()).collect();
            bitmaps.sort_by_key(|name| AWKWARD.iter().position(|it| it == name));
            assert_eq!(bitmaps, AWKWARD);
        });
        // And the image's own memory of what is behind it.
        let behind = work.path(AWKWARD[1]);
        let over = work.path("over.qcow2");
        work.does(&BlockdevSnapshotSync {
            node_name: Some("n1"),
            snapshot_node_name: Some("over"),
            ..BlockdevSnapshotSync::new(&over)
        });
        work.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("over")).expect("the node");
            assert_eq!(node.backing_file, Some(&*behind));
            assert_eq!(node.image.expect("an image").full_backing_filename, Some(&*behind));
        });
        let info = tool("qemu-img", &["info", "-U", "--output=json", &over], work.machine.folder());
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!(info["backing-filename"], behind);
        work.finish();
    });
}

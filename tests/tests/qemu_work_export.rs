//! Nodes of real machines as others read them: over NBD, by QEMU's tools and by a second QEMU.

use qmp_qapi::commands::{
    BlockDirtyBitmapAdd, BlockDirtyBitmapDisable, BlockExportAdd, BlockExportDel, BlockdevAdd, BlockdevMirror,
    NbdServerAdd, NbdServerRemove, NbdServerStart, NbdServerStop, QueryBlockExports, QueryNamedBlockNodes,
};
use qmp_qapi::types::{
    BlockDirtyBitmapOrStr, BlockExportOptions, BlockExportOptionsBranch, BlockExportOptionsNbd, BlockExportRemoveMode,
    BlockExportType, BlockdevOptions, BlockdevOptionsBranch, BlockdevOptionsNbd, MirrorSyncMode, SocketAddress,
    SocketAddressLegacy, UnixSocketAddress,
};
use qmp_qapi::{Event, List};
use qmp_tests::qemu;
use qmp_tests::work::{Work, tool};

/// Starts the NBD server, and gives its socket's path.
fn serve(work: &mut Work) -> String {
    let socket = work.path("nbd");
    let address = SocketAddressLegacy::Unix(UnixSocketAddress::new(&socket));
    work.does(&NbdServerStart { max_connections: Some(3), ..NbdServerStart::new(address) });
    socket
}

fn deleted(work: &mut Work, id: &str) {
    work.event("BLOCK_EXPORT_DELETED", |event| match event {
        Event::BlockExportDeleted(it) if it.id == id => Some(()),
        _ => None,
    });
}

#[test]
fn an_export_is_read_by_the_tools() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_qcow2("disk", None);
        work.io("disk", "write -P 9 0 192k");
        work.does(&BlockDirtyBitmapAdd { granularity: Some(65536), ..BlockDirtyBitmapAdd::new("disk", "since") });
        work.io("disk", "write -P 8 64k 64k");
        work.does(&BlockDirtyBitmapDisable::new("disk", "since"));
        let socket = serve(&mut work);
        let bitmaps = [BlockDirtyBitmapOrStr::Local("since")];
        let nbd = BlockExportOptionsNbd {
            name: Some("the disk"),
            description: Some("a \"described\" disk"),
            // A list since 5.2.
            bitmaps: Some(List::new(&bitmaps)),
            ..BlockExportOptionsNbd::new()
        };
        let options = BlockExportOptions::new("export", "disk", BlockExportOptionsBranch::Nbd(nbd));
        work.does(&BlockExportAdd(BlockExportOptions { writable: Some(false), ..options }));
        work.ask(&QueryBlockExports, |exports| {
            assert_eq!(exports.len(), 1);
            let it = exports.get(0).unwrap().unwrap();
            assert_eq!((it.id, it.node_name, it.r#type), ("export", "disk", BlockExportType::Nbd));
            assert!(!it.shutting_down);
        });

        let folder = work.machine.folder().to_owned();
        let listed = tool("qemu-nbd", &["--list", "--socket", &socket], &folder);
        for part in ["'the disk'", "a \"described\" disk", "size:  1048576", "qemu:dirty-bitmap:since"] {
            assert!(listed.contains(part), "{part}: {listed}");
        }
        let url = format!("nbd+unix:///the%20disk?socket={socket}");
        tool("qemu-img", &["convert", "-O", "raw", &url, "out.raw"], &folder);
        let out = work.content("out.raw");
        let expected = |at: usize| match at >> 16 {
            0 | 2 => 9,
            1 => 8,
            _ => 0,
        };
        assert!(out.len() == 1 << 20 && out.iter().enumerate().all(|(at, byte)| *byte == expected(at)));
        let options = format!(
            "driver=nbd,server.type=unix,server.path={socket},export=the disk,x-dirty-bitmap=qemu:dirty-bitmap:since"
        );
        let map = tool("qemu-img", &["map", "--output=json", "--image-opts", &options], &folder);
        let map: Vec<serde_json::Value> = serde_json::from_str(&map).expect("JSON");
        // What is dirty shows as no data.
        let dirty: Vec<_> = map.iter().filter(|it| it["data"] == false).map(|it| &it["start"]).collect();
        assert_eq!(dirty, [65536]);

        assert_eq!(work.refused(&BlockExportDel::new("none")).class, "GenericError");
        work.does(&BlockExportDel { mode: Some(BlockExportRemoveMode::Hard), ..BlockExportDel::new("export") });
        deleted(&mut work, "export");
        work.ask(&QueryBlockExports, |exports| assert!(exports.is_empty()));
        work.does(&NbdServerStop);
        work.finish();
    });
}

/// As it was done before 5.2, and can be still.
#[test]
fn a_node_is_exported_the_older_way() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.add_raw("disk");
        let socket = serve(&mut work);
        work.does(&NbdServerAdd { name: Some("old"), writable: Some(true), ..NbdServerAdd::new("disk") });
        let folder = work.machine.folder().to_owned();
        let url = format!("nbd+unix:///old?socket={socket}");
        tool("qemu-io", &["-f", "raw", "-c", "write -P 4 0 4k", &url], &folder);
        work.does(&NbdServerRemove { mode: Some(BlockExportRemoveMode::Safe), ..NbdServerRemove::new("old") });
        deleted(&mut work, "old");
        work.does(&NbdServerAdd::new("disk"));
        work.does(&NbdServerStop);
        deleted(&mut work, "disk");
        assert!(work.content("disk.raw")[..4096].iter().all(|byte| *byte == 4));
        work.finish();
    });
}

/// How a disk moves to another host: mirrored into what the QEMU there exports.
#[test]
fn a_disk_is_mirrored_into_a_second_qemu() {
    qemu::each(|qemu| {
        let mut there = Work::start(qemu, &[]);
        there.add_raw("disk");
        let socket = serve(&mut there);
        let nbd = BlockExportOptionsBranch::Nbd(BlockExportOptionsNbd::new());
        let options = BlockExportOptions::new("in", "disk", nbd);
        there.does(&BlockExportAdd(BlockExportOptions { writable: Some(true), ..options }));

        let mut here = Work::start(qemu, &[]);
        here.add_qcow2("disk", None);
        here.io("disk", "write -P 3 0 1M");
        let address = SocketAddress::Unix(UnixSocketAddress::new(&socket));
        let nbd = BlockdevOptionsNbd { export: Some("disk"), ..BlockdevOptionsNbd::new(address) };
        let options = BlockdevOptions::new(BlockdevOptionsBranch::Nbd(nbd));
        here.does(&BlockdevAdd(BlockdevOptions { node_name: Some("there"), ..options }));
        here.ask(&QueryNamedBlockNodes::new(), |nodes| {
            let node = nodes.iter().map(Result::unwrap).find(|node| node.node_name == Some("there")).expect("the node");
            assert_eq!((node.drv, node.image.expect("an image").virtual_size), ("nbd", 1 << 20));
        });
        here.does(&BlockdevMirror {
            job_id: Some("move"),
            ..BlockdevMirror::new("disk", "there", MirrorSyncMode::Full)
        });
        here.job_until("move", "ready");
        here.does(&qmp_qapi::commands::JobComplete::new("move"));
        here.job_until("move", "null");
        here.finish();
        there.does(&NbdServerStop);
        deleted(&mut there, "in");
        assert!(there.content("disk.raw").iter().all(|byte| *byte == 3));
        there.finish();
    });
}

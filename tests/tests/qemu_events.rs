//! Events of real machines, as many kinds as one can be brought to send: each is read as its type, and is what its release sends.
//!
//! [`Work`] looks at every event that comes; here is what makes them come. Those of jobs are in `qemu_work_jobs.rs`.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use qmp_qapi::commands::{
    BlockExportAdd, BlockExportDel, BlockSetWriteThreshold, BlockdevAdd, BlockdevBackup, BlockdevOpenTray, Cont,
    DeviceAdd, DeviceDel, DumpGuestMemory, Migrate, MigrateSetCapabilities, NbdServerStart, NbdServerStop, NetdevAdd,
    Stop, SystemPowerdown, SystemReset, SystemWakeup,
};
use qmp_qapi::types::{
    BlkdebugEvent, BlkdebugIOType, BlkdebugInjectErrorOptions, BlockExportOptions, BlockExportOptionsBranch,
    BlockExportOptionsNbd, BlockdevOptions, BlockdevOptionsBlkdebug, BlockdevOptionsBranch, BlockdevOptionsNull,
    BlockdevOptionsQuorum, BlockdevRef, DumpStatus, GuestPanicAction, IoOperationType, MigrationCapability,
    MigrationCapabilityStatus, MigrationStatus, MirrorSyncMode, Netdev, NetdevBranch, NetdevStreamOptions,
    QuorumOpType, ShutdownCause, SocketAddress, SocketAddressLegacy, UnixSocketAddress, WatchdogAction,
};
use qmp_qapi::{Event, List};
use qmp_tests::LIMIT;
use qmp_tests::qemu;
use qmp_tests::rom::{Out, rom};
use qmp_tests::work::Work;

/// Waits for an event of this form, and gives what is made of it.
macro_rules! wait {
    ($work:ident, $name:literal, $event:pat $(if $guard:expr)? => $made:expr) => {
        $work.event($name, |event| match event {
            $event $(if $guard)? => Some($made),
            _ => None,
        })
    };
    ($work:ident, $name:literal) => {
        $work.event($name, |event| (event.name() == $name).then_some(()))
    };
}

#[test]
fn a_guest_makes_itself_heard() {
    // Ports of the power management, once it has a place.
    const POWER: u16 = 0x600;
    const CONFIG: u32 = 0x8000_F800;
    const ENABLE: [Out; 4] = [
        Out::Long(0xCF8, CONFIG | 0x40),
        Out::Long(0xCFC, POWER as u32 | 1),
        Out::Long(0xCF8, CONFIG | 0x44),
        Out::Byte(0xCFC, 0x80),
    ];
    const ASLEEP: Out = Out::Word(POWER + 4, 0x2400);
    const OFF: Out = Out::Word(POWER + 4, 0x2000);
    let clock = [Out::Byte(0x70, 0), Out::Byte(0x71, 0x11)];
    let (crash_loaded, panicked) = (Out::Byte(0x505, 2), Out::Byte(0x505, 1));
    let watchdog = Out::Byte(0x443, 0xF);
    let reset = Out::Byte(0xCF9, 6);

    let mut first = vec![crash_loaded];
    first.extend(clock);
    first.extend([watchdog, panicked]);
    let (mut second, mut last) = (ENABLE.to_vec(), ENABLE.to_vec());
    second.push(ASLEEP);
    last.push(OFF);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rom");
    std::fs::write(&path, rom(&[&first, &second, &[reset], &last])).expect("a file");
    let path = path.to_str().expect("UTF-8");

    qemu::each(|qemu| {
        let devices = ["-device", "pvpanic", "-device", "ib700", "-watchdog-action", "none"];
        let mut arguments = vec!["-bios", path, "-no-shutdown"];
        arguments.extend(devices);
        let mut work = Work::start(qemu, &arguments);
        work.does(&Cont);
        wait!(work, "RESUME");
        // It says so, and goes on.
        wait!(work, "GUEST_CRASHLOADED", Event::GuestCrashloaded(it) => assert_eq!(it.action, GuestPanicAction::Run));
        wait!(work, "RTC_CHANGE", Event::RtcChange(it) => it.offset);
        wait!(work, "WATCHDOG", Event::Watchdog(it) => assert_eq!(it.action, WatchdogAction::None));
        // It stops.
        wait!(work, "GUEST_PANICKED", Event::GuestPanicked(it) => assert_eq!(it.action, GuestPanicAction::Pause));
        wait!(work, "STOP");
        work.does(&SystemReset);
        wait!(work, "RESET", Event::Reset(it) => assert_eq!(it.guest, Some(false)));
        work.does(&Cont);
        wait!(work, "RESUME");
        wait!(work, "SUSPEND");
        work.does(&SystemWakeup);
        wait!(work, "WAKEUP");
        wait!(work, "RESET", Event::Reset(it) if it.guest == Some(true) => {
            assert_eq!(it.reason, Some(ShutdownCause::GuestReset));
        });
        wait!(work, "SHUTDOWN", Event::Shutdown(it) => {
            assert_eq!((it.guest, it.reason), (Some(true), Some(ShutdownCause::GuestShutdown)));
        });
        wait!(work, "STOP");
        work.finish();
    });
}

#[test]
fn a_machine_is_stopped_reset_and_dumped() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-device", "qemu-xhci,id=usb", "-device", "ide-cd,id=cd"]);
        work.does(&Cont);
        wait!(work, "RESUME");
        work.does(&Stop);
        wait!(work, "STOP");
        work.does(&SystemReset);
        wait!(work, "RESET", Event::Reset(it) => {
            assert_eq!((it.guest, it.reason), (Some(false), Some(ShutdownCause::HostQmpSystemReset)));
        });
        work.does(&SystemPowerdown);
        wait!(work, "POWERDOWN");

        work.does(&DeviceAdd { bus: Some("usb.0"), id: Some("tablet"), ..DeviceAdd::new("usb-tablet") });
        work.does(&DeviceDel::new("tablet"));
        wait!(work, "DEVICE_DELETED", Event::DeviceDeleted(it) => {
            assert_eq!((it.device, it.path), (Some("tablet"), "/machine/peripheral/tablet"));
        });

        work.does(&BlockdevOpenTray { id: Some("cd"), ..BlockdevOpenTray::new() });
        wait!(work, "DEVICE_TRAY_MOVED", Event::DeviceTrayMoved(it) => {
            assert_eq!((it.id, it.tray_open), (Some("cd"), true));
        });

        let path = format!("file:{}", work.path("dump"));
        work.does(&DumpGuestMemory { detach: Some(true), ..DumpGuestMemory::new(false, &path) });
        wait!(work, "DUMP_COMPLETED", Event::DumpCompleted(it) => {
            assert_eq!((it.result.status, it.error), (DumpStatus::Completed, None));
            assert_eq!(it.result.completed, it.result.total);
        });

        let events = MigrationCapabilityStatus::new(MigrationCapability::Events, true);
        work.does(&MigrateSetCapabilities::new(List::new(&[events])));
        let uri = format!("exec:cat > {}", work.path("migration"));
        // 10.0 tells that the dump has ended before it has let go of it.
        work.does_when_over("dump-guest-memory in progress", &Migrate { uri: Some(&uri), ..Migrate::new() });
        wait!(work, "MIGRATION_PASS", Event::MigrationPass(it) => assert!(it.pass > 0));
        wait!(work, "MIGRATION", Event::Migration(it) if it.status == MigrationStatus::Completed => ());
        work.finish();
    });
}

#[test]
fn nodes_tell_of_trouble() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        let null = |name| {
            let options = BlockdevOptionsNull { size: Some(1 << 20), ..BlockdevOptionsNull::new() };
            BlockdevOptions { node_name: Some(name), ..BlockdevOptions::new(BlockdevOptionsBranch::NullCo(options)) }
        };
        work.does(&BlockdevAdd(null("disk")));
        work.does(&BlockSetWriteThreshold::new("disk", 4096));
        work.io("disk", "write 0 64k");
        wait!(work, "BLOCK_WRITE_THRESHOLD", Event::BlockWriteThreshold(it) => {
            assert_eq!((it.node_name, it.write_threshold), ("disk", 4096));
            assert!(it.amount_exceeded > 0);
        });

        // Of three disks with the same content two cannot be read.
        for name in ["one", "two", "three"] {
            work.add_raw(name);
            work.io(name, "write -P 1 0 64k");
        }
        work.add_raw("target");
        let errors = [BlkdebugInjectErrorOptions {
            iotype: Some(BlkdebugIOType::Read),
            errno: Some(5),
            ..BlkdebugInjectErrorOptions::new(BlkdebugEvent::None)
        }];
        for (name, image) in [("bad", "one"), ("worse", "two")] {
            let options = BlockdevOptionsBlkdebug {
                inject_error: Some(List::new(&errors)),
                ..BlockdevOptionsBlkdebug::new(BlockdevRef::Reference(image))
            };
            let driver = BlockdevOptionsBranch::Blkdebug(options);
            work.does(&BlockdevAdd(BlockdevOptions { node_name: Some(name), ..BlockdevOptions::new(driver) }));
        }
        let children = ["bad", "worse", "three"].map(BlockdevRef::Reference);
        let quorum = BlockdevOptionsBranch::Quorum(BlockdevOptionsQuorum::new(List::new(&children), 2));
        work.does(&BlockdevAdd(BlockdevOptions { node_name: Some("quorum"), ..BlockdevOptions::new(quorum) }));
        let backup = BlockdevBackup::new("quorum", MirrorSyncMode::Full, "target");
        work.does(&BlockdevBackup { job_id: Some("job"), ..backup });
        for node in ["bad", "worse"] {
            wait!(work, "QUORUM_REPORT_BAD", Event::QuorumReportBad(it) if it.node_name == node => {
                assert_eq!(it.r#type, Some(QuorumOpType::Read));
                assert!(it.error.is_some());
            });
        }
        wait!(work, "QUORUM_FAILURE", Event::QuorumFailure(it) => assert_eq!(it.reference, "quorum"));
        wait!(work, "BLOCK_JOB_ERROR", Event::BlockJobError(it) => {
            assert_eq!((it.device, it.operation), ("job", IoOperationType::Read));
        });
        wait!(work, "BLOCK_JOB_COMPLETED", Event::BlockJobCompleted(it) => assert!(it.error.is_some()));

        let path = work.path("nbd");
        work.does(&NbdServerStart::new(SocketAddressLegacy::Unix(UnixSocketAddress::new(&path))));
        let nbd = BlockExportOptionsBranch::Nbd(BlockExportOptionsNbd::new());
        work.does(&BlockExportAdd(BlockExportOptions::new("export", "disk", nbd)));
        work.does(&BlockExportDel::new("export"));
        wait!(work, "BLOCK_EXPORT_DELETED", Event::BlockExportDeleted(it) => assert_eq!(it.id, "export"));
        work.does(&NbdServerStop);
        work.finish();
    });
}

#[test]
fn connections_come_and_go() {
    qemu::each(|qemu| {
        // A Unix socket's path has 107 bytes, and the machine's folder is not known yet.
        let mut work = Work::start(qemu, &["-vnc", "unix:vnc"]);
        let mut screen = UnixStream::connect(work.path("vnc")).expect("a screen");
        screen.set_read_timeout(Some(LIMIT)).expect("a timeout");
        wait!(work, "VNC_CONNECTED", Event::VncConnected(it) => assert_eq!(it.server.family.name(), "unix"));
        let mut heard = [0; 12];
        screen.read_exact(&mut heard).expect("a version");
        screen.write_all(b"RFB 003.008\n").expect("it reads");
        screen.read_exact(&mut heard[..2]).expect("kinds of security");
        assert_eq!(heard[..2], [1, 1]);
        screen.write_all(&[1]).expect("it reads");
        screen.read_exact(&mut heard[..4]).expect("a result");
        screen.write_all(&[1]).expect("it reads");
        wait!(work, "VNC_INITIALIZED", Event::VncInitialized(it) => assert_eq!(it.client.x509_dname, None));
        drop(screen);
        wait!(work, "VNC_DISCONNECTED", Event::VncDisconnected(_) => ());

        if qemu.is_at_least(7, 2) {
            let path = work.path("net");
            let listener = UnixListener::bind(&path).expect("a socket");
            let address = SocketAddress::Unix(UnixSocketAddress::new(&path));
            let stream = NetdevBranch::Stream(NetdevStreamOptions::new(address));
            work.does(&NetdevAdd(Netdev::new("net0", stream)));
            let peer = listener.accept().expect("a connection");
            wait!(work, "NETDEV_STREAM_CONNECTED", Event::NetdevStreamConnected(it) => {
                let SocketAddress::Unix(address) = it.addr else { panic!("{:?}", it.addr) };
                assert_eq!((it.netdev_id, address.path), ("net0", &*path));
            });
            drop(peer);
            wait!(work, "NETDEV_STREAM_DISCONNECTED", Event::NetdevStreamDisconnected(it) => assert_eq!(it.netdev_id, "net0"));
        } else {
            println!("left out: QEMU {} has no netdev of kind stream", qemu.version);
        }
        work.finish();
    });
}

//! Migrations of real machines, to a file and into a second QEMU, by typed commands and events.

use std::io::Read;
use std::thread;

use qmp_qapi::commands::{
    Cont, Getfd, Migrate, MigrateCancel, MigrateContinue, MigrateIncoming, MigrateSetCapabilities,
    MigrateSetParameters, QueryMigrate, QueryMigrateCapabilities, QueryMigrateParameters, QueryStatus,
};
use qmp_qapi::types::{
    FileMigrationArgs, MigrationAddress, MigrationCapability, MigrationCapabilityStatus, MigrationChannel,
    MigrationChannelType, MigrationExecCommand, MigrationStatus, RunState, SocketAddress, UnixSocketAddress,
};
use qmp_qapi::{Event, List};
use qmp_tests::qemu::{self, Qemu};
use qmp_tests::wait_until;
use qmp_tests::work::Work;

/// Has a machine tell of its migration.
fn start(qemu: &Qemu, arguments: &[&str]) -> Work {
    let mut work = Work::start(qemu, arguments);
    let events = [MigrationCapabilityStatus::new(MigrationCapability::Events, true)];
    work.does(&MigrateSetCapabilities::new(List::new(&events)));
    work
}

/// The states that the migration goes through, up to `last`.
fn states(work: &mut Work, last: MigrationStatus<'_>) -> Vec<String> {
    let mut states: Vec<String> = Vec::new();
    while states.last().is_none_or(|state| state != last.name()) {
        states.push(work.event(&format!("{last} behind {states:?}"), |event| match event {
            Event::Migration(it) => Some(it.status.name().to_owned()),
            _ => None,
        }));
    }
    states
}

/// Waits until the machine is in `state`: it comes there a moment behind the event that the migration has completed.
fn is_in(work: &mut Work, state: RunState<'_>) {
    let running = state == RunState::Running;
    wait_until(state.name(), || work.ask(&QueryStatus, |it| it.status.name() == state.name() && it.running == running));
}

/// To a file, from which a second QEMU goes on.
#[test]
fn a_machine_is_saved_to_a_file_and_goes_on_from_it() {
    qemu::each(|qemu| {
        let mut here = start(qemu, &[]);
        let path = here.path("state");
        let save = format!("cat > {path}");
        let load = format!("cat {path}");
        let words = ["/bin/sh", "-c", &save];
        let exec = MigrationAddress::Exec(MigrationExecCommand::new(List::new(&words)));
        let file = MigrationAddress::File(FileMigrationArgs::new(&path, 4096));
        let channel = |address| [MigrationChannel::new(MigrationChannelType::Main, address)];
        // Addresses since 8.2; files, too.
        let uri = format!("exec:{save}");
        if qemu.is_at_least(8, 2) {
            let channels = channel(file);
            here.does(&Migrate { channels: Some(List::new(&channels)), ..Migrate::new() });
        } else {
            println!("QEMU {}: no migration to a file but by exec", qemu.version);
            here.does(&Migrate { uri: Some(&uri), ..Migrate::new() });
        }
        let went = states(&mut here, MigrationStatus::Completed);
        assert!(went.contains(&"setup".to_owned()) && went.contains(&"active".to_owned()), "{went:?}");
        here.ask(&QueryMigrate, |info| {
            assert_eq!((info.status, info.error_desc), (Some(MigrationStatus::Completed), None));
            let ram = info.ram.expect("numbers of memory");
            assert!(ram.total >= 64 << 20 && ram.transferred > 0 && info.total_time.is_some());
        });
        is_in(&mut here, RunState::Postmigrate);

        let mut there = start(qemu, &["-incoming", "defer"]);
        is_in(&mut there, RunState::Inmigrate);
        let words = ["/bin/sh", "-c", &load];
        let uri = format!("exec:{load}");
        if qemu.is_at_least(8, 2) {
            let channels = channel(file);
            there.does(&MigrateIncoming { channels: Some(List::new(&channels)), ..MigrateIncoming::new() });
        } else {
            there.does(&MigrateIncoming { uri: Some(&uri), ..MigrateIncoming::new() });
        }
        states(&mut there, MigrationStatus::Completed);
        // As it was there.
        is_in(&mut there, RunState::Prelaunch);
        there.does(&Cont);
        is_in(&mut there, RunState::Running);
        // The same by a command.
        if qemu.is_at_least(8, 2) {
            let mut second = start(qemu, &[]);
            let channels = channel(exec);
            second.does(&Migrate { channels: Some(List::new(&channels)), ..Migrate::new() });
            states(&mut second, MigrationStatus::Completed);
            second.finish();
            let mut third = start(qemu, &["-incoming", "defer"]);
            let exec = MigrationAddress::Exec(MigrationExecCommand::new(List::new(&words)));
            let channels = channel(exec);
            third.does(&MigrateIncoming { channels: Some(List::new(&channels)), ..MigrateIncoming::new() });
            states(&mut third, MigrationStatus::Completed);
            third.finish();
        }
        here.finish();
        there.finish();
    });
}

/// A running machine, with all that can be set, held before the switch.
#[test]
fn a_running_machine_moves_into_a_second_qemu() {
    qemu::each(|qemu| {
        let mut there = start(qemu, &["-incoming", "defer"]);
        let mut here = start(qemu, &[]);
        here.does(&Cont);
        let capabilities = [
            MigrationCapabilityStatus::new(MigrationCapability::PauseBeforeSwitchover, true),
            MigrationCapabilityStatus::new(MigrationCapability::AutoConverge, true),
        ];
        here.does(&MigrateSetCapabilities::new(List::new(&capabilities)));
        here.ask(&QueryMigrateCapabilities, |all| {
            let on: Vec<&str> =
                all.iter().map(Result::unwrap).filter(|it| it.state).map(|it| it.capability.name()).collect();
            assert!(["events", "auto-converge", "pause-before-switchover"].iter().all(|it| on.contains(it)), "{on:?}");
            let unknown =
                all.iter().map(Result::unwrap).find(|it| matches!(it.capability, MigrationCapability::Other(_)));
            assert_eq!(unknown, None);
        });
        here.does(&MigrateSetParameters {
            max_bandwidth: Some(1 << 33),
            downtime_limit: Some(500),
            cpu_throttle_initial: Some(30),
            xbzrle_cache_size: Some(1 << 20),
            ..MigrateSetParameters::new()
        });
        here.ask(&QueryMigrateParameters, |it| {
            assert_eq!((it.max_bandwidth, it.downtime_limit), (Some(1 << 33), Some(500)));
            assert_eq!((it.cpu_throttle_initial, it.xbzrle_cache_size), (Some(30), Some(1 << 20)));
        });

        let socket = there.path("in");
        let uri = format!("unix:{socket}");
        let address = MigrationAddress::Socket(SocketAddress::Unix(UnixSocketAddress::new(&socket)));
        let channels = [MigrationChannel::new(MigrationChannelType::Main, address)];
        if qemu.is_at_least(8, 2) {
            there.does(&MigrateIncoming { channels: Some(List::new(&channels)), ..MigrateIncoming::new() });
            there.ask(&QueryMigrate, |info| {
                let addresses = info.socket_address.expect("where it listens");
                let SocketAddress::Unix(it) = addresses.get(0).unwrap().unwrap() else { panic!("{addresses:?}") };
                assert_eq!(it.path, socket);
            });
            here.does(&Migrate { channels: Some(List::new(&channels)), ..Migrate::new() });
        } else {
            println!("QEMU {}: addresses by uri", qemu.version);
            there.does(&MigrateIncoming { uri: Some(&uri), ..MigrateIncoming::new() });
            here.does(&Migrate { uri: Some(&uri), ..Migrate::new() });
        }
        let went = states(&mut here, MigrationStatus::PreSwitchover);
        println!("QEMU {}: {went:?}", qemu.version);
        here.event("MIGRATION_PASS", |event| matches!(event, Event::MigrationPass(it) if it.pass > 0).then_some(()));
        here.ask(&QueryMigrate, |info| assert_eq!(info.status, Some(MigrationStatus::PreSwitchover)));
        here.does(&MigrateContinue::new(MigrationStatus::PreSwitchover));
        let went = states(&mut here, MigrationStatus::Completed);
        assert_eq!(went.first().map(String::as_str), Some("device"));
        here.event("STOP", |event| matches!(event, Event::Stop(_)).then_some(()));
        assert_eq!(states(&mut there, MigrationStatus::Completed).last().map(String::as_str), Some("completed"));
        is_in(&mut here, RunState::Postmigrate);
        // The one there was started with -S.
        is_in(&mut there, RunState::Paused);
        there.does(&Cont);
        there.event("RESUME", |event| matches!(event, Event::Resume(_)).then_some(()));
        here.finish();
        there.finish();
    });
}

/// A migration goes to a descriptor that came with a command, and one that goes nowhere is cancelled or fails.
#[test]
fn a_migration_goes_to_a_descriptor_and_others_end_early() {
    qemu::each(|qemu| {
        let mut work = start(qemu, &[]);
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        work.ask_with_fd(&Getfd::new("state"), writer, |_| ());
        let read = thread::spawn(move || {
            let mut state = Vec::new();
            reader.read_to_end(&mut state).map(|_| state)
        });
        work.does(&Migrate { uri: Some("fd:state"), ..Migrate::new() });
        states(&mut work, MigrationStatus::Completed);
        assert!(read.join().expect("a thread").expect("a state").starts_with(b"QEVM"));
        work.finish();

        let mut work = start(qemu, &[]);
        let refused = Migrate { uri: Some("unix:/nowhere/at/all"), ..Migrate::new() };
        match work.monitor.send(&refused, |_| ()) {
            Ok(()) => {
                states(&mut work, MigrationStatus::Failed);
                work.ask(&QueryMigrate, |info| {
                    println!("QEMU {}: {:?}", qemu.version, info.error_desc);
                    assert_eq!(info.status, Some(MigrationStatus::Failed));
                });
            }
            Err(error) => println!("QEMU {}: refused at once: {error}", qemu.version),
        }
        work.finish();

        let mut slow = start(qemu, &[]);
        slow.does(&MigrateSetParameters { max_bandwidth: Some(4096), ..MigrateSetParameters::new() });
        slow.does(&Migrate { uri: Some("exec:cat > /dev/null"), ..Migrate::new() });
        slow.event("active", |event| match event {
            Event::Migration(it) if it.status == MigrationStatus::Active => Some(()),
            _ => None,
        });
        slow.ask(&QueryMigrate, |info| {
            let ram = info.ram.expect("numbers of memory");
            println!("QEMU {}: {} of {} bytes", qemu.version, ram.transferred, ram.total);
        });
        slow.does(&MigrateCancel);
        states(&mut slow, MigrationStatus::Cancelled);
        slow.finish();
    });
}

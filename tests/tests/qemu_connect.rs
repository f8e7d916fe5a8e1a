//! Connecting to real QEMUs: every kind of address that they offer, while they start, when they are stopped, and when they are gone.

use core::time::Duration;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use qmp_std::{Address, Error, Monitor, Notice, Options, Ticket};
use qmp_tests::process::Process;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::{LIMIT, QUIET, wait_until};
use rustix::process::Signal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tempfile::TempDir;

fn options() -> Options {
    Options::new().deadline(LIMIT).timeout(LIMIT)
}

#[derive(Deserialize)]
struct Chardev {
    label: String,
    filename: String,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

fn status(monitor: &mut Monitor) -> String {
    monitor.execute::<Status>("query-status", &()).expect("a status").status
}

/// Talks, hands a descriptor over where that can be, connects again, and talks.
fn check(qemu: &Qemu, mut monitor: Monitor, takes_descriptors: bool) {
    let version = monitor.server().version.expect("a version").to_string();
    assert_eq!(version, qemu.version);
    assert_eq!(status(&mut monitor), "prelaunch");
    let null = fs::File::open("/dev/null").expect("a file");
    match monitor.execute_with_fd::<IgnoredAny>("getfd", &serde_json::json!({"fdname": "null"}), null) {
        Ok(_) => assert!(takes_descriptors),
        Err(Error::Descriptor { .. }) => assert!(!takes_descriptors),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(status(&mut monitor), "prelaunch");
    let before = monitor.address().cloned();
    monitor.reconnect().unwrap_or_else(|error| panic!("again to {before:?}: {error}"));
    assert_eq!(monitor.address().cloned(), before);
    assert_eq!(status(&mut monitor), "prelaunch");
}

/// The path's socket, found at a path of 300 bytes too.
fn moved_far_away(socket: &Path) -> PathBuf {
    let mut far = socket.with_file_name("d".repeat(200));
    fs::create_dir(&far).expect("a folder");
    far.push("s".repeat(300 - far.as_os_str().len() - 1));
    fs::hard_link(socket, &far).expect("a link");
    assert_eq!(far.as_os_str().len(), 300);
    far
}

#[test]
fn every_kind_of_address() {
    qemu::each(|qemu| {
        let name = format!("qmp-test-{}-{}", std::process::id(), qemu.version);
        let machine = Machine::with(
            qemu,
            false,
            &[
                &["-chardev", &format!("socket,id=abstract,path={name},abstract=on,server=on,wait=off")][..],
                &["-mon", "chardev=abstract,mode=control"],
                &[
                    "-chardev",
                    "socket,id=tcp,host=127.0.0.1,port=0,server=on,wait=off",
                    "-mon",
                    "chardev=tcp,mode=control",
                ],
                &["-chardev", "pty,id=pty", "-mon", "chardev=pty,mode=control"],
            ]
            .concat(),
        );
        let mut monitor = options().unix(machine.socket()).expect("a monitor");
        let chardevs: Vec<Chardev> = monitor.execute("query-chardev", &()).expect("chardevs");
        let filename = |label: &str| {
            let chardev = chardevs.iter().find(|chardev| chardev.label == label);
            chardev.unwrap_or_else(|| panic!("no {label}")).filename.as_str()
        };
        // disconnected:tcp:127.0.0.1:PORT,server=on
        let (_, port) = filename("tcp").split_once("127.0.0.1:").expect("a port");
        let port = port.split(',').next().expect("a port").to_owned();
        let terminal = filename("pty").strip_prefix("pty:").expect("a terminal").to_owned();
        check(qemu, monitor, true);

        let connect = |address: &str| {
            let address: Address = address.parse().expect("an address");
            options().connect(&address).unwrap_or_else(|error| panic!("QEMU {}: {error}", qemu.version))
        };
        let socket = machine.socket();
        check(qemu, connect(&format!("unix:{}", socket.display())), true);
        check(qemu, connect(moved_far_away(&socket).to_str().expect("UTF-8")), true);
        check(qemu, connect(&format!("@{name}")), true);
        check(qemu, connect(&format!("tcp::{port}")), false);
        check(qemu, connect(&format!("serial:{terminal}")), false);
    });
}

#[test]
fn what_is_open_already() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut monitor = options().fd(OwnedFd::from(machine.connect())).expect("a monitor");
        assert_eq!(status(&mut monitor), "prelaunch");
        drop(monitor);

        // By its number. It is still open when the monitor is gone, and QEMU serves the next client all the same.
        let stream = machine.connect();
        let mut monitor = options().inherited(stream.as_raw_fd()).expect("a monitor");
        assert_eq!(status(&mut monitor), "prelaunch");
        drop(monitor);
        let mut monitor = options().unix(machine.socket()).expect("a monitor");
        assert_eq!(status(&mut monitor), "prelaunch");
        drop(stream);
    });
}

fn headless(qemu: &Qemu) -> Command {
    let mut command = Command::new(&qemu.path);
    command.args(["-M", "none", "-display", "none", "-S"]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_qemu_of_ones_own() {
    qemu::each(|qemu| {
        let (mut monitor, mut machine) = options().spawn(headless(qemu)).expect("a machine");
        assert_eq!(monitor.server().version.expect("a version").to_string(), qemu.version);
        let null = fs::File::open("/dev/null").expect("a file");
        let _: IgnoredAny =
            monitor.execute_with_fd("getfd", &serde_json::json!({"fdname": "null"}), null).expect("a descriptor gone");
        assert!(matches!(monitor.reconnect(), Err(Error::NoAddress)));
        assert_eq!(machine.wait_for(QUIET).expect("a process"), None);
        monitor.run("quit", &()).expect("quit");
        assert!(monitor.drain_to_end(Some(LIMIT)).expect("an end"));
        assert!(machine.wait_for(LIMIT).expect("a process").expect("an end").success());

        // In no good order: dropped, it is gone at once, whether its monitor is or not.
        let (mut monitor, machine) = options().spawn(headless(qemu)).expect("a machine");
        let id = machine.id();
        drop(machine);
        assert!(!Path::new("/proc").join(id.to_string()).exists());
        assert!(monitor.drain_to_end(Some(LIMIT)).expect("an end"));

        // Arguments that it does not take.
        let mut command = headless(qemu);
        command.arg("-no-such-option");
        let error = options().spawn(command).map(|_| ()).expect_err("no machine");
        assert!(matches!(error, Error::Exited { status, .. } if status.code() == Some(1)), "{error:?}");
    });
}

/// A QEMU that makes its socket itself, at a path that stays when it is gone.
struct Started {
    process: Process,
}

impl Started {
    fn at(qemu: &Qemu, socket: &Path) -> Self {
        let mut command = headless(qemu);
        command.args(["-qmp", &format!("unix:{},server=on,wait=off", socket.display())]);
        Self { process: Process::start(&mut command) }
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder in /tmp")
}

/// A machine that was started, and its monitor, which has begun to try when there was no machine yet.
///
/// QEMU 5.2 and 7.2 have a race while they start, by which they can abort (see [`Machine::with`]): those are started again.
fn started(qemu: &Qemu, socket: &Path) -> (Started, Monitor) {
    for _ in 0..5 {
        let monitor = thread::spawn({
            let socket = socket.to_owned();
            move || options().retry(true).unix(socket)
        });
        // The client has failed at least once by now; if not, it only is an easier test.
        thread::sleep(Duration::from_millis(30));
        let mut machine = Started::at(qemu, socket);
        let aborted = |machine: &mut Started| {
            let status = machine.process.try_wait().expect("a process");
            status.is_some_and(|status| status.signal().is_some())
        };
        wait_until("a monitor or an abort", || monitor.is_finished() || aborted(&mut machine));
        if !aborted(&mut machine) {
            let monitor =
                monitor.join().expect("a thread").unwrap_or_else(|error| panic!("QEMU {}: {error}", qemu.version));
            return (machine, monitor);
        }
        println!("QEMU {} aborted while it started", qemu.version);
        let _ = fs::remove_file(socket);
    }
    panic!("QEMU {} does not come up", qemu.version)
}

#[test]
fn while_qemu_starts() {
    qemu::each(|qemu| {
        let folder = folder();
        let (_machine, mut monitor) = started(qemu, &folder.path().join("q"));
        assert_eq!(status(&mut monitor), "prelaunch");
    });
}

#[test]
fn a_stopped_process_times_out_and_answers_late() {
    qemu::each(|qemu| {
        let folder = folder();
        let (machine, mut monitor) = started(qemu, &folder.path().join("q"));
        machine.process.stop();
        monitor.set_timeout(Some(QUIET));
        let pending: Vec<Ticket> = (0..2)
            .map(|_| match monitor.execute::<Status>("query-status", &()) {
                Err(Error::Timeout { ticket }) => ticket,
                other => panic!("{:?}", other.map(|status| status.status)),
            })
            .collect();
        let waited_for: Result<Status, Error> = monitor.wait(pending[0]);
        assert!(matches!(waited_for, Err(Error::Timeout { ticket }) if ticket == pending[0]));

        machine.process.go_on();
        monitor.set_timeout(Some(LIMIT));
        assert_eq!(monitor.wait::<Status>(pending[0]).expect("a late reply").status, "prelaunch");
        // One more, behind which the other has come.
        assert_eq!(status(&mut monitor), "prelaunch");
        let late = monitor.next_notice();
        assert!(matches!(&late, Some(Notice::Late { ticket, outcome: Ok(_) }) if *ticket == pending[1]), "{late:?}");
        assert_eq!(monitor.next_notice(), None);
    });
}

#[test]
fn a_killed_process_leaves_outcomes_unknown_and_another_takes_its_place() {
    qemu::each(|qemu| {
        let folder = folder();
        let socket = folder.path().join("q");
        let (machine, monitor) = started(qemu, &socket);
        let mut monitor = monitor;
        machine.process.stop();
        let tickets: Vec<Ticket> = (0..8).map(|_| monitor.submit("cont", &()).expect("a ticket")).collect();
        drop(machine);
        for ticket in tickets {
            assert!(matches!(monitor.wait::<IgnoredAny>(ticket), Err(Error::OutcomeUnknown { .. })));
        }
        assert!(matches!(monitor.run("cont", &()), Err(Error::Closed { .. })));
        // It left its socket behind.
        assert!(socket.exists());

        let again = thread::spawn(move || {
            let outcome = monitor.reconnect();
            (monitor, outcome)
        });
        let mut machine = Started::at(qemu, &socket);
        let (mut monitor, outcome) = again.join().expect("a thread");
        if outcome.is_err() && machine.process.has_ended() {
            println!("QEMU {} ended while it started; once more", qemu.version);
            machine = Started::at(qemu, &socket);
            monitor.reconnect().expect("a monitor");
        } else {
            outcome.unwrap_or_else(|error| panic!("QEMU {}: {error}", qemu.version));
        }
        // Had one `cont` been sent again, it would run.
        assert_eq!(status(&mut monitor), "prelaunch");
        assert_eq!(monitor.next_event(Some(Duration::ZERO)).expect("a connection"), None);
        drop(machine);
    });
}

#[test]
fn a_terminated_process_says_so_and_ends_each_command_once() {
    qemu::each(|qemu| {
        let ended = (0..5).any(|_| terminated_process_ends(qemu));
        assert!(ended, "QEMU {} does not end", qemu.version);
    });
}

/// Tells QEMU to end while it has commands to execute, and looks how they end. Whether QEMU does: 7.2 can wait for itself for ever then,
/// its monitors deaf already, and has to be killed.
fn terminated_process_ends(qemu: &Qemu) -> bool {
    let folder = folder();
    let (mut machine, mut monitor) = started(qemu, &folder.path().join("q"));
    machine.process.stop();
    let tickets: Vec<Ticket> = (0..3).map(|_| monitor.submit("query-status", &()).expect("a ticket")).collect();
    machine.process.signal(Signal::TERM);
    machine.process.go_on();
    let (mut answered, mut hung) = (0, false);
    monitor.set_timeout(Some(LIMIT / 2));
    for ticket in tickets {
        let mut outcome = monitor.wait::<IgnoredAny>(ticket);
        if matches!(outcome, Err(Error::Timeout { .. })) {
            assert!(!machine.process.has_ended(), "its end would have been seen");
            println!("QEMU {} hangs while it ends, and is killed", qemu.version);
            hung = true;
            machine.process.kill();
            outcome = monitor.wait(ticket);
        }
        match outcome {
            Ok(_) => answered += 1,
            Err(Error::OutcomeUnknown { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(matches!(monitor.wait::<IgnoredAny>(ticket), Err(Error::Misuse(_))), "it ended once");
    }
    println!("QEMU {}: {answered} of 3 were answered", qemu.version);
    if !hung {
        let event = monitor.wait_event(&["SHUTDOWN"], Some(LIMIT)).expect("an event").expect("in time");
        assert!(event.data.expect("data").contains("host-signal"));
        assert!(monitor.drain_to_end(Some(LIMIT)).expect("an end"));
        machine.process.ends();
    }
    !hung
}

#[test]
fn events_keep_their_order_across_connections() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut monitor = options().unix(machine.socket()).expect("a monitor");
        monitor.run("cont", &()).expect("it runs");
        monitor.reconnect().expect("a monitor");
        monitor.run("stop", &()).expect("it stops");
        for name in ["RESUME", "STOP"] {
            let event = monitor.next_event(Some(LIMIT)).expect("a connection").expect("an event");
            assert_eq!(event.name, name);
        }
    });
}

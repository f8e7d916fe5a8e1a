//! Faults, injected: real QEMUs over lines that break at each byte, guests that flood their monitor, and readers that do not read.
//!
//! What is stopped or killed is in `qemu_connect.rs` and `qemu_trouble.rs`.

use core::time::Duration;
use std::io::Write;
use std::time::Instant;

use qmp_std::{Error, Monitor, Options, Ticket};
use qmp_tests::cut::Line;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::rom::{Out, flood};
use qmp_tests::{LIMIT, QUIET, wait_until};
use serde::de::IgnoredAny;
use serde_json::Value;

fn options() -> Options {
    Options::new().deadline(LIMIT).timeout(LIMIT)
}

/// What is sent at once: one succeeds, one fails, two draw an event.
const COMMANDS: [&str; 4] = ["query-name", "no-such-command", "cont", "stop"];

/// The messages that came whole.
fn whole(passed: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(passed).into_iter().map_while(Result::ok).collect()
}

/// How a session over a line that breaks somewhere ends. Whether it came to its end before that.
fn session(monitor: &mut Monitor, line: &Line) -> bool {
    let connected = monitor.reconnect();
    // The connection before has ended by that.
    line.passed();
    let ready = connected.is_ok();
    if let Err(error) = connected {
        assert!(matches!(error, Error::Closed { .. } | Error::NotQmp { .. }), "{error:?}");
    }
    let mut tickets: Vec<Ticket> = Vec::new();
    if ready {
        for command in COMMANDS {
            match monitor.submit(command, &()) {
                Ok(ticket) => tickets.push(ticket),
                Err(Error::Closed { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    let mut answered = Vec::new();
    for ticket in &tickets {
        match monitor.wait::<IgnoredAny>(*ticket) {
            Ok(_) | Err(Error::Command(_)) => answered.push(u64::from(ticket.id())),
            Err(Error::OutcomeUnknown { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let again = monitor.wait::<IgnoredAny>(*ticket);
        assert!(matches!(again, Err(Error::Misuse(_))), "it ended once, and then by {again:?}");
    }
    let complete = answered.len() == COMMANDS.len();
    if !complete {
        // Nothing more can be sent, and that is told.
        assert!(!ready || matches!(monitor.run("cont", &()), Err(Error::Closed { .. } | Error::OutcomeUnknown { .. })));
    }
    let mut events = Vec::new();
    // What has come is given out, whatever became of the connection.
    while let Ok(Some(event)) = monitor.next_event(Some(Duration::ZERO)) {
        events.push(event.name);
    }
    if complete {
        return true;
    }

    // What came whole has come, and nothing else.
    let passed = whole(&line.passed());
    let names = passed.iter().filter_map(|message| message["event"].as_str());
    assert!(names.eq(events.iter().map(String::as_str)), "{events:?} of {passed:?}");
    let replies = passed.iter().filter(|message| message.get("QMP").is_none() && message.get("event").is_none());
    let ids: Vec<u64> = replies.filter_map(|reply| reply["id"].as_u64()).collect();
    // The negotiation's comes first.
    assert_eq!((ready, &*answered), (!ids.is_empty(), ids.get(1..).unwrap_or_default()), "{passed:?}");
    false
}

/// Has the line break behind each byte of one direction, and connects once more behind each break. Gives how often it broke.
fn breaks(qemu: &Qemu, direction: usize) -> usize {
    let machine = Machine::start(qemu);
    let line = Line::to(machine.socket(), machine.folder());
    let mut monitor = options().seed(1 << 20).unix(line.socket()).expect("a monitor");
    for at in 0..10_000 {
        let mut limits = [usize::MAX; 2];
        limits[direction] = at;
        line.breaks(limits[0], limits[1]);
        if session(&mut monitor, &line) {
            return at;
        }
        line.breaks(usize::MAX, usize::MAX);
        monitor.reconnect().unwrap_or_else(|error| panic!("behind a break at {at}: {error}"));
        monitor.run("query-name", &()).unwrap_or_else(|error| panic!("behind a break at {at}: {error}"));
    }
    panic!("it has no end")
}

#[test]
fn wherever_the_line_breaks_each_command_ends_once_and_the_next_connection_works() {
    qemu::each(|qemu| {
        let began = Instant::now();
        let counts = [0, 1].map(|direction| breaks(qemu, direction));
        println!(
            "QEMU {}: broken at each of {} bytes up and {} bytes down, {:.1?}",
            qemu.version,
            counts[0],
            counts[1],
            began.elapsed()
        );
        assert!(counts[0] > 150 && counts[1] > 400);
    });
}

/// As many events are asked for.
const EVENTS: u32 = 100_000;

/// A machine whose guest, once it runs, has an event sent so many times: that a kernel for crashes is loaded, it says. And how much memory
/// QEMU has had until then.
fn flooding(qemu: &Qemu) -> (Machine, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rom");
    std::fs::write(&path, flood(Out::Byte(0x505, 2), EVENTS)).expect("a file");
    let arguments = ["-M", "pc", "-nodefaults", "-device", "pvpanic", "-bios", path.to_str().expect("UTF-8")];
    let machine = Machine::with(qemu, false, &arguments);
    let peak = machine.peak_memory();
    (machine, peak)
}

#[test]
fn a_hundred_thousand_events_come_while_commands_run() {
    qemu::each(|qemu| {
        // Nobody reads: QEMU keeps them all.
        let (machine, before) = flooding(qemu);
        let mut stream = machine.connect();
        stream.write_all(b"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"cont\"}\n").expect("QEMU reads");
        wait_until("QEMU to fill", || machine.peak_memory() > before + (4 << 20));
        let unread = machine.peak_memory().saturating_sub(before);
        drop((stream, machine));

        let (machine, before) = flooding(qemu);
        let mut monitor = options().unix(machine.socket()).expect("a monitor");
        let began = Instant::now();
        monitor.run("cont", &()).expect("it runs");
        let (mut commands, mut came) = (0, 0);
        while came + monitor.events_lost() < u64::from(EVENTS) + 1 {
            assert!(began.elapsed() < LIMIT * 2, "{came} events and {} lost", monitor.events_lost());
            monitor.run("query-name", &()).expect("a name");
            commands += 1;
            while let Some(event) = monitor.next_event(Some(Duration::ZERO)).expect("a connection") {
                assert!(["RESUME", "GUEST_CRASHLOADED"].contains(&&*event.name), "{event:?}");
                came += 1;
            }
        }
        let took = began.elapsed();
        // There are no more of them.
        monitor.run("query-name", &()).expect("a name");
        assert_eq!(monitor.next_event(Some(QUIET)).expect("a connection"), None);
        let drained = machine.peak_memory().saturating_sub(before);
        println!(
            "QEMU {}: {came} events taken, {} dropped by our queue, {commands} commands, {took:.1?}; QEMU grew by {} KiB, unread by \
             {} KiB and more",
            qemu.version,
            monitor.events_lost(),
            drained >> 10,
            unread >> 10
        );
        assert!(commands > 10);
        assert!(drained < unread / 2, "{drained} {unread}");
    });
}

const SCHEMA: &str = "query-qmp-schema";

/// A machine that has shown its schema once, and how much memory QEMU has had until then.
fn shown(qemu: &Qemu) -> (Machine, usize) {
    let machine = Machine::start(qemu);
    options().unix(machine.socket()).and_then(|mut monitor| monitor.run(SCHEMA, &())).expect("a schema");
    let peak = machine.peak_memory();
    (machine, peak)
}

#[test]
fn a_client_that_reads_late_has_no_more_than_eight_replies_wait_in_qemu() {
    const TIMES: usize = 48;
    qemu::each(|qemu| {
        // Whoever asks without reading has QEMU keep all of it.
        let (machine, before) = shown(qemu);
        let mut stream = machine.connect();
        let asked = format!("{{\"execute\":\"{SCHEMA}\"}}\n").repeat(TIMES);
        stream.write_all(format!("{{\"execute\":\"qmp_capabilities\"}}\n{asked}").as_bytes()).expect("QEMU reads");
        wait_until("QEMU to fill", || machine.peak_memory() > before + (5 << 20));
        drop((stream, machine));

        let (machine, before) = shown(qemu);
        let mut monitor = options().unix(machine.socket()).expect("a monitor");
        let mut tickets: Vec<Ticket> = (0..8).map(|_| monitor.submit(SCHEMA, &()).expect("a place")).collect();
        // There is no place for a ninth one, and nobody reads.
        monitor.set_timeout(Some(Duration::ZERO));
        let mut refused = 0;
        while let Err(error) = monitor.submit(SCHEMA, &()).map(|ticket| tickets.push(ticket)) {
            assert!(matches!(error, Error::QueueFull), "{error}");
            refused += 1;
        }
        monitor.set_timeout(Some(LIMIT));
        let mut count = tickets.len();
        while let Some(ticket) = tickets.pop() {
            monitor.wait::<IgnoredAny>(ticket).expect("a schema");
            if count < TIMES {
                tickets.push(monitor.submit(SCHEMA, &()).expect("a place"));
                count += 1;
            }
        }
        let grown = machine.peak_memory().saturating_sub(before);
        println!("QEMU {}: {count} schemas, refused {refused} times; QEMU grew by {} KiB", qemu.version, grown >> 10);
        assert!(refused > 0 && grown < 4 << 20, "{refused} {grown}");
    });
}

//! The same with real QEMUs, whose line is good: a great many commands, eight at a time, and the memory that they take on both sides.

use alloc::collections::VecDeque;
use std::time::Instant;

use qmp_std::{Error, Options, Ticket};
use serde::de::IgnoredAny;

use crate::LIMIT;
use crate::process::memory;
use crate::qemu::{self, Machine};
use crate::random::Random;

/// What is executed, and whether it succeeds. Two draw an event.
const COMMANDS: [(&str, bool); 6] = [
    ("query-status", true),
    ("query-name", true),
    ("query-version", true),
    ("cont", true),
    ("stop", true),
    ("no-such-command", false),
];

/// Has each QEMU execute so many commands.
///
/// # Panics
/// If one does not end as it should.
pub fn run(commands: u64) {
    println!(
        "| QEMU | commands | commands/s | events | QEMU's peak KiB, early and late | resident KiB here |\n|---|---:|---:|---:|---:|---:|"
    );
    for qemu in qemu::all() {
        let machine = Machine::start(&qemu);
        let mut monitor = Options::new().deadline(LIMIT).timeout(LIMIT).unix(machine.socket()).expect("a monitor");
        let mut random = Random::seeded(commands);
        let mut in_flight = VecDeque::<(Ticket, bool)>::with_capacity(8);
        let (mut events, mut early) = (0_u64, 0);
        let began = Instant::now();
        for number in 0..commands + 8 {
            if in_flight.len() == 8 || number >= commands {
                let Some((ticket, succeeds)) = in_flight.pop_front() else { break };
                match monitor.wait::<IgnoredAny>(ticket) {
                    Ok(_) => assert!(succeeds),
                    Err(Error::Command(_)) => assert!(!succeeds),
                    Err(error) => panic!("{error}"),
                }
                assert!(matches!(monitor.wait::<IgnoredAny>(ticket), Err(Error::Misuse(_))), "it ended once");
            }
            if number < commands {
                let (name, succeeds) = COMMANDS[random.below(COMMANDS.len())];
                in_flight.push_back((monitor.submit(name, &()).expect("there is a place"), succeeds));
            }
            while monitor.next_event(Some(core::time::Duration::ZERO)).expect("a connection").is_some() {
                events += 1;
            }
            if number == commands / 10 {
                early = machine.peak_memory();
            }
        }
        assert!(in_flight.is_empty() && monitor.events_lost() == 0 && monitor.next_notice().is_none());
        let rate = commands as f64 / began.elapsed().as_secs_f64();
        let late = machine.peak_memory();
        let (early, late, here) = (early >> 10, late >> 10, memory() >> 10);
        println!("| {} | {commands} | {rate:.0} | {events} | {early}, {late} | {here} |", qemu.version);
    }
}

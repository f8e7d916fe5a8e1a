//! More events than anybody can keep: those that are kept take memory, the others are counted.

use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use peak_alloc::PeakAlloc;
use qmp_std::Options;
use qmp_tests::LIMIT;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn a_million_events_take_no_more_memory_than_those_that_are_kept() {
    const EVENTS: usize = 1_000_000;
    const KEPT: usize = 1024;
    const AT_ONCE: usize = 1000;
    const EVENT: &str = "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}\r\n";
    let (ours, mut theirs) = UnixStream::pair().expect("sockets");
    let peer = thread::spawn(move || {
        let mut commands = BufReader::new(theirs.try_clone().expect("a socket"));
        let mut line = String::new();
        theirs.write_all(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n").expect("it reads");
        for events in [0, EVENTS, 0] {
            line.clear();
            commands.read_line(&mut line).expect("a command");
            let some = EVENT.repeat(AT_ONCE);
            for _ in 0..events / AT_ONCE {
                theirs.write_all(some.as_bytes()).expect("it reads");
            }
            let (_, id) = line.rsplit_once("\"id\":").expect("an id");
            theirs.write_all(format!("{{\"return\": {{}}, \"id\": {id}").as_bytes()).expect("it reads");
        }
    });
    let mut monitor = Options::new().deadline(LIMIT).timeout(LIMIT).events(KEPT).over(ours).expect("a monitor");
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let began = Instant::now();
    monitor.run("flood", &()).expect("a reply behind them");
    let took = began.elapsed();
    let peak = MEMORY.peak_usage() - before;
    assert_eq!(monitor.events_lost(), (EVENTS - KEPT) as u64);
    let mut kept = 0;
    while monitor.next_event(Some(Duration::ZERO)).expect("a connection").is_some() {
        kept += 1;
    }
    assert_eq!(kept, KEPT);
    monitor.run("x", &()).expect("a reply");
    peer.join().expect("a peer");
    println!("{EVENTS} events in {took:.1?}, {KEPT} of them kept, in {peak} bytes at most");
    assert!(peak < 512 << 10, "{peak}");
}

//! Real QEMUs, one connection, 64 threads; and the same connection without blocking.

use core::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use qmp_qapi::Any;
use qmp_qapi::commands::{QomGet, QueryStatus, QueryVersion};
use qmp_std::{Error, Options, Wanted};
use qmp_tests::qemu::{self, Machine};
use qmp_tests::{LIMIT, wait_until};
use tokio::time::timeout;

const THREADS: u64 = 64;
const EACH: u64 = 25;

#[test]
fn sixty_four_threads_on_one_connection() {
    qemu::each(|qemu| {
        let mut machine = Machine::with(qemu, false, &[]);
        let monitor = Options::new().deadline(LIMIT).timeout(LIMIT).over(machine.connect()).expect("a monitor");
        let shared = monitor.share().expect("threads");
        let stops = shared.subscribe(Wanted::named(["STOP", "RESUME"]));
        let heard = AtomicU64::new(0);
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (shared, heard) = (shared.clone(), &heard);
                scope.spawn(move || {
                    for turn in 0..EACH {
                        // Each asks something else, so that a reply to another would be seen.
                        match (number + turn) % 4 {
                            0 => shared.send(&QueryStatus, |status| assert!(!status.running)).expect("a status"),
                            1 => {
                                let version = shared.send(&QueryVersion, |it| it.qemu.major).expect("a version");
                                assert!(version >= 5);
                            }
                            2 => {
                                let class = QomGet::new("/machine", "type");
                                shared.send(&class, |it| assert!(matches!(it, Any::Received(_)))).expect("a type");
                            }
                            _ => match shared.run(&format!("no-{number}-{turn}"), &()) {
                                Err(Error::Command(failure)) => {
                                    assert!(failure.desc.contains(&format!("no-{number}-{turn}")), "{failure}");
                                }
                                other => panic!("{other:?}"),
                            },
                        }
                        heard.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!((heard.into_inner(), shared.next_notice()), (THREADS * EACH, None));
        shared.run("cont", &()).expect("it runs");
        assert_eq!(stops.next_within(Some(LIMIT)).expect("open").expect("an event").name, "RESUME");

        // QEMU is killed while commands are under way: each ends.
        let (ready, outcomes) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let (shared, ready, outcomes) = (shared.clone(), &ready, &outcomes);
                scope.spawn(move || {
                    loop {
                        match shared.run("query-status", &()) {
                            Ok(()) => _ = ready.fetch_add(1, Ordering::Relaxed),
                            Err(Error::OutcomeUnknown { .. } | Error::Closed { .. }) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    outcomes.fetch_add(1, Ordering::Relaxed);
                });
            }
            wait_until("commands under way", || ready.load(Ordering::Relaxed) > 2 * THREADS);
            machine.kill();
        });
        assert_eq!(outcomes.into_inner(), THREADS);
        assert!(stops.count() <= 1);
    });
}

#[test]
fn without_blocking() {
    qemu::each(|qemu| {
        let machine = Machine::with(qemu, false, &[]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let options = Options::new().deadline(LIMIT).oob(true);
            let mut monitor = options.unix_tokio(machine.socket()).await.expect("a monitor");
            assert_eq!(monitor.server().version.expect("a version").to_string(), qemu.version);
            let watch = monitor.arm(Wanted::named(["RESUME"])).expect("open");
            let running = async {
                monitor.run("cont", &()).await?;
                let event = monitor.next_of(&watch).await?;
                assert_eq!(event.name, "RESUME");
                let tickets = [monitor.submit("stop", &()).await?, monitor.submit("query-status", &()).await?];
                let status = monitor.wait_raw(tickets[1]).await?;
                monitor.wait_raw(tickets[0]).await?;
                let schema = monitor.execute_raw("query-qmp-schema", None).await?;
                monitor.run("quit", &()).await?;
                monitor.drain_to_end().await?;
                Ok::<_, Error>((status, schema.len()))
            };
            let (status, length) = timeout(LIMIT, running).await.expect("in time").expect("a session");
            assert!(status.contains("paused") && length > 100_000, "{status}, {length}");
        });
    });
}

//! One monitor, many threads.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use common::{BRIEF, Peer, SOON, monitor, options, peer};
use qmp_std::{Error, Notice, Shared, Stream, Wanted};

fn shared<T: Send + 'static>(script: impl FnOnce(&mut Peer) -> T + Send + 'static) -> (Shared, thread::JoinHandle<T>) {
    let (monitor, peer) = monitor(script);
    (monitor.share().unwrap(), peer)
}

#[test]
fn each_thread_gets_its_own_reply() {
    const THREADS: u64 = 64;
    const EACH: u64 = 20;
    let (shared, peer) = shared(|peer| {
        let argument = |line: &str| line.split_once("\"n\":").unwrap().1.split('}').next().unwrap().to_owned();
        // As many as QEMU queues; the ninth has to wait.
        let first: Vec<_> = (0..8).map(|_| peer.command()).collect();
        peer.quiet();
        for (line, id) in first.iter().rev() {
            peer.event("E", "{}");
            peer.returns(*id, &argument(line));
        }
        for _ in 8..THREADS * EACH {
            let (line, id) = peer.command();
            peer.event("E", "{}");
            peer.returns(id, &argument(&line));
        }
        peer.gone();
    });
    let events = shared.subscribe(Wanted::all().at_most(2000));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let shared = shared.clone();
            scope.spawn(move || {
                for number in 0..EACH {
                    let own = thread * 1000 + number;
                    let returned = shared.execute_raw("x", Some(&format!("{{\"n\":{own}}}"))).unwrap();
                    assert_eq!(returned, own.to_string());
                }
            });
        }
    });
    drop(shared);
    peer.join().unwrap();
    assert_eq!(events.count() as u64, THREADS * EACH);
}

#[test]
fn events_go_to_each_who_wants_them() {
    let (go, went) = mpsc::channel();
    let (shared, _peer) = shared(move |peer| {
        went.recv().unwrap();
        for number in 0..5 {
            peer.event(if number % 2 == 0 { "EVEN" } else { "ODD" }, &format!("{{\"number\": {number}}}"));
        }
        peer.gone();
    });
    let all = shared.subscribe(Wanted::all());
    let last = shared.subscribe(Wanted::all().at_most(1));
    let odd = shared.subscribe(Wanted::named(["ODD"]));
    let three = shared.subscribe(Wanted::named(["ODD"]).that(|event| event.data.as_deref() == Some("{\"number\": 3}")));
    let (told, heard) = mpsc::channel();
    let callback = shared.on_event(Wanted::named(["EVEN"]), move |event| told.send(event.data).unwrap());
    drop(shared.subscribe(Wanted::all()));
    assert_eq!(all.next_within(Some(Duration::ZERO)).unwrap(), None);
    go.send(()).unwrap();
    let next = |subscription: &qmp_std::Subscription| subscription.next_within(Some(SOON)).unwrap().unwrap();
    let numbers: Vec<_> = (0..5).map(|_| next(&all).data.unwrap()).collect();
    assert_eq!(numbers, (0..5).map(|number| format!("{{\"number\": {number}}}")).collect::<Vec<_>>());
    assert_eq!((0..2).map(|_| next(&odd).name).collect::<Vec<_>>(), ["ODD", "ODD"]);
    assert_eq!(next(&three).data.as_deref(), Some("{\"number\": 3}"));
    for number in [0, 2, 4] {
        assert_eq!(heard.recv_timeout(SOON).unwrap(), Some(format!("{{\"number\": {number}}}")));
    }
    assert_eq!((next(&last).data.as_deref(), last.lost()), (Some("{\"number\": 4}"), 4));
    // Nothing of it is there twice, and none of it is held back by who is gone.
    assert_eq!(odd.next_within(Some(Duration::ZERO)).unwrap(), None);
    drop(callback);
    drop(shared);
    let closed = all.next_within(Some(SOON));
    assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
    assert_eq!(odd.count(), 0);
}

#[test]
fn a_timeout_ends_one_call_and_no_other() {
    let (go, went) = mpsc::channel();
    let (mut shared, _peer) = shared(move |peer| {
        let (_, slow) = peer.command();
        peer.answer("\"quick\"");
        went.recv().unwrap();
        peer.returns(slow, "\"late\"");
        let (_, slow) = peer.command();
        went.recv().unwrap();
        peer.returns(slow, "\"in the end\"");
        peer.gone();
    });
    let patient = shared.clone();
    shared.set_timeout(Some(BRIEF));
    let ticket = match shared.execute_raw("slow", None) {
        Err(Error::Timeout { ticket }) => ticket,
        other => panic!("{other:?}"),
    };
    assert_eq!(patient.execute_raw("x", None).unwrap(), "\"quick\"");
    assert!(matches!(shared.wait::<String>(ticket), Err(Error::Timeout { .. })));
    go.send(()).unwrap();
    assert_eq!(patient.wait::<String>(ticket).unwrap(), "late");
    assert!(matches!(patient.wait::<String>(ticket), Err(Error::Misuse(_))));
    // Another thread waits for it.
    let ticket = shared.submit("slow", &()).unwrap();
    let waiter = thread::spawn(move || patient.wait::<String>(ticket));
    go.send(()).unwrap();
    assert_eq!(waiter.join().unwrap().unwrap(), "in the end");
    assert_eq!(shared.next_notice(), None::<Notice>);
}

#[test]
fn a_full_queue_is_waited_for_until_time_is_up() {
    let (go, went) = mpsc::channel();
    let (mut shared, _peer) = shared(move |peer| {
        let ids: Vec<_> = (0..8).map(|_| peer.command().1).collect();
        went.recv().unwrap();
        ids.into_iter().for_each(|id| peer.returns(id, "{}"));
        peer.answer("{}");
        peer.gone();
    });
    let tickets: Vec<_> = (0..8).map(|_| shared.submit("x", &()).unwrap()).collect();
    let patient = shared.clone();
    shared.set_timeout(Some(BRIEF));
    assert!(matches!(shared.submit("x", &()), Err(Error::QueueFull)));
    let ninth = thread::spawn(move || patient.execute_raw("x", None));
    go.send(()).unwrap();
    assert_eq!(ninth.join().unwrap().unwrap(), "{}");
    shared.set_timeout(Some(SOON));
    for ticket in tickets {
        shared.wait::<serde::de::IgnoredAny>(ticket).unwrap();
    }
}

#[test]
fn a_connection_lost_is_told_to_each_thread() {
    let (shared, peer) = shared(|peer| (0..8).map(|_| peer.command().1).collect::<BTreeSet<_>>().len());
    let start = Arc::new(Barrier::new(12));
    let outcomes = Mutex::new((0, 0));
    thread::scope(|scope| {
        for _ in 0..12 {
            let (shared, start, outcomes) = (shared.clone(), Arc::clone(&start), &outcomes);
            scope.spawn(move || {
                start.wait();
                match shared.run("x", &()) {
                    Err(Error::OutcomeUnknown { .. }) => outcomes.lock().unwrap().0 += 1,
                    // Four waited for a place.
                    Err(Error::Closed { .. }) => outcomes.lock().unwrap().1 += 1,
                    other => panic!("{other:?}"),
                }
            });
        }
    });
    assert_eq!((*outcomes.lock().unwrap(), peer.join().unwrap()), ((8, 4), 8));
    assert!(matches!(shared.run("x", &()), Err(Error::Closed { .. })));
    assert!(matches!(shared.subscribe(Wanted::all()).next_within(None), Err(Error::Closed { .. })));
}

#[test]
fn a_callback_that_panics_ends_the_connection() {
    let (shared, peer) = shared(|peer| {
        let (_, id) = peer.command();
        peer.event("E", "{}");
        peer.gone();
        id
    });
    let _callback = shared.on_event(Wanted::all(), |_| panic!("on purpose"));
    match shared.run("x", &()) {
        Err(Error::OutcomeUnknown { source }) => assert!(source.unwrap().to_string().contains("panicked")),
        other => panic!("{other:?}"),
    }
    peer.join().unwrap();
}

#[test]
fn the_last_handle_closes() {
    let (shared, peer) = shared(|peer| {
        peer.answer("{}");
        peer.gone();
    });
    let other = shared.clone();
    let events = shared.subscribe(Wanted::all());
    drop(shared);
    other.run("x", &()).unwrap();
    drop(other);
    peer.join().unwrap();
    assert!(matches!(events.next_within(Some(SOON)), Err(Error::Closed { source: None })));
}

/// A stream that breaks as a device does, not as a peer that leaves.
struct Breaking(UnixStream);

impl Stream for Breaking {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        match Stream::receive(&mut self.0, space, timeout) {
            Ok(count) if space.get(..count).is_some_and(|came| came.contains(&b'!')) => {
                Err(io::Error::other("it broke"))
            }
            outcome => outcome,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Stream::send(&mut self.0, bytes)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Stream::wait(&mut self.0, timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        Stream::close(&mut self.0)
    }
}

#[test]
fn why_the_connection_ended_is_told_to_who_waits() {
    // Who waits may be quicker than who tells.
    for _ in 0..100 {
        let (stream, peer) = peer(|peer| {
            peer.welcome();
            peer.command();
            peer.send("!");
            peer.gone();
        });
        let shared = options().over(Breaking(stream)).unwrap().share().unwrap();
        match shared.run("x", &()) {
            Err(Error::OutcomeUnknown { source: Some(source) }) => assert_eq!(source.to_string(), "it broke"),
            other => panic!("{other:?}"),
        }
        peer.join().unwrap();
    }
}

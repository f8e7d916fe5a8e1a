//! A loop of the caller's own: it polls, and asks for what has arrived.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use common::{SOON, monitor, peer};
use qmp_std::{Error, Monitor, OwnedEvent, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits as such a loop does, and receives.
fn step(monitor: &mut Monitor, events: &mut Vec<String>) -> Result<(), Error> {
    let wanted = if monitor.wants_write() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
    let mut fds = [PollFd::from_borrowed_fd(monitor.poll_fd().unwrap(), wanted)];
    let soon = Timespec::try_from(SOON).unwrap();
    assert_ne!(poll(&mut fds, Some(&soon)).unwrap(), 0, "nothing came");
    while let Some(OwnedEvent { name, .. }) = monitor.next_event(Some(Duration::ZERO))? {
        events.push(name);
    }
    Ok(())
}

#[test]
fn replies_and_events_as_they_come() {
    let (mut monitor, peer) = monitor(|peer| {
        let (_, first) = peer.command();
        let (_, second) = peer.command();
        peer.event("STOP", "{}");
        peer.returns(first, "[1]");
        peer.send(&format!("{{\"error\": {{\"class\": \"C\", \"desc\": \"d\"}}, \"id\": {second}}}\r\n"));
        // The third is received, and never answered.
        peer.command();
    });
    monitor.set_timeout(Some(Duration::ZERO));
    let first = monitor.submit_raw("stop", None).unwrap();
    let second = monitor.submit_raw("cont", Some("{}")).unwrap();
    assert!(matches!(monitor.arrived_raw(first), Ok(None)), "it does not receive");
    let (mut events, mut outcomes) = (Vec::new(), Vec::new());
    while outcomes.len() < 2 {
        step(&mut monitor, &mut events).unwrap();
        for ticket in [first, second].into_iter().skip(outcomes.len()) {
            match monitor.arrived_raw(ticket) {
                Ok(None) => break,
                outcome => outcomes.push(outcome.map(Option::unwrap)),
            }
        }
    }
    assert_eq!(events, ["STOP"]);
    assert!(matches!(&outcomes[0], Ok(json) if json == "[1]"), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Err(Error::Command(failure)) if failure.class == "C"), "{outcomes:?}");
    assert!(matches!(monitor.arrived_raw(first), Err(Error::Misuse(_))), "given out already");

    let third = monitor.submit_raw("stop", None).unwrap();
    let end = loop {
        if let Err(end) = step(&mut monitor, &mut events) {
            break end;
        }
    };
    assert!(matches!(end, Error::Closed { source: None }), "{end:?}");
    assert!(matches!(monitor.arrived_raw(third), Err(Error::OutcomeUnknown { .. })));
    peer.join().unwrap();
}

/// One whose time was up is pending all the same, until the connection ends.
#[test]
fn overdue_ones_arrive_late_or_are_lost() {
    let (mut monitor, peer) = monitor(|peer| {
        let (_, first) = peer.command();
        peer.command();
        // A command that is answered at once, so that the others are overdue by then.
        let (_, now) = peer.command();
        peer.returns(now, "{}");
        peer.returns(first, "\"late\"");
    });
    monitor.set_timeout(Some(Duration::ZERO));
    let [first, second] = [(); 2].map(|()| match monitor.execute_raw("stop", None) {
        Err(Error::Timeout { ticket }) => ticket,
        outcome => panic!("{outcome:?}"),
    });
    assert!(matches!(monitor.arrived_raw(first), Ok(None)));
    monitor.set_timeout(Some(SOON));
    monitor.run("cont", &()).unwrap();
    let mut events = Vec::new();
    let late = loop {
        let ended = step(&mut monitor, &mut events).is_err();
        match monitor.arrived_raw(first) {
            Ok(None) if !ended => {}
            outcome => break outcome,
        }
    };
    assert!(matches!(&late, Ok(Some(json)) if json == "\"late\""), "{late:?}");
    while step(&mut monitor, &mut events).is_ok() {}
    assert!(matches!(monitor.arrived_raw(second), Err(Error::OutcomeUnknown { .. })));
    peer.join().unwrap();
}

/// More than a socket takes at once: the rest goes when the peer reads.
#[test]
fn what_could_not_go_goes_later() {
    let (mut monitor, peer) = monitor(|peer| {
        let (line, id) = peer.command();
        peer.returns(id, &line.len().to_string());
        peer.gone();
    });
    monitor.set_timeout(Some(Duration::ZERO));
    let arguments = format!("{{\"a\":\"{}\"}}", "x".repeat(8 << 20));
    let ticket = monitor.submit_raw("x", Some(&arguments)).unwrap();
    assert!(monitor.wants_write(), "eight megabytes do not fit");
    let length = loop {
        step(&mut monitor, &mut Vec::new()).unwrap();
        if let Some(length) = monitor.arrived_raw(ticket).unwrap() {
            break length;
        }
    };
    assert!(!monitor.wants_write());
    assert!(length.parse::<usize>().unwrap() > 8 << 20);
    drop(monitor);
    peer.join().unwrap();
}

#[test]
fn what_is_polled_is_the_socket() {
    let (stream, peer) = peer(|_| {});
    assert_eq!(stream.poll_fd().unwrap().as_raw_fd(), stream.as_fd().as_raw_fd());
    let number = stream.as_fd().as_raw_fd();
    let boxed: Box<dyn Stream> = Box::new(stream);
    assert_eq!(Stream::poll_fd(&boxed).unwrap().as_raw_fd(), number);
    peer.join().unwrap();
}

//! Events: kept, bounded, never in the way of replies.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::time::{Duration, Instant};

use common::{BRIEF, SOON, monitor, monitor_with, options};
use qmp_std::{Error, OwnedEvent, Timestamp, Wanted, Watch};
use serde::Deserialize;

#[derive(Deserialize, Debug, PartialEq)]
struct Data {
    number: u64,
}

#[test]
fn a_flood_does_not_hold_up_a_reply() {
    let (mut monitor, _peer) = monitor_with(&options().events(10), |peer| {
        let (_, id) = peer.command();
        for number in 0..1000 {
            peer.event("FLOOD", &format!("{{\"number\": {number}}}"));
        }
        peer.returns(id, "{}");
        peer.gone();
    });
    monitor.run("stop", &()).unwrap();
    assert_eq!(monitor.events_lost(), 990);
    for number in 990..1000 {
        let event = monitor.next_event(Some(Duration::ZERO)).unwrap().unwrap();
        assert_eq!(event.decode::<Data>().unwrap(), Data { number });
        assert_eq!(event.timestamp, Some(Timestamp { seconds: 1, microseconds: 2 }));
    }
    assert_eq!(monitor.next_event(Some(Duration::ZERO)).unwrap(), None);
}

/// RESUME comes before the reply to `cont`; who waits behind the command must find it.
#[test]
fn waiting_behind_the_command() {
    let (mut monitor, _peer) = monitor(|peer| {
        let (_, id) = peer.command();
        peer.event("NIC_RX_FILTER_CHANGED", "{}");
        peer.send("{\"event\": \"RESUME\", \"timestamp\": {\"seconds\": -1, \"microseconds\": -1}}\r\n");
        peer.returns(id, "{}");
        peer.event("STOP", "{\"a\\u0041\": \"\\n\"}");
        peer.gone();
    });
    monitor.run("cont", &()).unwrap();
    let resume = monitor.wait_event(&["RESUME", "WAKEUP"], Some(SOON)).unwrap().unwrap();
    assert_eq!((resume.data.as_deref(), resume.timestamp), (None, Some(Timestamp::UNKNOWN)));
    resume.decode::<()>().unwrap();
    let stop = monitor.wait_event(&["STOP"], Some(SOON)).unwrap().unwrap();
    assert_eq!(stop.data.as_deref(), Some("{\"a\\u0041\": \"\\n\"}"));
    assert!(matches!(stop.decode::<Data>(), Err(Error::Decode(_))));
    // The one that was not asked for is still there.
    assert_eq!(monitor.next_event(None).unwrap().unwrap().name, "NIC_RX_FILTER_CHANGED");
}

#[test]
fn waiting_in_vain() {
    let (mut monitor, _peer) = monitor(|peer| {
        peer.event("STOP", "{}");
        peer.gone();
    });
    let begun = Instant::now();
    assert_eq!(monitor.wait_event(&["RESUME"], Some(BRIEF)).unwrap(), None);
    assert!(begun.elapsed() >= BRIEF && begun.elapsed() < SOON);
    monitor.discard_events().unwrap();
    assert_eq!(monitor.next_event(Some(Duration::ZERO)).unwrap(), None);
}

/// However much has come, "what has come" is all of it.
#[test]
fn no_time_is_enough_for_what_is_there() {
    let (mut monitor, peer) = monitor(|peer| {
        let many = |number| format!("{{\"event\": \"MANY\", \"data\": {{\"number\": {number}}}}}\r\n");
        peer.send(&(0..500).map(many).collect::<String>());
        peer.event("LAST", "{}");
        // What is sent is not lost by leaving.
    });
    peer.join().unwrap();
    assert!(monitor.wait_event(&["LAST"], Some(Duration::ZERO)).unwrap().is_some());
    for number in 0..500 {
        let event = monitor.next_event(Some(Duration::ZERO)).unwrap().unwrap();
        assert_eq!(event.decode::<Data>().unwrap().number, number);
    }
    assert!(matches!(monitor.next_event(Some(Duration::ZERO)), Err(Error::Closed { .. })));
}

#[test]
fn none_are_kept_where_none_are_wanted() {
    let (mut monitor, _peer) = monitor_with(&options().events(0), |peer| {
        peer.event("STOP", "{}");
        peer.answer("{}");
        peer.event("RESUME", "{}");
        peer.gone();
    });
    monitor.run("cont", &()).unwrap();
    assert_eq!(monitor.events_lost(), 1);
    assert_eq!(monitor.next_event(Some(SOON)).unwrap().unwrap().name, "RESUME");
}

/// What is armed before the command is there behind it, whatever else comes, and nothing of before is.
#[test]
fn armed_before_the_command() {
    let (mut monitor, _peer) = monitor_with(&options().events(5), |peer| {
        peer.event("DONE", "{\"number\": 0}");
        peer.answer("{}");
        let (_, id) = peer.command();
        peer.event("DONE", "{\"number\": 1}");
        peer.event("DONE", "{\"number\": 2}");
        for number in 0..100 {
            peer.event("FLOOD", &format!("{{\"number\": {number}}}"));
        }
        peer.returns(id, "{}");
        peer.event("DONE", "{\"number\": 3}");
        peer.gone();
    });
    monitor.run("x", &()).unwrap();
    let number = |wanted: u64| move |event: &OwnedEvent| event.decode::<Data>().unwrap().number == wanted;
    let second = monitor.arm(Wanted::named(["DONE"]).that(number(2))).unwrap();
    let all = monitor.arm(Wanted::named(["DONE"])).unwrap();
    let last = monitor.arm(Wanted::named(["DONE"]).at_most(1)).unwrap();
    drop(monitor.arm(Wanted::all()).unwrap());
    monitor.run("x", &()).unwrap();
    assert_eq!((monitor.events_lost(), all.lost(), last.lost()), (98, 0, 1));
    let mut next =
        |watch: &Watch| monitor.next_of(watch, Some(SOON)).unwrap().unwrap().decode::<Data>().unwrap().number;
    assert_eq!(next(&second), 2);
    assert_eq!([next(&all), next(&all), next(&all)], [1, 2, 3]);
    assert_eq!((next(&last), last.lost()), (3, 2));
    assert_eq!(monitor.next_of(&second, Some(Duration::ZERO)).unwrap(), None);
    // They are among all others, too.
    let done = monitor.wait_event_that(number(3), Some(SOON)).unwrap().unwrap();
    assert_eq!(done.name, "DONE");
}

#[test]
fn events_one_after_the_other() {
    let (mut monitor, _peer) = monitor(|peer| {
        for name in ["A", "B", "C"] {
            peer.event(name, "{}");
        }
    });
    let names: Vec<_> = monitor.events().map(|event| event.unwrap().name).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(monitor.events().count(), 0);
}

//! Commands and what they come to.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{BRIEF, SOON, monitor, monitor_with, options, peer};
use qmp_std::qmp_core::command::Command;
use qmp_std::qmp_core::frame::Oversized;
use qmp_std::{Error, Notice, Stream};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct QueryStatus;

#[derive(Deserialize, Debug, PartialEq)]
struct StatusInfo<'a> {
    running: bool,
    status: &'a str,
}

impl Command for QueryStatus {
    const NAME: &'static str = "query-status";
    type Return<'a> = StatusInfo<'a>;
}

#[derive(Deserialize, Debug, PartialEq)]
struct Status {
    status: String,
}

#[test]
fn typed_by_serde_and_raw() {
    let (mut monitor, peer) = monitor(|peer| {
        let status = r#"{"running": true, "status": "run\u006Eing"}"#;
        (0..4)
            .map(|_| peer.answer(status))
            .map(|line| line.split_once(",\"id\"").unwrap().0.to_owned())
            .collect::<Vec<_>>()
    });
    let length = monitor.send(&QueryStatus, |status| {
        assert_eq!(status, StatusInfo { running: true, status: "running" });
        status.status.len()
    });
    assert_eq!(length.unwrap(), 7);
    let status: Status = monitor.execute("query-status", &()).unwrap();
    assert_eq!(status.status, "running");
    let raw = monitor.execute_raw("query-status", Some("{ \"x\": [1, \"a b\"] }")).unwrap();
    assert_eq!(raw, r#"{"running": true, "status": "run\u006Eing"}"#);
    monitor.run("query-status", &nested()).unwrap();
    assert_eq!(
        peer.join().unwrap(),
        [
            r#"{"execute":"query-status""#,
            r#"{"execute":"query-status""#,
            r#"{"execute":"query-status","arguments":{"x":[1,"a b"]}"#,
            r#"{"execute":"query-status","arguments":{"deep":{"a":1}}"#,
        ]
    );
}

fn nested() -> impl Serialize {
    #[derive(Serialize)]
    struct Arguments {
        deep: Deep,
    }
    #[derive(Serialize)]
    struct Deep {
        a: u8,
    }
    Arguments { deep: Deep { a: 1 } }
}

#[test]
fn failures_are_data() {
    let (mut monitor, _peer) = monitor(|peer| {
        let (_, id) = peer.command();
        peer.send(&format!("{{\"id\": {id}, \"error\": {{\"class\": \"DeviceNotFound\", \"desc\": \"gone\"}}}}\r\n"));
        peer.answer("{}");
        peer.answer("{\"status\": 1}");
        peer.answer("{}");
        peer.gone();
    });
    match monitor.run("device_del", &()) {
        Err(Error::Command(failure)) => {
            assert_eq!((&*failure.class, &*failure.desc), ("DeviceNotFound", "gone"));
        }
        other => panic!("{other:?}"),
    }
    // The type asked for does not fit.
    for _ in 0..2 {
        let outcome = monitor.execute::<Status>("query-status", &());
        assert!(matches!(outcome, Err(Error::Decode(_))), "{outcome:?}");
    }
    // The call was wrong.
    assert!(matches!(monitor.execute_raw("x", Some("[1]")), Err(Error::Misuse(_))));
    assert!(matches!(monitor.execute_raw("x", Some("{\"a\":")), Err(Error::Misuse(_))));
    assert!(matches!(monitor.run("x", &3), Err(Error::Misuse(_))));
    monitor.run("cont", &()).unwrap();
}

#[test]
fn pretty_and_in_pieces() {
    let (stream, _peer) = peer(|peer| {
        let mut slowly = |text: &str| text.chars().for_each(|char| peer.send(&char.to_string()));
        slowly(
            "{\r\n    \"QMP\": {\r\n        \"version\": {\r\n        },\r\n        \"capabilities\": [\r\n        ]\r\n    }\r\n}\r\n",
        );
        let (_, id) = peer.command();
        peer.send(&format!("{{\r\n    \"return\": {{\r\n    }},\r\n    \"id\": {id}\r\n}}\r\n"));
        let (_, id) = peer.command();
        peer.send(&format!(
            "{{\r\n    \"id\": {id},\r\n    \"return\": {{\r\n        \"status\": \"paused\"\r\n    }}\r\n}}\r\n"
        ));
        peer.gone();
    });
    let mut monitor = options().over(stream).unwrap();
    assert_eq!(monitor.server().version, None);
    assert_eq!(monitor.execute::<Status>("query-status", &()).unwrap().status, "paused");
}

#[test]
fn a_timeout_leaves_the_command_pending() {
    let (go, went) = mpsc::channel();
    let (mut monitor, _peer) = monitor(move |peer| {
        let slow = peer.command().1;
        let mut answer = |id| {
            went.recv().unwrap();
            peer.returns(id, "\"late\"");
        };
        answer(slow);
        let slower = peer.command().1;
        peer.answer("\"prompt\"");
        peer.returns(slower, "\"later\"");
        let slowest = peer.command().1;
        let count = peer.command().1;
        peer.returns(slowest, "\"latest\"");
        peer.returns(count, "1");
        peer.gone();
    });
    monitor.set_timeout(Some(BRIEF));
    let begun = Instant::now();
    let Err(Error::Timeout { ticket }) = monitor.execute::<String>("slow", &()) else { panic!() };
    assert!(begun.elapsed() >= BRIEF);
    assert!(matches!(monitor.wait::<String>(ticket), Err(Error::Timeout { .. })));
    // Waited for once more, it comes.
    go.send(()).unwrap();
    monitor.set_timeout(Some(SOON));
    assert_eq!(monitor.wait::<String>(ticket).unwrap(), "late");
    assert!(matches!(monitor.wait::<String>(ticket), Err(Error::Misuse(_))));

    // Not waited for, it is a notice.
    monitor.set_timeout(Some(Duration::ZERO));
    let Err(Error::Timeout { ticket }) = monitor.execute::<String>("slower", &()) else { panic!() };
    monitor.set_timeout(Some(SOON));
    assert_eq!(monitor.execute::<String>("prompt", &()).unwrap(), "prompt");
    monitor.set_timeout(Some(Duration::ZERO));
    let Err(Error::Timeout { ticket: latest }) = monitor.execute::<String>("slowest", &()) else { panic!() };
    monitor.set_timeout(Some(SOON));
    assert_eq!(monitor.execute::<u8>("count", &()).unwrap(), 1);
    assert_eq!(monitor.next_notice(), Some(Notice::Late { ticket, outcome: Ok("\"later\"".to_owned()) }));
    // Or it is given to who asks after all.
    assert_eq!(monitor.wait::<String>(latest).unwrap(), "latest");
    assert_eq!(monitor.next_notice(), None);
}

#[test]
fn a_late_reply_that_is_too_long_ends_the_wait() {
    let (go, went) = mpsc::channel();
    let (mut monitor, _peer) = monitor_with(&options().rx_limit(4096), move |peer| {
        let slow = [(); 3].map(|()| peer.command().1);
        went.recv().unwrap();
        for id in slow {
            peer.returns(id, &format!("\"{}\"", "x".repeat(5000)));
        }
        peer.answer("1");
        peer.gone();
    });
    monitor.set_timeout(Some(Duration::ZERO));
    let [first, second, third] = [(); 3].map(|()| match monitor.execute::<String>("slow", &()) {
        Err(Error::Timeout { ticket }) => ticket,
        other => panic!("{other:?}"),
    });
    go.send(()).unwrap();
    monitor.set_timeout(Some(SOON));
    assert!(matches!(monitor.wait::<String>(first), Err(Error::Oversize { .. })));
    assert!(matches!(monitor.wait::<String>(first), Err(Error::Misuse(_))));
    // What is received for another command stays for who asks, and is a notice else.
    assert_eq!(monitor.execute::<u8>("count", &()).unwrap(), 1);
    assert!(matches!(monitor.wait::<String>(third), Err(Error::Oversize { .. })));
    let notice = monitor.next_notice();
    assert!(matches!(notice, Some(Notice::Oversize { ticket: Some(of), .. }) if of == second), "{notice:?}");
    assert_eq!(monitor.next_notice(), None);
    assert!(matches!(monitor.wait::<String>(second), Err(Error::Misuse(_))));
}

#[test]
fn eight_and_more_in_flight() {
    let (mut monitor, _peer) = monitor(|peer| {
        let first: Vec<_> = (0..8).map(|_| peer.command().1).collect();
        // The ninth is not sent before there is a place for it.
        peer.stream().set_read_timeout(Some(BRIEF)).unwrap();
        assert_eq!(peer.stream().peek_one(), None);
        peer.stream().set_read_timeout(Some(SOON)).unwrap();
        for (number, id) in first.into_iter().enumerate() {
            peer.returns(id, &number.to_string());
        }
        for number in 8..20 {
            peer.answer(&number.to_string());
        }
        peer.gone();
    });
    let tickets: Vec<_> = (0..20).map(|_| monitor.submit("count", &()).unwrap()).collect();
    for (number, ticket) in tickets.iter().enumerate().rev() {
        assert_eq!(monitor.wait::<usize>(*ticket).unwrap(), number);
    }
    assert!(matches!(monitor.wait_raw(tickets[0]), Err(Error::Misuse(_))));
}

trait PeekOne {
    fn peek_one(&self) -> Option<u8>;
}

impl PeekOne for UnixStream {
    fn peek_one(&self) -> Option<u8> {
        let mut byte = [0];
        let peek = rustix::net::recv(self, &mut byte[..], rustix::net::RecvFlags::PEEK);
        peek.ok().filter(|(count, _)| *count > 0).map(|_| byte[0])
    }
}

#[test]
fn a_full_queue_times_out() {
    let (mut monitor, _peer) = monitor(|peer| {
        let first = peer.command().1;
        for _ in 1..8 {
            peer.command();
        }
        peer.gone();
        first
    });
    let tickets: Vec<_> = (0..8).map(|_| monitor.submit("slow", &()).unwrap()).collect();
    monitor.set_timeout(Some(BRIEF));
    assert!(matches!(monitor.submit("slow", &()), Err(Error::QueueFull)));
    monitor.forget(tickets[0]).unwrap();
    assert!(matches!(monitor.forget(tickets[0]), Err(Error::Misuse(_))));
}

#[test]
fn stale_and_stray_replies() {
    let (mut monitor, _peer) = monitor(|peer| {
        let (_, id) = peer.command();
        for stale in ["1", "\"x\"", "null", "18446744073709551615"] {
            peer.send(&format!("{{\"return\": \"stale\", \"id\": {stale}}}\r\n"));
        }
        peer.returns(id ^ 0x100, "\"stale\"");
        for _ in 0..3 {
            peer.send("{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n");
        }
        peer.send("{\"nothing\": \"known\"}\r\n{\"broken\": }\r\n");
        peer.returns(id, "\"fresh\"");
        peer.gone();
    });
    assert_eq!(monitor.execute::<String>("x", &()).unwrap(), "fresh");
    let notices: Vec<_> = core::iter::from_fn(|| monitor.next_notice()).collect();
    assert_eq!(notices.len(), 10);
    assert!(notices[..5].iter().all(|notice| matches!(notice, Notice::Foreign { .. })));
    assert!(notices[5..8].iter().all(|notice| matches!(notice, Notice::Diagnostic(_))));
    assert_eq!(notices[8], Notice::Unknown("{\"nothing\": \"known\"}".to_owned()));
    assert!(matches!(&notices[9], Notice::Malformed { text, .. } if text.starts_with(b"{\"broken\"")));
    assert_eq!(monitor.notices_lost(), 0);
}

#[test]
fn replies_larger_than_the_limit() {
    let (mut monitor, _peer) = monitor_with(&options().rx_limit(10_000), |peer| {
        let large = format!("\"{}\"", "x".repeat(100_000));
        let (_, id) = peer.command();
        peer.event("BIG", &format!("{{\"text\": {large}}}"));
        peer.returns(id, &large);
        // One that fits after growing.
        peer.answer(&format!("\"{}\"", "y".repeat(9_000)));
        let (_, id) = peer.command();
        peer.returns(id, &large);
        peer.answer("1");
        peer.gone();
    });
    match monitor.execute_raw("large", None) {
        Err(Error::Oversize { bytes, cause: Oversized::TooLong(10_000) }) => {
            assert!(bytes > 100_000);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(monitor.next_notice(), Some(Notice::Oversize { name: Some(name), .. }) if name == "BIG"));
    assert_eq!(monitor.execute::<String>("fits", &()).unwrap().len(), 9_000);
    // The same when it came while another command was waited for.
    let large = monitor.submit("large", &()).unwrap();
    assert_eq!(monitor.execute::<u8>("small", &()).unwrap(), 1);
    assert!(matches!(monitor.wait_raw(large), Err(Error::Oversize { .. })));
}

#[test]
fn the_connection_is_lost() {
    let (mut monitor, peer) = monitor(|peer| {
        peer.command();
        peer.command();
        peer.event("SHUTDOWN", "{}");
    });
    let first = monitor.submit("first", &()).unwrap();
    let second = monitor.submit("second", &()).unwrap();
    assert!(matches!(monitor.wait_raw(second), Err(Error::OutcomeUnknown { .. })));
    assert!(matches!(monitor.wait_raw(first), Err(Error::OutcomeUnknown { .. })));
    peer.join().unwrap();
    // What came before the end is still there. Then nothing is.
    assert!(matches!(monitor.run("third", &()), Err(Error::Closed { .. })));
    assert_eq!(monitor.next_event(None).unwrap().unwrap().name, "SHUTDOWN");
    assert!(matches!(monitor.next_event(None), Err(Error::Closed { .. })));
}

#[test]
fn gone_before_the_command() {
    let (mut monitor, peer) = monitor(|peer| peer.event("SHUTDOWN", "{}"));
    peer.join().unwrap();
    // Not a byte of it can be sent, so its outcome is known.
    assert!(matches!(monitor.run("stop", &()), Err(Error::Closed { .. })));
    assert_eq!(monitor.next_event(None).unwrap().unwrap().name, "SHUTDOWN");
    assert!(matches!(monitor.next_event(None), Err(Error::Closed { .. })));
}

/// `quit` as QEMU does it: with input unread, the connection is reset.
#[test]
fn quit_then_the_end() {
    let (mut monitor, peer) = monitor(|peer| {
        let (_, id) = peer.command();
        peer.returns(id, "{}");
        peer.event("SHUTDOWN", "{\"guest\": false}");
    });
    monitor.run("quit", &()).unwrap();
    assert!(monitor.drain_to_end(Some(SOON)).unwrap());
    assert_eq!(monitor.wait_event(&["SHUTDOWN"], None).unwrap().unwrap().name, "SHUTDOWN");
    peer.join().unwrap();
}

#[test]
fn a_reset_is_an_end() {
    let (mut monitor, peer) = monitor(|peer| {
        peer.event("SHUTDOWN", "{}");
        // Leaves with a command unread.
        while peer.stream().peek_one().is_none() {}
    });
    let ticket = monitor.submit("quit", &()).unwrap();
    peer.join().unwrap();
    match monitor.wait_raw(ticket) {
        Err(Error::OutcomeUnknown { source: None }) => {}
        other => panic!("{other:?}"),
    }
    assert!(monitor.drain_to_end(None).unwrap());
}

/// A stream that counts, and takes only so much at once.
struct Counting {
    stream: UnixStream,
    sends: Arc<Mutex<Vec<usize>>>,
}

impl Stream for Counting {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.stream.receive(space, timeout)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.stream.send(bytes)?;
        self.sends.lock().unwrap().push(sent);
        Ok(sent)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.wait(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.stream.close()
    }
}

#[test]
fn one_write_for_each_command() {
    let (stream, peer) = peer(|peer| {
        peer.welcome();
        let mut lengths: Vec<_> = (0..8).map(|_| peer.command()).collect();
        for (_, id) in &lengths {
            peer.returns(*id, "{}");
        }
        let (line, id) = peer.command();
        peer.returns(id, "{}");
        lengths.push((line, id));
        peer.gone();
        lengths.into_iter().map(|(line, _)| line.len()).collect::<Vec<_>>()
    });
    let sends = Arc::default();
    let mut monitor = options().over(Counting { stream, sends: Arc::clone(&sends) }).unwrap();
    sends.lock().unwrap().clear();
    let tickets: Vec<_> = (0..8).map(|_| monitor.submit("stop", &nested()).unwrap()).collect();
    monitor.execute_raw("screendump", Some("{\"filename\": \"x\"}")).unwrap();
    for ticket in tickets {
        monitor.wait_raw(ticket).unwrap();
    }
    drop(monitor);
    assert_eq!(*sends.lock().unwrap(), peer.join().unwrap());
}

/// A peer that reads nothing before what it writes is taken would wait for ever for a client that only writes.
#[test]
fn reads_while_it_writes() {
    const EVENTS: usize = 5_000;
    let (mut monitor, _peer) = monitor_with(&options().events(EVENTS), |peer| {
        for _ in 0..EVENTS {
            peer.event("FLOOD", "{\"text\": \"0123456789 0123456789 0123456789\"}");
        }
        let line = peer.answer("{}");
        assert!(line.len() > 4_000_000);
        peer.gone();
    });
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(4_000_000));
    assert_eq!(monitor.execute_raw("large", Some(&large)).unwrap(), "{}");
    assert_eq!(monitor.events_lost(), 0);
    for _ in 0..EVENTS {
        assert_eq!(monitor.next_event(Some(Duration::ZERO)).unwrap().unwrap().name, "FLOOD");
    }
    assert_eq!(monitor.next_event(Some(Duration::ZERO)).unwrap(), None);
}

/// A stopped server takes part of a command. The rest of it must go before the next one.
#[test]
fn a_command_half_sent() {
    let (go, went) = mpsc::channel();
    let (mut monitor, _peer) = monitor(move |peer| {
        went.recv().unwrap();
        assert!(peer.answer("\"large\"").len() > 4_000_000);
        peer.answer("\"small\"");
        peer.gone();
    });
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(4_000_000));
    monitor.set_timeout(Some(BRIEF));
    let Err(Error::Timeout { ticket }) = monitor.execute_raw("large", Some(&large)) else { panic!() };
    go.send(()).unwrap();
    monitor.set_timeout(Some(SOON));
    assert_eq!(monitor.execute::<String>("small", &()).unwrap(), "small");
    assert_eq!(monitor.wait::<String>(ticket).unwrap(), "large");
}

/// A non-blocking socket, and one with a timeout of its own, do as well.
#[test]
fn whatever_state_the_socket_is_in() {
    for state in [
        |stream: &UnixStream| stream.set_nonblocking(true),
        |stream: &UnixStream| stream.set_read_timeout(Some(Duration::from_millis(1))),
    ] {
        let (stream, peer) = peer(|peer| {
            peer.welcome();
            let (_, id) = peer.command();
            peer.stream().set_read_timeout(Some(BRIEF)).unwrap();
            assert_eq!(peer.stream().peek_one(), None);
            peer.returns(id, "1");
        });
        state(&stream).unwrap();
        let mut monitor = options().deadline(None).timeout(None).over(stream).unwrap();
        assert_eq!(monitor.execute::<u8>("count", &()).unwrap(), 1);
        peer.join().unwrap();
    }
}

#[test]
fn room_that_has_come_already_is_taken_at_once() {
    let (mut monitor, peer) = monitor(|peer| {
        let ids: Vec<u64> = (0..8).map(|_| peer.command().1).collect();
        // In one piece, so that all of them are received with the first.
        peer.send(&ids.iter().map(|id| format!("{{\"return\": {id}, \"id\": {id}}}\r\n")).collect::<String>());
        (0..8).for_each(|number| drop(peer.answer(&number.to_string())));
    });
    let first: Vec<_> = (0..8).map(|_| monitor.submit("a", &()).unwrap()).collect();
    monitor.wait_raw(first[0]).unwrap();
    let began = Instant::now();
    let second: Vec<_> = (0..8).map(|_| monitor.submit("b", &()).unwrap()).collect();
    assert!(began.elapsed() < SOON / 2);
    assert_eq!(monitor.wait::<usize>(second[7]).unwrap(), 7);
    peer.join().unwrap();
}

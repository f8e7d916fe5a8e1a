//! The monitor that does not block, on tokio.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::future::Future;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use common::{BRIEF, GREETING, Peer, SOON, options};
use embedded_io_adapters::tokio_1::FromTokio;
use qmp_std::asynchronous::{Monitor, UnixMonitor};
use qmp_std::{Error, Notice, Wanted};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time::timeout;

#[derive(Deserialize, Debug, PartialEq)]
struct Status {
    status: String,
}

/// A runtime of one thread.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A monitor at a Unix socket, whose other end follows `script` on a thread of its own; and what `client` makes of it.
fn session<T: Send + 'static, O>(
    script: impl FnOnce(&mut Peer) -> T + Send + 'static,
    client: impl AsyncFnOnce(UnixMonitor) -> O,
) -> (O, T) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monitor");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        script(&mut peer)
    });
    let outcome = block_on(async { client(options().unix_tokio(&path).await.unwrap()).await });
    (outcome, peer.join().unwrap())
}

#[test]
fn commands_and_events() {
    let ((), line) = session(
        |peer| {
            let line = peer.answer("{\"status\": \"run\\u006Eing\"}");
            peer.event("A", "{}");
            let (_, first) = peer.command();
            let (_, second) = peer.command();
            peer.returns(first, "1");
            peer.event("B", "{\"number\": 2}");
            peer.event("C", "{}");
            peer.returns(second, "2");
            let (_, id) = peer.command();
            peer.send(&format!("{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"no\"}}, \"id\": {id}}}\r\n"));
            line
        },
        async |mut monitor| {
            assert_eq!(monitor.server().package, "Debian");
            let status: Status = monitor.execute("query-status", &()).await.unwrap();
            assert_eq!(status.status, "running");
            let watch = monitor.arm(Wanted::named(["C"])).unwrap();
            let first = monitor.submit("a", &()).await.unwrap();
            let second = monitor.submit_raw("b", Some("{\"x\": [1]}")).await.unwrap();
            assert_eq!(monitor.wait::<u8>(second).await.unwrap(), 2);
            assert_eq!(monitor.wait_raw(first).await.unwrap(), "1");
            assert!(matches!(monitor.wait_raw(first).await, Err(Error::Misuse(_))));
            let event =
                monitor.wait_event_that(|event| event.data.as_deref() == Some("{\"number\": 2}")).await.unwrap();
            assert_eq!(event.name, "B");
            assert_eq!(monitor.next_event().await.unwrap().name, "A");
            match monitor.run("c", &()).await {
                Err(Error::Command(failure)) => assert_eq!(failure.desc, "no"),
                other => panic!("{other:?}"),
            }
            assert_eq!(monitor.next_of(&watch).await.unwrap().name, "C");
            // The end: what has come is given out before that.
            assert_eq!(monitor.next_event().await.unwrap().name, "C");
            assert!(matches!(monitor.next_event().await, Err(Error::Closed { source: None })));
            assert!(matches!(monitor.run("d", &()).await, Err(Error::Closed { .. })));
            monitor.drain_to_end().await.unwrap();
        },
    );
    assert!(line.starts_with("{\"execute\":\"query-status\",\"id\":"), "{line}");
}

#[test]
fn a_command_whose_future_is_dropped_stays_pending() {
    let (go, gone) = std::sync::mpsc::channel();
    session(
        move |peer| {
            let (_, slow) = peer.command();
            // Its time is up by now.
            gone.recv().unwrap();
            peer.returns(slow, "\"late\"");
            peer.answer("\"prompt\"");
        },
        async |mut monitor| {
            assert!(timeout(BRIEF, monitor.execute_raw("slow", None)).await.is_err());
            go.send(()).unwrap();
            assert_eq!(monitor.execute_raw("quick", None).await.unwrap(), "\"prompt\"");
            match monitor.next_notice() {
                Some(Notice::Late { outcome: Ok(raw), .. }) => assert_eq!(raw, "\"late\""),
                other => panic!("{other:?}"),
            }
            assert_eq!(monitor.next_notice(), None);
        },
    );
}

#[test]
fn a_ticket_can_be_waited_for_again() {
    let (go, gone) = std::sync::mpsc::channel();
    session(
        move |peer| {
            let (_, id) = peer.command();
            gone.recv().unwrap();
            peer.returns(id, "[7]");
            peer.gone();
        },
        async |mut monitor| {
            let ticket = monitor.submit("slow", &()).await.unwrap();
            for _ in 0..3 {
                assert!(timeout(BRIEF, monitor.wait_raw(ticket)).await.is_err());
            }
            go.send(()).unwrap();
            assert_eq!(timeout(SOON, monitor.wait::<Vec<u8>>(ticket)).await.unwrap().unwrap(), [7]);
        },
    );
}

#[test]
fn a_connection_lost_is_told_to_each_command() {
    session(
        |peer| drop((peer.command(), peer.command())),
        async |mut monitor| {
            let first = monitor.submit("a", &()).await.unwrap();
            assert!(matches!(monitor.run("b", &()).await, Err(Error::OutcomeUnknown { .. })));
            assert!(matches!(monitor.wait_raw(first).await, Err(Error::OutcomeUnknown { .. })));
            assert!(matches!(monitor.submit("c", &()).await, Err(Error::Closed { .. })));
        },
    );
}

#[test]
fn who_is_no_monitor_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monitor");
    let missing = block_on(options().unix_tokio(&path));
    assert!(matches!(missing, Err(Error::NoSuchSocket { .. })), "{missing:?}");
    let listener = UnixListener::bind(&path).unwrap();
    let silent = block_on(options().deadline(BRIEF).unix_tokio(&path));
    assert!(matches!(&silent, Err(Error::NoGreeting { at, .. }) if at.ends_with("monitor")), "{silent:?}");
    drop(listener.accept());
    let peer = thread::spawn(move || Peer::new(listener.accept().unwrap().0).send("SSH-2.0-OpenSSH_9.2\r\n"));
    let other = block_on(options().unix_tokio(&path));
    assert!(matches!(&other, Err(Error::NotQmp { at, .. }) if at.ends_with("monitor")), "{other:?}");
    peer.join().unwrap();
}

/// What the peer says first, and whether it stays, come to the same error for a monitor of either kind.
#[test]
fn trouble_is_told_as_by_a_monitor_that_blocks() {
    let event = "{\"event\": \"A\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n";
    for (says, stays, expected) in [
        ("", false, "Closed"),
        ("", true, "NoGreeting"),
        ("{\"QMP\": ", false, "NotQmp"),
        ("SSH-2.0-OpenSSH_9.2\r\n", false, "NotQmp"),
        ("SSH-2.0-OpenSSH_9.2\r\n", true, "NotQmp"),
        ("{\"jsonrpc\": \"2.0\"}\n", true, "NotQmp"),
        (event, true, "NoGreeting"),
        (event, false, "NotQmp"),
        (GREETING, true, "NotReady"),
        (GREETING, false, "Closed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("monitor");
        let listener = UnixListener::bind(&path).unwrap();
        let peer = thread::spawn(move || {
            for _ in 0..2 {
                let mut peer = Peer::new(listener.accept().unwrap().0);
                peer.send(says);
                if stays {
                    while !peer.command().0.is_empty() {}
                }
            }
        });
        let options = options().deadline(if stays { BRIEF * 5 } else { SOON });
        let blocking = options.unix(&path).unwrap_err();
        let other = block_on(options.unix_tokio(&path)).unwrap_err();
        peer.join().unwrap();
        for error in [&blocking, &other] {
            assert!(format!("{error:?}").starts_with(expected), "{says:?}, {stays}: {error:?}");
        }
        if let Error::NotQmp { at, received } = &blocking {
            assert_eq!((at.as_str(), received.as_slice()), (path.to_str().unwrap(), says.as_bytes()));
            assert_eq!(blocking.to_string(), other.to_string());
        }
    }
}

/// A monitor in memory, and its other end.
async fn in_memory(
    buffer: usize,
) -> (Monitor<FromTokio<ReadHalf<DuplexStream>>, FromTokio<WriteHalf<DuplexStream>>>, BufReader<DuplexStream>) {
    let (ours, theirs) = duplex(buffer);
    let (reader, writer) = split(ours);
    let mut peer = BufReader::new(theirs);
    let welcome = async {
        peer.write_all(GREETING.as_bytes()).await.unwrap();
        let id = command(&mut peer).await;
        peer.write_all(format!("{{\"return\": {{}}, \"id\": {id}}}\r\n").as_bytes()).await.unwrap();
    };
    let options = options();
    let establish = options.over_async(FromTokio::new(reader), FromTokio::new(writer));
    let (monitor, ()) = tokio::join!(establish, welcome);
    (monitor.unwrap(), peer)
}

/// The id of the next command.
async fn command(peer: &mut BufReader<DuplexStream>) -> u64 {
    let mut line = String::new();
    peer.read_line(&mut line).await.unwrap();
    let (_, id) = line.rsplit_once("\"id\":").unwrap_or_else(|| panic!("{line}"));
    id.trim_end_matches(['}', '\n']).parse().unwrap()
}

/// A byte or two at a time in each direction, and every future dropped as soon as it has to wait.
#[test]
fn futures_dropped_at_every_byte_lose_nothing() {
    block_on(async {
        // Room for the line end behind the last message, which nobody waits for.
        let (mut monitor, mut peer) = in_memory(2).await;
        let script = tokio::spawn(async move {
            for number in 0..20 {
                let id = command(&mut peer).await;
                let text =
                    format!("{{\"event\": \"E\", \"data\": {number}}}\r\n{{\"return\": {number}, \"id\": {id}}}\r\n");
                for byte in text.bytes() {
                    peer.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        for number in 0..20 {
            // Encoded, it is sent by whichever call comes next; its ticket is known when it has gone.
            let ticket = monitor.submit("x", &()).await.unwrap();
            let mut drops = 0;
            let returned = loop {
                tokio::select! {
                    biased;
                    returned = monitor.wait::<u32>(ticket) => break returned.unwrap(),
                    () = tokio::task::yield_now() => drops += 1,
                }
            };
            assert_eq!(returned, number);
            let event = loop {
                tokio::select! {
                    biased;
                    event = monitor.next_event() => break event.unwrap(),
                    () = tokio::task::yield_now() => drops += 1,
                }
            };
            assert_eq!(event.data, Some(number.to_string()));
            assert!(drops > 20, "{drops}");
        }
        // The last line end, which nobody has asked for.
        monitor.drain_to_end().await.unwrap();
        script.await.unwrap();
        assert_eq!((monitor.next_notice(), monitor.events_lost()), (None, 0));
    });
}

/// Half of a command has gone when its future is dropped: the rest follows, and the next command behind it.
#[test]
fn a_command_that_has_begun_to_go_goes_whole() {
    block_on(async {
        let (mut monitor, mut peer) = in_memory(10).await;
        let long = "x".repeat(1000);
        assert!(timeout(BRIEF, monitor.execute_raw("first", Some(&format!("{{\"a\":\"{long}\"}}")))).await.is_err());
        let script = tokio::spawn(async move {
            for number in 0..2 {
                let id = command(&mut peer).await;
                peer.write_all(format!("{{\"return\": {number}, \"id\": {id}}}\r\n").as_bytes()).await.unwrap();
            }
        });
        assert_eq!(monitor.execute_raw("second", None).await.unwrap(), "1");
        script.await.unwrap();
        assert!(matches!(monitor.next_notice(), Some(Notice::Late { outcome: Ok(raw), .. }) if raw == "0"));
    });
}

#[test]
fn lists_come_element_by_element() {
    session(
        |peer| {
            peer.event("A", "{}");
            peer.answer("[1, 2, 3]");
            let (_, given_up) = peer.command();
            peer.send("{\"return\": [4");
            peer.stream();
            peer.send(&format!(", 5], \"id\": {given_up}}}\r\n"));
            peer.answer("{\"list\": [{\"status\": \"a\"}]}");
            let (_, id) = peer.command();
            peer.send(&format!("{{\"return\": [6, {{\"x\": }}], \"id\": {id}}}\r\n"));
            peer.answer("7");
            peer.answer("[{\"running\": [[1]], \"status\": \"b\"}]");
        },
        async |mut monitor| {
            let mut elements = monitor.elements::<u8>("a", &()).await.unwrap();
            let mut seen = Vec::new();
            loop {
                // What is dropped before it is ready has taken nothing.
                drop(timeout(Duration::ZERO, elements.next()).await.map(|element| seen.extend(element)));
                let Some(element) = elements.next().await else { break };
                seen.push(element);
            }
            drop(elements);
            assert_eq!(seen.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
            let mut elements = monitor.elements::<u8>("b", &()).await.unwrap();
            assert_eq!(elements.next().await.unwrap().unwrap(), 4);
            drop(elements);
            let list = qmp_core::client::Delivery::Elements(&["list"]);
            let mut elements = monitor.elements_at::<Status>(list, "c", &()).await.unwrap();
            assert_eq!(elements.next().await.unwrap().unwrap().status, "a");
            assert!(elements.next().await.is_none());
            drop(elements);
            let mut elements = monitor.elements::<u8>("d", &()).await.unwrap();
            assert_eq!(elements.next().await.unwrap().unwrap(), 6);
            assert!(matches!(elements.next().await, Some(Err(Error::Retracted { count: 1, .. }))));
            assert!(elements.next().await.is_none());
            drop(elements);
            assert_eq!(monitor.execute::<u8>("e", &()).await.unwrap(), 7);
            let members = qmp_core::json::Projection::Named(&["status"]);
            type Kept = Vec<std::collections::BTreeMap<String, String>>;
            let kept: Kept = monitor.execute_members(members, "f", &()).await.unwrap();
            assert_eq!(kept, [[("status".to_owned(), "b".to_owned())].into()]);
            assert_eq!(monitor.next_event().await.unwrap().name, "A");
        },
    );
}

#[test]
fn room_that_has_come_already_is_taken() {
    session(
        |peer| {
            let ids: Vec<u64> = (0..8).map(|_| peer.command().1).collect();
            // In one piece, so that all of them are received with the first.
            peer.send(&ids.iter().map(|id| format!("{{\"return\": {id}, \"id\": {id}}}\r\n")).collect::<String>());
            (0..8).for_each(|number| drop(peer.answer(&number.to_string())));
        },
        async |mut monitor| {
            let mut tickets = Vec::new();
            for _ in 0..8 {
                tickets.push(monitor.submit("a", &()).await.unwrap());
            }
            monitor.wait_raw(tickets[0]).await.unwrap();
            let more = async {
                for number in 0..8 {
                    let ticket = monitor.submit("b", &()).await.unwrap();
                    tickets.push(ticket);
                    assert_eq!(tickets.len(), 9 + number);
                }
            };
            timeout(SOON, more).await.unwrap();
            assert_eq!(monitor.wait::<usize>(tickets[15]).await.unwrap(), 7);
        },
    );
}

//! Connecting again: what is lost is reported, what has come is kept, and nothing is sent twice.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fs;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use common::{BRIEF, GREETING, Peer, SOON, SocketPath, options, peer, socket_path};
use qmp_std::{Address, Error, Monitor, Notice};

/// A server that takes one client after another, and plays a script with each.
fn serve<const N: usize>(scripts: [fn(&mut Peer); N]) -> (SocketPath, thread::JoinHandle<()>) {
    let socket = socket_path();
    let listener = UnixListener::bind(&socket.path).unwrap();
    let server = thread::spawn(move || {
        for script in scripts {
            script(&mut Peer::new(listener.accept().unwrap().0));
        }
    });
    (socket, server)
}

/// Every command that comes until the client is gone.
fn commands(peer: &mut Peer) -> Vec<String> {
    core::iter::from_fn(|| Some(peer.command().0).filter(|line| !line.is_empty())).collect()
}

#[test]
fn commands_in_flight_are_lost_and_never_sent_again() {
    let (socket, server) = serve([
        |peer| {
            peer.welcome();
            let answered = peer.command().1;
            for name in ["slow1", "slow2", "overdue"] {
                assert!(peer.command().0.contains(name));
            }
            peer.event("STOP", "{}");
            peer.returns(answered, "1");
            assert_eq!(commands(peer), Vec::<String>::new());
        },
        |peer| {
            peer.welcome();
            // The reply to a command of the connection before.
            peer.send("{\"return\": {}, \"id\": 4711}\r\n");
            peer.event("RESUME", "{}");
            let line = peer.answer("2");
            assert!(line.contains("query"), "{line}");
            assert_eq!(commands(peer), Vec::<String>::new());
        },
    ]);
    let mut monitor = options().unix(&socket.path).unwrap();
    let answered = monitor.submit("answered", &()).unwrap();
    let lost = [monitor.submit("slow1", &()).unwrap(), monitor.submit("slow2", &()).unwrap()];
    monitor.set_timeout(Some(BRIEF));
    let Err(Error::Timeout { ticket: overdue }) = monitor.run("overdue", &()) else { panic!("no timeout") };
    monitor.set_timeout(Some(SOON));

    monitor.reconnect().unwrap();
    assert_eq!(monitor.execute::<u8>("query", &()).unwrap(), 2);

    // What had come was received before the end, whether or not anybody had asked for it.
    assert_eq!(monitor.wait::<u8>(answered).unwrap(), 1);
    for ticket in lost {
        assert!(matches!(monitor.wait::<u8>(ticket), Err(Error::OutcomeUnknown { source: None })));
        assert!(matches!(monitor.wait::<u8>(ticket), Err(Error::Misuse(_))), "it has ended once");
    }
    assert_eq!(monitor.next_notice(), Some(Notice::Lost { ticket: overdue }));
    assert!(matches!(monitor.next_notice(), Some(Notice::Foreign { id: Some(id), .. }) if id == "4711"));
    assert_eq!(monitor.next_notice(), None);
    for name in ["STOP", "RESUME"] {
        assert_eq!(monitor.next_event(Some(SOON)).unwrap().unwrap().name, name);
    }
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn what_has_come_by_then_is_taken_in_first() {
    let socket = socket_path();
    let listener = UnixListener::bind(&socket.path).unwrap();
    let (sent, all_sent) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        let id = peer.command().1;
        peer.event("STOP", "{}");
        peer.returns(id, "1");
        sent.send(()).unwrap();
        peer.gone();
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        peer.gone();
    });
    let mut monitor = options().unix(&socket.path).unwrap();
    let ticket = monitor.submit("answered", &()).unwrap();
    // It lies in the socket, where nobody has looked yet.
    all_sent.recv().unwrap();
    monitor.reconnect().unwrap();
    assert_eq!(monitor.wait::<u8>(ticket).unwrap(), 1);
    assert_eq!(monitor.next_event(Some(Duration::ZERO)).unwrap().unwrap().name, "STOP");
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn a_command_whose_time_was_up_can_still_be_asked_for() {
    let (socket, server) = serve([
        |peer| {
            peer.welcome();
            peer.command();
            peer.gone();
        },
        |peer| {
            peer.welcome();
            peer.gone();
        },
    ]);
    let mut monitor = options().unix(&socket.path).unwrap();
    monitor.set_timeout(Some(BRIEF));
    let Err(Error::Timeout { ticket }) = monitor.run("overdue", &()) else { panic!("no timeout") };
    monitor.reconnect().unwrap();
    assert!(matches!(monitor.wait::<()>(ticket), Err(Error::OutcomeUnknown { .. })));
    assert_eq!(monitor.next_notice(), None);
    drop(monitor);
    server.join().unwrap();
}

/// The rest of a command that was too long for the server to read is not sent to the next one.
#[test]
fn half_a_command_is_not_continued() {
    let (socket, server) = serve([
        |peer| {
            peer.welcome();
            // Reads nothing until the client has given up.
            let mut buffer = Vec::new();
            thread::sleep(BRIEF * 3);
            std::io::Read::read_to_end(&mut peer.stream().try_clone().unwrap(), &mut buffer).unwrap();
            assert!(!buffer.is_empty() && !buffer.contains(&b'\n'), "{} bytes", buffer.len());
        },
        |peer| {
            peer.welcome();
            let line = peer.answer("1");
            assert!(line.contains("query") && line.len() < 100, "{} bytes", line.len());
            peer.gone();
        },
    ]);
    let mut monitor = options().unix(&socket.path).unwrap();
    monitor.set_timeout(Some(BRIEF));
    let long = format!("{{\"text\": \"{}\"}}", "x".repeat(8 << 20));
    let half = monitor.submit_raw("long", Some(&long)).unwrap();
    monitor.set_timeout(Some(SOON));
    monitor.reconnect().unwrap();
    assert_eq!(monitor.execute::<u8>("query", &()).unwrap(), 1);
    assert!(matches!(monitor.wait::<()>(half), Err(Error::OutcomeUnknown { .. })));
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn what_the_server_is_can_change() {
    let (socket, server) = serve([
        |peer| {
            peer.welcome();
            peer.answer("{}");
        },
        |peer| {
            peer.send(&GREETING.replace("\"major\": 7", "\"major\": 8").replace("\"oob\"", ""));
            let (line, id) = peer.command();
            assert!(!line.contains("oob"), "{line}");
            peer.returns(id, "{}");
            peer.gone();
        },
    ]);
    let mut monitor = options().oob(true).unix(&socket.path).unwrap();
    assert_eq!(monitor.address(), Some(&Address::Unix(socket.path.clone())));
    monitor.run("last", &()).unwrap();
    assert!(matches!(monitor.run("behind the end", &()), Err(Error::OutcomeUnknown { .. } | Error::Closed { .. })));
    assert!(monitor.oob_enabled());
    monitor.reconnect().unwrap();
    assert_eq!(monitor.server().version.unwrap().major, 8);
    assert!(!monitor.oob_enabled());
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn it_can_fail_and_be_tried_again() {
    let socket = socket_path();
    let path = socket.path.clone();
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || Peer::new(listener.accept().unwrap().0).welcome());
    let mut monitor = options().unix(&path).unwrap();
    server.join().unwrap();

    let not_there = |monitor: &mut Monitor| {
        assert!(matches!(monitor.run("stop", &()), Err(Error::OutcomeUnknown { .. } | Error::Closed { .. })));
        assert!(matches!(monitor.next_event(Some(Duration::ZERO)), Err(Error::Closed { .. })));
    };
    assert!(matches!(monitor.reconnect(), Err(Error::NobodyListens { .. })));
    not_there(&mut monitor);

    fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        // Greets, and is gone.
        Peer::new(listener.accept().unwrap().0).send(GREETING);
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        peer.answer("{}");
        peer.gone();
    });
    assert!(matches!(monitor.reconnect(), Err(Error::Closed { .. })));
    not_there(&mut monitor);
    monitor.reconnect().unwrap();
    monitor.run("stop", &()).unwrap();
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn with_retry_it_waits_for_the_server() {
    let socket = socket_path();
    let path = socket.path.clone();
    let first = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        Peer::new(first.accept().unwrap().0).welcome();
        drop(first);
        fs::remove_file(&path).unwrap();
        thread::sleep(BRIEF);
        let second = UnixListener::bind(&path).unwrap();
        let mut peer = Peer::new(second.accept().unwrap().0);
        peer.welcome();
        peer.gone();
    });
    let mut monitor = options().retry(true).unix(&socket.path).unwrap();
    assert!(monitor.drain_to_end(Some(SOON)).unwrap());
    monitor.reconnect().unwrap();
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn a_stream_is_good_for_one_connection() {
    let (stream, server) = peer(|peer| {
        peer.welcome();
        peer.answer("1");
        peer.gone();
    });
    let mut monitor = options().over(stream).unwrap();
    assert!(matches!(monitor.reconnect(), Err(Error::NoAddress)));
    assert_eq!(monitor.execute::<u8>("untouched", &()).unwrap(), 1);
    drop(monitor);
    server.join().unwrap();
}

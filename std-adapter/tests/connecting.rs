//! From an address to a monitor that is ready, or to an error that says what to do.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::error::Error as _;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Instant;

use common::{BRIEF, GREETING, Peer, SOON, failed, monitor, options, peer, socket_path};
use qmp_std::{Error, Monitor, Notice, Version};

#[test]
fn by_unix_socket() {
    let socket = socket_path();
    let path = &socket.path;
    let listener = UnixListener::bind(path).unwrap();
    let server = thread::spawn(move || {
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        peer.answer("{}");
        peer.gone();
    });
    let mut monitor = options().unix(path).unwrap();
    assert_eq!(monitor.server().version, Some(Version { major: 7, minor: 2, micro: 22 }));
    assert_eq!(monitor.server().package, "Debian");
    assert_eq!(monitor.server().capabilities, ["oob"]);
    assert!(!monitor.oob_enabled());
    monitor.run("stop", &()).unwrap();
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn by_tcp_without_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").unwrap();
        stream
    });
    let (error, text) = failed(options().tcp(address));
    assert!(matches!(error, Error::NotQmp { .. }), "{error:?}");
    assert!(text.contains("SSH-2.0"), "{text}");
    assert!(text.contains(&address.to_string()), "{text}");
    drop(server.join().unwrap());

    // Nobody is there any more.
    let (error, _) = failed(options().tcp(address));
    assert!(matches!(error, Error::NobodyListens { .. }), "{error:?}");
    let (error, _) = failed(options().tcp("127.0.0.1:no"));
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}

#[test]
fn nothing_there() {
    let socket = socket_path();
    let path = &socket.path;
    let (error, text) = failed(Monitor::unix(path));
    assert!(matches!(error, Error::NoSuchSocket { .. }), "{error:?}");
    assert!(text.contains("-qmp unix:"), "{text}");
    assert!(error.source().is_some());
}

#[test]
fn left_over() {
    let socket = socket_path();
    let path = &socket.path;
    drop(UnixListener::bind(path).unwrap());
    let (error, text) = failed(Monitor::unix(path));
    assert!(matches!(error, Error::NobodyListens { .. }), "{error:?}");
    assert!(text.contains("nobody listens"), "{text}");
}

#[test]
fn somebody_else_holds_it() {
    let socket = socket_path();
    let path = &socket.path;
    let listener = UnixListener::bind(path).unwrap();
    let begun = Instant::now();
    let (error, text) = failed(options().deadline(BRIEF).unix(path));
    assert!(matches!(error, Error::NoGreeting { .. }), "{error:?}");
    assert!(text.contains("another client"), "{text}");
    assert!(begun.elapsed() >= BRIEF && begun.elapsed() < SOON);
    drop(listener);
}

/// `connect()` itself waits when the line is full.
#[test]
fn many_others_wait_for_it() {
    let socket = socket_path();
    let path = &socket.path;
    let address = rustix::net::SocketAddrUnix::new(path).unwrap();
    let listener =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &address).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = UnixStream::connect(path).unwrap();
    let begun = Instant::now();
    let (error, _) = failed(options().deadline(BRIEF).unix(path));
    assert!(matches!(error, Error::NoGreeting { .. }), "{error:?}");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_monitor_for_people() {
    let (stream, peer) = peer(|peer| {
        peer.send("QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
        peer.gone();
    });
    let (error, text) = failed(options().over(stream));
    assert!(matches!(error, Error::NotQmp { .. }), "{error:?}");
    assert!(text.contains("mode=control"), "{text}");
    peer.join().unwrap();
}

#[test]
fn another_protocol() {
    // One that says JSON, one that breaks off, one that says nothing and goes.
    let (stream, peer1) = peer(|peer| {
        peer.send("{\"jsonrpc\": \"2.0\"}\n");
        peer.gone();
    });
    let (error, _) = failed(options().deadline(BRIEF).over(stream));
    assert!(matches!(error, Error::NotQmp { .. }), "{error:?}");
    peer1.join().unwrap();

    let (stream, _) = peer(|peer| peer.send("{\"QMP\": "));
    let (error, _) = failed(options().over(stream));
    assert!(matches!(error, Error::NotQmp { .. }), "{error:?}");

    let (stream, _) = peer(|_| {});
    let (error, _) = failed(options().over(stream));
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
}

#[test]
fn greeted_and_not_answered() {
    let (stream, peer) = peer(|peer| {
        peer.send(GREETING);
        peer.command();
        peer.gone();
    });
    let (error, text) = failed(options().deadline(BRIEF).over(stream));
    assert!(matches!(error, Error::NotReady { .. }), "{error:?}");
    assert!(text.contains("earlier client"), "{text}");
    peer.join().unwrap();
}

#[test]
fn refused() {
    let (stream, peer) = peer(|peer| {
        peer.send(GREETING);
        let (_, id) = peer.command();
        peer.send(&format!("{{\"id\": {id}, \"error\": {{\"class\": \"GenericError\", \"desc\": \"no\"}}}}\r\n"));
        peer.gone();
    });
    let (error, text) = failed(options().over(stream));
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(text.contains("GenericError: no"), "{text}");
    peer.join().unwrap();
}

/// Events before the greeting and in the negotiation, the reply to an earlier client's command, a second greeting, an error without
/// an id: all of it was seen in the field.
#[test]
fn what_comes_between() {
    let (stream, peer) = peer(|peer| {
        peer.event("VSERPORT_CHANGE", "{\"open\": true}");
        peer.send(GREETING);
        peer.send("{\"return\": {\"old\": 1}, \"id\": \"stale\"}\r\n");
        let (_, id) = peer.command();
        peer.send("{\"return\": {}, \"id\": 7}\r\n");
        peer.event("STOP", "{}");
        peer.send(GREETING);
        peer.send("{\"error\": {\"class\": \"GenericError\", \"desc\": \"stray\"}}\r\n");
        peer.returns(id, "{}");
        peer.gone();
    });
    let mut monitor = options().over(stream).unwrap();
    for name in ["VSERPORT_CHANGE", "STOP"] {
        assert_eq!(monitor.next_event(Some(SOON)).unwrap().unwrap().name, name);
    }
    let stale = Notice::Foreign { id: Some("\"stale\"".to_owned()), outcome: Ok("{\"old\": 1}".to_owned()) };
    assert_eq!(monitor.next_notice(), Some(stale));
    assert!(matches!(monitor.next_notice(), Some(Notice::Foreign { .. })));
    assert_eq!(monitor.next_notice(), Some(Notice::Greeting));
    assert!(matches!(monitor.next_notice(), Some(Notice::Diagnostic(failure)) if failure.desc == "stray"));
    assert_eq!(monitor.next_notice(), None);
    drop(monitor);
    peer.join().unwrap();
}

#[test]
fn out_of_band_where_asked_for() {
    let (stream, peer) = peer(|peer| {
        peer.send(GREETING);
        let (line, id) = peer.command();
        assert!(line.contains(r#""arguments":{"enable":["oob"]}"#), "{line}");
        peer.returns(id, "{}");
        let slow = peer.command().1;
        let line = peer.answer("[]");
        assert!(line.starts_with(r#"{"exec-oob":"query-yank""#), "{line}");
        peer.returns(slow, "\"done\"");
        peer.gone();
    });
    let mut oob = options().oob(true).over(stream).unwrap();
    assert!(oob.oob_enabled());
    let slow = oob.submit("slow", &()).unwrap();
    let _: Vec<u8> = oob.execute_oob("query-yank", &()).unwrap();
    assert_eq!(oob.wait::<String>(slow).unwrap(), "done");
    drop(oob);
    peer.join().unwrap();

    let (mut without, _) = monitor(Peer::gone);
    assert!(matches!(without.execute_oob::<()>("query-yank", &()), Err(Error::Misuse(_))));
}

#[test]
fn a_monitor_can_go_to_another_thread() {
    const fn is_send<T: Send>() {}
    is_send::<Monitor>();
    const fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Error>();
}

/// Whoever else has the socket, dropping the monitor ends the connection.
#[test]
fn dropping_closes() {
    let (stream, peer) = peer(|peer| {
        peer.welcome();
        peer.gone();
    });
    let _other = stream.try_clone().unwrap();
    drop(options().over(stream).unwrap());
    peer.join().unwrap();
}

//! Trying again while a virtual machine starts.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Peer, SOON, failed, options, socket_path};
use qmp_std::{Address, Error, Options};

/// Enough for several attempts.
const SHORT: Duration = Duration::from_millis(400);

fn retrying() -> Options {
    options().retry(true)
}

#[test]
fn a_server_that_comes_up_bit_by_bit() {
    let socket = socket_path();
    let path = socket.path.clone();
    let (begin, begun) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        begun.recv().unwrap();
        // For each step the client has failed at the one before: it would otherwise be answered already.
        let deserted = UnixListener::bind(&path).unwrap();
        deserted.set_nonblocking(true).unwrap();
        drop(deserted);
        thread::sleep(SHORT);
        fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        // Whoever stands in front of QEMU takes connections before QEMU is there.
        for _ in 0..2 {
            drop(listener.accept().unwrap());
        }
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        peer.answer("{}");
        peer.gone();
    });
    // Not there at all: that is found out at once, before the server even begins.
    let (error, _) = failed(retrying().deadline(SHORT).unix(&socket.path));
    assert!(matches!(error, Error::GaveUp { .. }), "{error:?}");
    begin.send(()).unwrap();
    let mut monitor = retrying().unix(&socket.path).unwrap();
    monitor.run("stop", &()).unwrap();
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn a_server_that_greets_late() {
    let socket = socket_path();
    let listener = UnixListener::bind(&socket.path).unwrap();
    let server = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        thread::sleep(SHORT);
        let mut peer = Peer::new(stream);
        peer.welcome();
        peer.gone();
    });
    drop(retrying().unix(&socket.path).unwrap());
    server.join().unwrap();
}

/// QEMU 5.2 can forget a client that comes while it starts: it is greeted, and not heard of again.
#[test]
fn a_server_that_forgets_its_first_client() {
    let socket = socket_path();
    let listener = UnixListener::bind(&socket.path).unwrap();
    let server = thread::spawn(move || {
        let _forgotten = listener.accept().unwrap();
        let mut peer = Peer::new(listener.accept().unwrap().0);
        peer.welcome();
        peer.gone();
    });
    let begun = Instant::now();
    drop(retrying().unix(&socket.path).unwrap());
    assert!(begun.elapsed() < SOON);
    server.join().unwrap();
}

#[test]
fn when_time_is_up_the_last_error_is_told() {
    let socket = socket_path();
    let begun = Instant::now();
    let (error, text) = failed(retrying().deadline(SHORT).unix(&socket.path));
    let took = begun.elapsed();
    let Error::GaveUp { attempts, after, last } = &error else { panic!("{error:?}") };
    assert!(matches!(**last, Error::NoSuchSocket { .. }), "{last:?}");
    // 10, 20, 40, 80 ms and so on, and halves of what is left: a dozen, on a machine that is not busy.
    assert!((3..=25).contains(attempts), "{attempts}");
    assert!(*after <= took && *after >= SHORT * 9 / 10, "{after:?} of {took:?}");
    assert!(text.contains("no such socket") && text.contains(&format!("{attempts} attempts")), "{text}");
    assert!(took < SOON);

    drop(UnixListener::bind(&socket.path).unwrap());
    let (error, _) = failed(retrying().deadline(SHORT).unix(&socket.path));
    assert!(matches!(&error, Error::GaveUp { last, .. } if matches!(**last, Error::NobodyListens { .. })), "{error:?}");
}

#[test]
fn what_stays_as_it_is_ends_it_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").unwrap();
        // There is no second attempt.
        (stream, listener)
    });
    let begun = Instant::now();
    let (error, _) = failed(retrying().connect(&address));
    assert!(matches!(error, Error::NotQmp { .. }), "{error:?}");
    let (stream, listener) = server.join().unwrap();
    drop(stream);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());

    let name = Address::Tcp("name.invalid:1".to_owned());
    let (error, text) = failed(retrying().connect(&name));
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(text.contains("name.invalid:1"), "{text}");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn nobody_asked_for_it() {
    let socket = socket_path();
    let (error, _) = failed(options().unix(&socket.path));
    assert!(matches!(error, Error::NoSuchSocket { .. }), "{error:?}");
}

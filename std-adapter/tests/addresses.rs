//! Each kind of address, and what is open already.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{BRIEF, GREETING, Peer, SOON, failed, options, peer};
use qmp_std::{Address, Error, Monitor};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use socket2::{Domain, SockAddr, Socket, Type};

/// Takes one client, answers one command, and waits for the client's end.
fn serve(listener: UnixListener) -> JoinHandle<()> {
    thread::spawn(move || converse(&mut Peer::new(listener.accept().unwrap().0)))
}

fn converse(peer: &mut Peer) {
    peer.welcome();
    peer.answer("[7]");
    peer.gone();
}

/// The other half of [`converse`].
fn check(mut monitor: Monitor) {
    assert_eq!(monitor.execute::<Vec<u8>>("ask", &()).unwrap(), [7]);
}

#[test]
fn an_abstract_name() {
    for name in [&b"qmp \xFF"[..], &[b'x'; 99]] {
        let name = [name, std::process::id().to_string().as_bytes()].concat();
        let server = serve(UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap());
        let monitor = options().unix_abstract(&name).unwrap();
        assert_eq!(monitor.address(), Some(&Address::Abstract(name.clone())));
        check(monitor);
        server.join().unwrap();

        let (error, text) = failed(options().unix_abstract(&name));
        assert!(matches!(error, Error::NobodyListens { .. }), "{error:?}");
        assert!(text.contains('@'), "{text}");
    }
    for name in [&b""[..], &[b'x'; 108]] {
        let (error, text) = failed(options().unix_abstract(name));
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        assert!(text.contains("107"), "{text}");
    }
}

/// A path of `length` bytes in `folder`, whose last folder is there.
fn long_path(folder: &Path, length: usize) -> PathBuf {
    let mut path = folder.to_owned();
    while length - path.as_os_str().len() > 110 {
        path.push("d".repeat(50));
    }
    fs::create_dir_all(&path).unwrap();
    path.push("s".repeat(length - path.as_os_str().len() - 1));
    assert_eq!(path.as_os_str().as_bytes().len(), length);
    path
}

#[test]
fn a_path_longer_than_an_address() {
    let folder = tempfile::tempdir().unwrap();
    for length in [107, 108, 109, 300, 2000] {
        let path = long_path(folder.path(), length);
        let (error, _) = failed(options().unix(&path));
        assert!(matches!(error, Error::NoSuchSocket { .. }), "{error:?}");

        // A server must be somewhere else for a moment.
        let short = folder.path().join("short");
        let listener = UnixListener::bind(&short).unwrap();
        fs::rename(&short, &path).unwrap();
        let server = serve(listener);
        check(options().unix(&path).unwrap());
        server.join().unwrap();

        let (error, text) = failed(options().unix(&path));
        assert!(matches!(error, Error::NobodyListens { .. }), "{error:?}");
        assert!(text.contains(path.to_str().unwrap()), "{text}");
    }
    // Nor is the name alone a limit, up to what a file system takes.
    let listener = UnixListener::bind(folder.path().join("short")).unwrap();
    let path = folder.path().join("n".repeat(255));
    fs::rename(folder.path().join("short"), &path).unwrap();
    let server = serve(listener);
    check(options().unix(&path).unwrap());
    server.join().unwrap();
    let (error, text) = failed(options().unix(folder.path().join("n".repeat(256))));
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(text.contains("too long"), "{text}");
}

#[test]
fn an_open_unix_socket_carries_descriptors() {
    let (stream, server) = peer(|peer| {
        peer.welcome();
        let (_, id) = peer.command();
        peer.returns(id, "{}");
        peer.gone();
    });
    let mut monitor = options().fd(stream.into()).unwrap();
    monitor.execute_with_fd::<serde::de::IgnoredAny>("getfd", &(), File::open("/dev/null").unwrap()).unwrap();
    assert_eq!(monitor.address(), None);
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn an_open_tcp_socket_is_told_not_to_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(!stream.nodelay().unwrap());
    let same = stream.try_clone().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        (&stream).write_all(GREETING.as_bytes()).unwrap();
        let mut lines = BufReader::new(&stream).lines();
        let line = lines.next().unwrap().unwrap();
        let (_, id) = line.rsplit_once("\"id\":").unwrap();
        (&stream).write_all(format!("{{\"return\": {{}}, \"id\": {id}\n").as_bytes()).unwrap();
        assert!(lines.next().is_none());
    });
    let mut monitor = options().fd(stream.into()).unwrap();
    assert!(same.nodelay().unwrap());
    let refused =
        monitor.execute_with_fd::<serde::de::IgnoredAny>("getfd", &(), File::open("/dev/null").unwrap()).unwrap_err();
    assert!(matches!(refused, Error::Descriptor { .. }), "{refused:?}");
    drop(monitor);
    server.join().unwrap();
}

#[test]
fn a_descriptor_that_is_no_connection_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let listener: OwnedFd = UnixListener::bind(folder.path().join("l")).unwrap().into();
    let datagrams: OwnedFd = UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let unconnected =
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let file: OwnedFd = File::create(folder.path().join("f")).unwrap().into();
    let one_way: OwnedFd = File::open("/dev/null").unwrap().into();
    for (fd, why) in [
        (listener, "listens"),
        (datagrams, "datagrams"),
        (unconnected, "not connected"),
        (pipe.into(), "one way"),
        (file, "neither a socket nor a terminal"),
        (one_way, "reading and writing"),
    ] {
        let (error, text) = failed(options().fd(fd));
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn a_descriptor_known_by_its_number() {
    let (stream, server) = peer(converse);
    let monitor = options().inherited(stream.as_raw_fd()).unwrap();
    assert_eq!(monitor.address(), Some(&Address::Fd(stream.as_raw_fd())));
    check(monitor);
    // The peer has seen the end of the connection, though the number is still open.
    server.join().unwrap();
    assert_eq!((&stream).read(&mut [0]).unwrap(), 0);

    let (stream, server) = peer(converse);
    check(options().connect(&Address::Fd(stream.as_raw_fd())).unwrap());
    server.join().unwrap();

    let (error, text) = failed(options().inherited(1_000_000));
    assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
    assert!(text.starts_with("fd:1000000 ") && text.contains("close-on-exec"), "{text}");
}

/// A pseudo-terminal as it comes, with echo and lines: the side that the server has, and the path of the other.
fn terminal() -> (File, PathBuf) {
    let server = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&server).unwrap();
    unlockpt(&server).unwrap();
    let path = ptsname(&server, Vec::new()).unwrap().into_string().unwrap();
    (server.into(), path.into())
}

/// Whether a terminal is as it came.
fn is_cooked(terminal: &File) -> bool {
    tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
}

#[test]
fn a_serial_line() {
    let by_path: fn(&Path) -> _ = |path| options().serial(path);
    let by_descriptor: fn(&Path) -> _ =
        |path| options().fd(OpenOptions::new().read(true).write(true).open(path).unwrap().into());
    for connect in [by_path, by_descriptor] {
        let (server, path) = terminal();
        // Without another one the server's side would be at its end whenever the client is not there.
        let held = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert!(is_cooked(&held));
        let client = thread::spawn(move || {
            let mut monitor = connect(&path).unwrap();
            assert_eq!(monitor.execute::<Vec<u8>>("ask", &()).unwrap(), [7]);
            let refused = monitor.execute_with_fd::<Vec<u8>>("getfd", &(), File::open("/dev/null").unwrap());
            assert!(matches!(refused, Err(Error::Descriptor { .. })), "{refused:?}");
            monitor
        });
        // It would be echoed before.
        wait_until(|| !is_cooked(&held));
        (&server).write_all(GREETING.as_bytes()).unwrap();
        let mut lines = BufReader::new(&server).lines();
        for value in ["{}", "[7]"] {
            let line = lines.next().unwrap().unwrap();
            let (_, id) = line.rsplit_once("\"id\":").unwrap();
            (&server).write_all(format!("{{\"return\": {value}, \"id\": {id}\r\n").as_bytes()).unwrap();
        }
        let mut monitor = client.join().unwrap();
        // Nothing waits where nothing comes.
        assert_eq!(monitor.next_event(Some(BRIEF)).unwrap(), None);

        drop(lines);
        drop(server);
        // A line that is hung up is an end, not a failure.
        assert!(monitor.drain_to_end(Some(SOON)).unwrap());
    }
}

/// The other way round: the client has the side that ends with an error (EIO) when nobody has the other one open any more.
#[test]
fn a_terminals_own_end_is_an_end() {
    let (client, path) = terminal();
    let server = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let client = thread::spawn(move || options().fd(client.into()).unwrap());
    wait_until(|| !is_cooked(&server));
    (&server).write_all(GREETING.as_bytes()).unwrap();
    let line = BufReader::new(&server).lines().next().unwrap().unwrap();
    let (_, id) = line.rsplit_once("\"id\":").unwrap();
    (&server).write_all(format!("{{\"return\": {{}}, \"id\": {id}\r\n").as_bytes()).unwrap();
    let mut monitor = client.join().unwrap();
    drop(server);
    assert!(monitor.drain_to_end(Some(SOON)).unwrap());
}

#[test]
fn a_serial_line_is_left_as_it_was() {
    let (server, path) = terminal();
    let held = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let client = thread::spawn(move || options().deadline(BRIEF * 5).serial(path));
    wait_until(|| !is_cooked(&held));
    let (error, text) = failed(client.join().unwrap());
    assert!(matches!(error, Error::NoGreeting { .. }), "{error:?}");
    assert!(text.contains("/dev/"), "{text}");
    assert!(is_cooked(&held));
    drop(server);
}

fn wait_until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < SOON);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Where the kernel has vsock's loopback, a conversation over it; where it has not, an error in time that says where to.
#[test]
fn vsock() {
    const THIS_MACHINE: u32 = 1;
    const PORT: u32 = 54_321;
    let listener = Socket::new(Domain::VSOCK, Type::STREAM, None).unwrap();
    if listener.bind(&SockAddr::vsock(THIS_MACHINE, PORT)).is_err() {
        let (error, text) = failed(options().deadline(BRIEF).vsock(THIS_MACHINE, PORT));
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(text.contains("vsock:1:54321"), "{text}");
        return;
    }
    listener.listen(1).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(GREETING.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for value in ["{}", "[7]"] {
            let line = lines.next().unwrap().unwrap();
            let (_, id) = line.rsplit_once("\"id\":").unwrap();
            stream.write_all(format!("{{\"return\": {value}, \"id\": {id}\r\n").as_bytes()).unwrap();
        }
        assert!(lines.next().is_none());
    });
    check(options().vsock(THIS_MACHINE, PORT).unwrap());
    server.join().unwrap();
    let (error, _) = failed(options().vsock(THIS_MACHINE, PORT));
    assert!(matches!(error, Error::NobodyListens { .. }), "{error:?}");
}

//! QEMU's own Python client, `qemu.qmp`, against a server of ours on a Unix socket: it negotiates, runs commands, gets errors and
//! events, and reconnects.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use qmp_core::error::{Error, PeerError};
use qmp_core::message::{Timestamp, Version};
use qmp_core::server::{Config, Message, Server, Storage};
use qmp_tests::process::Process;
use qmp_tests::{LIMIT, qemu};
use serde_json::{Value, json};

/// The interpreter that has the package.
const PYTHON: &str = "QMP_TEST_PYTHON";

/// A string with everything that JSON must escape, and more.
const AWKWARD: &str = "a \"b\" 'c' \\d\\ \u{0}\u{1}\u{1f}\u{7f}\u{80} \u{e9} \u{20ac} \u{1f600} \u{2028}\u{feff}";

#[test]
fn qemus_own_client_is_served() {
    for (oob, connections) in [(false, 2), (true, 1)] {
        let folder = tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder");
        let path = folder.path().join("m");
        let listener = UnixListener::bind(&path).expect("a socket");
        let server = thread::spawn(move || {
            let mut said = Vec::new();
            for _ in 0..connections {
                said.push(serve(accept(&listener), oob));
            }
            said
        });
        let told = client(&path, oob, connections);
        let said = server.join().expect("the server does not panic");
        assert_eq!(told, json!({"connections": connections, "oob": oob}), "the script's own account");
        for commands in said {
            println!("oob {oob}: {}", commands.join(", "));
            assert!(commands.len() > 8);
        }
    }
}

/// Waits for a connection, but not for ever: nobody comes where the script fails.
fn accept(listener: &UnixListener) -> UnixStream {
    listener.set_nonblocking(true).expect("a socket");
    let mut accepted = None;
    qmp_tests::wait_until("the Python client", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.expect("a connection");
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
    stream
}

/// Serves one client to the end of its connection. The names of its commands.
fn serve(mut stream: UnixStream, oob: bool) -> Vec<String> {
    let mut config = Config::DEFAULT;
    config.oob = oob;
    config.version = Version { major: 9, minor: 2, micro: 1 };
    config.package = "\u{e9} \"quoted\"";
    let mut server = Server::new(Storage::growing(1 << 20, 4 << 20, 16, 64), config);
    let mut commands = Vec::new();
    loop {
        let polled = match server.poll() {
            Ok(Some(incoming)) => {
                if let Message::Command { ticket, name, arguments, .. } = incoming.message {
                    commands.push(name.to_owned());
                    let arguments: Value = arguments.map_or(Value::Null, |payload| payload.decode().expect("JSON"));
                    answer(incoming.replies, ticket, name, &arguments).expect("room");
                }
                true
            }
            Ok(None) => false,
            Err(Error::Peer(PeerError::Closed)) => return commands,
            Err(error) => panic!("{error}"),
        };
        while !server.tx_pending().is_empty() {
            let Ok(count) = stream.write(server.tx_pending()) else { return commands };
            server.tx_sent(count).expect("what was pending");
        }
        if !polled {
            match stream.read(server.rx_space()) {
                Ok(0) => server.rx_eof(),
                Ok(count) => server.rx_commit(count).expect("room"),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => server.rx_eof(),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn answer(
    replies: &mut qmp_core::server::Replies<'_>,
    ticket: qmp_core::server::Ticket,
    name: &str,
    arguments: &Value,
) -> Result<(), Error> {
    let now = Timestamp { seconds: 1_700_000_000, microseconds: 42 };
    match name {
        "query-status" => replies.reply(ticket, &json!({"status": "running", "running": true})),
        "echo" => replies.reply(ticket, arguments),
        "awkward" => replies.reply(ticket, AWKWARD),
        "number" => replies.reply(ticket, &json!([u64::MAX, i64::MIN, 0.1, -0.0])),
        "large" => replies.reply(ticket, &"x".repeat(200_000)),
        "nothing" => replies.reply(ticket, &()),
        "fail" => replies.fail(ticket, "DeviceNotFound", "Device 'no \"such\"' not found"),
        "stop" => {
            replies.event::<()>("STOP", None, now)?;
            replies.reply(ticket, &())?;
            replies
                .event("RTC_CHANGE", Some(&json!({"offset": -1, "qom-path": AWKWARD})), Timestamp::UNKNOWN)
                .map(|_| ())
        }
        _ => replies.not_found(ticket, name),
    }
}

/// Runs the script against the socket; what it says at its end.
fn client(path: &Path, oob: bool, connections: usize) -> Value {
    let script = qmp_tests::transcript::fixtures().join("foreign_client.py");
    let python = qemu::named(PYTHON, "a Python interpreter with the package qemu.qmp");
    let mut command = Command::new(&python);
    command.arg(script).arg(path).arg(oob.to_string()).arg(connections.to_string()).arg(AWKWARD.replace('\0', "%"));
    let mut script = Process::start(command.stdout(Stdio::piped()));
    let mut text = String::new();
    assert!(script.ends().success(), "the script failed");
    script.stdout.take().expect("its output").read_to_string(&mut text).expect("text");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

//! An agent's client against agents that follow a script, and against the core's own.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{BRIEF, GREETING, SOON, socket_path};
use qmp_std::qmp_core::client::Delivery;
use qmp_std::qmp_core::command::Command;
use qmp_std::qmp_core::error::{Error as Refusal, PeerError};
use qmp_std::qmp_core::json::Projection;
use qmp_std::qmp_core::server::{Config, Dialect, Message, Server, Storage};
use qmp_std::{Agent, AgentOptions, Error, Notice};
use serde::Serialize;

fn options() -> AgentOptions {
    AgentOptions::new().deadline(SOON).timeout(SOON).farewell(SOON).reconnect(None)
}

/// The core's own agent: `hang` is never answered, `guest-shutdown` not either, `refuse` with an error, `large` with much, `list` with a
/// list, the rest with its name. Ends with the connection, and gives the names of the commands that came.
fn serve(mut stream: impl Read + Write) -> Vec<String> {
    let storage = Storage::growing(4096, 1 << 20, 16, 1024);
    let config = Config { dialect: Dialect::Agent, in_order: false, ..Config::DEFAULT };
    let mut server = Server::new(storage, config);
    let mut names = Vec::new();
    loop {
        loop {
            match server.poll() {
                Ok(Some(incoming)) => {
                    let Message::Command { ticket, name, .. } = incoming.message else { continue };
                    names.push(name.to_owned());
                    match name {
                        "hang" | "guest-shutdown" => incoming.replies.release(ticket),
                        "refuse" => incoming.replies.fail(ticket, "GenericError", "no"),
                        "large" => incoming.replies.reply(ticket, &"x".repeat(10_000)),
                        "list" => {
                            incoming.replies.reply(ticket, &["x".repeat(3_000), "y".repeat(9_000), String::new()])
                        }
                        name => incoming.replies.reply(ticket, name),
                    }
                    .unwrap();
                }
                Ok(None) => break,
                Err(Refusal::Peer(PeerError::Closed)) => return names,
                Err(error) => panic!("{error}"),
            }
        }
        let pending = server.tx_pending();
        let count = pending.len();
        if stream.write_all(pending).is_err() {
            return names;
        }
        server.tx_sent(count).unwrap();
        match stream.read(server.rx_space()) {
            Ok(0) | Err(_) => server.rx_eof(),
            Ok(count) => server.rx_commit(count).unwrap(),
        }
    }
}

fn served() -> (UnixStream, JoinHandle<Vec<String>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (ours, thread::spawn(move || serve(theirs)))
}

#[derive(Serialize)]
struct GuestShutdown {
    mode: Option<&'static str>,
}

impl Command for GuestShutdown {
    const NAME: &'static str = "guest-shutdown";
    const NO_REPLY: bool = true;
    type Return<'a> = serde::de::IgnoredAny;
}

#[test]
fn long_replies_come_in_pieces() {
    let (stream, peer) = UnixStream::pair().unwrap();
    let agent = thread::spawn(move || serve(peer));
    let mut client = options().rx_limit(4096).over(stream).unwrap();
    let whole = client.execute::<String>("large", &());
    assert!(matches!(whole, Err(Error::Oversize { .. })), "{whole:?}");
    let (mut text, mut pieces) = (String::new(), 0);
    let look = |piece: &str| {
        text.push_str(piece);
        pieces += 1;
    };
    client.text(Delivery::TEXT, "large", &(), look).unwrap();
    assert!(text == "x".repeat(10_000) && pieces > 2, "{pieces} pieces");
    let mut seen = Vec::new();
    let count = client.each::<String>(Delivery::ELEMENTS, "list", &(), |element| seen.push(element.map(|it| it.len())));
    assert_eq!(count.unwrap(), 3);
    assert!(matches!(&seen[..], [Ok(3000), Err(Error::OversizeElement { index: 1, .. }), Ok(0)]), "{seen:?}");
    let refused = client.text(Delivery::TEXT, "list", &(), |piece| panic!("{piece}"));
    assert!(matches!(refused, Err(Error::Oversize { .. })), "{refused:?}");
    let refused = client.each::<u8>(Delivery::ELEMENTS, "name", &(), |element| panic!("{element:?}"));
    assert!(matches!(refused, Err(Error::Decode(_))), "{refused:?}");
    assert_eq!(client.execute_members::<String>(Projection::Named(&["x"]), "name", &()).unwrap(), "name");
    drop(client);
    assert_eq!(agent.join().unwrap().last().unwrap(), "name");
}

#[test]
fn commands_by_serde_typed_and_raw() {
    let (stream, peer) = served();
    let mut agent = options().over(stream).unwrap();
    assert!(agent.echoes_ids());
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
    agent.run("guest-info", &()).unwrap();
    assert_eq!(agent.execute_raw("guest-file-open", Some("{ \"path\": \"/x\" }")).unwrap(), "\"guest-file-open\"");
    let refused = agent.run("refuse", &());
    assert!(matches!(&refused, Err(Error::Command(failure)) if failure.desc == "no"), "{refused:?}");
    let wrong = agent.run("guest-ping", &5);
    assert!(matches!(wrong, Err(Error::Misuse(_))), "{wrong:?}");
    let misfit = agent.execute::<u32>("guest-ping", &());
    assert!(matches!(misfit, Err(Error::Decode(_))), "{misfit:?}");
    assert_eq!(agent.next_notice(), None);
    assert!(format!("{agent:?}").contains("Ready"));
    drop(agent);
    let expected = ["guest-ping", "guest-info", "guest-file-open", "refuse", "guest-ping"];
    assert_eq!(peer.join().unwrap(), expected);
}

#[test]
fn a_command_without_a_reply_returns_when_it_is_sent_and_no_error_has_come() {
    let (stream, peer) = served();
    let mut agent = options().grace(BRIEF).over(stream).unwrap();
    let began = Instant::now();
    agent.send(&GuestShutdown { mode: Some("halt") }, |_| ()).unwrap();
    assert!(began.elapsed() >= BRIEF);
    agent.run_without_reply("guest-shutdown", &()).unwrap();
    agent.run_raw_without_reply("guest-shutdown", Some("{ \"mode\": \"halt\" }")).unwrap();
    let wrong = agent.run_raw_without_reply("guest-shutdown", Some("[]"));
    assert!(matches!(wrong, Err(Error::Misuse(_))), "{wrong:?}");
    // An error to one is one.
    for refused in [agent.run_without_reply("refuse", &()), agent.run_raw_without_reply("refuse", None)] {
        assert!(matches!(refused, Err(Error::Command(_))), "{refused:?}");
    }
    // And the session is in step all along.
    agent.set_timeout(Some(SOON));
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
    drop(agent);
    let expected = ["guest-shutdown", "guest-shutdown", "guest-shutdown", "refuse", "refuse", "guest-ping"];
    assert_eq!(peer.join().unwrap(), expected);
}

#[test]
fn a_command_without_a_reply_may_take_the_connection_with_it() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let peer = thread::spawn(move || {
        let mut peer = Script::new(theirs);
        peer.sync();
        assert!(peer.line().contains("guest-shutdown"));
    });
    let mut agent = options().grace(SOON).over(ours).unwrap();
    agent.run_without_reply("guest-shutdown", &()).unwrap();
    peer.join().unwrap();
    assert!(matches!(agent.run("guest-ping", &()), Err(Error::Closed { .. })));
}

#[test]
fn after_a_timeout_the_next_call_is_right() {
    let (stream, peer) = served();
    let mut agent = options().over(stream).unwrap();
    agent.set_timeout(Some(BRIEF));
    let hung = agent.run("hang", &());
    assert!(matches!(hung, Err(Error::Unanswered { .. })), "{hung:?}");
    agent.set_timeout(Some(SOON));
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
    assert_eq!(agent.next_notice(), None);
    drop(agent);
    assert_eq!(peer.join().unwrap(), ["hang", "guest-ping"]);
}

#[test]
fn a_reply_that_does_not_fit_is_passed_over() {
    let (stream, _peer) = served();
    let mut agent = options().rx_limit(4096).over(stream).unwrap();
    let large = agent.run("large", &());
    assert!(matches!(large, Err(Error::Oversize { bytes, .. }) if bytes > 10_000), "{large:?}");
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
}

#[test]
fn a_monitor_is_told_from_an_agent() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(GREETING.as_bytes()).unwrap();
    let outcome = options().over(ours);
    assert!(matches!(outcome, Err(Error::NotAgent { .. })), "{outcome:?}");
}

/// An agent by hand.
struct Script(UnixStream);

impl Script {
    fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(SOON)).unwrap();
        Self(stream)
    }

    fn say(&mut self, text: &str) {
        let bytes: Vec<u8> = text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
        self.0.write_all(&bytes).unwrap();
    }

    /// The next line; nothing at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let mut byte = [0];
        while self.0.read(&mut byte).unwrap() == 1 {
            line.push(char::from(byte[0]));
            if byte[0] == b'\n' {
                break;
            }
        }
        line
    }

    /// Answers the synchronisation that must come next.
    fn sync(&mut self) {
        let line = self.line();
        self.answer(&line);
    }

    fn answer(&mut self, line: &str) {
        let (number, id) = numbers(line);
        let id = if id { format!(", \"id\": {number}") } else { String::new() };
        self.say(&format!(
            "{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"stray\"}}}}\n\u{FF}{{\"return\": {number}{id}}}\n"
        ));
    }
}

/// The number of a synchronisation, and whether it is its id, too.
fn numbers(line: &str) -> (u64, bool) {
    assert!(line.starts_with("\u{FF}{\"execute\":\"guest-sync-delimited\""), "{line}");
    let (_, rest) = line.split_once("\"arguments\":{\"id\":").unwrap();
    let (number, rest) = rest.split_once('}').unwrap();
    (number.parse().unwrap(), rest.starts_with(",\"id\":"))
}

#[test]
fn an_agent_of_old_that_knows_no_ids() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let peer = thread::spawn(move || {
        let mut peer = Script::new(theirs);
        assert!(numbers(&peer.line()).1);
        let refusal = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"'id' is unexpected\"}}\n";
        peer.say(refusal);
        peer.sync();
        assert_eq!(peer.line(), "{\"execute\":\"guest-ping\"}\n");
        peer.say("{\"return\": {}}\n");
        assert_eq!(peer.line(), "");
    });
    let mut agent = options().sync_timeout(BRIEF).over(ours).unwrap();
    assert!(!agent.echoes_ids());
    agent.run("guest-ping", &()).unwrap();
    drop(agent);
    peer.join().unwrap();
}

#[test]
fn what_was_late_is_a_notice() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (go_on, wait) = std::sync::mpsc::channel();
    let peer = thread::spawn(move || {
        let mut peer = Script::new(theirs);
        peer.sync();
        let line = peer.line();
        let (_, id) = line.trim_end_matches("}\n").rsplit_once("\"id\":").unwrap();
        wait.recv().unwrap();
        peer.say(&format!("{{\"return\": 5, \"id\": {id}}}\n{{\"return\": 6, \"id\": \"stranger\"}}\n"));
        peer.sync();
        assert_eq!(peer.line(), "");
    });
    let mut agent = options().timeout(BRIEF).sync_timeout(SOON).over(ours).unwrap();
    let Err(Error::Unanswered { ticket }) = agent.run("guest-fsfreeze-freeze", &()) else { panic!() };
    let busy = agent.run("guest-ping", &());
    assert!(matches!(busy, Err(Error::NotInStep { .. })), "{busy:?}");
    go_on.send(()).unwrap();
    agent.set_timeout(Some(SOON));
    agent.synchronize().unwrap();
    assert_eq!(agent.next_notice(), Some(Notice::Late { ticket, outcome: Ok("5".into()) }));
    let stranger = Notice::Foreign { id: Some("\"stranger\"".into()), outcome: Ok("6".into()) };
    assert_eq!(agent.next_notice(), Some(stranger));
    assert_eq!(agent.next_notice(), None);
    assert_eq!(agent.notices_lost(), 0);
    drop(agent);
    peer.join().unwrap();
}

#[test]
fn a_silent_connection_is_given_up_for_another_one() {
    let socket = socket_path();
    let listener = UnixListener::bind(&socket.path).unwrap();
    let peer = thread::spawn(move || {
        // Two that nobody answers on. The second one must see the first one gone.
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            let mut silent = Script::new(stream);
            while !silent.line().is_empty() {}
        }
        serve(listener.accept().unwrap().0)
    });
    let mut agent = options().reconnect(BRIEF).farewell(Duration::ZERO).unix(&socket.path).unwrap();
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
    drop(agent);
    assert_eq!(peer.join().unwrap(), ["guest-ping"]);
}

#[test]
fn silence_is_told_when_time_is_up() {
    let socket = socket_path();
    let _listener = UnixListener::bind(&socket.path).unwrap();
    for reconnect in [None, Some(BRIEF / 3)] {
        let began = Instant::now();
        let quick = options().deadline(BRIEF).reconnect(reconnect).farewell(Duration::ZERO);
        let outcome = quick.unix(&socket.path);
        assert!(matches!(&outcome, Err(Error::NoAgent { after, .. }) if *after >= BRIEF / 2), "{outcome:?}");
        assert!(began.elapsed() < SOON);
    }
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let outcome = options().deadline(BRIEF).farewell(Duration::ZERO).over(ours);
    assert!(matches!(outcome, Err(Error::NoAgent { .. })), "{outcome:?}");
    let outcome = Agent::unix("/no/such/socket");
    assert!(matches!(outcome, Err(Error::NoSuchSocket { .. })), "{outcome:?}");
}

#[test]
fn answers_on_their_way_are_taken_before_it_goes() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let peer = thread::spawn(move || {
        let mut peer = Script::new(theirs);
        peer.sync();
        let line = peer.line();
        let (_, id) = line.trim_end_matches("}\n").rsplit_once("\"id\":").unwrap();
        // The client has given up when it synchronises.
        let next = peer.line();
        peer.say(&format!("{{\"return\": 5, \"id\": {id}}}\n"));
        peer.answer(&next);
        // Had it gone without taking that, this would be a reset, not an end.
        assert_eq!(peer.line(), "");
    });
    let mut agent = options().over(ours).unwrap();
    agent.set_timeout(Some(BRIEF));
    assert!(matches!(agent.run("slow", &()), Err(Error::Unanswered { .. })));
    drop(agent);
    peer.join().unwrap();
}

#[test]
fn over_a_serial_line() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let peer = thread::spawn(move || serve(std::fs::File::from(master)));
    let mut agent = options().serial(path).unwrap();
    assert_eq!(agent.execute::<String>("guest-ping", &()).unwrap(), "guest-ping");
    // A line that were not raw would say it back, and more than once.
    assert_eq!(agent.next_notice(), None);
    drop(agent);
    assert_eq!(peer.join().unwrap(), ["guest-ping"]);
}

//! The guest agent's client with real agents: lines that others left behind, agents that stop, end, and start late.

use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Instant;

use qmp_qapi::Nothing;
use qmp_qapi::guest_agent::commands::{GuestExec, GuestInfo, GuestPing, GuestShutdown};
use qmp_std::{Error, Notice};
use qmp_tests::agent::{Daemon, FORBIDDEN, options};
use qmp_tests::{LIMIT, QUIET, qemu};

#[test]
fn typed_commands_and_their_errors() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        let mut agent = daemon.client();
        assert!(agent.echoes_ids());
        assert_eq!(agent.send(&GuestPing, |nothing| nothing).unwrap(), Nothing);
        let said = agent.send(&GuestInfo, |info| info.version.to_owned()).unwrap();
        assert_eq!(said, version.version);
        // It is forbidden here. An error to a command without a reply is one.
        assert!(FORBIDDEN.contains(&"guest-shutdown"));
        let refused = agent.send(&GuestShutdown::new(), |_| ());
        assert!(matches!(&refused, Err(Error::Command(failure)) if failure.class == "CommandNotFound"), "{refused:?}");
        let refused = agent.run("guest-no-such-thing", &());
        assert!(matches!(&refused, Err(Error::Command(failure)) if failure.class == "CommandNotFound"), "{refused:?}");
        assert_eq!(agent.execute_raw("guest-ping", Some("{}")).unwrap(), "{}");
        // Synchronisations draw errors; nobody is bothered with them.
        agent.synchronize().unwrap();
        assert_eq!(agent.next_notice(), None);
    });
}

#[test]
fn half_a_command_and_replies_that_another_client_left() {
    for left in [
        "{\"execute\":\"guest-ping\",\"id\":\"partial",
        "{\"execute\":\"guest-ping\",\"arguments\":{",
        "[[[[[",
        "\"",
        "}}",
    ] {
        qemu::each_agent(|version| {
            let mut daemon = Daemon::start(version);
            let mut stream = daemon.stream();
            stream.write_all(left.as_bytes()).unwrap();
            drop(stream);
            let mut agent = daemon.client();
            agent.run("guest-ping", &()).unwrap();
            drop(agent);
            // A client that goes as it should leaves the agent be.
            daemon.client().run("guest-ping", &()).unwrap();
            assert!(!daemon.has_ended());
        });
    }
}

#[test]
fn a_stopped_agent_is_told_and_back_in_step_when_it_goes_on() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        let mut agent = daemon.client();
        agent.set_timeout(Some(QUIET));
        daemon.stop();
        let began = Instant::now();
        let stopped = agent.execute::<i64>("guest-get-time", &());
        let Err(Error::Unanswered { ticket }) = stopped else { panic!("{stopped:?}") };
        let again = agent.run("guest-ping", &());
        assert!(matches!(again, Err(Error::NotInStep { .. })), "{again:?}");
        assert!(began.elapsed() < LIMIT);
        daemon.go_on();
        agent.set_timeout(Some(LIMIT));
        // The next command gets its own answer, though the late one comes first.
        let text = agent.execute_raw("guest-ping", None).unwrap();
        assert_eq!(text, "{}");
        let late = agent.next_notice();
        assert!(
            matches!(&late, Some(Notice::Late { ticket: of, outcome: Ok(time) }) if *of == ticket && time.parse::<i64>().is_ok()),
            "{late:?}"
        );
        assert!(agent.echoes_ids());
    });
}

#[test]
fn a_stopped_agent_does_not_hold_up_who_gives_up() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        drop(daemon.client());
        daemon.stop();
        let silent = options().retry(false).deadline(QUIET).reconnect(None).farewell(QUIET);
        let began = Instant::now();
        let outcome = silent.unix(daemon.socket());
        assert!(matches!(outcome, Err(Error::NoAgent { .. })), "{outcome:?}");
        assert!(began.elapsed() < LIMIT);
        daemon.go_on();
        daemon.client().run("guest-ping", &()).unwrap();
    });
}

#[test]
fn a_second_client_is_served_when_the_first_has_gone() {
    qemu::each_agent(|version| {
        let mut daemon = Daemon::start(version);
        let mut first = daemon.client();
        let socket = daemon.socket().to_owned();
        let outcome = options().retry(false).deadline(QUIET).reconnect(None).unix(&socket);
        assert!(matches!(outcome, Err(Error::NoAgent { .. })), "{outcome:?}");
        first.run("guest-ping", &()).unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| options().unix(&socket).unwrap().execute::<i64>("guest-get-time", &()));
            first.run("guest-ping", &()).unwrap();
            drop(first);
            assert!(second.join().unwrap().unwrap() > 0);
        });
        assert!(!daemon.has_ended());
    });
}

#[test]
fn a_client_takes_what_is_on_its_way_before_it_goes() {
    qemu::each_agent(|version| {
        let mut daemon = Daemon::start(version);
        for _ in 0..10 {
            let mut agent = daemon.client();
            agent.set_timeout(Some(Duration::ZERO));
            // There was no time for any of this.
            let hasty = agent.run("guest-get-osinfo", &());
            assert!(matches!(hasty, Ok(()) | Err(Error::Unanswered { .. })), "{hasty:?}");
            drop(agent);
            daemon.client().run("guest-ping", &()).unwrap();
            assert!(!daemon.has_ended());
        }
    });
}

#[test]
fn an_agent_that_is_killed_leaves_the_outcome_unknown() {
    qemu::each_agent(|version| {
        let mut daemon = Daemon::start(version);
        let mut agent = daemon.client();
        daemon.stop();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| agent.execute::<i64>("guest-get-time", &()));
            daemon.kill();
            let outcome = waiting.join().unwrap();
            assert!(matches!(outcome, Err(Error::OutcomeUnknown { .. } | Error::Closed { .. })), "{outcome:?}");
        });
        let gone = agent.run("guest-ping", &());
        assert!(matches!(gone, Err(Error::Closed { .. })), "{gone:?}");
    });
}

#[test]
fn an_agent_that_starts_behind_the_connection_is_found() {
    qemu::each_agent(|version| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        // As QEMU does for a guest: takes connections, and has nobody behind them until the agent is there.
        let listener = UnixListener::bind(&path).unwrap();
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                let mut agent = options().reconnect(QUIET).unix(&path)?;
                agent.run("guest-ping", &())
            });
            let (mut early, _) = listener.accept().unwrap();
            let mut said = [0];
            early.read_exact(&mut said).unwrap();
            assert_eq!(said, [0xFF]);
            let daemon = Daemon::start(version);
            let mut guest = daemon.stream();
            // What the first connection said is gone, and it never hears a word: the next one is the agent's.
            let (mut host, _) = listener.accept().unwrap();
            let (mut host_in, mut guest_out) = (host.try_clone().unwrap(), guest.try_clone().unwrap());
            scope.spawn(move || drop(std::io::copy(&mut host_in, &mut guest)));
            scope.spawn(move || drop(std::io::copy(&mut guest_out, &mut host)));
            client.join().unwrap().unwrap();
            drop(daemon);
        });
    });
}

#[test]
fn out_of_band_execution_is_refused_and_the_client_has_no_word_for_it() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        let mut stream = daemon.stream();
        stream.write_all(b"{\"exec-oob\":\"guest-ping\",\"id\":9}\n").unwrap();
        let mut reply = vec![0; 200];
        let count = stream.read(&mut reply).unwrap();
        let reply = String::from_utf8_lossy(&reply[..count]).into_owned();
        assert!(reply.contains("GenericError") && reply.contains("exec-oob") && reply.ends_with("}\n"), "{reply}");
    });
}

#[test]
fn a_program_runs_while_others_are_asked_for() {
    qemu::each_agent(|version| {
        let daemon = Daemon::start(version);
        let mut agent = daemon.client();
        let mark = daemon.folder().join("mark");
        let script = format!("echo here > {}", mark.display());
        let arguments = ["-c", &script];
        let exec = GuestExec { arg: Some(qmp_qapi::List::new(&arguments)), ..GuestExec::new("/bin/sh") };
        let pid = agent.send(&exec, |exec| exec.pid).unwrap();
        assert!(pid > 0);
        qmp_tests::wait_until("the program's mark", || {
            agent.run("guest-ping", &()).unwrap();
            fs::read_to_string(&mark).is_ok_and(|mark| mark == "here\n")
        });
    });
}

//! Greeting and negotiation, in each way a client can go about them, with a real QEMU.

use qmp_core::client::{Config, Handshake};
use qmp_tests::qemu::{self, Machine};
use qmp_tests::said::{Failed, Said};
use qmp_tests::session::{Session, storage};
use qmp_tests::{LIMIT, QUIET};
use serde_json::json;

/// The configuration that has these two, and is else the default.
fn config(handshake: Handshake, oob: bool) -> Config {
    let mut config = Config::DEFAULT;
    (config.handshake, config.oob) = (handshake, oob);
    config
}

#[test]
fn every_way_of_negotiating_works_compact_and_pretty() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            for (handshake, oob) in
                [(Handshake::AfterGreeting, false), (Handshake::AfterGreeting, true), (Handshake::Blind, false)]
            {
                let mut session = Session::new(machine.connect(), storage(), config(handshake, oob));
                let Said::Greeting(greeting) = session.next_message() else { panic!("no greeting") };
                assert_eq!(greeting.version.expect("a version").to_string(), qemu.version);
                assert_eq!(greeting.capabilities, ["oob"]);
                assert_eq!(session.next_message(), Said::Ready { oob }, "{handshake:?}, pretty {pretty}");
                assert_eq!(session.client.commands().oob_enabled(), oob);
                session.check_alive();
            }
        }
    });
}

#[test]
fn commands_may_follow_a_blind_negotiation_in_the_same_write() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::new(machine.connect(), storage(), config(Handshake::Blind, false));
        assert!(session.client.poll().expect("a session").is_none());
        let first = session.client.commands().execute("query-status", &()).expect("room");
        let second = session.execute("query-version", &json!(null));
        let said = [(); 4].map(|()| session.next_message());
        assert!(
            matches!(&said, [Said::Greeting(_), Said::Ready { oob: false }, Said::Reply(a, Ok(_)), Said::Reply(b, Ok(_))]
                if *a == first && *b == second),
            "{said:?}"
        );
    });
}

#[test]
fn before_negotiation_commands_are_refused_by_name() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::new(machine.connect(), storage(), Config::DEFAULT);
        session.say(b"{\"execute\":\"query-status\",\"id\":\"early\"}\n");
        let said = [(); 3].map(|()| session.next_message());
        let [Said::Greeting(_), Said::Foreign(Some(id), Err(failed)), Said::Ready { .. }] = &said else {
            panic!("{said:?}")
        };
        assert_eq!(id, "\"early\"");
        assert_eq!(failed.class, "CommandNotFound");
        session.check_alive();
    });
}

#[test]
fn a_refused_capability_leaves_the_session_in_negotiation() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::new(machine.connect(), storage(), config(Handshake::AfterGreeting, true));
        session.say(b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"x-oob\"]},\"id\":\"x\"}\n");
        let said = [(); 3].map(|()| session.next_message());
        let [Said::Greeting(_), Said::Foreign(Some(id), Err(failed)), ready] = &said else { panic!("{said:?}") };
        assert_eq!((id.as_str(), failed.class.as_str()), ("\"x\"", "GenericError"));
        // The client's own, behind it, is taken.
        assert_eq!(*ready, Said::Ready { oob: true });
        session.check_alive();
    });
}

#[test]
fn a_second_negotiation_is_refused_and_told() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::new(machine.connect(), storage(), Config::DEFAULT);
        session.say(b"{\"execute\":\"qmp_capabilities\",\"id\":\"first\"}\n");
        let said = [(); 3].map(|()| session.next_message());
        let [Said::Greeting(_), Said::Foreign(Some(_), Ok(_)), Said::Refused(Failed { class, desc })] = &said else {
            panic!("{said:?}")
        };
        assert_eq!(class, "CommandNotFound");
        assert!(desc.contains("already complete"), "{desc}");
        // The same id-less: an error that ends nothing.
        session.say(b"{\"execute\":\"qmp_capabilities\"}\n");
        assert!(matches!(session.next_message(), Said::Diagnostic(failed) if failed.class == "CommandNotFound"));
    });
}

#[test]
fn a_second_client_is_greeted_when_the_first_has_left() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut first = Session::ready(machine.connect(), Config::DEFAULT);
        let mut second = Session::new(machine.connect(), storage(), Config::DEFAULT);
        let deadline = second.now().after(QUIET);
        second.client.commands().set_handshake_deadline(deadline);
        let said = second.next_message();
        assert_eq!(said, Said::HandshakeTimedOut(qmp_core::client::Session::Greeting));
        assert!(second.now() >= deadline);
        first.check_alive();
        drop(first);
        // Those who wait on are served.
        second.handshake();
        second.check_alive();
    });
}

#[test]
fn each_connection_negotiates_anew() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), config(Handshake::AfterGreeting, true));
        assert!(session.client.commands().oob_enabled());
        for _ in 0..3 {
            session.leave();
            assert_eq!(session.next_within(LIMIT), Some(None));
            session.reconnect(machine.connect());
            assert!(!session.client.commands().oob_enabled());
            session.handshake();
            assert!(session.client.commands().oob_enabled());
            session.check_alive();
        }
    });
}

//! What goes wrong on the wire with a real QEMU: stale replies, numbers that are none, unreadable input, a process that is killed.

use qmp_core::client::Config;
use qmp_tests::LIMIT;
use qmp_tests::gate::Gate;
use qmp_tests::qemu::{self, Machine};
use qmp_tests::said::Said;
use qmp_tests::session::Session;
use serde_json::Value;

const NONE: Value = Value::Null;

#[test]
fn a_reply_to_an_earlier_connection_is_nobodys() {
    qemu::each(|qemu| {
        for oob in [false, true] {
            let mut config = Config::DEFAULT;
            config.oob = oob;
            let machine = Machine::start(qemu);
            let mut session = Session::ready(machine.connect(), config);
            let gate = Gate::new(&machine, "g");
            let stale = session.execute(Gate::COMMAND, &gate.arguments());
            gate.wait_until_held();
            session.leave();
            assert_eq!(session.next_message(), Said::Lost(stale));
            assert_eq!(session.next_within(LIMIT), Some(None));

            session.reconnect(machine.connect());
            assert!(matches!(session.next_message(), Said::Greeting(_)));
            // `qmp_capabilities` is on its way, but QEMU's main thread has not left the old command yet.
            gate.open();
            // Before the negotiation or behind it, as QEMU likes; never taken for the reply to anything of this connection.
            let said = [session.next_message(), session.next_message()];
            let is_stale =
                |said: &Said| matches!(said, Said::Foreign(Some(id), Ok(_)) if *id == stale.id().to_string());
            assert!(said.iter().any(is_stale), "{said:?}");
            assert!(said.contains(&Said::Ready { oob }), "{said:?}");
            println!("QEMU {}, oob {oob}: stale reply first: {}", qemu.version, is_stale(&said[0]));
            session.check_alive();
        }
    });
}

#[test]
fn a_reply_to_an_earlier_connection_ends_none_of_this_one() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let gate = Gate::new(&machine, "g");
        let stale = session.execute(Gate::COMMAND, &gate.arguments());
        gate.wait_until_held();
        session.leave();
        assert_eq!(session.next_message(), Said::Lost(stale));
        session.reconnect(machine.connect());
        assert!(matches!(session.next_message(), Said::Greeting(_)));
        // The same slot is taken again before the stale reply comes.
        let fresh = session.execute("query-status", &NONE);
        assert_eq!(fresh.id() & 0xFF, stale.id() & 0xFF);
        gate.open();
        let said = session.until(|said| said.ended().is_some());
        assert!(said.iter().any(|said| matches!(said, Said::Foreign(Some(_), Ok(raw)) if raw == "{}")), "{said:?}");
        let Some(Said::Reply(of, Ok(raw))) = said.last() else { panic!("{said:?}") };
        assert_eq!(*of, fresh);
        assert!(raw.contains("prelaunch"), "{raw}");
    });
}

#[test]
fn a_number_that_qemu_cannot_write_is_survived() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            let mut session = Session::ready(machine.connect(), Config::DEFAULT);
            for (sent, echoed) in [("1e999", "inf"), ("-1e999", "-inf"), ("[1e999, 1]", "[inf,1]")] {
                session.say(format!("{{\"execute\":\"query-status\",\"id\":{sent}}}\n").as_bytes());
                let Said::Foreign(Some(id), Ok(raw)) = session.next_message() else { panic!("no reply to {sent}") };
                assert_eq!(id, echoed, "the id that QEMU {} echoes", qemu.version);
                assert!(raw.contains("prelaunch"));
                assert!(session.origin.is_some_and(|origin| origin.not_finite && !origin.after_gap));
                session.check_alive();
                assert!(session.origin.is_some_and(|origin| !origin.not_finite && !origin.after_gap));
            }
        }
    });
}

#[test]
fn one_input_too_deep_draws_many_errors_that_end_nothing() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let gate = Gate::new(&machine, "g");
        // A command is in flight all the time: QEMU reads on only when it is done.
        let held = session.execute(Gate::COMMAND, &gate.arguments());
        session.say(format!("{}{}\n", "[".repeat(1025), "]".repeat(1025)).as_bytes());
        let behind = session.execute("query-status", &NONE);
        gate.open();
        assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == held));
        let said = session.until(|said| said.ended().is_some());
        let (last, errors) = said.split_last().expect("messages");
        assert!(errors.iter().all(|said| matches!(said, Said::Diagnostic(failed) if failed.class == "GenericError")));
        let expected = if qemu.is_at_least(11, 0) { 1 } else { 1026 };
        println!("QEMU {}: {} errors", qemu.version, errors.len());
        assert_eq!(errors.len(), expected);
        assert!(matches!(last, Said::Reply(of, Ok(_)) if *of == behind));
        session.check_alive();
    });
}

#[test]
fn unreadable_input_is_answered_beside_what_is_in_flight() {
    let inputs: [&[u8]; 7] = [
        b"@@@ foo \"bar\" , 1 \n",
        b"{\"execute\":}\n",
        b"[]\n",
        b"\xFF",
        b"{\"id\":1,\"id\":2}\n",
        b"{\"a\":\"x\n",
        b"\x01",
    ];
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        for input in inputs {
            let before = session.execute("query-status", &NONE);
            session.say(input);
            // A control byte makes sure that QEMU's parser is itself again (rule 57).
            session.say(b"\x02");
            let behind = session.execute("query-status", &NONE);
            let said = session.until(|said| said.ended() == Some(behind));
            let (replies, errors): (Vec<_>, Vec<_>) = said.into_iter().partition(|said| said.ended().is_some());
            assert!(
                matches!(&replies[..], [Said::Reply(a, Ok(_)), Said::Reply(b, Ok(_))] if *a == before && *b == behind)
            );
            assert!(!errors.is_empty());
            for said in errors {
                assert!(matches!(&said, Said::Diagnostic(failed) if failed.class == "GenericError"), "{said:?}");
            }
        }
    });
}

#[test]
fn a_process_killed_in_the_middle_loses_each_command_once() {
    qemu::each(|qemu| {
        let mut machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let answered = session.execute("query-status", &NONE);
        assert_eq!(session.next_message().ended(), Some(answered));
        let gate = Gate::new(&machine, "g");
        let held = session.execute(Gate::COMMAND, &gate.arguments());
        let others = [(); 7].map(|()| session.execute("query-status", &NONE));
        gate.wait_until_held();
        machine.kill();
        let mut lost: Vec<_> = core::iter::once(held).chain(others).map(Said::Lost).collect();
        for said in session.until_end() {
            let place = lost.iter().position(|expected| *expected == said).unwrap_or_else(|| panic!("{said:?}"));
            lost.remove(place);
        }
        assert_eq!(lost, []);
    });
}

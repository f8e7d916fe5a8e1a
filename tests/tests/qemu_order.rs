//! Which reply comes when, with a real QEMU: eight in flight, out-of-band overtaking, deadlines and late replies.
//!
//! A [`Gate`] holds QEMU in a command, so that what is in flight stays there until the test has looked.

use core::time::Duration;

use qmp_core::client::{Config, Ticket};
use qmp_core::error::{Error, Resource};
use qmp_tests::QUIET;
use qmp_tests::gate::Gate;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::said::Said;
use qmp_tests::session::Session;
use serde_json::{Value, json};

const NONE: Value = Value::Null;

fn with_oob() -> Config {
    let mut config = Config::DEFAULT;
    config.oob = true;
    config
}

/// A command that may be executed out of band: it succeeds, or, where that is unknown, fails at once.
fn out_of_band(qemu: &Qemu) -> (&'static str, bool) {
    if qemu.is_at_least(6, 0) { ("query-yank", true) } else { ("migrate-pause", false) }
}

#[test]
fn eight_commands_in_flight_are_answered_in_order() {
    // Each answer tells which question it belongs to.
    let questions: [(&str, Value, &str); 8] = [
        ("query-status", NONE, "prelaunch"),
        ("query-version", NONE, "qemu"),
        ("query-name", NONE, "{}"),
        ("query-kvm", NONE, "present"),
        ("query-chardev", NONE, "frontend-open"),
        ("no-such-command", NONE, "no-such-command"),
        ("human-monitor-command", json!({"command-line": "info status"}), "VM status"),
        ("query-block", NONE, "[]"),
    ];
    qemu::each(|qemu| {
        for oob in [false, true] {
            let machine = Machine::start(qemu);
            let mut session = Session::ready(machine.connect(), if oob { with_oob() } else { Config::DEFAULT });
            for _ in 0..20 {
                let tickets: Vec<Ticket> = questions
                    .iter()
                    .map(|(name, arguments, _)| session.client.commands().execute(name, arguments).expect("a credit"))
                    .collect();
                for (ticket, (name, _, mark)) in tickets.into_iter().zip(&questions) {
                    let Said::Reply(of, outcome) = session.next_message() else { panic!("no reply to {name}") };
                    assert_eq!(of, ticket, "{name}");
                    let text = outcome.unwrap_or_else(|failed| failed.desc);
                    assert!(text.contains(mark), "{name}: {text}");
                }
            }
        }
    });
}

#[test]
fn a_ninth_command_is_refused_until_one_is_answered() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), with_oob());
        let gate = Gate::new(&machine, "g");
        let held = session.execute(Gate::COMMAND, &gate.arguments());
        // Eight that come before QEMU begins with the first fill its queue, and 5.2 then reads nothing until that one is done.
        gate.wait_until_held();
        let waiting: Vec<Ticket> = (0..7).map(|_| session.execute("query-status", &NONE)).collect();
        let refused = session.client.commands().execute("query-status", &());
        assert_eq!(refused, Err(Error::Resource(Resource::Credits { limit: 8 })));
        assert!(session.client.tx_pending().is_empty());
        assert_eq!(session.next_within(QUIET), None, "nothing is answered yet");
        // 1 running and 7 queued: out of band there is a way (rule 44).
        let (name, succeeds) = out_of_band(qemu);
        let overtaking = session.exec_oob(name);
        assert!(
            matches!(session.next_message(), Said::Reply(of, outcome) if of == overtaking && outcome.is_ok() == succeeds)
        );
        gate.open();
        for ticket in core::iter::once(held).chain(waiting) {
            assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == ticket));
        }
        assert_eq!(session.client.commands().credits(), 8);
        session.check_alive();
    });
}

#[test]
fn out_of_band_replies_overtake() {
    qemu::each(|qemu| {
        let (name, succeeds) = out_of_band(qemu);
        println!("QEMU {}: out of band is {name}, which {}", qemu.version, if succeeds { "succeeds" } else { "fails" });
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), with_oob());
        let gate = Gate::new(&machine, "g");
        // All in one write, in front of it a command that ends while the gate is shut.
        let commands = session.client.commands();
        let before = commands.execute("query-status", &()).expect("a credit");
        let held = commands.execute(Gate::COMMAND, &gate.arguments()).expect("a credit");
        let behind = commands.execute("query-status", &()).expect("a credit");
        let overtaking = [(); 3].map(|()| commands.exec_oob(name, &()).expect("a slot"));
        let first = [(); 4].map(|()| session.next_message());
        let mut ended: Vec<_> = first.iter().map(Said::ended).collect();
        // The first one was not held, and may be answered before or behind those that overtake.
        let place = ended.iter().position(|ticket| *ticket == Some(before)).expect("the first is answered");
        ended.remove(place);
        assert_eq!(ended, overtaking.map(Some), "in their order among themselves: {first:?}");
        for said in &first {
            assert!(
                matches!(said, Said::Reply(of, outcome) if *of == before || outcome.is_ok() == succeeds),
                "{said:?}"
            );
        }
        assert!([held, behind].iter().all(|ticket| session.client.commands().is_in_flight(*ticket)));
        gate.open();
        assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == held));
        assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == behind));
    });
}

#[test]
fn out_of_band_is_refused_where_it_was_not_negotiated() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        session.say(b"{\"exec-oob\":\"migrate-pause\",\"id\":\"o\"}\n");
        let Said::Foreign(Some(id), Err(failed)) = session.next_message() else { panic!("not refused") };
        assert_eq!((id.as_str(), failed.class.as_str()), ("\"o\"", "GenericError"));
        // Where it is on, some commands still do not take part.
        let mut session = Session::ready(
            {
                drop(session);
                machine.connect()
            },
            with_oob(),
        );
        let ticket = session.exec_oob("query-status");
        assert!(
            matches!(session.next_message(), Said::Reply(of, Err(failed)) if of == ticket && failed.class == "GenericError")
        );
        session.check_alive();
    });
}

#[test]
fn a_reply_behind_its_deadline_is_late_and_frees_its_credit() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let gate = Gate::new(&machine, "g");
        let held = session.execute(Gate::COMMAND, &gate.arguments());
        let behind = session.execute("query-status", &NONE);
        let deadline = session.now().after(Duration::from_millis(50));
        session.client.commands().set_deadline(held, deadline).expect("in flight");
        gate.wait_until_held();
        assert_eq!(session.next_message(), Said::TimedOut(held));
        assert!(session.now() >= deadline);
        assert_eq!(session.client.commands().credits(), 6, "QEMU still has both");
        gate.open();
        assert!(matches!(session.next_message(), Said::Late(of, Ok(_)) if of == held));
        assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == behind));
        assert_eq!(session.client.commands().credits(), 8);
    });
}

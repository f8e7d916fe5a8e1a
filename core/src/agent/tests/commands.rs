//! Commands: each ends once, and by what is its own.

use super::*;
use crate::command::Command;

#[test]
fn replies_find_their_commands_by_id() {
    let mut bench = Bench::ready();
    let (one, two) = (bench.execute("guest-ping"), bench.execute("guest-info"));
    assert_eq!(
        bench.sent(),
        format!(
            "{{\"execute\":\"guest-ping\",\"id\":{}}}\n{{\"execute\":\"guest-info\",\"id\":{}}}\n",
            one.id(),
            two.id()
        )
    );
    let said = bench.feed(format!(
        "{{\"return\": 7}}{{\"return\": {{}}, \"id\": {}}}\n{{\"id\": {}, \"error\": {{\"class\": \"C\", \"desc\": \"d\"}}}}",
        two.id(),
        one.id()
    ));
    assert_eq!(said, ["foreign None 7", &format!("reply {} {{}}", two.id()), &format!("reply {} C: d", one.id())]);
    assert_eq!(bench.client.commands().unanswered(), 0);
}

#[test]
fn a_timeout_doubts_the_session_and_a_late_reply_is_told_as_such() {
    let mut bench = Bench::ready();
    let (slow, other) = (bench.execute("guest-fsfreeze-freeze"), bench.execute("guest-ping"));
    bench.sent();
    bench.deadline(slow, 500);
    assert_eq!(bench.pass(500), [format!("timed out {}", slow.id())]);
    assert_eq!(bench.client.session(), Session::Syncing);
    assert!(!bench.client.is_in_flight(slow) && bench.client.is_in_flight(other));
    assert_eq!(bench.client.commands().execute("guest-ping", &()), Err(Error::Misuse(Misuse::NotReady)));
    // The agent takes up where it was.
    let said =
        bench.feed(format!("{{\"return\": 0, \"id\": {}}}\n{{\"return\": {{}}, \"id\": {}}}\n", slow.id(), other.id()));
    assert_eq!(said, [format!("late {} 0", slow.id()), format!("reply {} {{}}", other.id())]);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
    let next = bench.execute("guest-ping");
    assert_eq!(
        bench.feed(format!("{{\"return\": {{}}, \"id\": {}}}", next.id())),
        [format!("reply {} {{}}", next.id())]
    );
}

#[test]
fn what_the_agent_forgot_is_lost_when_it_is_back_in_step() {
    let mut bench = Bench::ready();
    let (slow, other, third) = (bench.execute("a"), bench.execute("b"), bench.execute("c"));
    bench.sent();
    bench.deadline(slow, 500);
    bench.pass(500);
    // It was started anew: no reply to what it had read comes any more.
    assert_eq!(
        bench.answer(),
        [STRAY_SAID.into(), format!("lost {}", other.id()), format!("lost {}", third.id()), "ready true".into()]
    );
    assert_eq!(bench.client.commands().unanswered(), 0);
    assert_eq!(
        bench.feed(format!("{{\"return\": 1, \"id\": {}}}", slow.id())),
        [format!("foreign Some({}) 1", slow.id())]
    );
}

#[test]
fn a_damaged_reply_is_lost_at_once() {
    let mut bench = Bench::ready();
    let ticket = bench.execute("guest-ping");
    bench.sent();
    let said = bench.feed(format!("{{\"return\": {{, \"id\": {}}}\n", ticket.id()));
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(bench.client.session(), Session::Syncing);
    assert_eq!(bench.answer(), [STRAY_SAID.into(), format!("lost {}", ticket.id()), "ready true".into()]);
    // With nothing in flight, what does it matter?
    bench.feed("garbage\n");
    assert_eq!(bench.client.session(), Session::Ready);
}

#[test]
fn without_ids_there_is_one_command_at_a_time_and_only_while_in_step() {
    let mut bench = Bench::ready_in_order();
    let one = bench.execute("guest-ping");
    assert_eq!(bench.sent(), "{\"execute\":\"guest-ping\"}\n");
    assert_eq!(bench.client.commands().execute("b", &()), Err(Error::Resource(Resource::Credits { limit: 1 })));
    let said = bench.feed("{\"error\": {\"class\": \"C\", \"desc\": \"d\"}}\n");
    assert_eq!(said, [format!("reply {} C: d", one.id())]);
    let two = bench.execute("guest-info");
    bench.deadline(two, 500);
    assert_eq!(bench.pass(500), [format!("timed out {}", two.id())]);
    // It may be anybody's now.
    assert_eq!(bench.feed("{\"return\": {}}\n"), ["foreign None {}"]);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready false"]);
    let next = bench.execute("guest-ping");
    assert_eq!(bench.feed("{\"return\": 3}\n"), [format!("reply {} 3", next.id())]);
}

#[test]
fn a_reply_that_does_not_fit_ends_its_command() {
    for (mut bench, with_id) in [(Bench::ready(), true), (Bench::ready_in_order(), false)] {
        let ticket = bench.execute("guest-file-read");
        let id = if with_id { format!(", \"id\": {}", ticket.id()) } else { String::new() };
        let text = format!("{{\"return\": \"{}\"{id}}}", "A".repeat(1 << 20));
        assert_eq!(bench.feed(&text), [format!("oversize Some({}) {} bytes", ticket.id(), text.len())]);
        assert_eq!(bench.client.session(), Session::Ready);
    }
}

#[test]
fn a_command_without_a_reply_ends_when_its_time_for_an_error_is_up() {
    let mut bench = Bench::ready();
    let ticket = bench.execute_silent("guest-shutdown");
    assert_eq!(bench.sent(), format!("{{\"execute\":\"guest-shutdown\",\"id\":{}}}\n", ticket.id()));
    bench.deadline(ticket, 300);
    assert_eq!(bench.pass(299), NONE);
    assert_eq!(bench.pass(1), [format!("sent {}", ticket.id())]);
    assert_eq!(bench.client.session(), Session::Ready);
    assert_eq!(bench.client.commands().unanswered(), 0);
}

#[test]
fn an_error_to_a_command_without_a_reply_is_matched() {
    for mut bench in [Bench::ready(), Bench::ready_in_order()] {
        let ticket = bench.execute_silent("guest-shutdown");
        let sent = bench.sent();
        let id = if sent.contains("\"id\"") { format!("\"id\": {}, ", ticket.id()) } else { String::new() };
        let said = bench.feed(format!("{{{id}\"error\": {{\"class\": \"CommandNotFound\", \"desc\": \"no\"}}}}\n"));
        assert_eq!(said, [format!("reply {} CommandNotFound: no", ticket.id())]);
    }
}

#[test]
fn a_later_reply_shows_that_none_comes_to_the_command_without() {
    let mut bench = Bench::ready();
    let suspend = bench.execute_silent("guest-suspend-ram");
    let ping = bench.execute("guest-ping");
    let after = bench.execute_silent("guest-suspend-ram");
    let said = bench.feed(format!("{{\"return\": {{}}, \"id\": {}}}\n", ping.id()));
    assert_eq!(said, [format!("reply {} {{}}", ping.id()), format!("sent {}", suspend.id())]);
    assert!(bench.client.is_in_flight(after));
}

#[test]
fn a_reply_to_a_command_without_one_ends_it_though_a_later_one_was_answered() {
    for reply in ["\"error\": {\"class\": \"C\", \"desc\": \"d\"}", "\"return\": 1"] {
        let mut bench = Bench::ready();
        let suspend = bench.execute_silent("guest-suspend-ram");
        let ping = bench.execute("guest-ping");
        let both = format!("{{\"return\": {{}}, \"id\": {}}}\n{{{reply}, \"id\": {}}}\n", ping.id(), suspend.id());
        let said = bench.feed(both);
        let what = if reply.contains("error") { "C: d" } else { "1" };
        assert_eq!(said, [format!("reply {} {{}}", ping.id()), format!("reply {} {what}", suspend.id())]);
        assert_eq!(bench.poll(), NONE);
    }
}

#[test]
fn a_command_without_a_reply_ends_with_the_connection_or_a_synchronisation() {
    let mut bench = Bench::ready();
    let ticket = bench.execute_silent("guest-shutdown");
    bench.sent();
    assert_eq!(bench.eof(), [format!("sent {}", ticket.id()), "Peer(Closed)".into()]);

    let mut bench = Bench::ready();
    let ticket = bench.execute_silent("guest-shutdown");
    bench.sent();
    bench.client.commands().synchronize().unwrap();
    bench.poll();
    assert_eq!(bench.answer(), [STRAY_SAID.into(), format!("sent {}", ticket.id()), "ready true".into()]);
}

#[test]
fn a_command_that_could_not_be_sent_is_not_said_to_be() {
    let mut bench = Bench::ready();
    let ticket = bench.execute_silent("guest-shutdown");
    bench.client.tx_sent(5).unwrap();
    bench.deadline(ticket, 300);
    assert_eq!(bench.pass(300), [format!("timed out {}", ticket.id())]);
    assert_eq!(bench.client.session(), Session::Syncing);

    let mut bench = Bench::ready();
    let ticket = bench.execute_silent("guest-shutdown");
    assert_eq!(bench.eof(), [format!("lost {}", ticket.id()), "Peer(Closed)".into()]);
}

#[test]
fn a_synchronisation_that_finds_no_room_stays_owed() {
    let mut bench = Bench::with(Config::DEFAULT, 512, 94, 4);
    bench.poll();
    bench.answer();
    let ticket = bench.execute("guest-ping");
    bench.deadline(ticket, 10);
    assert_eq!(bench.pass(10), [format!("timed out {}", ticket.id())]);
    assert_eq!(bench.client.session(), Session::Unsynced);
    assert_eq!(bench.pass(100_000), NONE);
    assert!(bench.sent().starts_with("{\"execute\":\"guest-ping\""));
    assert_eq!(bench.poll(), NONE);
    assert_eq!(bench.client.session(), Session::Syncing);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
}

#[test]
fn typed_commands_know_whether_they_are_answered() {
    #[derive(serde::Serialize)]
    struct Shutdown {
        mode: &'static str,
    }
    impl Command for Shutdown {
        const NAME: &'static str = "guest-shutdown";
        const NO_REPLY: bool = true;
        type Return<'a> = ();
    }
    let mut bench = Bench::ready();
    let ticket = bench.client.commands().send(&Shutdown { mode: "halt" }).unwrap();
    let raw = bench.client.commands().execute_raw_without_reply("x", "{ \"a\" : 1 }").unwrap();
    assert_eq!(
        bench.sent(),
        format!(
            "{{\"execute\":\"guest-shutdown\",\"arguments\":{{\"mode\":\"halt\"}},\"id\":{}}}\n\
             {{\"execute\":\"x\",\"arguments\":{{\"a\":1}},\"id\":{}}}\n",
            ticket.id(),
            raw.id()
        )
    );
    assert_eq!(bench.eof(), [format!("sent {}", ticket.id()), format!("sent {}", raw.id()), "Peer(Closed)".into()]);
}

#[test]
fn what_cannot_be_sent_leaves_no_trace() {
    let mut bench = Bench::with(Config::DEFAULT, 512, 94, 1);
    bench.poll();
    bench.answer();
    let commands = bench.client.commands();
    assert_eq!(commands.execute("a", &5), Err(Error::Misuse(Misuse::NotAnObject)));
    assert_eq!(commands.execute_raw("a", "{"), Err(Error::Misuse(Misuse::NotJson)));
    assert_eq!(commands.execute(&"a".repeat(95), &()), Err(Error::Resource(Resource::Tx { limit: 94 })));
    assert_eq!(bench.client.tx_pending(), b"");
    let ticket = bench.execute("a");
    assert_eq!(bench.client.commands().execute("b", &()), Err(Error::Resource(Resource::Slots { limit: 1 })));
    assert_eq!(bench.eof(), [format!("lost {}", ticket.id()), "Peer(Closed)".into()]);
    assert_eq!(bench.client.commands().execute("a", &()), Err(PeerError::Closed.into()));
}

#[test]
#[cfg(feature = "delivery")]
fn what_is_returned_comes_element_by_element() {
    // The id tells where there is one, and the order where there is none.
    for with_ids in [true, false] {
        let mut bench = if with_ids { Bench::ready() } else { Bench::ready_in_order() };
        let ticket = bench.execute("guest-get-disks");
        bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
        let id = if with_ids { format!(", \"id\": {}", ticket.id()) } else { String::new() };
        let said = bench.feed(format!("{{\"return\": [{{\"name\": \"a\\n\"}}, 2]{id}}}\n"));
        let of = ticket.id();
        let elements = [format!("element 0 of {of}: {{\"name\":\"a\\n\"}}"), format!("element 1 of {of}: 2")];
        assert_eq!(said, [&elements[..], &[format!("2 elements of {of}")]].concat());
        assert_eq!(bench.client.commands().unanswered(), 0);
    }
    // A command without a reply is in nobody's way, and has succeeded by then.
    let mut bench = Bench::ready();
    let silent = bench.execute_silent("guest-suspend-ram");
    let ticket = bench.execute("guest-get-disks");
    bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
    let mut said = bench.feed(format!("{{\"return\": [1], \"id\": {}}}\n", ticket.id()));
    assert_eq!(said.pop(), Some(format!("sent {}", silent.id())));
    assert_eq!(said, [format!("element 0 of {}: 1", ticket.id()), format!("1 elements of {}", ticket.id())]);
}

#[test]
#[cfg(feature = "delivery")]
fn elements_that_break_off_doubt_the_session() {
    let mut bench = Bench::ready();
    let ticket = bench.execute("guest-get-disks");
    bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
    let of = ticket.id();
    let said = bench.feed("{\"return\": [1, \x01\n");
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], format!("element 0 of {of}: 1"));
    assert_eq!(said[2], format!("retracted 1 of {of}: Broken"));
    assert_eq!(bench.client.session(), Session::Syncing);
    assert_eq!(bench.answer(), [STRAY_SAID.into(), format!("lost {of}"), "ready true".into()]);
}

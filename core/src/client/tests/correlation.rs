//! Which command a message is the answer to.

use super::*;

/// An id is a slot and a generation. Of an earlier connection's command, the slot may be in use once more.
#[test]
fn a_reply_to_an_earlier_command_of_the_same_slot_ends_nothing() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let old = bench.execute("x");
    bench.client.reset();
    bench.feed(GREETING);
    let id = bench.sent().split("\"id\":").nth(1).unwrap().trim_end_matches("}\n").to_string();
    bench.feed(&format!("{{\"return\": {{}}, \"id\": {id}}}\r\n"));
    let new = bench.execute("y");
    assert_eq!((old.id() & 0xFF, old.id() == new.id()), (new.id() & 0xFF, false));
    assert_eq!(bench.reply(old), [format!("foreign Some({}) {{}}", old.id())]);
    assert_eq!(bench.client.commands().forget(old), Err(Error::Misuse(Misuse::Ticket)));
    assert_eq!(bench.reply(new), [format!("reply {} {{}}", new.id())]);
}

#[test]
fn servers_without_ids_are_answered_in_order() {
    let mut bench = Bench::new(Config { correlation: Correlation::InOrder, oob: true, ..Config::DEFAULT });
    bench.feed(GREETING);
    assert_eq!(bench.sent(), "{\"execute\":\"qmp_capabilities\"}\n");
    assert_eq!(bench.feed("{\"return\": {}}"), ["ready false"]);
    let tickets: Vec<Ticket> = (0..3).map(|_| bench.execute("x")).collect();
    assert_eq!(bench.sent(), "{\"execute\":\"x\"}\n".repeat(3));
    bench.client.commands().set_deadline(tickets[1], Instant::ZERO).unwrap();
    assert_eq!(bench.poll(), [format!("timed out {}", tickets[1].id())]);
    let said = bench.feed("{\"return\": 1}{\"event\": \"E\"}{\"error\": {\"class\": \"C\", \"desc\": \"d\"}}{\"return\": 3, \"id\": \"x\"}{\"return\": 3}{\"return\": 4}");
    let ids: Vec<u32> = tickets.iter().map(|ticket| ticket.id()).collect();
    assert_eq!(
        said,
        [
            format!("reply {} 1", ids[0]),
            "event E None".into(),
            format!("late {} C: d", ids[1]),
            "foreign Some(\"x\") 3".into(),
            format!("reply {} 3", ids[2]),
            "foreign None 4".into()
        ]
    );
}

/// Where the server echoes no ids, what a message too long is of tells whether a command has ended by it, and which one.
#[test]
fn an_oversize_message_without_id_ends_the_command_that_is_next() {
    let long = "x".repeat(200);
    let mut bench = Bench::with(Config { correlation: Correlation::InOrder, ..Config::DEFAULT }, 128, 512, 4);
    bench.feed(GREETING);
    bench.feed("{\"return\": {}}");
    let [first, second] = [0; 2].map(|_| bench.execute("x"));
    for message in ["{\"event\": \"E\", \"data\": \"LONG\"}", "{\"what\": \"LONG\"}"] {
        let message = message.replace("LONG", &long);
        assert_eq!(bench.feed(&message), [format!("oversize None {} bytes", message.len())]);
        assert!(bench.client.is_in_flight(first));
    }
    let reply = format!("{{\"return\": \"{long}\"}}");
    assert_eq!(bench.feed(&reply), [format!("oversize Some({}) {} bytes", first.id(), reply.len())]);
    assert_eq!(bench.feed("{\"return\": 2}"), [format!("reply {} 2", second.id())]);
    // The first reply of all is to the negotiation.
    let blind = Config { correlation: Correlation::InOrder, handshake: Handshake::Blind, ..Config::DEFAULT };
    let mut bench = Bench::with(blind, 64, 512, 4);
    bench.poll();
    let first = bench.execute("cont");
    bench.feed(&reply);
    assert!(bench.client.is_in_flight(first));
}

#[test]
fn generations_never_give_id_zero() {
    let mut bench = Bench::ready(Config { seed: 0x00FF_FFFD, ..Config::DEFAULT });
    let ids: Vec<u32> = (0..3).map(|_| bench.execute("x").id()).collect();
    assert_eq!(ids, [0xFFFF_FF00, 0x0000_0101, 0x0000_0202]);
    // Order is kept across the wrap.
    let newest = bench.client.commands().next_in_order();
    assert_eq!(newest, Some(0xFFFF_FF00));
}

/// Negotiation has no id either, and its answer may be too long, too.
#[test]
fn a_negotiation_whose_answer_is_too_long_is_done_without_ids() {
    let long = "x".repeat(200);
    for (reply, said) in [("{\"return\": \"LONG\"}", "ready false"), ("{\"error\": \"LONG\"}", "refused")] {
        let mut bench = Bench::with(Config { correlation: Correlation::InOrder, ..Config::DEFAULT }, 128, 512, 4);
        bench.feed(GREETING);
        let heard = bench.feed(&reply.replace("LONG", &long));
        assert!(heard.len() == 1 && heard[0].starts_with(said), "{heard:?}");
    }
}

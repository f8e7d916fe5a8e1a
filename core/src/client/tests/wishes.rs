//! What is wanted of a reply: said, taken back, and said anew.

use super::elements::{all, awaiting, elements};
use super::*;

#[test]
fn one_reply_at_a_time_comes_in_pieces() {
    let (mut bench, first) = awaiting(&[]);
    let second = bench.execute("x");
    let full = Err(Error::Resource(Resource::Delivery));
    assert_eq!(bench.client.commands().set_delivery(second, Delivery::ELEMENTS), full);
    // That another one is to come whole, as it would anyway, changes nothing.
    bench.client.commands().set_delivery(second, Delivery::Whole).unwrap();
    assert_eq!(bench.client.commands().set_delivery(second, Delivery::ELEMENTS), full);
    assert!(bench.client.commands().delivers_in_pieces());
    // It can be taken back, or changed.
    bench.client.commands().set_delivery(first, Delivery::Whole).unwrap();
    bench.client.commands().set_delivery(second, Delivery::ELEMENTS).unwrap();
    assert_eq!(bench.client.commands().set_delivery(first, Delivery::ELEMENTS), full);
    assert_eq!(
        bench.feed(&format!("{{\"return\": [0], \"id\": {}}}", first.id())),
        [format!("reply {} [0]", first.id())]
    );
    assert_eq!(bench.client.commands().set_delivery(first, Delivery::ELEMENTS), Err(Error::Misuse(Misuse::Ticket)));
    bench.feed("{\"return\": [1,");
    let third = bench.execute("y");
    bench.client.commands().forget(second).unwrap();
    // The reply is still being taken apart.
    assert_eq!(bench.client.commands().set_delivery(third, Delivery::ELEMENTS), full);
    let said = bench.feed(&format!("2], \"id\": {}}}", second.id()));
    let expected = [format!("element 1 of {}: 2", second.id()), format!("retracted 2 of {}: Foreign", second.id())];
    assert_eq!(said, expected);
    bench.client.commands().set_delivery(third, Delivery::ELEMENTS).unwrap();
}

/// The frames were told to stop where replies begin: who awaits none in pieces any more has to tell them.
#[test]
fn what_is_wanted_twice_and_taken_back_comes_whole() {
    let (mut bench, ticket) = awaiting(&[]);
    assert_eq!(bench.feed("{\"event\": \"E\"}"), ["event E None"]);
    bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
    bench.client.commands().set_delivery(ticket, Delivery::Whole).unwrap();
    let reply = format!("{{\"return\": [1], \"id\": {}}}", ticket.id());
    assert_eq!(bench.feed(&reply), [format!("reply {} [1]", ticket.id())]);
}

/// Up to the value that would be taken apart, what is wanted of it may change while its message is under way.
#[test]
fn what_is_wanted_counts_where_the_value_begins() {
    for cut in 1.."{\"return\": ".len() {
        let (mut bench, ticket) = awaiting(&[]);
        let reply = format!("{{\"return\": [1], \"id\": {}}}", ticket.id());
        assert_eq!(bench.feed(&reply[..cut]), [""; 0]);
        bench.client.commands().set_delivery(ticket, Delivery::Whole).unwrap();
        let said = (cut..reply.len()).flat_map(|at| bench.feed(&reply[at..=at])).collect::<Vec<_>>();
        assert_eq!(said, [format!("reply {} [1]", ticket.id())], "cut at {cut}");

        let ticket = bench.execute("query-block");
        let reply = format!("{{\"return\": [1], \"id\": {}}}", ticket.id());
        assert_eq!(bench.feed(&reply[..cut]), [""; 0]);
        bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
        assert_eq!(bench.feed(&reply[cut..]), all(ticket, &["1"]), "cut at {cut}");
    }
}

#[test]
fn what_has_begun_to_come_in_pieces_goes_on_so() {
    let (mut bench, ticket) = awaiting(&[]);
    assert_eq!(bench.feed("{\"return\": [1,"), elements(ticket, &["1"]));
    bench.client.commands().set_delivery(ticket, Delivery::Whole).unwrap();
    let rest = [format!("element 1 of {}: 2", ticket.id()), format!("2 elements of {}", ticket.id())];
    assert_eq!(bench.feed(&format!("2], \"id\": {}}}", ticket.id())), rest);
    assert!(!bench.client.commands().delivers_in_pieces());
}

/// Nobody is there to take its elements.
#[test]
fn the_reply_to_a_forgotten_command_comes_whole() {
    let (mut bench, ticket) = awaiting(&[]);
    bench.client.commands().forget(ticket).unwrap();
    let said = bench.feed(&format!("{{\"id\": {}, \"return\": [1]}}", ticket.id()));
    assert_eq!(said, [format!("foreign Some({}) [1]", ticket.id())]);
}

//! Replies delivered element by element.

use super::*;
use crate::frame::Reading;
use crate::json::documents;
use proptest::collection::vec as many;
use proptest::prelude::*;

/// A session with one command in flight whose elements are wanted.
pub(super) fn awaiting(names: &'static [&'static str]) -> (Bench, Ticket) {
    awaiting_with(Config::DEFAULT, 512, names)
}

fn awaiting_with(config: Config, rx: usize, names: &'static [&'static str]) -> (Bench, Ticket) {
    in_flight(config, rx, Delivery::Elements(names))
}

/// A session with one command in flight whose reply is delivered so.
pub(super) fn awaiting_by(delivery: Delivery, rx: usize) -> (Bench, Ticket) {
    in_flight(Config::DEFAULT, rx, delivery)
}

fn in_flight(config: Config, rx: usize, delivery: Delivery) -> (Bench, Ticket) {
    let mut bench = Bench::with(config, rx, 512, 16);
    bench.feed(GREETING);
    let id = bench.sent().split("\"id\":").nth(1).unwrap().trim_end_matches("}\n").to_string();
    bench.feed(&format!("{{\"return\": {{}}, \"id\": {id}}}\r\n"));
    assert_eq!(bench.client.session(), Session::Ready);
    let ticket = bench.execute("query-block");
    bench.client.commands().set_delivery(ticket, delivery).unwrap();
    (bench, ticket)
}

pub(super) fn elements(of: Ticket, values: &[&str]) -> Vec<String> {
    let elements = values.iter().enumerate().map(|(index, value)| format!("element {index} of {}: {value}", of.id()));
    elements.collect()
}

pub(super) fn all(of: Ticket, values: &[&str]) -> Vec<String> {
    let mut said = elements(of, values);
    said.push(format!("{} elements of {}", values.len(), of.id()));
    said
}

#[test]
fn elements_come_one_by_one_and_the_id_confirms_them() {
    for reply in
        ["{\"return\": ARRAY, \"id\": ID}\r\n", "{\"id\": ID, \"return\": ARRAY}", "{\"return\":ARRAY,\"id\":ID}"]
    {
        let (mut bench, ticket) = awaiting(&[]);
        let array = "[{\"a\": [1, {\"b\": \"]\"}]}, \"x\\u00e9\", 12 , true,[] ,{}, null]";
        let reply = reply.replace("ARRAY", array).replace("ID", &ticket.id().to_string());
        let values = ["{\"a\":[1,{\"b\":\"]\"}]}", "\"xé\"", "12", "true", "[]", "{}", "null"];
        assert_eq!(bench.feed(&reply), all(ticket, &values), "{reply}");
        assert!(!bench.client.is_in_flight(ticket));
        assert_eq!(bench.client.commands().credits(), 8);
        // Whole messages come as ever.
        let next = bench.execute("query-block");
        let reply = format!("{{\"event\": \"E\"}}{{\"return\": [1], \"id\": {}}}", next.id());
        assert_eq!(bench.feed(&reply), ["event E None".into(), format!("reply {} [1]", next.id())]);
    }
}

#[test]
fn an_element_comes_with_its_last_byte() {
    let (mut bench, ticket) = awaiting(&[]);
    assert_eq!(bench.feed("{\"return\": ["), [""; 0]);
    assert_eq!(bench.feed("{\"a\": 1"), [""; 0]);
    assert_eq!(bench.feed("}"), elements(ticket, &["{\"a\":1}"]));
    // A number goes on until something else comes.
    assert_eq!(bench.feed(", 12"), [""; 0]);
    assert_eq!(bench.feed("3"), [""; 0]);
    assert_eq!(bench.feed(" "), [format!("element 1 of {}: 123", ticket.id())]);
    assert_eq!(bench.feed("]"), [""; 0]);
    assert!(bench.client.is_in_flight(ticket));
    assert_eq!(bench.feed(&format!(", \"id\": {}}}", ticket.id())), [format!("2 elements of {}", ticket.id())]);
}

#[test]
fn a_reply_without_an_array_is_whole() {
    for returned in ["{\"a\":[1]}", "null", "\"[\"", "17", "{}"] {
        let (mut bench, ticket) = awaiting(&[]);
        let said = bench.feed(&format!("{{\"return\": {returned}, \"id\": {}}}", ticket.id()));
        assert_eq!(said, [format!("reply {} {returned}", ticket.id())]);
    }
    let (mut bench, ticket) = awaiting(&[]);
    assert_eq!(bench.feed(&format!("{{\"return\": [ ], \"id\": {}}}", ticket.id())), all(ticket, &[]));
    // One that does not fit is reported as such.
    let (mut bench, ticket) = awaiting(&[]);
    let long = format!("{{\"return\": \"{}\", \"id\": {}}}", "[1]".repeat(300), ticket.id());
    assert_eq!(bench.feed(&long), [format!("oversize Some({}) {} bytes", ticket.id(), long.len())]);
}

#[test]
fn an_error_is_an_ordinary_failure() {
    let (mut bench, ticket) = awaiting(&[]);
    let said = bench.feed(&format!("{{\"id\": {}, \"error\": {{\"class\": \"C\", \"desc\": \"[1]\"}}}}", ticket.id()));
    assert_eq!(said, [format!("reply {} C: [1]", ticket.id())]);
    let (other, _) = (bench.execute("x"), bench.sent());
    bench.client.commands().set_delivery(other, Delivery::ELEMENTS).unwrap();
}

#[test]
fn a_reply_that_was_lost_is_not_waited_for() {
    let (mut bench, lost) = awaiting(&[]);
    assert_eq!(bench.feed("{\"return\": [}\r\n").len(), 1);
    bench.client.commands().set_deadline(lost, Instant::ZERO).unwrap();
    bench.client.handle_timeout(Instant::ZERO);
    assert_eq!(bench.poll(), [format!("timed out {}", lost.id())]);
    // Replies come in the order of their commands.
    let answered = bench.execute("x");
    bench.reply(answered);
    let ticket = bench.execute("query-block");
    bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
    assert_eq!(bench.feed(&format!("{{\"return\": [1], \"id\": {}}}", ticket.id())), all(ticket, &["1"]));
}

#[test]
fn elements_stand_at_a_path_of_names() {
    let whole = |id| {
        format!(
            "{{\"return\": {{\"x\": [[1], {{\"pools\": [2]}}], \"p\\u006fols\" : [3, [4]], \"y\": [5]}}, \"id\": {id}}}"
        )
    };
    let (mut bench, ticket) = awaiting(&["pools"]);
    assert_eq!(bench.feed(&whole(ticket.id())), all(ticket, &["3", "[4]"]));
    let (mut bench, ticket) = awaiting(&["a", "bc", "pools"]);
    let deep = "{\"return\": {\"ab\": 1, \"a\": {\"b\": [9], \"bcd\": [8], \"bc\": {\"z\": {}, \"pools\": [{\"pools\": 6}, 7]}}, \"pools\": [0]}, \"id\": ID}";
    assert_eq!(bench.feed(&deep.replace("ID", &ticket.id().to_string())), all(ticket, &["{\"pools\":6}", "7"]));
    // Where there is none, the reply is whole.
    for names in [&["pool"][..], &["poolsx"], &["x", "pools"], &["pools", "pools"], &["y", "z"]] {
        let (mut bench, ticket) = awaiting(names);
        let said = bench.feed(&whole(ticket.id()));
        assert!(said.len() == 1 && said[0].starts_with("reply"), "{said:?}");
    }
    // What stands around the array may be of any length.
    let (mut bench, ticket) = awaiting(&["pools"]);
    let pad = "0,".repeat(1000) + "0";
    let said = bench.feed(&format!(
        "{{\"a\": [{pad}], \"return\": {{\"x\": [{pad}], \"pools\": [1,2], \"y\": [{pad}]}}, \"b\": [{pad}], \"id\": {}}}",
        ticket.id()
    ));
    assert_eq!(said, all(ticket, &["1", "2"]));
}

#[test]
fn an_element_too_long_is_told_and_the_next_one_comes() {
    let (mut bench, ticket) = awaiting_with(Config::DEFAULT, 64, &[]);
    let (fits, too_long) = (format!("\"{}\"", "x".repeat(62)), format!("[\"{}\"]", "y".repeat(1000)));
    let number = "9".repeat(63);
    // A number of the buffer's length: that it ends there, nothing tells.
    let unended = "8".repeat(64);
    let reply = format!("{{\"return\": [{fits}, {too_long}, {number} , {unended}, 5], \"id\": {}}}", ticket.id());
    let mut expected = elements(ticket, &[&fits, "", &number, "", "5"]);
    expected[1] = format!("element 1 of {}: {} bytes", ticket.id(), too_long.len());
    expected[3] = format!("element 3 of {}: 64 bytes", ticket.id());
    expected.push(format!("5 elements of {}", ticket.id()));
    assert_eq!(bench.feed(&reply), expected);
    // So is one that nests too deep.
    let config = Config { reading: Reading { max_depth: 4, ..Reading::DEFAULT }, ..Config::DEFAULT };
    let (mut bench, ticket) = awaiting_with(config, 512, &[]);
    let reply = format!("{{\"return\": [[[1]], [[[2]]], [[3]]], \"id\": {}}}", ticket.id());
    let mut expected = elements(ticket, &["[[1]]", "", "[[3]]"]);
    expected[1] = format!("element 1 of {}: 7 bytes", ticket.id());
    expected.push(format!("3 elements of {}", ticket.id()));
    assert_eq!(bench.feed(&reply), expected);
}

#[test]
fn elements_of_a_reply_that_is_anothers_are_retracted() {
    let (mut bench, ticket) = awaiting(&[]);
    let mut expected = elements(ticket, &["1", "2"]);
    expected.push(format!("retracted 2 of {}: Foreign", ticket.id()));
    // A stale reply, one without an id, one whose id is no number and longer than the buffer.
    for end in [", \"id\": 7}", "}", &format!(", \"id\": \"{}\"}}", "x".repeat(2000))] {
        assert_eq!(bench.feed(&format!("{{\"return\": [1, 2]{end}")), expected, "{end}");
    }
    expected[2] = format!("retracted 2 of {}: NoReply", ticket.id());
    assert_eq!(bench.feed(&format!("{{\"return\": [1, 2], \"event\": \"E\", \"id\": {}}}", ticket.id())), expected);
    // Where it is known beforehand, nothing is handed out.
    assert_eq!(bench.feed("{\"id\": 7, \"return\": [1]}"), ["foreign Some(7) [1]"]);
    assert_eq!(bench.feed("{\"event\": \"E\", \"return\": [1]}"), ["unknown {\"event\": \"E\", \"return\": [1]}"]);
    // The command's own still comes.
    assert!(bench.client.is_in_flight(ticket));
    assert_eq!(bench.feed(&format!("{{\"return\": [3], \"id\": {}}}", ticket.id())), all(ticket, &["3"]));
}

#[test]
fn an_out_of_band_reply_with_elements_ends_its_own_command() {
    let mut bench = Bench::with(Config { oob: true, ..Config::DEFAULT }, 512, 512, 16);
    bench.feed(GREETING);
    bench.feed("{\"return\": {}, \"id\": 511}");
    let ticket = bench.execute("query-block");
    bench.client.commands().set_delivery(ticket, Delivery::ELEMENTS).unwrap();
    let oob = bench.client.commands().exec_oob("query-yank", &()).unwrap();
    let mut expected = elements(ticket, &["1"]);
    expected.push(format!("retracted 1 of {}: Other(Ticket({}))", ticket.id(), oob.id()));
    assert_eq!(bench.feed(&format!("{{\"return\": [1], \"id\": {}}}", oob.id())), expected);
    assert!(!bench.client.is_in_flight(oob));
    assert_eq!(bench.feed(&format!("{{\"return\": [2], \"id\": {}}}", ticket.id())), all(ticket, &["2"]));
}

#[test]
fn replies_of_other_commands_come_whole_in_their_turn() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let tickets = ["a", "b", "c"].map(|name| bench.execute(name));
    bench.client.commands().set_delivery(tickets[1], Delivery::ELEMENTS).unwrap();
    let reply = |at: usize| format!("{{\"return\": [{at}], \"id\": {}}}\r\n", tickets[at].id());
    assert_eq!(bench.feed(&reply(0)), [format!("reply {} [0]", tickets[0].id())]);
    assert_eq!(bench.feed(&reply(1)), all(tickets[1], &["1"]));
    assert_eq!(bench.feed(&reply(2)), [format!("reply {} [2]", tickets[2].id())]);
}

/// The levels on the way to the elements count, too.
#[test]
fn elements_are_no_deeper_than_messages_may_be() {
    for max_depth in 1..8 {
        let reading = Reading { max_depth, ..Reading::DEFAULT };
        let mut bench = Bench::with(Config { handshake: Handshake::Blind, reading, ..Config::DEFAULT }, 512, 512, 4);
        bench.poll();
        bench.feed("{\"return\": 1, \"id\": 511}");
        let ticket = bench.execute("x");
        bench.client.commands().set_delivery(ticket, Delivery::Elements(&["a", "b"])).unwrap();
        let reply = format!("{{\"return\": {{\"a\": {{\"b\": [1]}}}}, \"id\": {}}}", ticket.id());
        let oversize = format!("oversize Some({}) {} bytes", ticket.id(), reply.len());
        let expected = if max_depth < 4 { vec![oversize] } else { all(ticket, &["1"]) };
        assert_eq!(bench.feed(&reply), expected, "{max_depth} levels");
    }
}

/// The line feed in front of the next message is one that was done with already.
#[test]
fn what_follows_elements_that_broke_off_is_found_wherever_that_was_cut() {
    let stream = "{\"return\": [1\n{\"event\": \"E\"}\r\n";
    for cut in 1..stream.len() {
        let (mut bench, _) = awaiting(&[]);
        let mut said = bench.feed(&stream[..cut]);
        said.extend(bench.feed(&stream[cut..]));
        assert!(said[0].starts_with("element 0 of"), "{cut}: {said:?}");
        assert_eq!(said.last().map(String::as_str), Some("! event E None"), "{cut}: {said:?}");
    }
}

#[test]
fn a_command_that_times_out_among_its_elements_is_told_once() {
    let (mut bench, ticket) = awaiting(&[]);
    bench.client.commands().set_deadline(ticket, Instant::from_millis(10)).unwrap();
    assert_eq!(bench.feed("{\"return\": [1,"), elements(ticket, &["1"]));
    bench.client.handle_timeout(Instant::from_millis(10));
    assert_eq!(bench.poll(), [format!("timed out {}", ticket.id())]);
    let said = bench.feed(&format!("2], \"id\": {}}}", ticket.id()));
    let late = format!("2 elements of {}, late", ticket.id());
    assert_eq!(said, [format!("element 1 of {}: 2", ticket.id()), late]);
    assert_eq!(bench.client.commands().credits(), 8);
    // A command that was given up takes nobody's turn.
    let (mut bench, ticket) = awaiting(&[]);
    bench.client.commands().set_deadline(ticket, Instant::ZERO).unwrap();
    assert_eq!(bench.poll(), [format!("timed out {}", ticket.id())]);
    let next = bench.execute("x");
    bench.client.commands().set_delivery(next, Delivery::ELEMENTS).unwrap();
    assert_eq!(bench.reply(ticket), [format!("late {} {{}}", ticket.id())]);
    assert_eq!(bench.feed(&format!("{{\"return\": [1], \"id\": {}}}", next.id())), all(next, &["1"]));
}

#[test]
fn a_deadline_set_anew_at_each_element_limits_the_silence_between_them() {
    const SILENCE: u64 = 10;
    let (mut bench, ticket) = awaiting(&[]);
    let mut deadline = SILENCE;
    bench.client.commands().set_deadline(ticket, Instant::from_millis(deadline)).unwrap();
    assert_eq!(bench.feed("{\"return\": ["), Vec::<String>::new());
    for index in 0..100 {
        // Each comes a millisecond before it would be late.
        bench.client.handle_timeout(Instant::from_millis(deadline - 1));
        assert_eq!(bench.feed("7,"), [format!("element {index} of {}: 7", ticket.id())]);
        deadline += SILENCE - 1;
        bench.client.commands().set_deadline(ticket, Instant::from_millis(deadline)).unwrap();
        assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(deadline)));
    }
    bench.client.handle_timeout(Instant::from_millis(deadline));
    assert_eq!(bench.poll(), [format!("timed out {}", ticket.id())]);
}

#[test]
fn elements_of_a_broken_reply_are_retracted() {
    for (damage, before) in [("], x", 2), ("3 4", 3), ("[}", 2), ("\u{1}", 2), ("\"\\x", 2)] {
        let (mut bench, ticket) = awaiting(&[]);
        let mut said = bench.feed(&format!("{{\"return\": [1, 2, {damage}\r\n{{\"event\": \"E\"}}"));
        let mut expected = elements(ticket, &["1", "2", "3"][..before]);
        assert!(said.remove(before).starts_with("malformed"), "{damage}: {said:?}");
        expected.push(format!("retracted {before} of {}: Broken", ticket.id()));
        expected.push("! event E None".into());
        assert_eq!(said, expected, "{damage}");
        // The command waits for its deadline, and its reply may come yet.
        assert!(bench.client.is_in_flight(ticket));
        assert_eq!(bench.feed(&format!("{{\"return\": [3], \"id\": {}}}", ticket.id())), all(ticket, &["3"]));
    }
    // Before the first one there is nothing to retract.
    let (mut bench, ticket) = awaiting(&[]);
    let said = bench.feed("{\"return\": [x\r\n");
    assert!(said.len() == 1 && said[0].starts_with("malformed"), "{said:?}");
    assert!(bench.client.is_in_flight(ticket));
}

#[test]
fn the_end_of_the_stream_retracts_and_loses() {
    let (mut bench, ticket) = awaiting(&[]);
    bench.feed("{\"return\": [1, {\"a\"");
    bench.client.rx_eof();
    let (retracted, lost) = (format!("retracted 1 of {}: Broken", ticket.id()), format!("lost {}", ticket.id()));
    assert_eq!(bench.poll(), ["incomplete", &retracted, &lost, "Peer(Closed)"]);
    // A new session knows nothing of it.
    let (mut bench, ticket) = awaiting(&[]);
    bench.feed("{\"return\": [1, {\"a\"");
    bench.client.reset();
    bench.feed(GREETING);
    let id = bench.sent().split("\"id\":").nth(1).unwrap().trim_end_matches("}\n").to_string();
    assert_eq!(bench.feed(&format!("{{\"return\": {{}}, \"id\": {id}}}")), ["ready false"]);
    let said = bench.feed(&format!("{{\"return\": [1], \"id\": {}}}", ticket.id()));
    assert_eq!(said, [format!("foreign Some({}) [1]", ticket.id())]);
}

#[test]
fn servers_without_ids_deliver_elements_in_order() {
    let mut bench = Bench::new(Config { correlation: Correlation::InOrder, ..Config::DEFAULT });
    bench.feed(GREETING);
    bench.feed("{\"return\": {}}");
    let (first, second) = (bench.execute("a"), bench.execute("b"));
    bench.client.commands().set_delivery(second, Delivery::ELEMENTS).unwrap();
    assert_eq!(bench.feed("{\"return\": [0]}"), [format!("reply {} [0]", first.id())]);
    assert_eq!(bench.feed("{\"return\": [1, 2]}"), all(second, &["1", "2"]));
}

/// How a reply is written around what it returns.
#[derive(Clone, Debug)]
struct Around {
    id_first: bool,
    blank: &'static str,
    nested: bool,
}

fn around() -> impl Strategy<Value = Around> {
    let blank = prop::sample::select(&["", " ", "\r\n    "][..]);
    (any::<bool>(), blank, any::<bool>()).prop_map(|(id_first, blank, nested)| Around { id_first, blank, nested })
}

proptest! {
    #[test]
    fn elements_are_those_of_the_whole_in_any_buffer_and_chunks(
        values in many(documents::document(), 0..12),
        Around { id_first, blank, nested } in around(),
        size in 32_usize..400,
        cuts in many(any::<prop::sample::Index>(), 0..8),
        every_byte: bool, fast: bool,
    ) {
        let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
        let names: &[&str] = if nested { &["list"] } else { &[] };
        let array = format!("[{blank}{}{blank}]", values.join(&format!("{blank},{blank}")));
        let returned = if nested { format!("{{\"n\":{blank}[1],\"list\":{blank}{array},\"m\":{{}}}}") } else { array };
        let id = FIRST;
        let reply = match id_first {
            true => format!("{{\"id\":{blank}{id},\"return\":{blank}{returned}{blank}}}"),
            false => format!("{{\"return\":{blank}{returned},{blank}\"id\":{id}{blank}}}"),
        };
        let cuts = cuts_of(&cuts, reply.len(), every_byte);
        let (said, raws) = through(size, config, Delivery::Elements(names), reply.as_bytes(), &cuts);
        let expected: Vec<String> = values.iter().enumerate().map(|(index, value)| {
            let open = usize::from(!value.starts_with(['"', '{', '[']));
            if value.len() + open <= size {
                format!("element {index} of {id}: {}", documents::Buffer::new(value).value())
            } else {
                format!("element {index} of {id}: {} bytes", value.len())
            }
        }).chain([format!("{} elements of {id}", values.len())]).collect();
        prop_assert_eq!(said, expected);
        for (raw, value) in raws.iter().zip(&values) {
            prop_assert!(raw.as_ref().is_none_or(|raw| raw == value));
        }
    }
}

proptest! {
    #[test]
    fn damage_among_elements_is_the_same_however_it_is_cut(
        values in many(documents::document(), 1..6),
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        size in 32_usize..200,
        cuts in many(any::<prop::sample::Index>(), 0..8),
        nested: bool,
    ) {
        let reply = |array: &str| match nested {
            true => format!("{{\"return\": {{\"x\": {{}}, \"list\": {array}}}, \"id\": {FIRST}}}\r\n"),
            false => format!("{{\"return\": {array}, \"id\": {FIRST}}}\r\n"),
        };
        let mut stream = reply(&format!("[{}]", values.join(", "))).into_bytes();
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.extend(b"\r\n{\"event\": \"E\"}\r\n");
        stream.extend(reply("[1, [2], 3]").bytes());
        let names: &[&str] = if nested { &["list"] } else { &[] };
        let run = |cuts: &[usize], fast| {
            let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
            through(size, config, Delivery::Elements(names), &stream, cuts).0
        };
        let whole = run(&[stream.len()], false);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(stream.len());
        prop_assert_eq!(&run(&cuts, true), &whole);
        prop_assert_eq!(&run(&(0..=stream.len()).collect::<Vec<_>>(), true), &whole);
        // A run of elements is ended, one way or the other, before anything else begins.
        let mut open = false;
        for said in &whole {
            let element = said.contains("element ");
            prop_assert!(element || !open || said.contains("elements of") || said.contains("retracted") || said.contains("malformed"), "{whole:?}");
            open = element || open && said.contains("malformed");
        }
    }
}

/// The id of a session's first command.
pub(super) const FIRST: u32 = 512;

/// Where a stream of `length` bytes is cut.
pub(super) fn cuts_of(cuts: &[prop::sample::Index], length: usize, every_byte: bool) -> Vec<usize> {
    if every_byte {
        return (0..=length).collect();
    }
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).collect();
    cuts.sort_unstable();
    cuts.push(length);
    cuts
}

/// What a session with a receive buffer of `size` bytes says of a reply to its first command, cut so; and the text of
/// replies and elements.
pub(super) fn through(
    size: usize,
    config: Config,
    delivery: Delivery,
    reply: &[u8],
    cuts: &[usize],
) -> (Vec<String>, Vec<Option<String>>) {
    let mut memory = (vec![b'7'; size], vec![0; 512], vec![Slot::FREE; 4]);
    let storage = Storage::new(memory.0.as_mut_slice(), memory.1.as_mut_slice(), &mut memory.2);
    let mut client = Client::new(storage, Config { handshake: Handshake::Blind, ..config });
    assert!(client.poll().unwrap().is_none());
    for byte in b"{\"return\": {}, \"id\": 511}" {
        client.feed(&[*byte]).unwrap();
        while client.poll().unwrap().is_some() {}
    }
    let ticket = client.commands().execute("x", &()).unwrap();
    assert_eq!(ticket.id(), FIRST);
    client.commands().set_delivery(ticket, delivery).unwrap();
    let (mut said, mut raws, mut from) = (Vec::new(), Vec::new(), 0);
    for &cut in cuts {
        while from < cut {
            let taken = client.feed(&reply[from..cut]).unwrap();
            assert!(taken > 0, "a polled buffer has room");
            from += taken;
            while let Some(incoming) = client.poll().unwrap() {
                let text = |payload: &Payload<'_>| payload.raw_str().unwrap().to_string();
                match &incoming.message {
                    Message::Element { element, .. } => raws.push(element.as_ref().ok().map(text)),
                    Message::Reply { outcome: Ok(payload), .. } => raws.push(Some(text(payload))),
                    _ => {}
                }
                said.push(words(incoming));
            }
        }
    }
    (said, raws)
}

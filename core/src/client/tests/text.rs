//! Strings delivered in pieces.

use super::elements::{FIRST, awaiting_by, cuts_of, through};
use super::*;
use crate::frame::Reading;
use crate::json::documents;
use proptest::collection::vec as many;
use proptest::prelude::*;

#[test]
fn a_text_comes_in_pieces_of_the_buffer() {
    let (mut bench, ticket) = awaiting_by(Delivery::TEXT, 32);
    let of = ticket.id();
    // 20 bytes, then an escape that the buffer's end cuts, then one more piece and the rest.
    let raw = format!("{}\\u00e9{}\\n", "a".repeat(30), "b".repeat(40));
    let said = bench.feed(&format!("{{\"return\": \"{raw}\", \"id\": {of}}}\r\n"));
    let pieces = ["a".repeat(30), format!("é{}", "b".repeat(26)), format!("{}\n", "b".repeat(14))];
    let mut expected: Vec<String> = pieces.iter().map(|piece| format!("text of {of}: {piece}")).collect();
    expected.push(format!("end of text of {of}"));
    assert_eq!(said, expected);
    assert_eq!(bench.client.commands().credits(), 8);
    // A short one is one piece, an empty one none.
    for (returned, pieces) in [("\"x\"", vec![format!("text of FIRST: x")]), ("\"\"", vec![])] {
        let ticket = bench.execute("x");
        bench.client.commands().set_delivery(ticket, Delivery::TEXT).unwrap();
        let said = bench.feed(&format!("{{\"return\": {returned}, \"id\": {}}}\r\n", ticket.id()));
        let mut expected: Vec<String> =
            pieces.iter().map(|piece| piece.replace("FIRST", &ticket.id().to_string())).collect();
        expected.push(format!("end of text of {}", ticket.id()));
        assert_eq!(said, expected);
    }
}

#[test]
fn a_reply_without_a_text_is_whole() {
    for returned in ["[\"a\"]", "{\"text\":[]}", "17", "null"] {
        let (mut bench, ticket) = awaiting_by(Delivery::Text(&["text"]), 512);
        let said = bench.feed(&format!("{{\"return\": {returned}, \"id\": {}}}", ticket.id()));
        assert_eq!(said, [format!("reply {} {returned}", ticket.id())]);
    }
    let (mut bench, ticket) = awaiting_by(Delivery::TEXT, 512);
    let said = bench.feed(&format!("{{\"id\": {}, \"error\": {{\"class\": \"C\", \"desc\": \"d\"}}}}", ticket.id()));
    assert_eq!(said, [format!("reply {} C: d", ticket.id())]);
}

#[test]
fn a_text_that_breaks_off_or_is_anothers_is_retracted() {
    let (mut bench, ticket) = awaiting_by(Delivery::Text(&["text"]), 32);
    let of = ticket.id();
    let long = "x".repeat(40);
    let first = format!("text of {of}: {}", "x".repeat(32));
    let said = bench.feed(&format!("{{\"return\": {{\"text\": \"{long}\r\n"));
    assert!(said.len() == 3 && said[1].starts_with("malformed"), "{said:?}");
    assert_eq!((&said[0], &said[2]), (&first, &format!("retracted 1 of {of}: Broken")));
    let said = bench.feed(&format!("{{\"return\": {{\"text\": \"{long}\"}}, \"id\": 7}}\r\n"));
    let rest = format!("text of {of}: {}", "x".repeat(8));
    // What the malformed bytes left marks the message behind them.
    let plain: Vec<String> = said.iter().map(|said| said.trim_start_matches("! ").into()).collect();
    assert_eq!(plain, [first.clone(), rest.clone(), format!("retracted 2 of {of}: Foreign")]);
    let said = bench.feed(&format!("{{\"return\": {{\"text\": \"{long}\"}}, \"id\": {of}}}\r\n"));
    assert_eq!(said, [first.clone(), rest, format!("end of text of {of}")]);
    let (mut bench, ticket) = awaiting_by(Delivery::TEXT, 32);
    bench.feed(&format!("{{\"return\": \"{long}"));
    bench.client.rx_eof();
    let retracted = format!("retracted 1 of {}: Broken", ticket.id());
    assert_eq!(bench.poll(), ["incomplete", &retracted, &format!("lost {}", ticket.id()), "Peer(Closed)"]);
}

proptest! {
    #[test]
    fn texts_are_those_of_the_whole_in_any_buffer_and_chunks(
        strings in many(documents::string(), 0..12),
        nested: bool, id_first: bool, fast: bool, every_byte: bool,
        size in 16_usize..200,
        cuts in many(any::<prop::sample::Index>(), 0..8),
    ) {
        let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
        let raw: String = strings.iter().map(|string| &string[1..string.len() - 1]).collect();
        let delivery = if nested { Delivery::Text(&["n", "text"]) } else { Delivery::TEXT };
        let returned = match nested {
            true => format!("{{\"x\": \"y\", \"n\": {{\"m\": [\"{raw}\"], \"text\": \"{raw}\", \"z\": 1}}}}"),
            false => format!("\"{raw}\""),
        };
        let reply = match id_first {
            true => format!("{{\"id\": {FIRST}, \"return\": {returned}}}"),
            false => format!("{{\"return\": {returned}, \"id\": {FIRST}}}"),
        };
        let cuts = cuts_of(&cuts, reply.len(), every_byte);
        let (mut said, _) = through(size, config, delivery, reply.as_bytes(), &cuts);
        prop_assert_eq!(said.pop(), Some(format!("end of text of {FIRST}")));
        let prefix = format!("text of {FIRST}: ");
        let text: String = said.iter().map(|said| said.strip_prefix(&prefix).unwrap()).collect();
        let quoted = format!("\"{raw}\"");
        let mut whole = documents::Buffer::new(&quoted);
        prop_assert_eq!(&text, whole.value().as_str().unwrap());
        // Each piece is as long as it can be: what stands there of a character is at most an escaped pair.
        let most = raw.len().div_ceil(size.saturating_sub(11).max(1));
        prop_assert!(said.len() <= most, "{} pieces of {} bytes through {size}", said.len(), raw.len());
        // And they are the same, however the bytes come.
        prop_assert_eq!(&through(size, config, delivery, reply.as_bytes(), &[reply.len()]).0[..said.len()], &said[..]);
    }
}

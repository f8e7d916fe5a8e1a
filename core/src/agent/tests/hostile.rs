//! An agent that means harm: memory is what was lent, work is by the byte, and where the session stands can be told.

use super::*;

/// Feeds `piece` until `total` bytes have come, and counts what is reported: at most a message a byte.
fn flood(bench: &mut Bench, piece: &[u8], total: usize) -> usize {
    let mut count = 0;
    for _ in 0..total.div_ceil(piece.len()) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = bench.client.feed(rest).unwrap();
            rest = &rest[taken..];
            while let Some(incoming) = bench.client.poll().unwrap() {
                count += 1;
                let mistaken = matches!(incoming.message, Message::Ready { .. } | Message::Reply { .. });
                assert!(!mistaken, "{:?}", incoming.message);
            }
        }
    }
    count
}

const MANY: usize = 1 << 20;

fn floods() -> Vec<Vec<u8>> {
    vec![
        b"\x00\x01garbage\xFE".to_vec(),
        b"\xFF".to_vec(),
        b"\xFF{\"return\": 4503599627370499}\n".to_vec(),
        b"\xFF{\"return\": 1, \"id\": 1}\n".to_vec(),
        b"{\"return\": {}}\n".to_vec(),
        b"{\"error\": {}}\n".to_vec(),
        b"[".to_vec(),
        b"{\"a\":".to_vec(),
        b"x".to_vec(),
        b"\n".to_vec(),
        b"{\"event\": \"E\"}".to_vec(),
    ]
}

#[test]
fn a_flood_in_answer_to_a_synchronisation() {
    for piece in floods() {
        let mut bench = Bench::new(Config::DEFAULT);
        bench.poll();
        bench.sent();
        let reported = flood(&mut bench, &piece, MANY);
        assert!(reported <= MANY, "{reported}");
        // It neither got a word out of us nor put us in step.
        assert_eq!(bench.client.tx_pending(), b"", "{:?}", piece.escape_ascii());
        assert_eq!(bench.client.session(), Session::Syncing);
        // When it comes to its senses, so do we; the sentinel ends whatever was open.
        bench.pass(1000);
        let said = bench.answer();
        assert!(said.last().is_some_and(|said| said.starts_with("ready")), "{:?}: {said:?}", piece.escape_ascii());
    }
}

#[test]
fn a_flood_in_answer_to_a_command() {
    for piece in floods() {
        for mut bench in [Bench::ready(), Bench::ready_in_order()] {
            let ticket = bench.execute("guest-ping");
            bench.deadline(ticket, 5000);
            bench.sent();
            if !bench.client.commands().echoes_ids() && piece.starts_with(b"{\"return\"") {
                // Without ids the first one is as good as any.
                continue;
            }
            if !bench.client.commands().echoes_ids()
                && (piece.starts_with(b"{\"error\"") || piece.starts_with(b"\xFF{"))
            {
                continue;
            }
            flood(&mut bench, &piece, MANY);
            assert!(bench.client.is_in_flight(ticket), "{:?}", piece.escape_ascii());
            assert!(bench.client.tx_pending().len() <= 94);
            assert!(matches!(bench.client.session(), Session::Ready | Session::Syncing));
            // Time ends it, whatever goes on coming.
            bench.now += 5000;
            bench.client.handle_timeout(Instant::from_millis(bench.now));
            let said = bench.poll();
            assert!(said.contains(&format!("timed out {}", ticket.id())), "{said:?}");
        }
    }
}

#[test]
fn a_megabyte_in_one_line_and_a_hundred_thousand_brackets() {
    let line = format!("{{\"return\": \"{}\"}}\n", "x".repeat(MANY));
    let brackets = format!("{{\"return\": {}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    for text in [line, brackets] {
        for most in [1, 61, usize::MAX] {
            let mut bench = Bench::with(Config::DEFAULT, 64, 128, 1);
            bench.poll();
            bench.sent();
            assert_eq!(bench.feed_by(&text, most), [format!("oversize None {} bytes", text.len() - 1)]);
            assert_eq!(bench.client.session(), Session::Syncing);
            let said = bench.feed(reply(&format!("\u{FF}{{\"return\": {FIRST}, \"id\": {FIRST}}}\n")));
            assert_eq!(said, ["ready true"]);
        }
    }
}

#[test]
fn time_alone_sends_one_synchronisation_at_a_time() {
    let mut bench = Bench::new(Config::DEFAULT);
    let mut sent = 0;
    let mut turns = 0;
    bench.poll();
    while bench.now < 3_600_000 {
        sent += usize::from(!bench.sent().is_empty());
        let due = bench.client.poll_timeout().unwrap().as_millis();
        bench.pass(due - bench.now);
        turns += 1;
    }
    // An hour of silence: 1, 2, 4, 8, 16 and then 32 seconds each.
    assert_eq!((sent, turns), (117, 117));
}

//! Getting in step, and staying so.

use super::*;

#[test]
fn the_session_begins_with_a_synchronisation() {
    let mut bench = Bench::new(Config::DEFAULT);
    assert_eq!(bench.client.session(), Session::Unsynced);
    assert_eq!(bench.client.poll_timeout(), None);
    assert_eq!(bench.poll(), NONE);
    assert_eq!(bench.client.session(), Session::Syncing);
    assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(1000)));
    assert_eq!(bench.client.commands().execute("guest-ping", &()), Err(Error::Misuse(Misuse::NotReady)));
    let expected =
        format!("\u{FF}{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{FIRST}}},\"id\":{FIRST}}}\n");
    assert_eq!(bench.sent(), expected);
    let said = bench.feed(reply(&format!("{STRAY}\u{FF}{{\"return\": {FIRST}, \"id\": {FIRST}}}\n")));
    assert_eq!(said, [STRAY_SAID, "ready true"]);
    assert_eq!(bench.client.session(), Session::Ready);
    assert_eq!(bench.client.poll_timeout(), None);
    assert_eq!(bench.sent(), "");
}

#[test]
fn numbers_are_positive_exact_in_a_double_and_no_commands_ids() {
    for seed in [0, 1, u64::MAX, u64::MAX >> 1, (1 << 52) - 1, (1 << 52) - 2] {
        let mut bench = Bench::new(Config { seed, ..Config::DEFAULT });
        let mut before = 0;
        for _ in 0..4 {
            bench.poll();
            let number = number(&bench.sent());
            assert!((1 << 52..1 << 53).contains(&number) && number != before, "{number}");
            before = number;
            bench.pass(u64::from(u32::MAX));
        }
    }
}

/// What may lie on the line, and what is reported of it.
const LEFT: &[(&str, &[&str])] = &[
    ("", &[]),
    ("\r\n \n", &[]),
    ("{\"return\": {}}\n", &["foreign None {}"]),
    ("{\"return\": {}, \"id\": 256}\n", &["foreign Some(256) {}"]),
    ("{\"return\": 7}\n\u{FF}{\"return\": 7}\n", &["foreign None 7", "foreign None 7"]),
    ("\u{FF}\u{FF}\u{FF}", &[]),
    ("{\"return\": {\"buf-b64\": \"AAAA", &["malformed at 28: a 0xFF ended the message"]),
    ("{\"return\": [[[{\"a\":\n", &["malformed at 21: a 0xFF ended the message"]),
    ("turn\": \"x\"}\n", &["malformed at 0: text between messages"]),
    ("login: ", &["malformed at 0: text between messages"]),
    ("{\"other\": 1}\n", &["unknown {\"other\": 1}"]),
    ("{\"QMP\": {}}\n{\"event\": \"STOP\"}\n", &["greeting", "event STOP"]),
    // The number without a sentinel, and with something in between.
    ("{\"return\": 4503599627370497}", &["foreign None 4503599627370497"]),
    ("\u{FF}{\"error\": {}}{\"return\": 4503599627370497}\n", &["diagnostic : ", "foreign None 4503599627370497"]),
    ("\u{FF}{\"return\": 45035996273704970}\n", &["foreign None 45035996273704970"]),
    ("\u{FF}{\"return\": 4503599627370497.0}\n", &["foreign None 4503599627370497.0"]),
    ("\u{FF}{\"return\": \"4503599627370497\"}\n", &["foreign None \"4503599627370497\""]),
];

#[test]
fn whatever_was_left_on_the_line_is_told_and_not_mistaken() {
    for (left, expected) in LEFT {
        let bytes = reply(&format!("{left}{STRAY}\u{FF}{{\"return\": {FIRST}, \"id\": {FIRST}}}\n{{\"return\": 1}}"));
        let whole = said(&bytes, 512, usize::MAX, Reading::DEFAULT);
        // The error that the 0xFF draws may be a part of what was left open.
        let whole_but_stray: Vec<_> = whole.iter().filter(|said| *said != STRAY_SAID).collect();
        let got_through = whole_but_stray.len();
        assert_eq!(whole_but_stray[got_through - 2..], ["ready true", "foreign None 1"], "{left:?}: {whole:?}");
        if whole.len() > got_through {
            assert_eq!(whole_but_stray[..got_through - 2], **expected, "{left:?}");
        }
        for most in 1..bytes.len() {
            for rx in [128, 512] {
                for fast in [false, true] {
                    assert_eq!(
                        said(&bytes, rx, most, Reading { fast, ..Reading::DEFAULT }),
                        whole,
                        "{left:?} by {most}"
                    );
                }
            }
        }
        for cut in 0..=bytes.len() {
            let mut bench = Bench::new(Config::DEFAULT);
            let mut cut_in_two = bench.feed(&bytes[..cut]);
            cut_in_two.extend(bench.feed(&bytes[cut..]));
            assert_eq!(cut_in_two, whole, "{left:?} at {cut}");
        }
    }
}

fn said(bytes: &[u8], rx: usize, most: usize, reading: Reading) -> Vec<String> {
    Bench::with(Config { reading, ..Config::DEFAULT }, rx, 512, 4).feed_by(bytes, most)
}

#[test]
fn without_its_sentinel_an_answer_is_none() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    bench.sent();
    assert_eq!(bench.feed(format!("{{\"return\": {FIRST}}}\n")), [format!("foreign None {FIRST}")]);
    assert_eq!(bench.client.session(), Session::Syncing);
    assert_eq!(bench.pass(999), NONE);
    assert_eq!(bench.pass(1), ["unanswered 1"]);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
}

#[test]
fn an_earlier_number_is_not_the_one_that_is_waited_for() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    bench.sent();
    bench.pass(1000);
    let (first, second) = (FIRST, number(&bench.sent()));
    assert_ne!(first, second);
    let said = bench.feed(reply(&format!("\u{FF}{{\"return\": {first}, \"id\": {first}}}\n")));
    assert_eq!(said, [format!("foreign Some({first}) {first}")]);
    assert_eq!(bench.client.session(), Session::Syncing);
    // The first answer told that ids are echoed.
    assert_eq!(bench.feed(reply(&format!("{STRAY}\u{FF}{{\"return\": {second}}}\n"))), [STRAY_SAID, "ready true"]);
    // An answer twice is one of somebody else.
    assert_eq!(
        bench.feed(reply(&format!("\u{FF}{{\"return\": {second}}}\n"))),
        ["sentinel".to_string(), format!("foreign None {second}")]
    );
}

#[test]
fn the_time_for_an_answer_doubles_up_to_a_limit() {
    let mut bench = Bench::new(Config { sync_timeout: Duration::from_millis(100), ..Config::DEFAULT });
    bench.poll();
    let mut expected = 100;
    for attempts in 1..13 {
        bench.sent();
        assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(bench.now + expected)));
        assert_eq!(bench.pass(expected - 1), NONE);
        assert_eq!(bench.pass(1), [format!("unanswered {attempts}")]);
        expected = (expected * 2).min(3200);
    }
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
    bench.client.commands().synchronize().unwrap();
    bench.poll();
    assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(bench.now + 100)));
}

#[test]
fn a_peer_that_takes_nothing_is_sent_one_synchronisation() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    let pending = bench.client.tx_pending().to_vec();
    bench.client.tx_sent(10).unwrap();
    for attempts in 1..50 {
        assert_eq!(bench.pass(100_000), [format!("unanswered {attempts}")]);
        assert_eq!(bench.client.tx_pending(), &pending[10..]);
    }
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
}

#[test]
fn an_agent_that_refuses_ids_is_asked_without() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    assert!(bench.sent().contains(&format!("}},\"id\":{FIRST}}}")));
    let refused = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"unexpected\"}}\n";
    assert_eq!(bench.feed(refused), ["diagnostic GenericError: unexpected"]);
    assert_eq!(bench.pass(1000), ["unanswered 1"]);
    let sent = bench.sent();
    let number = number(&sent);
    assert_eq!(sent, format!("\u{FF}{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{number}}}}}\n"));
    assert_eq!(bench.feed(reply(&format!("\u{FF}{{\"return\": {number}}}\n"))), ["ready false"]);
    assert!(!bench.client.commands().echoes_ids());
    let ticket = bench.execute("guest-ping");
    assert_eq!(bench.sent(), "{\"execute\":\"guest-ping\"}\n");
    assert_eq!(bench.feed("{\"return\": {}}"), [format!("reply {} {{}}", ticket.id())]);
    // Next time ids are not tried first, and on another connection they are.
    bench.client.commands().synchronize().unwrap();
    bench.poll();
    assert!(bench.sent().ends_with("}}\n"));
    bench.client.reset();
    bench.poll();
    assert!(!bench.sent().ends_with("}}\n"));
}

#[test]
fn an_agent_that_is_silent_is_asked_with_ids_again() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    bench.sent();
    bench.pass(1000);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
    // One that refused them, and is another one next time.
    bench.client.reset();
    bench.poll();
    bench.sent();
    bench.feed(STRAY);
    bench.pass(1000);
    assert!(bench.sent().ends_with("}}\n"));
    bench.pass(2000);
    assert!(!bench.sent().ends_with("}}\n"));
}

#[test]
fn a_sentinel_out_of_place_is_doubted_where_only_the_place_tells() {
    for (mut bench, session) in [(Bench::ready(), Session::Ready), (Bench::ready_in_order(), Session::Syncing)] {
        let ticket = bench.execute("guest-ping");
        bench.sent();
        let said = bench.feed(reply(&format!("\u{FF}{{\"return\": {FIRST}}}\n")));
        assert_eq!(said, ["sentinel".to_string(), format!("foreign None {FIRST}")]);
        assert_eq!(bench.client.session(), session);
        assert!(bench.client.is_in_flight(ticket));
    }
}

#[test]
fn an_agent_that_takes_ids_and_echoes_none_is_followed_by_order() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.poll();
    assert_eq!(bench.feed(reply(&format!("\u{FF}{{\"return\": {FIRST}}}\n"))), ["ready false"]);
}

#[test]
fn plain_synchronisation_needs_no_sentinel() {
    let mut bench = Bench::new(Config { sync: Sync::Plain, ..Config::DEFAULT });
    bench.poll();
    let expected = format!("\n{{\"execute\":\"guest-sync\",\"arguments\":{{\"id\":{FIRST}}},\"id\":{FIRST}}}\n");
    assert_eq!(bench.sent(), expected);
    let said = bench.feed(reply(&format!("{{\"return\": 5}}\n\u{FF}{{\"return\": {FIRST}, \"id\": {FIRST}}}\n")));
    assert_eq!(said, ["foreign None 5", "sentinel", "ready true"]);
}

#[test]
fn a_buffer_for_the_longest_answer_suffices() {
    let mut bench = Bench::with(Config::DEFAULT, 64, 94, 1);
    assert_eq!(bench.poll(), NONE);
    assert_eq!(bench.client.tx_pending().len(), 94);
    assert_eq!(bench.answer(), ["oversize None 80 bytes", "ready true"]);
    let mut bench = Bench::with(Config::DEFAULT, 64, 93, 1);
    assert_eq!(bench.poll(), ["Resource(Tx { limit: 93 })"]);
}

#[test]
fn another_connection_begins_from_the_beginning() {
    let mut bench = Bench::ready();
    let ticket = bench.execute("guest-ping");
    assert_eq!(bench.eof(), [format!("lost {}", ticket.id()), "Peer(Closed)".into()]);
    assert_eq!(bench.client.session(), Session::Closed);
    assert_eq!(bench.client.commands().synchronize(), Err(PeerError::Closed.into()));
    bench.client.reset();
    assert_eq!(bench.poll(), NONE);
    assert_eq!(bench.answer(), [STRAY_SAID, "ready true"]);
    assert!(bench.execute("guest-ping").id() > ticket.id());
}

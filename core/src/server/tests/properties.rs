//! Random sessions in memory of any size.

use super::conformance::INPUTS;
use super::*;

/// Bytes in which something happens.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = INPUTS
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap())
        .map(|case| case["send"].as_str().unwrap().chars().map(|char| char as u8).collect::<Vec<u8>>())
        .filter(|bytes| bytes.len() < 200)
        .collect();
    let piece = prop_oneof![
        6 => proptest::sample::select(pieces),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => Just(b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}".to_vec()),
        1 => Just(b"{\"exec-oob\":\"migrate-pause\",\"id\":\"a long id, longer than there is room for\"}".to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A session with commands answered as they come, fed and sent in pieces of the given sizes: all that was sent, or why not.
fn session(input: &[u8], memory: &mut Memory, config: Config, feed: &[usize], send: usize) -> Result<Vec<u8>, Error> {
    let mut server = memory.server(config);
    let mut out = Vec::new();
    let mut rest = input;
    let mut turn = 0;
    let mut ended = false;
    let mut owed = None::<Ticket>;
    loop {
        if !rest.is_empty() {
            let chunk = feed[turn % feed.len()].clamp(1, rest.len());
            let taken = server.feed(&rest[..chunk])?;
            rest = &rest[taken..];
        } else if !ended {
            server.rx_eof();
            ended = true;
        }
        turn += 1;
        let mut closed = false;
        loop {
            if let Some(ticket) = owed {
                match server.replies().reply(ticket, &()) {
                    Ok(()) => owed = None,
                    Err(Error::Resource(Resource::Tx { .. })) if !server.tx_pending().is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            match server.poll() {
                Ok(Some(Incoming { message: Message::Command { ticket, .. }, .. })) => owed = Some(ticket),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(Error::Peer(PeerError::Closed)) => {
                    closed = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let pending = server.tx_pending();
        let count = send.min(pending.len());
        out.extend_from_slice(&pending[..count]);
        server.tx_sent(count)?;
        if closed && server.tx_pending().is_empty() {
            return Ok(out);
        }
        assert!(turn < 100_000, "no end");
    }
}

proptest! {
    #[test]
    fn the_same_answers_for_every_chunking(
        input in input(),
        feed in proptest::collection::vec(1usize..60, 1..5),
        send in 1usize..300,
        oob in any::<bool>(),
    ) {
        let config = Config { oob, ..Config::DEFAULT };
        let whole = session(&input, &mut Memory::new(512, 4096, 10, 320), config, &[1 << 20], 1 << 20).unwrap();
        let chunks = session(&input, &mut Memory::new(512, 4096, 10, 320), config, &feed, send).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&chunks));
        // Little room to send changes nothing; 416 bytes hold any answer with 32 bytes of id and detail.
        let narrow = session(&input, &mut Memory::new(512, 416, 10, 320), config, &feed, send).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&narrow));
        prop_assert!(whole.is_ascii());
        for line in String::from_utf8_lossy(&whole).lines() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok(), "{}", line);
        }
    }

    #[test]
    fn tiny_memory_never_panics(
        input in input(),
        feed in proptest::collection::vec(1usize..60, 1..5),
        (rx, tx, pending, ids) in (0usize..80, 0usize..300, 0usize..4, 0usize..40),
        agent in any::<bool>(),
    ) {
        let dialect = if agent { Dialect::Agent } else { Dialect::Qmp };
        let mut memory = Memory::new(rx, tx, pending, ids);
        if rx >= 2 {
            let _ = session(&input, &mut memory, Config { dialect, ..with_oob() }, &feed, 7);
        }
    }

    #[test]
    fn commands_and_deferred_replies_in_any_turn(
        script in proptest::collection::vec((0u8..7, any::<u8>()), 0..200),
        in_order in any::<bool>(),
    ) {
        let mut memory = Memory::new(512, 2048, 12, 12 * 8);
        let mut server = negotiated(&mut memory, Config { in_order, ..with_oob() });
        // Each message has its number as its name and id. The numbers of those in band, in their order; of all answers.
        let mut numbers = 0..;
        let mut in_band = Vec::new();
        let mut answered = Vec::new();
        let mut open: Vec<(Ticket, u64, bool)> = Vec::new();
        let drain = script.len()..script.len() + 500;
        for (what, which) in script.into_iter().chain(drain.map(|turn| (4 + (turn % 2) as u8, 0))) {
            match what {
                0..=3 => {
                    let number: u64 = numbers.next().unwrap();
                    let text = match what {
                        0 | 1 => format!("{{\"execute\":\"{number}\",\"id\":{number}}}"),
                        2 => format!("{{\"exec-oob\":\"{number}\",\"id\":{number}}}"),
                        _ => format!("{{\"id\":{number}}}"),
                    };
                    if server.rx_space().len() < text.len() {
                        numbers = number..;
                        continue;
                    }
                    server.feed(text.as_bytes()).unwrap();
                    if what != 2 {
                        in_band.push(number);
                    }
                }
                4 if !open.is_empty() => {
                    let index = usize::from(which) % open.len();
                    let (ticket, number, oob) = open[index];
                    match server.replies().reply(ticket, &number) {
                        Ok(()) => {
                            open.remove(index);
                        }
                        Err(Error::Misuse(Misuse::OutOfTurn)) => prop_assert!(in_order && !oob),
                        Err(Error::Resource(Resource::Tx { .. })) => {}
                        Err(error) => prop_assert!(false, "{error}"),
                    }
                }
                4 => {}
                _ => answered.extend(sent(&mut server).iter().map(|message| message["id"].as_u64().unwrap())),
            }
            while let Some(Incoming { message, .. }) = server.poll().unwrap() {
                if let Message::Command { ticket, name, oob, .. } = message {
                    open.push((ticket, name.parse().unwrap(), oob));
                }
            }
            prop_assert!(open.iter().filter(|(.., oob)| !oob).count() <= QUEUE + 1);
        }
        prop_assert!(open.is_empty());
        if in_order {
            let order: Vec<u64> = answered.iter().copied().filter(|number| in_band.contains(number)).collect();
            prop_assert_eq!(order, in_band);
        }
        answered.sort_unstable();
        prop_assert_eq!(answered, (0..numbers.next().unwrap()).collect::<Vec<_>>());
    }
}

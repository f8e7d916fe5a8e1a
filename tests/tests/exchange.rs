//! Our client against our server, in memory, on a clock that the test turns: overtaking, floods, deadlines, small buffers, and the
//! loss of the connection at each byte.

use core::mem::take;

use proptest::prelude::*;
use qmp_tests::ledger::End;
use qmp_tests::random::Random;
use qmp_tests::world::{self, COMMANDS, Sizes, Wish, World};

const NEVER: u64 = u64::MAX;

fn wish() -> Wish {
    Wish::default()
}

/// Brings the session to where commands are executed.
fn negotiate(world: &mut World<'_>, random: &mut Random, most: usize) {
    world.client.poll().expect("a session");
    world.settle(random, most);
    assert_eq!(world.ledger.ready, 1);
}

#[test]
fn sessions_come_out_the_same_however_their_bytes_travel() {
    for oob in [false, true] {
        let run = |seed, most| {
            world::with(&Sizes { oob, ..Sizes::AMPLE }, |world| {
                let mut random = Random::seeded(seed);
                negotiate(world, &mut random, most);
                for round in 0..20 {
                    for number in 0..8 {
                        let wish = Wish { size: round * 40, events: number % 3, ..wish() };
                        assert!(world.execute(COMMANDS[number as usize % 3], false, wish, None));
                    }
                    assert!(!world.execute("do", false, wish(), None), "a ninth");
                    world.settle(&mut random, most);
                }
                world.ledger.check_all_ended();
                assert_eq!(world.ledger.count(End::Replied), 160);
                assert_eq!(world.ledger.events, (0..140).map(Some).collect::<Vec<_>>());
                take(&mut world.received)
            })
        };
        let whole = run(0, 100_000);
        for (seed, most) in [(1, 1), (2, 2), (3, 7), (4, 50), (5, 300), (6, 5000)] {
            assert_eq!(run(seed, most), whole, "pieces of up to {most}");
        }
    }
}

#[test]
fn what_is_out_of_band_overtakes_what_waits() {
    world::with(&Sizes::AMPLE, |world| {
        let mut random = Random::seeded(1);
        negotiate(world, &mut random, 60);
        for _ in 0..8 {
            assert!(world.execute("do", false, Wish { delay: 1000, ..wish() }, None));
        }
        for delay in [30, 20, 10, 0] {
            assert!(world.execute("do", true, Wish { delay, ..wish() }, None));
        }
        // The server holds 8 and one that runs, so all of these have arrived.
        world.settle(&mut random, 60);
        assert_eq!(world.ledger.overtaken, 4);
        assert_eq!(world.host.held, 8);
        assert_eq!(world.ledger.count(End::Replied), 12);
    });
    // Without the capability one command is executed at a time.
    world::with(&Sizes { oob: false, ..Sizes::AMPLE }, |world| {
        let mut random = Random::seeded(1);
        negotiate(world, &mut random, 60);
        for delay in [40, 30, 20, 10] {
            assert!(world.execute("do", true, Wish { delay, ..wish() }, None));
        }
        world.settle(&mut random, 60);
        assert_eq!((world.ledger.overtaken, world.host.held), (0, 1));
        assert_eq!(world.ledger.count(End::Replied), 4);
    });
}

#[test]
fn a_flood_of_events_loses_none_and_delays_no_reply_for_ever() {
    let narrow = Sizes { client_rx: 200, server_tx: 300, pipe: 70, ..Sizes::AMPLE };
    for (sizes, most) in [(Sizes::AMPLE, 4000), (narrow, 90), (narrow, 3)] {
        world::with(&sizes, |world| {
            let mut random = Random::seeded(9);
            negotiate(world, &mut random, most);
            for _ in 0..5 {
                assert!(world.execute("do", false, Wish { events: 400, ..wish() }, None));
                assert!(world.execute("do", true, Wish { events: 10, ..wish() }, None));
            }
            world.settle(&mut random, most);
            assert_eq!(world.ledger.count(End::Replied), 10);
            assert_eq!(world.ledger.events, (0..2050).map(Some).collect::<Vec<_>>());
        });
    }
}

#[test]
fn deadlines_pass_and_late_replies_are_told_apart() {
    world::with(&Sizes::AMPLE, |world| {
        let mut random = Random::seeded(2);
        negotiate(world, &mut random, 60);
        // In time, late, behind the late one in time, never.
        for (delay, timeout) in [(50, 100), (300, 100), (0, 500), (NEVER, 700)] {
            assert!(world.execute("do", false, Wish { delay, ..wish() }, Some(timeout)));
        }
        world.settle(&mut random, 60);
        assert_eq!(
            (world.ledger.count(End::Replied), world.ledger.count(End::TimedOut), world.ledger.late()),
            (2, 1, 1)
        );
        assert_eq!(world.client.commands().credits(), 7);
        let due = world.client.poll_timeout().expect("a deadline").as_millis();
        assert_eq!(due, 700);
        world.advance(due - 301);
        assert_eq!(world.ledger.count(End::TimedOut), 1, "a moment too early");
        world.advance(1);
        assert_eq!(world.ledger.count(End::TimedOut), 2);
        assert_eq!(world.client.poll_timeout(), None);
        // The server still has it, so its credit is not given out anew.
        assert_eq!(world.client.commands().credits(), 7);
        world.lose();
        assert_eq!(world.ledger.count(End::Lost), 0, "it has ended before");
    });
}

/// A session with a bit of everything, in which both sides are heard in small pieces. Ends when either stream has carried as many
/// bytes as it may.
fn play(world: &mut World<'_>, up: usize, down: usize) -> bool {
    let mut random = Random::seeded(3);
    world.client.poll().expect("a session");
    let mut step = 0;
    for _ in 0..20_000 {
        let piece = 1 + random.below(40);
        world.client_sends(piece);
        let left = up - world.taken;
        world.server_receives(piece.min(left));
        world.server_sends(piece);
        let left = down - world.received.len();
        world.client_receives(piece.min(left));
        if world.taken == up || world.received.len() == down {
            return false;
        }
        world.advance(1);
        if step < 24 {
            let wish = Wish { delay: [0, 3, 11][step % 3], size: step * 3, events: (step % 2) as u32, ..wish() };
            let timeout = (step % 5 == 4).then_some(9);
            let sent = world.execute(COMMANDS[step % 3], step % 4 == 3, wish, timeout);
            step += usize::from(sent);
        } else if world.ledger.ends().iter().all(|(_, end)| end.is_some()) && world.host.next_due().is_none() {
            return true;
        }
    }
    panic!("the session goes on for ever");
}

/// The ids of the replies that the first `count` bytes of a stream hold whole. Our server writes one message a line.
fn answered(received: &[u8]) -> Vec<u32> {
    let text = core::str::from_utf8(received).expect("ASCII");
    let ids = text.split('\n').filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message.get("return").or(message.get("error"))).and(message["id"].as_u64()).map(|id| id as u32)
    });
    ids.collect()
}

#[test]
fn wherever_the_connection_breaks_each_command_ends_once() {
    for oob in [false, true] {
        let sizes = Sizes { oob, client_tx: 300, ..Sizes::AMPLE };
        let (up, down) = world::with(&sizes, |world| {
            assert!(play(world, usize::MAX, usize::MAX));
            world.ledger.check_all_ended();
            (world.taken, world.received.len())
        });
        assert!(up > 2000 && down > 3000, "{up} up, {down} down");
        let mut lost = 0;
        let cuts = (0..=up).map(|at| (at, usize::MAX)).chain((0..=down).map(|at| (usize::MAX, at)));
        for (up, down) in cuts {
            world::with(&sizes, |world| {
                play(world, up, down);
                let answered = answered(&world.received);
                world.lose();
                for (id, end) in world.ledger.ends() {
                    // What has come whole has come; of the rest nothing is known.
                    let expected = match end.expect("it has ended") {
                        End::Replied => answered.contains(&id),
                        End::Lost => !answered.contains(&id),
                        End::TimedOut => true,
                        End::PassedOver => false,
                    };
                    assert!(expected, "{id} ended by {end:?}; broken at {up}/{down}");
                }
                lost += world.ledger.count(End::Lost);

                world.reconnect();
                let ready = world.ledger.ready;
                let mut random = Random::seeded(4);
                world.settle(&mut random, 100);
                assert_eq!(world.ledger.ready, ready + 1);
                assert!(world.execute("do", false, wish(), None));
                world.settle(&mut random, 100);
                world.ledger.check_all_ended();
                assert!(world.ledger.foreign.is_empty());
            });
        }
        assert!(lost > 1000, "{lost}");
    }
}

#[test]
fn replies_of_an_earlier_connection_end_nothing() {
    world::with(&Sizes::AMPLE, |world| {
        let mut random = Random::seeded(5);
        negotiate(world, &mut random, 100);
        for _ in 0..3 {
            assert!(world.execute("do", false, Wish { delay: NEVER, ..wish() }, None));
        }
        world.settle(&mut random, 100);
        let old: Vec<u32> = world.ledger.ends().iter().map(|(id, _)| *id).collect();
        world.lose();
        world.reconnect();
        world.settle(&mut random, 100);
        for _ in 0..3 {
            assert!(world.execute("do", false, Wish { delay: 10, ..wish() }, None));
        }
        for id in &old {
            world.inject(format!("{{\"return\": {{}}, \"id\": {id}}}\r\n").as_bytes());
        }
        world.settle(&mut random, 100);
        assert_eq!(world.ledger.foreign, old.iter().map(|id| Some(id.to_string())).collect::<Vec<_>>());
        assert_eq!((world.ledger.count(End::Lost), world.ledger.count(End::Replied)), (3, 3));
    });
}

/// One step of a random session.
#[derive(Clone, Debug)]
enum Step {
    Execute { name: usize, oob: bool, wish: Wish, timeout: Option<u64> },
    Time(u64),
    ClientSends(usize),
    ServerReceives(usize),
    ServerSends(usize),
    ClientReceives(usize),
    All(usize),
    Break,
}

fn step() -> impl Strategy<Value = Step> {
    let delay = prop_oneof![3 => Just(0), 2 => 1_u64..40, 1 => Just(NEVER)];
    let wish = (delay, prop_oneof![4 => 0_usize..60, 1 => 0_usize..3000], prop_oneof![4 => 0_u32..3, 1 => 0_u32..60])
        .prop_map(|(delay, size, events)| Wish { nonce: 0, delay, size, events });
    let execute = (0_usize..3, any::<bool>(), wish, prop::option::weighted(0.3, 0_u64..60));
    let count = || prop_oneof![3 => 1_usize..30, 1 => 1_usize..2000];
    prop_oneof![
        8 => execute.prop_map(|(name, oob, wish, timeout)| Step::Execute { name, oob, wish, timeout }),
        3 => (0_u64..30).prop_map(Step::Time),
        2 => count().prop_map(Step::ClientSends),
        2 => count().prop_map(Step::ServerReceives),
        2 => count().prop_map(Step::ServerSends),
        2 => count().prop_map(Step::ClientReceives),
        6 => count().prop_map(Step::All),
        1 => Just(Step::Break),
    ]
}

/// From hardly enough to ample.
fn sizes() -> impl Strategy<Value = Sizes> {
    let client = (prop_oneof![16_usize..200, Just(8192)], 110_usize..400, 1_usize..24);
    let server = (prop_oneof![100_usize..300, Just(4096)], 360_usize..800, 1_usize..14);
    (client, server, prop_oneof![1_usize..100, Just(65536)], any::<bool>(), any::<bool>()).prop_map(
        |((client_rx, client_tx, slots), (server_rx, server_tx, pending), pipe, oob, blind)| Sizes {
            client_rx,
            client_tx,
            slots,
            server_rx,
            server_tx,
            pending,
            pipe,
            oob,
            blind,
        },
    )
}

fn take_step(world: &mut World<'_>, step: &Step) {
    match *step {
        Step::Execute { name, oob, wish, timeout } => _ = world.execute(COMMANDS[name], oob, wish, timeout),
        Step::Time(milliseconds) => world.advance(milliseconds),
        Step::ClientSends(count) => _ = world.client_sends(count),
        Step::ServerReceives(count) => _ = world.server_receives(count),
        Step::ServerSends(count) => _ = world.server_sends(count),
        Step::ClientReceives(count) => _ = world.client_receives(count),
        Step::All(count) => _ = world.shift(count),
        Step::Break => {
            world.lose();
            world.reconnect();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn any_session_keeps_every_promise(
        sizes in sizes(), steps in prop::collection::vec(step(), 1..120), most in 1_usize..200, seed: u64,
    ) {
        world::with(&sizes, |world| {
            for step in &steps {
                take_step(world, step);
            }
            // What remains comes to its end, but for commands that are never answered.
            world.settle(&mut Random::seeded(seed), most);
            let never = world.host.is_held_up();
            if !never {
                world.ledger.check_all_ended();
            }
            world.lose();
        });
    }
}

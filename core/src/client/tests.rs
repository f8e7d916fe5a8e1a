mod correlation;
#[cfg(feature = "delivery")]
mod elements;
#[cfg(feature = "delivery")]
mod members;
#[cfg(feature = "delivery")]
mod text;
#[cfg(feature = "delivery")]
mod wishes;

use super::*;
use crate::error::{Misuse, Resource};
use crate::json::ser;
use serde::Serialize;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const GREETING: &str = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 1, \"minor\": 1, \"major\": 11}, \"package\": \"\"}, \"capabilities\": [\"oob\", \"new\"]}}\r\n";

/// A client over memory of its own, and what it said, in words.
struct Bench {
    client: Client<'static>,
}

impl Bench {
    fn with(config: Config, rx: usize, tx: usize, slots: usize) -> Self {
        let storage = Storage::new(
            vec![0; rx].leak(),
            vec![0; tx].leak(),
            vec![Slot { id: 9, oob: true, ..Slot::FREE }; slots].leak(),
        );
        Self { client: Client::new(storage, config) }
    }

    fn new(config: Config) -> Self {
        Self::with(config, 512, 512, 16)
    }

    fn ready(config: Config) -> Self {
        let mut bench = Self::new(config);
        bench.feed(GREETING);
        let id = bench.sent().split("\"id\":").nth(1).unwrap().trim_end_matches("}\n").to_string();
        bench.feed(&format!("{{\"return\": {{}}, \"id\": {id}}}\r\n"));
        assert_eq!(bench.client.session(), Session::Ready);
        bench
    }

    /// Feeds `bytes` and says what was reported.
    fn feed(&mut self, bytes: &str) -> Vec<String> {
        let mut rest = bytes.as_bytes();
        let mut said = Vec::new();
        loop {
            let taken = self.client.feed(rest).unwrap();
            rest = &rest[taken..];
            said.extend(self.poll());
            if rest.is_empty() {
                return said;
            }
        }
    }

    fn poll(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.client.poll() {
                Ok(None) => return said,
                Ok(Some(incoming)) => said.push(words(incoming)),
                Err(error) => {
                    said.push(format!("{error:?}"));
                    return said;
                }
            }
        }
    }

    /// What is to be sent; it is then taken as sent.
    fn sent(&mut self) -> String {
        let text = String::from_utf8(self.client.tx_pending().to_vec()).unwrap();
        self.client.tx_sent(text.len()).unwrap();
        text
    }

    fn execute(&mut self, name: &str) -> Ticket {
        self.client.commands().execute(name, &()).unwrap()
    }

    fn reply(&mut self, ticket: Ticket) -> Vec<String> {
        self.feed(&format!("{{\"return\": {{}}, \"id\": {}}}\r\n", ticket.id()))
    }
}

fn words(incoming: Incoming<'_, '_>) -> String {
    let outcome = |outcome: Outcome<'_>| match outcome {
        Ok(payload) => payload.into_value().to_string(),
        Err(failure) => failure.to_string(),
    };
    let mark = if incoming.origin.is_some_and(|origin| origin.after_gap) { "! " } else { "" };
    mark.to_string()
        + &match incoming.message {
            Message::Greeting(greeting) => format!("greeting {}", greeting.version().unwrap()),
            Message::Ready { oob } => format!("ready {oob}"),
            Message::Refused(failure) => format!("refused {failure}"),
            Message::Reply { ticket, outcome: reply } => format!("reply {} {}", ticket.id(), outcome(reply)),
            Message::Element { ticket, index, element } => match element {
                Ok(element) => format!("element {} of {}: {}", index, ticket.id(), element.into_value()),
                Err(passed) => format!("element {} of {}: {} bytes", index, ticket.id(), passed.bytes),
            },
            Message::ElementsEnd { ticket, count, late } => {
                format!("{count} elements of {}{}", ticket.id(), if late { ", late" } else { "" })
            }
            Message::Text { ticket, text } => format!("text of {}: {text}", ticket.id()),
            Message::TextEnd { ticket, late } => {
                format!("end of text of {}{}", ticket.id(), if late { ", late" } else { "" })
            }
            Message::Retracted { ticket, count, by } => format!("retracted {count} of {}: {by:?}", ticket.id()),
            Message::Event(event) => format!("event {} {:?}", event.name, event.timestamp.map(|time| time.seconds)),
            Message::TimedOut { ticket } => format!("timed out {}", ticket.id()),
            Message::HandshakeTimedOut(session) => format!("handshake timed out {session:?}"),
            Message::Late { ticket, outcome: reply } => format!("late {} {}", ticket.id(), outcome(reply)),
            Message::Lost { ticket } => format!("lost {}", ticket.id()),
            Message::Foreign { id, outcome: reply } => format!("foreign {id:?} {}", outcome(reply)),
            Message::Diagnostic(failure) => format!("diagnostic {failure}"),
            Message::Oversize { ticket, message } => {
                format!("oversize {:?} {} bytes", ticket.map(Ticket::id), message.bytes)
            }
            Message::Malformed(malformed) => format!("malformed at {}: {}", malformed.at, malformed.reason),
            Message::Unknown(payload) => format!("unknown {}", payload.raw_str().unwrap()),
            Message::Incomplete => "incomplete".into(),
        }
}

#[test]
fn greeting_negotiation_command_reply() {
    let mut bench = Bench::new(Config { seed: 0x1234_5678, ..Config::DEFAULT });
    assert_eq!(bench.client.commands().execute("stop", &()), Err(Error::Misuse(Misuse::NotReady)));
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1"]);
    let negotiation = (0x0034_5679 << 8) | 255;
    assert_eq!(bench.sent(), format!("{{\"execute\":\"qmp_capabilities\",\"id\":{negotiation}}}\n"));
    assert_eq!(bench.client.session(), Session::Negotiating);
    assert_eq!(bench.feed(&format!("{{\"return\": {{}}, \"id\": {negotiation}}}\r\n")), ["ready false"]);
    let ticket = bench.execute("query-status");
    assert_eq!(ticket.id(), 0x0034_567A << 8);
    assert_eq!(bench.sent(), format!("{{\"execute\":\"query-status\",\"id\":{}}}\n", ticket.id()));
    assert!(bench.client.commands().is_in_flight(ticket));
    assert_eq!(
        bench.feed(&format!("{{\"id\": {}, \"return\": {{\"status\": \"p\\u00e9\"}}}}", ticket.id())),
        [format!("reply {} {{\"status\":\"pé\"}}", ticket.id())]
    );
    assert!(!bench.client.commands().is_in_flight(ticket));
    // The same reply once more is nobody's.
    assert_eq!(bench.reply(ticket), [format!("foreign Some({}) {{}}", ticket.id())]);
}

#[test]
fn out_of_band_execution_is_enabled_where_wanted_and_offered() {
    let wanted = Config { oob: true, ..Config::DEFAULT };
    let mut bench = Bench::new(wanted);
    bench.feed(GREETING);
    assert_eq!(bench.sent(), "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":511}\n");
    assert_eq!(bench.client.commands().exec_oob("yank", &()), Err(Error::Misuse(Misuse::NoOutOfBand)));
    assert!(!bench.client.commands().oob_enabled(), "it was only asked for");
    assert_eq!(bench.feed("{\"return\": {}, \"id\": 511}"), ["ready true"]);
    assert!(bench.client.commands().oob_enabled());
    let ticket = bench.client.commands().exec_oob("query-yank", &()).unwrap();
    assert_eq!(bench.sent(), format!("{{\"exec-oob\":\"query-yank\",\"id\":{}}}\n", ticket.id()));

    let mut bench = Bench::new(wanted);
    bench.feed(&GREETING.replace("\"oob\", ", ""));
    assert_eq!(bench.sent(), "{\"execute\":\"qmp_capabilities\",\"id\":511}\n");
    assert_eq!(bench.feed("{\"return\": {}, \"id\": 511}"), ["ready false"]);
    assert_eq!(bench.client.commands().exec_oob("yank", &()), Err(Error::Misuse(Misuse::NoOutOfBand)));
}

#[test]
fn a_refused_negotiation_can_be_tried_again() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.feed(GREETING);
    let refused = "{\"id\": 511, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}";
    assert_eq!(bench.feed(refused), ["refused GenericError: no"]);
    assert_eq!(bench.client.session(), Session::Refused);
    assert_eq!(bench.client.commands().execute("stop", &()), Err(Error::Misuse(Misuse::NotReady)));
    bench.sent();
    bench.client.commands().negotiate(false).unwrap();
    assert_eq!(bench.sent(), "{\"execute\":\"qmp_capabilities\",\"id\":767}\n");
    assert_eq!(bench.feed("{\"return\": {}, \"id\": 767}"), ["ready false"]);
}

#[test]
fn a_blind_handshake_waits_for_nothing() {
    let mut bench = Bench::new(Config { handshake: Handshake::Blind, oob: true, ..Config::DEFAULT });
    assert_eq!(bench.poll(), Vec::<String>::new());
    let first = bench.execute("cont");
    assert_eq!(
        bench.sent(),
        format!("{{\"execute\":\"qmp_capabilities\",\"id\":511}}\n{{\"execute\":\"cont\",\"id\":{}}}\n", first.id())
    );
    let said =
        bench.feed(&format!("{GREETING}{{\"return\": {{}}, \"id\": 511}}{{\"return\": {{}}, \"id\": {}}}", first.id()));
    assert_eq!(said, ["greeting 11.1.1", "ready false", &format!("reply {} {{}}", first.id())]);
}

#[test]
fn strangers_are_met_in_every_state() {
    let strangers = concat!(
        "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"VSERPORT_CHANGE\", \"data\": {}}\r\n",
        "{\"return\": {}, \"id\": \"stale\"}\r\n",
        "{\"id\": 18446744073709551616, \"error\": {\"class\": \"X\", \"desc\": \"d\"}}\r\n",
        "{\"return\": 5}\r\n",
        "{\"return\": {}, \"id\": 0}\r\n",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n",
        "{\"other\": 1}\r\n",
    );
    let expected = [
        "event VSERPORT_CHANGE Some(-1)",
        "foreign Some(\"stale\") {}",
        "foreign Some(18446744073709551616) X: d",
        "foreign None 5",
        "foreign Some(0) {}",
        "diagnostic GenericError: JSON parse error",
        "unknown {\"other\": 1}",
    ];
    let mut bench = Bench::new(Config::DEFAULT);
    assert_eq!(bench.feed(strangers), expected);
    assert_eq!(bench.client.session(), Session::Greeting);
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1"]);
    assert_eq!(bench.feed(strangers), expected);
    // Greeted again, it does not negotiate again.
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1"]);
    assert_eq!(bench.sent().matches("qmp_capabilities").count(), 1);
    assert_eq!(bench.feed("{\"return\": {}, \"id\": 511}"), ["ready false"]);
    let ticket = bench.execute("stop");
    assert_eq!(bench.feed(strangers), expected);
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1"]);
    assert_eq!(bench.client.session(), Session::Ready);
    assert_eq!(bench.reply(ticket).len(), 1);
}

#[test]
fn eight_commands_are_in_flight_and_no_more() {
    let mut bench = Bench::ready(Config { oob: true, ..Config::DEFAULT });
    let tickets: Vec<Ticket> = (0..8).map(|_| bench.execute("stop")).collect();
    assert_eq!(bench.client.commands().credits(), 0);
    let before = bench.sent();
    assert_eq!(bench.client.commands().execute("stop", &()), Err(Error::Resource(Resource::Credits { limit: 8 })));
    assert_eq!(bench.client.tx_pending(), b"");
    // Out of band there is room while there are slots.
    let oob: Vec<Ticket> = (0..8).map(|_| bench.client.commands().exec_oob("query-yank", &()).unwrap()).collect();
    assert_eq!(bench.client.commands().exec_oob("x", &()), Err(Error::Resource(Resource::Slots { limit: 16 })));
    assert_eq!(before.lines().count(), 8);
    // Replies in any order.
    for ticket in oob.iter().chain(&tickets).rev() {
        assert_eq!(bench.reply(*ticket), [format!("reply {} {{}}", ticket.id())]);
    }
    assert_eq!(bench.client.commands().credits(), 8);
    let again = bench.execute("stop");
    assert!(!tickets.contains(&again));
}

#[test]
fn commands_are_encoded_whole_or_not_at_all() {
    #[derive(Serialize)]
    struct Arguments<'a> {
        #[serde(rename = "a \"key\"")]
        text: &'a str,
        n: i64,
    }
    let mut bench = Bench::ready(Config::DEFAULT);
    let start = bench.execute("first").id();
    let commands = bench.client.commands();
    assert_eq!(commands.execute("x", &5), Err(Error::Misuse(Misuse::NotAnObject)));
    assert_eq!(commands.execute("x", "{}"), Err(Error::Misuse(Misuse::NotAnObject)));
    let not_finite = Error::Misuse(Misuse::Serialize(ser::Error::NotFinite));
    assert_eq!(commands.execute("x", &[f64::NAN]), Err(not_finite));
    for text in ["", "{", "{} {}", "{\"a\":}", "nul"] {
        assert_eq!(commands.execute_raw("x", text), Err(Error::Misuse(Misuse::NotJson)), "{text}");
    }
    assert_eq!(commands.execute_raw("x", "[]"), Err(Error::Misuse(Misuse::NotAnObject)));
    let long = "x".repeat(600);
    assert_eq!(commands.execute(&long, &()), Err(Error::Resource(Resource::Tx { limit: 512 })));
    assert_eq!(
        commands.execute("x", &Arguments { text: &long, n: 1 }),
        Err(Error::Resource(Resource::Tx { limit: 512 }))
    );
    bench.sent();
    let commands = bench.client.commands();
    let ticket = commands.execute("a\"b", &Arguments { text: "é\n", n: -1 }).unwrap();
    // Nothing was used up by what failed.
    assert_eq!(ticket.id(), start + 0x101);
    commands.execute_raw("y", " { \"a b\" : [ 1.50 ,\n2 ] } ").unwrap();
    assert_eq!(
        bench.sent(),
        format!(
            "{{\"execute\":\"a\\\"b\",\"arguments\":{{\"a \\\"key\\\"\":\"é\\n\",\"n\":-1}},\"id\":{}}}\n{{\"execute\":\"y\",\"arguments\":{{\"a b\":[1.50,2]}},\"id\":{}}}\n",
            start + 0x101,
            start + 0x202
        )
    );
}

#[test]
fn a_command_times_out_once_and_its_late_reply_is_told() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let [slow, quick, never] = [0; 3].map(|_| bench.execute("x"));
    assert_eq!(bench.client.poll_timeout(), None);
    bench.client.handle_timeout(Instant::from_millis(100));
    let commands = bench.client.commands();
    commands.set_timeout(slow, core::time::Duration::from_millis(50)).unwrap();
    commands.set_deadline(quick, Instant::from_millis(120)).unwrap();
    assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(120)));
    bench.client.handle_timeout(Instant::from_millis(119));
    assert_eq!(bench.poll(), Vec::<String>::new());
    // A reply that has come wins over a deadline that is past.
    bench.client.feed(format!("{{\"return\": 1, \"id\": {}}}", quick.id()).as_bytes()).unwrap();
    bench.client.handle_timeout(Instant::from_millis(500));
    assert_eq!(bench.poll(), [format!("reply {} 1", quick.id()), format!("timed out {}", slow.id())]);
    assert_eq!(bench.client.poll_timeout(), None);
    assert_eq!(bench.client.commands().set_deadline(slow, Instant::ZERO), Err(Error::Misuse(Misuse::Ticket)));
    // The server still has it: id and credit stay taken.
    assert_eq!(bench.client.commands().credits(), 6);
    assert_ne!(bench.execute("y").id() & 0xFF, slow.id() & 0xFF);
    // Clocks that run back are not followed.
    bench.client.handle_timeout(Instant::ZERO);
    assert_eq!(bench.reply(slow), [format!("late {} {{}}", slow.id())]);
    assert_eq!(bench.client.commands().credits(), 6);
    assert!(bench.client.commands().is_in_flight(never));
}

#[test]
fn the_handshake_has_a_deadline_of_its_own() {
    let mut bench = Bench::new(Config::DEFAULT);
    bench.client.commands().set_handshake_deadline(Instant::from_millis(10));
    assert_eq!(bench.client.poll_timeout(), Some(Instant::from_millis(10)));
    bench.client.handle_timeout(Instant::from_millis(10));
    assert_eq!(bench.poll(), ["handshake timed out Greeting"]);
    assert_eq!(bench.client.poll_timeout(), None);
    // It goes on if the server comes to life.
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1"]);
    bench.client.commands().set_handshake_deadline(Instant::from_millis(20));
    bench.client.handle_timeout(Instant::from_millis(20));
    assert_eq!(bench.poll(), ["handshake timed out Negotiating"]);
    let mut bench = Bench::ready(Config::DEFAULT);
    bench.client.commands().set_handshake_deadline(Instant::from_millis(10));
    bench.client.handle_timeout(Instant::from_millis(10));
    assert_eq!(bench.poll(), Vec::<String>::new());
}

#[test]
fn the_end_takes_each_command_once() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let [answered, timed_out, lost, also_lost] = [0; 4].map(|_| bench.execute("quit"));
    bench.client.commands().set_deadline(timed_out, Instant::from_millis(1)).unwrap();
    bench.client.handle_timeout(Instant::from_millis(1));
    assert_eq!(bench.poll(), [format!("timed out {}", timed_out.id())]);
    let bytes = format!("{{\"return\": {{}}, \"id\": {}}}\r\n{{\"event\": ", answered.id());
    bench.client.feed(bytes.as_bytes()).unwrap();
    bench.client.rx_eof();
    assert_eq!(
        bench.poll(),
        [
            format!("reply {} {{}}", answered.id()),
            "incomplete".into(),
            format!("lost {}", lost.id()),
            format!("lost {}", also_lost.id()),
            "Peer(Closed)".into()
        ]
    );
    assert_eq!(bench.client.session(), Session::Closed);
    assert_eq!(bench.client.tx_pending(), b"");
    assert_eq!(bench.poll(), ["Peer(Closed)"]);
    assert_eq!(bench.client.commands().execute("x", &()), Err(Error::Peer(PeerError::Closed)));
    assert_eq!(bench.client.commands().negotiate(false), Err(Error::Peer(PeerError::Closed)));

    // A new connection knows the replies to the old one's commands for what they are.
    bench.client.reset();
    assert_eq!(bench.client.session(), Session::Greeting);
    bench.feed(GREETING);
    let id = bench.sent().split("\"id\":").nth(1).unwrap().trim_end_matches("}\n").to_string();
    let said =
        bench.feed(&format!("{{\"return\": {{}}, \"id\": {}}}\r\n{{\"return\": {{}}, \"id\": {id}}}\r\n", lost.id()));
    assert_eq!(said, [format!("foreign Some({}) {{}}", lost.id()), "ready false".into()]);
    let next = bench.execute("x");
    assert!([answered, timed_out, lost, also_lost].iter().all(|old| *old != next));
}

#[test]
fn an_oversize_reply_ends_its_command() {
    let mut bench = Bench::with(Config::DEFAULT, 200, 512, 4);
    bench.feed(GREETING);
    bench.feed("{\"return\": {}, \"id\": 511}");
    let ticket = bench.execute("query-qmp-schema");
    let reply = format!("{{\"return\": [{}], \"id\": {}}}\r\n", "\"filler\", ".repeat(100) + "0", ticket.id());
    assert_eq!(bench.feed(&reply), [format!("oversize Some({}) {} bytes", ticket.id(), reply.len() - 2)]);
    assert_eq!(bench.client.commands().credits(), 8);
    // One that had timed out has ended before.
    let ticket = bench.execute("x");
    bench.client.commands().set_deadline(ticket, Instant::ZERO).unwrap();
    assert_eq!(bench.poll(), [format!("timed out {}", ticket.id())]);
    let reply = reply.replace('\r', "").rsplit_once("\"id\"").unwrap().0.to_string();
    let said = bench.feed(&format!("{reply}\"id\": {}}}", ticket.id()));
    assert!(said[0].starts_with("oversize None"), "{said:?}");
    assert_eq!(bench.client.commands().credits(), 8);
}

#[test]
fn the_smallest_buffer_still_negotiates() {
    let mut bench = Bench::with(Config { oob: true, ..Config::DEFAULT }, 16, 80, 1);
    let said = bench.feed(GREETING);
    assert_eq!(said, [format!("oversize None {} bytes", GREETING.len() - 2)]);
    // What the server offers is gone with its greeting.
    assert_eq!(bench.sent(), "{\"execute\":\"qmp_capabilities\",\"id\":511}\n");
    assert_eq!(bench.feed("{\"return\": {}, \"id\": 511}\r\n"), ["ready false"]);
    let ticket = bench.execute("stop");
    assert_eq!(
        bench.reply(ticket),
        [format!("oversize Some({}) {} bytes", ticket.id(), 22 + ticket.id().to_string().len())]
    );
}

#[test]
fn a_transmit_buffer_too_small_to_negotiate_is_told() {
    let mut bench = Bench::with(Config::DEFAULT, 512, 20, 1);
    let full = format!("{:?}", Error::Resource(Resource::Tx { limit: 20 }));
    assert_eq!(bench.feed(GREETING), ["greeting 11.1.1".into(), full.clone()]);
    assert_eq!(bench.poll(), [full]);
    // But it waits for room that will come.
    let mut bench = Bench::with(Config::DEFAULT, 512, 60, 2);
    bench.feed(GREETING);
    bench.feed("{\"return\": {}, \"id\": 511}");
    bench.client.commands().negotiate(false).expect_err("the first is not sent");
    bench.sent();
    bench.client.commands().negotiate(false).unwrap();
}

#[test]
fn damage_is_reported_and_what_follows_is_marked() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let ticket = bench.execute("x");
    let said = bench.feed(&format!(
        "{{\"return\": {{}}, \"id\": 5\r\n{{\"return\": {{}}, \"id\": {}}}\r\n{{\"event\": \"A\"}}",
        ticket.id()
    ));
    let at = GREETING.len() + "{\"return\": {}, \"id\": 511}\r\n".len() + 24;
    assert_eq!(
        said,
        [format!("malformed at {at}: unexpected byte"), format!("! reply {} {{}}", ticket.id()), "event A None".into()]
    );
}

#[test]
fn commands_are_sent_while_an_event_is_held() {
    let mut bench = Bench::ready(Config::DEFAULT);
    bench.client.feed(b"{\"event\": \"BLOCK_IO_ERROR\", \"data\": {\"device\": \"d\\u0022\"}}").unwrap();
    let incoming = bench.client.poll().unwrap().unwrap();
    let Message::Event(event) = incoming.message else { panic!() };
    let data = event.data.unwrap().into_value();
    incoming.commands.execute("x-handle", &data).unwrap();
    assert_eq!(event.name, "BLOCK_IO_ERROR");
    assert!(bench.sent().starts_with("{\"execute\":\"x-handle\",\"arguments\":{\"device\":\"d\\\"\"},\"id\":"));
}

#[test]
fn a_command_that_sends_no_reply_is_forgotten() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let ticket = bench.execute("guest-shutdown");
    bench.client.commands().forget(ticket).unwrap();
    assert_eq!(bench.client.commands().forget(ticket), Err(Error::Misuse(Misuse::Ticket)));
    assert_eq!(bench.client.commands().credits(), 8);
    bench.client.rx_eof();
    assert_eq!(bench.poll(), ["Peer(Closed)"]);
}

#[test]
fn a_reset_byte_goes_out_on_its_own() {
    let mut bench = Bench::ready(Config::DEFAULT);
    let ticket = bench.execute("x");
    bench.client.commands().resynchronize().unwrap();
    assert_eq!(bench.client.tx_pending().last(), Some(&0xFF));
    let errors = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n".repeat(2);
    assert_eq!(bench.feed(&errors), ["diagnostic GenericError: JSON parse error"; 2]);
    assert!(bench.client.commands().is_in_flight(ticket));
}

#[test]
fn a_negotiation_whose_reply_was_lost_is_made_up_for() {
    let complete = |id: u32| {
        format!(
            "{{\"id\": {id}, \"error\": {{\"class\": \"CommandNotFound\", \"desc\": \"Capabilities negotiation is \
             already complete, command ignored\"}}}}\r\n"
        )
    };
    // What the last of them asks for is not what the server heard.
    for (asked, enabled) in [([true, true], true), ([true, false], true), ([false, true], false)] {
        let mut bench = Bench::new(Config { oob: asked[0], ..Config::DEFAULT });
        bench.feed(GREETING);
        bench.sent();
        // Nothing came, or something broken.
        bench.client.commands().negotiate(asked[1]).unwrap();
        assert_eq!(bench.client.session(), Session::Negotiating);
        let id = 256 * 2 + 255;
        assert_eq!(bench.feed(&complete(id)), [format!("ready {enabled}")]);
        assert_eq!((bench.client.session(), bench.client.oob_enabled()), (Session::Ready, enabled));
    }
    // Nothing came of the first, and the second was damaged.
    let mut bench = Bench::new(Config::DEFAULT);
    bench.feed(GREETING);
    bench.client.commands().negotiate(false).unwrap();
    let damaged =
        "{\"id\": 767, \"error\": {\"class\": \"GenericError\", \"desc\": \"QMP input lacks member 'execute'\"}}";
    assert_eq!(bench.feed(damaged), ["refused GenericError: QMP input lacks member 'execute'"]);
    bench.client.commands().negotiate(false).unwrap();
    assert_eq!(bench.feed(&complete(256 * 3 + 255)), ["ready false"]);
    // What a bad line made of it drew that error, and commands are not found: once more, and it is heard.
    let mut bench = Bench::ready(Config::DEFAULT);
    for reply in [complete(256 * 2 + 255), "{\"return\": {}, \"id\": 1023}".into()] {
        bench.client.commands().negotiate(false).unwrap();
        assert_eq!(bench.client.session(), Session::Negotiating);
        assert_eq!(bench.feed(&reply), ["ready false"]);
    }
    // The first one cannot have been heard before.
    let mut bench = Bench::new(Config::DEFAULT);
    bench.feed(GREETING);
    bench.feed(&complete(256 + 255));
    assert_eq!(bench.client.session(), Session::Refused);
}

#[test]
fn sizes() {
    // More for a reply that is not delivered whole: its command, what is wanted of it, and how far the scanner is with that.
    #[cfg(not(feature = "alloc"))]
    {
        let delivery = if cfg!(feature = "delivery") { 416 } else { 0 };
        assert!(size_of::<Client<'_>>() <= 384 + delivery, "{}", size_of::<Client<'_>>());
    }
    assert!(size_of::<Message<'_>>() <= 96, "{}", size_of::<Message<'_>>());
    assert!(size_of::<ServerMessage<'_>>() <= 96);
    assert_eq!(size_of::<Slot>(), 16);
    assert_eq!(size_of::<Value<'_>>(), 2 * size_of::<usize>());
    assert!(size_of::<Error>() <= 16, "{}", size_of::<Error>());
    assert!(size_of::<crate::json::scan::Error>() <= 16);
    assert!(size_of::<crate::json::de::Error>() <= 16);
    assert!(size_of::<ser::Error>() <= 16);
    #[cfg(feature = "serde-json-core")]
    assert!(size_of::<crate::json::SerdeJsonCoreError>() <= 16);
    #[cfg(feature = "embedded-io")]
    assert!(size_of::<crate::drive::Error<u64>>() <= 16);
    let storage = StaticStorage::<64, 64, 2>::new();
    assert!(storage.rx.iter().chain(&storage.tx).all(|byte| *byte == 0));
    assert!(storage.slots.iter().all(|slot| slot.id == 0 && slot.state as u8 == 0 && slot.deadline == 0 && !slot.oob));
}

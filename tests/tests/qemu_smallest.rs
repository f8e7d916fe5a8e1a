//! Sessions in the smallest memory that is of use, with real QEMUs: 512 bytes of RAM on a Cortex-M, and 888 where replies are read by
//! their members, whatever their size (`docs/footprint.md`). What does not fit is reported, and the session goes on.

#[path = "../size/src/smallest.rs"]
mod smallest;

use qmp_core::client::{Config, Delivery, Message, Storage};
use qmp_core::error::{Error, Resource};
use qmp_core::json::{self, Projection};
use qmp_core::message::Kind;
use qmp_tests::qemu::{self, Machine};
use qmp_tests::session::Session;
use serde_json::Value;

use smallest::{Smallest, SmallestByMembers};

/// Where messages go, in bytes.
const RX: u64 = 96;
const RX_BY_MEMBERS: u64 = 192;

/// The greeting does not fit, which the session does not need; it negotiates all the same.
fn greeted(session: &mut Session<'_>, most: u64) {
    session.look(|message| match message {
        Message::Greeting(_) => {}
        Message::Oversize { ticket: None, message } => {
            assert_eq!(message.of, Kind::Greeting);
            assert!(message.bytes > most);
        }
        other => panic!("{other:?}"),
    });
    session.look(|message| assert!(matches!(message, Message::Ready { oob: false }), "{message:?}"));
}

/// How long the reply was, which did not fit.
fn passed_over(session: &mut Session<'_>, command: &str) -> u64 {
    let ticket = session.execute(command, &Value::Null);
    session.look(|message| match message {
        Message::Oversize { ticket: Some(of), message } if of == ticket => {
            assert_eq!(message.of, Kind::Return);
            message.bytes
        }
        other => panic!("{command}: {other:?}"),
    })
}

#[test]
fn what_does_not_fit_is_reported_and_the_session_goes_on() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut storage = Smallest::new();
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        greeted(&mut session, RX);
        session.check_alive();

        let [version, schema] = ["query-version", "query-qmp-schema"].map(|command| {
            let bytes = passed_over(&mut session, command);
            session.check_alive();
            bytes
        });
        println!("QEMU {}: replies of {version} and {schema} bytes were passed over", qemu.version);
        assert!(version > RX && schema > 100 << 10);

        // Neither a second command at once nor one of more than 64 bytes.
        let ticket = session.execute("query-status", &Value::Null);
        let second = session.client.commands().execute("query-status", &());
        assert!(matches!(second, Err(Error::Resource(Resource::Slots { limit: 1 }))), "{second:?}");
        session.look(|message| assert!(matches!(message, Message::Reply { ticket: of, .. } if of == ticket)));
        let long = session.client.commands().execute("qom-get", &["a path of some length"; 3]);
        assert!(matches!(long, Err(Error::Resource(Resource::Tx { limit: 64 }))), "{long:?}");
        session.check_alive();

        // An event that fits, and one that does not.
        let ticket = session.execute("cont", &Value::Null);
        let (mut answered, mut resumed) = (false, false);
        while !(answered && resumed) {
            session.look(|message| match message {
                Message::Reply { ticket: of, outcome: Ok(_) } if of == ticket => answered = true,
                Message::Event(event) if event.name == "RESUME" => resumed = event.timestamp.is_some(),
                other => panic!("{other:?}"),
            });
        }
        let ticket = session.execute("quit", &Value::Null);
        let (mut answered, mut shut_down) = (false, false);
        while !(answered && shut_down) {
            session.look(|message| match message {
                Message::Reply { ticket: of, outcome: Ok(_) } if of == ticket => answered = true,
                Message::Oversize { ticket: None, message } if message.of == Kind::Event => {
                    assert_eq!(message.name, Some("SHUTDOWN"));
                    shut_down = true;
                }
                other => panic!("{other:?}"),
            });
        }
        assert!(session.until_end().is_empty());
    });
}

#[test]
fn a_reply_of_any_size_is_read_by_its_members() {
    qemu::each(|qemu| {
        let machine = Machine::with(qemu, false, &["-blockdev", "driver=null-co,node-name=empty"]);
        // What there is to be read: that takes memory.
        let mut whole = Session::new(machine.connect(), Storage::growing(1 << 20, 4096, 8), Config::DEFAULT);
        whole.handshake();
        let schema = whole.returned("query-qmp-schema", &Value::Null);
        let schema = schema.as_array().expect("a list");
        drop(whole);

        let mut memory = SmallestByMembers::new();
        let mut session = Session::new(machine.connect(), memory.lend(), Config::DEFAULT);
        greeted(&mut session, RX_BY_MEMBERS);
        let bytes = passed_over(&mut session, "query-qmp-schema");
        let members = Delivery::ElementMembers(&[], Projection::Named(&["name", "meta-type"]));
        let (elements, too_long) = elements(&mut session, members, |index, element| {
            assert_eq!(element.get("name").and_then(json::Value::as_str), schema[index]["name"].as_str());
            assert_eq!(element.get("meta-type").and_then(json::Value::as_str), schema[index]["meta-type"].as_str());
            assert_eq!(element.entries().count(), 2);
        });
        assert_eq!((elements, too_long), (schema.len(), 0));
        session.check_alive();

        // Whole elements, as far as they fit.
        let (elements, too_long_whole) = self::elements(&mut session, Delivery::ELEMENTS, |index, element| {
            assert_eq!(element.entries().count(), schema[index].as_object().expect("an object").len());
        });
        println!(
            "QEMU {}: two members of {elements} elements, of {bytes} bytes; {too_long_whole} elements do not fit whole",
            qemu.version
        );
        assert_eq!(elements, schema.len());
        assert!(too_long_whole > 0 && too_long_whole < elements);
        session.check_alive();

        // A reply in one piece, of which little is kept.
        let ticket = session.execute("query-named-block-nodes", &Value::Null);
        let members = Delivery::Members(Projection::Named(&["node-name", "image.virtual-size"]));
        session.client.commands().set_delivery(ticket, members).expect("in flight");
        session.look(|message| match message {
            Message::Reply { ticket: of, outcome: Ok(nodes) } if of == ticket => {
                let names = nodes.into_value().elements().filter_map(|node| node.get("node-name")?.as_str());
                assert!(names.into_iter().any(|name| name == "empty"));
            }
            other => panic!("{other:?}"),
        });
        session.check_alive();
    });
}

/// Asks for the schema's elements: how many there are, and how many of them did not fit.
fn elements(session: &mut Session<'_>, by: Delivery, each: impl Fn(usize, json::Value<'_>)) -> (usize, usize) {
    let ticket = session.execute("query-qmp-schema", &Value::Null);
    session.client.commands().set_delivery(ticket, by).expect("in flight");
    let mut too_long = 0;
    loop {
        let end = session.look(|message| match message {
            Message::Element { ticket: of, index, element } if of == ticket => {
                match element {
                    Ok(element) => each(index as usize, element.into_value()),
                    Err(_) => too_long += 1,
                }
                None
            }
            Message::ElementsEnd { ticket: of, count, late: false } if of == ticket => Some(count as usize),
            other => panic!("{other:?}"),
        });
        if let Some(count) = end {
            return (count, too_long);
        }
    }
}

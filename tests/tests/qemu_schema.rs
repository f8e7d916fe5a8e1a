//! The longest reply there is, through buffers of several sizes: `query-qmp-schema`, 149 to 248 KB in one message.

extern crate alloc;

use qmp_core::client::{Config, Message, Slot, Storage};
use qmp_core::json::Value;
use qmp_core::message::Kind;
use qmp_tests::qemu::{self, Machine};
use qmp_tests::said::{Passed, Said};
use qmp_tests::session::Session;

const SCHEMA: &str = "query-qmp-schema";

#[test]
fn a_schema_is_delivered_or_passed_over_and_the_session_goes_on() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            let large = 1 << 20;
            let length = with_buffer(&machine, large, |session| {
                let id = session.execute(SCHEMA, &serde_json::Value::Null).id();
                let Said::Reply(of, Ok(raw)) = session.next_message() else { panic!("no schema") };
                assert_eq!(of.id(), id);
                let schema: serde_json::Value = serde_json::from_str(&raw).expect("JSON");
                let entries = schema.as_array().expect("a list").len();
                println!("QEMU {}, pretty {pretty}: {} bytes, {entries} entries", qemu.version, raw.len());
                assert!(entries > 800);
                session.check_alive();
                reply_length(&raw, id, pretty)
            });
            for size in [4 << 10, 64 << 10, length as usize - 1] {
                with_buffer(&machine, size, |session| {
                    let ticket = session.execute(SCHEMA, &serde_json::Value::Null);
                    let next = session.execute("query-status", &serde_json::Value::Null);
                    let expected =
                        Passed { of: Kind::Return, id: Some(ticket.id().to_string()), name: None, bytes: length };
                    assert_eq!(session.next_message(), Said::Oversize(Some(ticket), expected), "buffer of {size}");
                    assert!(matches!(session.next_message(), Said::Reply(of, Ok(_)) if of == next));
                    assert_eq!(session.client.commands().credits(), 8);
                    session.check_alive();
                });
            }
            // To the byte.
            with_buffer(&machine, length as usize, |session| {
                assert_eq!(session.ask(SCHEMA).map(|raw| raw.starts_with('[')), Ok(true));
                session.check_alive();
            });
        }
    });
}

/// How long a reply to the first command of a session is.
fn reply_length(raw: &str, id: u32, pretty: bool) -> u64 {
    let frame = if pretty { "{\r\n    \"return\": ,\r\n    \"id\": \r\n}" } else { "{\"return\": , \"id\": }" };
    (frame.len() + raw.len() + id.to_string().len()) as u64
}

/// A session of the same ids in each use, whose receive buffer has `size` bytes and no more.
fn with_buffer<T>(machine: &Machine, size: usize, test: impl FnOnce(&mut Session<'_>) -> T) -> T {
    let (mut rx, mut tx, mut slots) = (vec![0; size], [0; 512], [Slot::FREE; 8]);
    let storage = Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut slots);
    let mut session = Session::new(machine.connect(), storage, Config::DEFAULT);
    session.handshake();
    test(&mut session)
}

#[test]
fn a_schema_is_read_where_it_lies() {
    #[derive(serde::Deserialize)]
    struct Entry<'a> {
        name: &'a str,
        #[serde(rename = "meta-type")]
        meta: &'a str,
        #[serde(rename = "allow-oob", default)]
        oob: bool,
        #[serde(flatten, borrow)]
        rest: alloc::collections::BTreeMap<&'a str, serde::de::IgnoredAny>,
    }
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let (mut rx, mut tx, mut slots) = (vec![0; 512 << 10], [0; 512], [Slot::FREE; 8]);
        let storage = Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut slots);
        let mut session = Session::new(machine.connect(), storage, Config::DEFAULT);
        session.handshake();
        session.execute(SCHEMA, &serde_json::Value::Null);
        session.look(|message| {
            let Message::Reply { outcome: Ok(payload), .. } = message else { panic!("no schema: {message:?}") };
            let foreign: serde_json::Value = serde_json::from_slice(payload.raw()).expect("JSON");
            let schema = payload.into_value();
            let ours: serde_json::Value = schema.decode().expect("the same JSON");
            assert!(ours == foreign, "serde_json reads something else");

            let entries: Vec<Entry<'_>> = schema.decode().expect("entries");
            assert_eq!(entries.len(), schema.elements().count());
            let commands = schema.elements().filter(|entry| text(*entry, "meta-type") == "command").count();
            assert_eq!(entries.iter().filter(|entry| entry.meta == "command").count(), commands);
            let oob: Vec<&str> = entries.iter().filter(|entry| entry.oob).map(|entry| entry.name).collect();
            println!("QEMU {}: {commands} commands, out of band: {}", qemu.version, oob.join(", "));
            assert!(commands > 190 && oob.contains(&"migrate-pause"));
            assert_eq!(oob.contains(&"query-yank"), qemu.is_at_least(6, 0));
            assert!(entries.iter().all(|entry| !entry.rest.contains_key("name")));
        });
    });
}

fn text<'a>(entry: Value<'a>, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

//! Commands, replies and events of a plain session with a real QEMU.

use std::fs;

use qmp_core::client::Config;
use qmp_core::message::Timestamp;
use qmp_tests::qemu::{self, Machine};
use qmp_tests::said::Said;
use qmp_tests::session::Session;
use serde_json::{Value, json};

const NONE: Value = Value::Null;

#[test]
fn a_status_is_read() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            let mut session = Session::ready(machine.connect(), Config::DEFAULT);
            let status = session.returned("query-status", &NONE);
            assert_eq!((&status["status"], &status["running"]), (&json!("prelaunch"), &json!(false)));
            let raw = session.ask("query-status").expect("a status");
            assert_eq!(raw.contains("\r\n    "), pretty, "{raw}");
            let failed = session.ask("no-such-command").expect_err("no such command");
            assert_eq!(failed.class, "CommandNotFound");
        }
    });
}

#[test]
fn stop_and_cont_bring_events_with_times() {
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            let mut session = Session::ready(machine.connect(), Config::DEFAULT);
            let mut last = Timestamp { seconds: 1_500_000_000, microseconds: 0 };
            for (command, name) in [("cont", "RESUME"), ("stop", "STOP"), ("cont", "RESUME")] {
                let ticket = session.execute(command, &NONE);
                // The event may come before the reply that it belongs to.
                let said = [session.next_message(), session.next_message()];
                assert!(
                    said.iter()
                        .any(|said| matches!(said, Said::Reply(of, Ok(raw)) if *of == ticket && raw.starts_with('{')))
                );
                let event = said.iter().find_map(|said| if let Said::Event(event) = said { Some(event) } else { None });
                let event = event.unwrap_or_else(|| panic!("{command}: {said:?}"));
                assert_eq!((event.name.as_str(), &event.data), (name, &None));
                let time = event.timestamp.expect("a time");
                assert!(time > last && (0..1_000_000).contains(&time.microseconds), "{time:?}");
                last = time;
            }
        }
    });
}

#[test]
fn a_reset_is_an_event_and_the_session_goes_on() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let ticket = session.execute("system_reset", &NONE);
        let said = [session.next_message(), session.next_message()];
        assert!(said.iter().any(|said| said.ended() == Some(ticket)), "{said:?}");
        let event = said.iter().find_map(|said| if let Said::Event(event) = said { Some(event) } else { None });
        let event = event.unwrap_or_else(|| panic!("{said:?}"));
        assert_eq!(event.name, "RESET");
        let data: Value = serde_json::from_str(event.data.as_ref().expect("data")).expect("JSON");
        assert_eq!(data, json!({"guest": false, "reason": "host-qmp-system-reset"}));
        session.check_alive();
    });
}

#[test]
fn quit_ends_each_command_once() {
    qemu::each(|qemu| {
        for later in [0, 3] {
            let mut machine = Machine::start(qemu);
            let mut session = Session::ready(machine.connect(), Config::DEFAULT);
            let quit = session.client.commands().execute("quit", &()).expect("room");
            let others: Vec<_> =
                (0..later).map(|_| session.client.commands().execute("query-status", &()).expect("room")).collect();
            let said = session.until_end();
            let order: Vec<String> = said.iter().map(name).collect();
            println!("QEMU {}, quit and {later} more: {}", qemu.version, order.join(", "));
            // In either order; the return is best effort.
            assert_eq!(said.iter().filter(|said| said.is_event("SHUTDOWN")).count(), 1, "{said:?}");
            assert!(said.iter().any(|said| matches!(said, Said::Reply(of, Ok(_)) | Said::Lost(of) if *of == quit)));
            for ticket in core::iter::once(&quit).chain(&others) {
                assert_eq!(said.iter().filter(|said| said.ended() == Some(*ticket)).count(), 1, "{said:?}");
            }
            assert_eq!(said.len(), 2 + later, "{said:?}");
            machine.wait();
        }
    });
}

fn name(said: &Said) -> String {
    match said {
        Said::Event(event) => event.name.clone(),
        Said::Reply(..) => "return".into(),
        Said::Lost(_) => "lost".into(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_human_monitors_text_comes_with_its_line_ends() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        let raw =
            session.ask_with("human-monitor-command", &json!({"command-line": "info version"})).expect("a version");
        assert!(raw.ends_with("\\r\\n\""), "escaped on the wire: {raw}");
        let ticket = session.execute("human-monitor-command", &json!({"command-line": "info version"}));
        let text = decoded(&mut session, ticket.id());
        assert!(text.starts_with(&qemu.version) && text.ends_with("\r\n"), "{text:?}");
    });
}

/// The decoded string that the next message, the reply to `id`, returns, as the client lends it.
fn decoded(session: &mut Session<'_>, id: u32) -> String {
    let Said::Reply(ticket, Ok(raw)) = session.next_message() else { panic!("no string") };
    assert_eq!(ticket.id(), id);
    qmp_tests::transcript::payload(&raw, |payload| payload.into_value().as_str().expect("a string").to_owned())
}

/// A file name in which nothing is plain.
const AWKWARD: &str = "a \"b\" 'c' \\d\\ e\u{301}\u{e9} \u{20ac} \u{1f600} \u{1}\u{c}\u{1f}\u{7f}\n\t %s {}[]:;";

#[test]
fn an_awkward_file_name_comes_back_as_it_was() {
    #[derive(serde::Deserialize)]
    struct Node<'a> {
        #[serde(rename = "node-name")]
        name: &'a str,
        file: &'a str,
    }
    qemu::each(|qemu| {
        for pretty in [false, true] {
            let machine = Machine::with(qemu, pretty, &[]);
            let path = machine.folder().join(AWKWARD);
            fs::write(&path, [0; 512]).expect("a file");
            let path = path.to_str().expect("UTF-8");
            let mut session = Session::ready(machine.connect(), Config::DEFAULT);
            let added =
                session.ask_with("blockdev-add", &json!({"driver": "file", "node-name": "n0", "filename": path}));
            assert_eq!(added.as_deref().map(|raw| raw.contains(':')), Ok(false));
            let raw = session.ask("query-named-block-nodes").expect("nodes");
            assert!(raw.is_ascii() && raw.contains("\\uD83D\\uDE00"), "{raw}");
            qmp_tests::transcript::payload(&raw, |payload| {
                let nodes: Vec<Node<'_>> = payload.decode().expect("nodes");
                assert_eq!(nodes.iter().map(|node| (node.name, node.file)).collect::<Vec<_>>(), [("n0", path)]);
            });
        }
    });
}

//! Replies that are not delivered whole: lists, texts, members.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::time::Duration;

use common::{BRIEF, Peer, SOON, monitor, monitor_with, options};
use qmp_qapi::commands::QueryBlock;
use qmp_std::qmp_core::client::{Delivery, Retraction};
use qmp_std::qmp_core::json::Projection;
use qmp_std::{Error, Notice};
use serde::Deserialize;

#[derive(Deserialize, Debug, PartialEq)]
struct Device {
    device: String,
}

fn device(name: &str) -> Device {
    Device { device: name.to_owned() }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("drive{number}")).collect()
}

fn array(names: &[String]) -> String {
    let devices: Vec<String> = names.iter().map(|name| format!("{{\"device\": \"{name}\"}}")).collect();
    format!("[{}]", devices.join(", "))
}

#[test]
fn a_list_is_a_for_loop() {
    let (mut monitor, peer) = monitor(|peer| {
        let line = peer.answer(&array(&names(1000)));
        peer.answer("{\"pools\": [{\"device\": \"\\u0061\"}], \"more\": true}");
        peer.answer("[]");
        peer.answer("17");
        line
    });
    let mut seen = Vec::new();
    for device in monitor.elements::<Device>("query-block", &()).unwrap() {
        seen.push(device.unwrap().device);
    }
    assert_eq!(seen, names(1000));
    let pools = monitor.elements_at::<Device>(Delivery::Elements(&["pools"]), "query-pools", &()).unwrap();
    assert_eq!(pools.map(Result::unwrap).collect::<Vec<_>>(), [device("a")]);
    assert_eq!(monitor.elements::<Device>("query-block", &()).unwrap().count(), 0);
    // The monitor is the same as ever.
    assert_eq!(monitor.execute::<u8>("x", &()).unwrap(), 17);
    assert!(peer.join().unwrap().starts_with("{\"execute\":\"query-block\",\"id\":"));
}

#[test]
fn elements_of_typed_commands_borrow() {
    let block =
        "{\"device\": \"NAME\", \"qdev\": \"\\u0041\", \"type\": \"x\", \"removable\": false, \"locked\": false}";
    let blocks: Vec<String> = names(3).iter().map(|name| block.replace("NAME", name)).collect();
    let reply = format!("[{}, {{\"device\": 7}}]", blocks.join(","));
    let (mut monitor, peer) = monitor(move |peer| peer.answer(&reply));
    let mut seen = Vec::new();
    let mut wrong = 0;
    let count = monitor.each(&QueryBlock::new(), |block| match block {
        Ok(block) => seen.push((block.device.to_owned(), block.qdev.map(str::to_owned))),
        Err(error) => {
            assert!(matches!(error, Error::Decode(_)), "{error}");
            wrong += 1;
        }
    });
    assert_eq!(count.unwrap(), 4);
    assert_eq!(seen, names(3).into_iter().map(|name| (name, Some("A".to_owned()))).collect::<Vec<_>>());
    assert_eq!(wrong, 1);
    peer.join().unwrap();
}

#[test]
fn only_an_element_has_to_fit() {
    let long = "x".repeat(5000);
    let reply = format!("[{{\"device\": \"a\"}}, {{\"device\": \"{long}\"}}, 3, {{\"device\": \"b\"}}]");
    let (mut monitor, peer) = monitor_with(&options().rx_limit(4096), move |peer| {
        peer.answer(&reply);
        peer.answer("{}");
    });
    let mut elements = monitor.elements::<Device>("query-block", &()).unwrap();
    assert_eq!(elements.next().unwrap().unwrap(), device("a"));
    let Some(Err(Error::OversizeElement { index: 1, bytes, .. })) = elements.next() else { panic!() };
    assert_eq!(bytes, 5000 + "{\"device\": \"\"}".len() as u64);
    assert!(matches!(elements.next(), Some(Err(Error::Decode(_)))));
    assert_eq!(elements.next().unwrap().unwrap(), device("b"));
    assert!(elements.next().is_none());
    assert!(elements.next().is_none());
    drop(elements);
    monitor.run("x", &()).unwrap();
    peer.join().unwrap();
}

#[test]
fn what_is_no_list_is_an_error() {
    let (mut monitor, peer) = monitor(|peer| {
        peer.answer("{\"running\": true}");
        let (_, id) = peer.command();
        peer.send(&format!("{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"no\"}}, \"id\": {id}}}\r\n"));
        peer.answer("{}");
    });
    let mut elements = monitor.elements::<Device>("query-status", &()).unwrap();
    assert!(matches!(elements.next(), Some(Err(Error::Decode(_)))));
    assert!(elements.next().is_none());
    drop(elements);
    let mut elements = monitor.elements::<Device>("query-block", &()).unwrap();
    let Some(Err(Error::Command(failure))) = elements.next() else { panic!() };
    assert_eq!(failure.desc, "no");
    assert!(elements.next().is_none());
    drop(elements);
    monitor.run("x", &()).unwrap();
    peer.join().unwrap();
}

#[test]
fn events_among_lists_are_kept() {
    let (mut monitor, peer) = monitor(|peer| {
        peer.event("A", "{}");
        peer.answer("[1, 2]");
        peer.event("B", "{}");
        peer.answer("[3]");
    });
    for expected in [&[1, 2][..], &[3]] {
        let elements = monitor.elements::<u8>("x", &()).unwrap();
        assert_eq!(elements.map(Result::unwrap).collect::<Vec<_>>(), expected);
    }
    for name in ["A", "B"] {
        assert_eq!(monitor.next_event(Some(SOON)).unwrap().unwrap().name, name);
    }
    peer.join().unwrap();
}

/// Answers the next command with `value` in two pieces, the second one when the first has been seen to be waited on for long enough.
fn haltingly(peer: &mut Peer, first: &str, second: &str) {
    let (_, id) = peer.command();
    peer.send(&format!("{{\"return\": {first}"));
    std::thread::sleep(5 * BRIEF);
    peer.send(&format!("{second}, \"id\": {id}}}\r\n"));
}

#[test]
fn an_element_that_is_late_is_waited_for_once_more() {
    let (mut monitor, peer) = monitor(|peer| {
        haltingly(peer, "[1, 2", ", 3]");
        peer.answer("{}");
    });
    let ticket = {
        let mut elements = {
            monitor.set_timeout(Some(Duration::from_millis(20)));
            monitor.elements::<u8>("x", &()).unwrap()
        };
        let mut seen = Vec::new();
        let mut timeouts = 0;
        let mut late = None;
        for element in &mut elements {
            match element {
                Ok(element) => seen.push(element),
                Err(Error::Timeout { ticket }) => {
                    timeouts += 1;
                    late = Some(ticket);
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(seen, [1, 2, 3]);
        assert!(timeouts > 0);
        late.unwrap()
    };
    assert!(matches!(monitor.wait_raw(ticket), Err(Error::Misuse(_))));
    monitor.set_timeout(Some(SOON));
    monitor.run("y", &()).unwrap();
    assert!(monitor.next_notice().is_none());
    peer.join().unwrap();
}

#[test]
fn a_list_given_up_is_passed() {
    let (mut monitor, peer) = monitor(|peer| {
        let (_, first) = peer.command();
        peer.send("{\"return\": [1, 2, ");
        // The next command is not sent before the rest of the list has come, if that is one, too.
        peer.send(&format!("3, 4], \"id\": {first}}}\r\n"));
        peer.answer("[5]");
        let (_, id) = peer.command();
        peer.send(&format!("{{\"return\": [6, 7], \"id\": {id}}}\r\n"));
        peer.answer("8");
    });
    assert_eq!(monitor.elements::<u8>("x", &()).unwrap().next().unwrap().unwrap(), 1);
    let elements = monitor.elements::<u8>("y", &()).unwrap();
    assert_eq!(elements.map(Result::unwrap).collect::<Vec<_>>(), [5]);
    drop(monitor.elements::<u8>("z", &()).unwrap());
    assert_eq!(monitor.execute::<u8>("w", &()).unwrap(), 8);
    // What came of the one given up before its first element is a late reply like another, or was passed.
    assert!(matches!(monitor.next_notice(), None | Some(Notice::Late { .. })));
    peer.join().unwrap();
}

#[test]
fn what_breaks_off_is_told() {
    let (mut one, peer) = monitor(|peer| {
        peer.answer("[1, x]");
        peer.answer("2");
    });
    let mut elements = one.elements::<u8>("x", &()).unwrap();
    assert_eq!(elements.next().unwrap().unwrap(), 1);
    assert!(matches!(elements.next(), Some(Err(Error::Retracted { count: 1, by: Retraction::Broken }))));
    assert!(elements.next().is_none());
    drop(elements);
    assert!(matches!(one.next_notice(), Some(Notice::Malformed { .. })));
    assert_eq!(one.execute::<u8>("y", &()).unwrap(), 2);
    peer.join().unwrap();

    let (mut two, peer) = monitor(|peer| {
        peer.command();
        peer.send("{\"return\": [1, 2");
    });
    let elements = two.elements::<u8>("x", &()).unwrap();
    let seen: Vec<Result<u8, Error>> = elements.collect();
    assert!(matches!(seen[0], Ok(1)) && seen.len() == 2, "{seen:?}");
    assert!(matches!(seen[1], Err(Error::Retracted { count: 1, .. })), "{seen:?}");
    peer.join().unwrap();
}

#[test]
fn a_reply_of_anothers_is_taken_back() {
    let (mut monitor, peer) = monitor(|peer| {
        let (_, id) = peer.command();
        peer.returns(7, "[9, 9]");
        peer.returns(id, "[1]");
    });
    let mut seen = Vec::new();
    for element in monitor.elements::<u8>("x", &()).unwrap() {
        match element {
            Ok(element) => seen.push(element),
            Err(Error::Retracted { count: 2, by: Retraction::Foreign }) => seen.clear(),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(seen, [1]);
    peer.join().unwrap();
}

/// Until its end nothing tells the reply to a command out of band from the one that is awaited.
#[test]
fn a_command_whose_reply_came_as_anothers_elements_ends() {
    let (mut monitor, peer) = monitor_with(&options().oob(true), |peer| {
        let (_, out_of_band) = peer.command();
        let (_, id) = peer.command();
        peer.returns(out_of_band, "[9, 9]");
        peer.returns(id, "[1]");
        peer.gone();
    });
    let out_of_band = monitor.submit_oob("x", &()).unwrap();
    let seen: Vec<Result<u8, Error>> = monitor.elements("y", &()).unwrap().collect();
    let taken_back = |by: &Retraction| *by == Retraction::Other(out_of_band);
    assert!(
        matches!(&seen[..], [Ok(9), Ok(9), Err(Error::Retracted { count: 2, by }), Ok(1)] if taken_back(by)),
        "{seen:?}"
    );
    monitor.set_timeout(Some(BRIEF));
    let ended = monitor.wait::<Vec<u8>>(out_of_band);
    assert!(matches!(&ended, Err(Error::Retracted { count: 2, by }) if taken_back(by)), "{ended:?}");
    drop(monitor);
    peer.join().unwrap();
}

#[test]
fn a_text_comes_piece_by_piece() {
    let sent = "0123456789\\n\\u00e9".repeat(2000);
    let (mut monitor, peer) = monitor_with(&options().rx_limit(4096), move |peer| {
        peer.answer(&format!("\"{sent}\""));
        peer.answer(&format!("{{\"count\": 5, \"buf-b64\": \"{sent}\", \"eof\": true}}"));
        peer.answer("[\"no text\"]");
        peer.answer("{}");
    });
    for at in [Delivery::TEXT, Delivery::Text(&["buf-b64"])] {
        let (mut text, mut longest) = (String::new(), 0);
        let look = |piece: &str| {
            longest = longest.max(piece.len());
            text.push_str(piece);
        };
        monitor.text(at, "human-monitor-command", &(), look).unwrap();
        assert_eq!(text, "0123456789\n\u{e9}".repeat(2000));
        assert!(longest <= 4096, "{longest}");
    }
    let refused = monitor.text(Delivery::TEXT, "x", &(), |piece| panic!("{piece}"));
    assert!(matches!(refused, Err(Error::Decode(_))), "{refused:?}");
    monitor.run("y", &()).unwrap();
    peer.join().unwrap();
}

#[test]
fn members_take_memory_for_members() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Status {
        device: String,
        #[serde(alias = "x-size", default)]
        size: u8,
    }
    let long = "x".repeat(10_000);
    let reply = format!(
        "[{{\"a\": \"{long}\", \"device\": \"one\"}}, {{\"x-size\": 2, \"b\": [\"{long}\"], \"device\": \"two\"}}]"
    );
    let (mut monitor, peer) = monitor_with(&options().rx_limit(4096), move |peer| {
        for _ in 0..3 {
            peer.answer(&reply);
        }
        peer.answer("17");
    });
    let whole = monitor.execute::<Vec<Status>>("query-block", &());
    assert!(matches!(whole, Err(Error::Oversize { .. })), "{whole:?}");
    let expected = [Status { device: "one".into(), size: 0 }, Status { device: "two".into(), size: 2 }];
    let asked = Projection::probe::<Vec<Status>>();
    assert_eq!(monitor.execute_members::<Vec<Status>>(asked, "query-block", &()).unwrap(), expected);
    let elements = monitor.elements_at::<Status>(Delivery::ElementMembers(&[], asked), "query-block", &()).unwrap();
    assert_eq!(elements.map(Result::unwrap).collect::<Vec<_>>(), expected);
    assert_eq!(monitor.execute::<u8>("x", &()).unwrap(), 17);
    peer.join().unwrap();
}

#[test]
fn types_are_asked_for_their_members() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Plain {
        a: u8,
        #[serde(rename = "b-c", alias = "d")]
        b: Option<Inner>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        x: u8,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: Inner,
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code)]
    enum Tagged {
        A { x: u8 },
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        A { x: u8 },
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wrapped(Plain);
    #[derive(Deserialize)]
    #[serde(transparent)]
    #[allow(dead_code)]
    struct Transparent {
        it: Plain,
    }
    let names = |projection| match projection {
        Projection::Named(names) => names.to_vec(),
        Projection::All => vec!["all"],
        other => panic!("{other:?}"),
    };
    let plain = ["a", "b-c", "d"];
    assert_eq!(names(Projection::probe::<Plain>()), plain);
    assert_eq!(names(Projection::probe::<Vec<Option<Plain>>>()), plain);
    assert_eq!(names(Projection::probe::<Box<Wrapped>>()), plain);
    assert_eq!(names(Projection::probe::<Transparent>()), plain);
    for whole in [
        Projection::probe::<Flat>(),
        Projection::probe::<Tagged>(),
        Projection::probe::<Untagged>(),
        Projection::probe::<std::collections::BTreeMap<String, Plain>>(),
        Projection::probe::<(Plain, u8)>(),
        Projection::probe::<String>(),
        Projection::probe::<()>(),
    ] {
        assert_eq!(names(whole), ["all"]);
    }
}

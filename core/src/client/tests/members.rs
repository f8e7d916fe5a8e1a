//! Replies of which only some members are kept.

use super::elements::{FIRST, awaiting_by, cuts_of, through};
use super::*;
use crate::frame::Reading;
use crate::json::{Path, Paths, Projection, documents};
use proptest::collection::vec as many;
use proptest::prelude::*;
use serde_json::Value as Json;

/// What a reply to the first command comes to that returns `value`.
fn kept(delivery: Delivery, value: &str) -> String {
    let (mut bench, ticket) = awaiting_by(delivery, 512);
    let said = bench.feed(&format!("{{\"return\": {value}, \"id\": {}}}\r\n", ticket.id()));
    assert!(!bench.client.is_in_flight(ticket), "{said:?}");
    let reply = format!("reply {} ", ticket.id());
    said.concat().strip_prefix(&reply).unwrap_or_else(|| panic!("{said:?}")).into()
}

fn named(paths: &'static [&'static str]) -> Delivery {
    Delivery::Members(Projection::Named(paths))
}

#[test]
fn members_that_are_named_are_kept() {
    let value = "[{\"device\": \"a\", \"locked\": false, \"inserted\": {\"file\": \"f\", \"ro\": true, \
                 \"image\": {\"virtual-size\": 5, \"x\": [1, {\"y\": 2}]}}}, {\"type\": \"x\"}, 7]";
    assert_eq!(
        kept(named(&["device", "inserted.file", "inserted.image.virtual-size"]), value),
        "[{\"device\":\"a\",\"inserted\":{\"file\":\"f\",\"image\":{\"virtual-size\":5}}},{},7]"
    );
    assert_eq!(kept(named(&["inserted.image"]), value).matches("[1,{\"y\":2}]").count(), 1);
    assert_eq!(
        kept(named(&["inserted.file", "inserted"]), value).matches("\"ro\"").count(),
        1,
        "all of it was named, too"
    );
    assert_eq!(kept(named(&[]), value), "[{},{},7]");
    assert_eq!(kept(named(&["device.x"]), value), "[{\"device\":\"a\"},{},7]", "what is no object is kept whole");
    assert_eq!(kept(named(&["devic", "device2", "evice"]), value), "[{},{},7]");
    for scalar in ["5", "\"x\"", "null", "[]", "{}"] {
        assert_eq!(kept(named(&["a"]), scalar), scalar);
    }
    // A name with a dot in it is a name first.
    let dotted = "{\"__org.example_x\":1,\"__org\":{\"example_x\":2}}";
    assert_eq!(kept(named(&["__org.example_x"]), dotted), dotted);
}

#[test]
fn members_at_any_depth_are_kept() {
    let chain = "{\"filename\": \"a\", \"dirty\": false, \"backing\": {\"filename\": \"b\", \"more\": [{\"filename\": \"c\", \"x\": 1}]}}";
    assert_eq!(
        kept(named(&["**.filename"]), chain),
        "{\"filename\":\"a\",\"backing\":{\"filename\":\"b\",\"more\":[{\"filename\":\"c\"}]}}"
    );
    // What a name stands for comes first.
    assert_eq!(
        kept(named(&["dirty", "backing.x", "**.filename"]), chain),
        "{\"filename\":\"a\",\"dirty\":false,\"backing\":{}}"
    );
}

/// Each level of lists, or of `**`, is the same place in the tree of names, of which the stack holds but a few.
#[test]
fn as_many_levels_as_there_may_be_take_one_place() {
    let (mut list, mut kept_list) = ("{\"a\":1,\"x\":2}".to_string(), "{\"a\":1}".to_string());
    let (mut any, mut kept_any) = (list.clone(), kept_list.clone());
    for _ in 0..20 {
        list = format!("[{list},{{\"x\":3}}]");
        kept_list = format!("[{kept_list},{{}}]");
        any = format!("{{\"x\":4,\"b\":{any}}}");
        kept_any = format!("{{\"b\":{kept_any}}}");
    }
    assert_eq!(kept(named(&["a"]), &list), kept_list);
    assert_eq!(kept(named(&["y", "**.a"]), &any), kept_any);
}

/// Beyond 64 nothing is looked for, and nothing is dropped.
#[test]
fn sixty_four_names_are_looked_for() {
    let names = |count: usize| -> &'static [&'static str] {
        (0..count).map(|number| &*format!("n{number}").leak()).collect::<Vec<_>>().leak()
    };
    let value = "{\"n63\":1,\"n64\":2,\"x\":3}";
    assert_eq!(kept(named(names(64)), value), "{\"n63\":1}");
    assert_eq!(kept(named(names(65)), value), value);
}

/// The way down to where a reply broke off is not the way that the next one takes.
#[test]
fn members_are_kept_however_many_replies_broke_off() {
    let (mut bench, ticket) = awaiting_by(named(&["a.b.c"]), 512);
    for _ in 0..10 {
        let said = bench.feed("{\"return\": {\"a\": {\"b\": {\"c\": x\r\n");
        assert!(said.len() == 1 && said[0].contains("malformed"), "{said:?}");
    }
    let reply =
        format!("{{\"return\": {{\"x\": 1, \"a\": {{\"b\": {{\"c\": 2, \"y\": 3}}}}}}, \"id\": {}}}", ticket.id());
    assert_eq!(bench.feed(&reply), [format!("! reply {} {{\"a\":{{\"b\":{{\"c\":2}}}}}}", ticket.id())]);
}

/// A type that holds itself.
struct Image;
impl Paths for Image {
    const PATHS: &'static [Path] =
        &[Path { name: "filename", below: <&str as Paths>::paths }, Path { name: "backing-image", below: Self::paths }];
}

#[test]
fn types_that_hold_themselves_are_followed() {
    // As deep as messages may go.
    let depth = 1000;
    let mut chain = "{\"filename\": \"last\", \"format\": \"raw\"}".to_string();
    for _ in 0..depth {
        chain = format!("{{\"format\": \"qcow2\", \"backing-image\": {chain}, \"filename\": 5, \"x\": {{}}}}");
    }
    let (mut bench, ticket) = awaiting_by(Delivery::members_of::<Image>(), 40_000);
    let said = bench.feed(&format!("{{\"return\": {chain}, \"id\": {}}}", ticket.id()));
    let expected = format!(
        "reply {} {}{}{}",
        ticket.id(),
        "{\"backing-image\":".repeat(depth),
        "{\"filename\":\"last\"}",
        ",\"filename\":5}".repeat(depth)
    );
    assert_eq!(said, [expected]);
}

#[test]
fn elements_have_the_members_that_a_type_reads() {
    let (mut bench, ticket) = awaiting_by(Delivery::elements_of::<Image>(), 512);
    let said =
        bench.feed(&format!("{{\"return\": [{{\"x\": 1, \"filename\": \"a\"}}, {{}}], \"id\": {}}}", ticket.id()));
    let element = |index, value| format!("element {index} of {}: {value}", ticket.id());
    let expected = [element(0, "{\"filename\":\"a\"}"), element(1, "{}"), format!("2 elements of {}", ticket.id())];
    assert_eq!(said, expected);
}

/// Whether a line begins with the next message is told by the byte in front of it, which may have been cut out, or kept.
#[test]
fn what_follows_members_that_broke_off_is_found_wherever_that_was_cut() {
    let broken = [
        "{\"return\": {\"x\": 1,\n ",
        "{\"return\": {\"x\": 1,\n\"b\": 1 ",
        "{\"return\": {\"x\": 1,\n\"y\": 2 ",
        "{\"return\": {\"b\": 1,\"x\": 2,\n ",
        "{\"return\": {\"x\": 1,\n",
    ];
    for broken in broken {
        let stream = format!("{broken}{{\"event\": \"E\"}}\r\n{{\"event\": \"F\"}}\r\n");
        let read = |cuts: [usize; 2]| {
            let (mut bench, _) = awaiting_by(named(&["b"]), 512);
            let parts = [&stream[..cuts[0]], &stream[cuts[0]..cuts[1]], &stream[cuts[1]..]];
            parts.into_iter().filter(|part| !part.is_empty()).flat_map(|part| bench.feed(part)).collect::<Vec<_>>()
        };
        let whole = read([0, 0]);
        assert!(whole[0].starts_with("malformed"), "{whole:?}");
        // What stands in the middle of a line is part of what is broken.
        let found = if broken.ends_with('\n') { &["! event E None", "event F None"][..] } else { &["! event F None"] };
        assert_eq!(whole[1..], *found, "{broken}");
        for second in 1..stream.len() {
            for first in 0..second {
                assert_eq!(read([first, second]), whole, "{broken}, cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn places_that_are_too_many_are_kept_whole() {
    let mut value = "{\"j\": 1, \"k\": 2}".to_string();
    for name in ["i", "h", "g", "f", "e", "d", "c", "b", "a"] {
        value = format!("{{\"{name}\": {value}, \"x\": 1}}");
    }
    let kept = kept(named(&["a.b.c.d.e.f.g.h.i.j"]), &value);
    let leading: String = "abcdefgh".chars().map(|name| format!("{{\"{name}\":")).collect();
    assert_eq!(kept, format!("{leading}{{\"i\":{{\"j\":1,\"k\":2}},\"x\":1}}{}", "}".repeat(8)));
}

#[test]
fn only_what_is_kept_must_fit() {
    let (mut bench, mut ticket) = awaiting_by(named(&["b"]), 128);
    let long = "x".repeat(10_000);
    let small = |value: &str| value.replace("LONG", &long);
    for (paths, value, kept) in [
        (&["b"][..], "{\"a\": \"LONG\", \"b\": \"kept\", \"LONG\": [\"LONG\"], \"LONG\": 1}", Some("{\"b\":\"kept\"}")),
        (&["b"], "{\"LONG\": [\"LONG\"], \"bLONG\": 1, \"b\": [2], \"LONG\": 1}", Some("{\"b\":[2]}")),
        (&["a"], "{\"b\": 1, \"a\": \"LONG\"}", None),
        // Whether it has such members is not known before its value begins.
        (&["**.a"], "{\"b\": 1, \"LONG\": 1}", None),
    ] {
        bench.client.commands().set_delivery(ticket, named(paths)).unwrap();
        let reply = format!("{{\"return\": {}, \"id\": {}}}", small(value), ticket.id());
        let expected = match kept {
            Some(kept) => format!("reply {} {kept}", ticket.id()),
            None => format!("oversize Some({}) {} bytes", ticket.id(), reply.len()),
        };
        assert_eq!(bench.feed(&reply), [expected], "{value}");
        ticket = bench.execute("query-block");
    }
}

/// Nothing of it is dropped, so that the id behind it may find no room: the reply is then passed over, and ends its command all the same.
#[test]
fn what_is_kept_may_end_where_the_buffer_does() {
    let mut outcomes = Vec::new();
    for length in 60..140 {
        let said = [1, 7, 1000].map(|chunk| {
            let (mut bench, ticket) = awaiting_by(named(&["a"]), 128);
            let reply = format!("{{\"return\": {{\"a\": \"{}\"}}, \"id\": {}}}", "x".repeat(length), ticket.id());
            let pieces = reply.as_bytes().chunks(chunk).map(|piece| core::str::from_utf8(piece).unwrap());
            let said = pieces.flat_map(|piece| bench.feed(piece)).collect::<Vec<_>>();
            assert!(!bench.client.is_in_flight(ticket), "{length}: {said:?}");
            said.concat()
        });
        assert!(said.iter().all(|it| *it == said[0]), "{length}: {said:?}");
        outcomes.push(said[0].split(' ').next().unwrap().to_string());
    }
    assert!(outcomes.is_sorted_by_key(|it| it == "oversize"), "longer ones fit no better: {outcomes:?}");
    assert!(outcomes.contains(&"reply".to_string()) && outcomes.contains(&"oversize".to_string()));
}

#[test]
fn behind_a_reply_that_breaks_off_the_next_message_is_read() {
    let texts = [
        "{\"return\": {\"drop\": 1\n",
        "{\"return\": {\"drop\": [1, {}]\n",
        "{\"return\": {\"drop\": {\"a\": 1},\n",
        "{\"return\": {\"drop\": 1, \"a\": {\"b\": [2]\n",
        "{\"return\": {\"a\": 1, \"drop\": 2 \n",
        "{\"return\": {\"a\": 1}, \"drop\": {}\n",
    ];
    for text in texts {
        let stream = format!("{text}{{\"event\": \"E\"}}\n");
        for cut in 0..=stream.len() {
            for again in [false, true] {
                let (mut bench, _) = awaiting_by(named(&["a"]), 512);
                let (one, other) = stream.split_at(cut);
                let mut said = bench.feed(one);
                if again {
                    said.extend(bench.poll());
                }
                said.extend(bench.feed(other));
                assert!(said.iter().any(|said| said == "! event E None"), "{text} cut at {cut}: {said:?}");
            }
        }
    }
}

#[test]
fn errors_and_other_messages_are_whole() {
    let (mut bench, ticket) = awaiting_by(named(&["b"]), 512);
    let said = bench.feed(
        "{\"event\": \"E\", \"data\": {\"a\": 1, \"b\": 2}, \"timestamp\": {\"seconds\": 3, \"microseconds\": 4}}",
    );
    assert_eq!(said, ["event E Some(3)"]);
    let other = bench.execute("x");
    let reply = |ticket: Ticket| format!("{{\"id\": {}, \"return\": {{\"a\": 1}}}}", ticket.id());
    assert_eq!(bench.feed(&reply(other)), [format!("reply {} {{\"a\":1}}", other.id())]);
    let error = format!("{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"b\"}}, \"id\": {}}}", ticket.id());
    assert_eq!(bench.feed(&error), [format!("reply {} GenericError: b", ticket.id())]);
}

#[test]
fn a_reply_that_is_anothers_is_not_given_out_without_its_members() {
    let mut bench = Bench::with(Config { oob: true, ..Config::DEFAULT }, 512, 512, 16);
    bench.feed(GREETING);
    bench.feed("{\"return\": {}, \"id\": 511}");
    let ticket = bench.execute("query-block");
    bench.client.commands().set_delivery(ticket, named(&["a"])).unwrap();
    let oob = ["x", "y"].map(|name| bench.client.commands().exec_oob(name, &()).unwrap());
    let reply = |ticket: Ticket, value: &str| format!("{{\"return\": {value}, \"id\": {}}}", ticket.id());
    // Whose it is, its end tells.
    let taken_back = format!("retracted 0 of {}: Other(Ticket({}))", ticket.id(), oob[0].id());
    assert_eq!(bench.feed(&reply(oob[0], "{\"a\": 1, \"b\": 2}")), [taken_back]);
    assert!(!bench.client.is_in_flight(oob[0]));
    // Nothing of it was lost.
    assert_eq!(bench.feed(&reply(oob[1], "{\"a\": 1}")), [format!("reply {} {{\"a\":1}}", oob[1].id())]);
    let own = bench.feed(&reply(ticket, "{\"a\": 1, \"b\": 2}"));
    assert_eq!(own, [format!("reply {} {{\"a\":1}}", ticket.id())]);
}

/// Which members of objects whose names are `a` to `d` are kept.
const SETS: &[&[&str]] = &[
    &[],
    &["a"],
    &["a", "b.c"],
    &["a.b", "a.c.d", "d"],
    &["**.a"],
    &["c.d", "**.b"],
    &["a.**.b", "a.c", "c"],
    &["d.a.b", "d.a.c", "d.b", "b.a", "a.b.c.d.a.b.c.d.a.b.c.d"],
];

/// The same by another way: the value in memory, the paths as text.
fn projected(value: &Json, paths: &[String]) -> Json {
    match value {
        Json::Array(elements) => elements.iter().map(|element| projected(element, paths)).collect(),
        Json::Object(members) => {
            let mut kept = serde_json::Map::new();
            for (key, value) in members {
                let name = |path: &String| path.strip_prefix("**.").unwrap_or(path).to_string();
                let below: Vec<String> = paths
                    .iter()
                    .filter_map(|path| Some(name(path).strip_prefix(&format!("{key}."))?.to_string()))
                    .collect();
                if paths.iter().any(|path| name(path) == *key) {
                    kept.insert(key.clone(), value.clone());
                } else if !below.is_empty() {
                    kept.insert(key.clone(), projected(value, &below));
                } else if paths.iter().any(|path| path.starts_with("**.")) && (value.is_array() || value.is_object()) {
                    kept.insert(key.clone(), projected(value, paths));
                }
            }
            kept.into()
        }
        scalar => scalar.clone(),
    }
}

/// Whether an object has a name twice, of which serde_json would keep one.
fn has_twice(value: Value<'_>) -> bool {
    let mut names: Vec<String> = value.entries().map(|(name, _)| name.to_string()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
        || value.entries().any(|(_, value)| has_twice(value))
        || value.elements().any(has_twice)
}

/// A text with objects whose members are often those that are asked for; no name twice.
fn value() -> impl Strategy<Value = String> {
    let key = (prop::sample::select(&["a", "b", "c", "d", "ab", "", "xyzxyzxyz", "é"][..]), 0_u8..3);
    let blank = || prop::sample::select(&["", "", " ", "\r\n    "][..]);
    let once = |text: &String| !has_twice(documents::Buffer::new(text).value());
    let document = documents::document().prop_filter("no name twice", once);
    let leaf = prop_oneof![2 => document, 1 => documents::number(), 1 => Just("[]".into()), 1 => Just("{}".into())];
    leaf.prop_recursive(6, 40, 6, move |inner| {
        prop_oneof![
            1 => (many(inner.clone(), 0..4), blank()).prop_map(|(values, blank)| {
                format!("[{blank}{}{blank}]", values.join(&format!("{blank},{blank}")))
            }),
            3 => (many((key.clone(), inner), 0..6), blank()).prop_map(|(members, blank)| {
                let mut seen = Vec::new();
                let mut texts = Vec::new();
                for ((key, how), value) in members {
                    if !seen.contains(&key) {
                        seen.push(key);
                        let key: String = key.chars().map(|c| documents::spell(c, how)).collect();
                        texts.push(format!("\"{key}\"{blank}:{blank}{value}"));
                    }
                }
                format!("{{{blank}{}{blank}}}", texts.join(&format!("{blank},{blank}")))
            }),
        ]
    })
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

proptest! {
    #[test]
    fn kept_members_are_those_of_the_whole_in_any_buffer_and_chunks(
        value in value(),
        paths in prop::sample::select(SETS),
        id_first: bool,
        size in 48_usize..600,
        cuts in many(any::<prop::sample::Index>(), 0..8),
        every_byte: bool, fast: bool,
    ) {
        let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
        let reply = match id_first {
            true => format!("{{\"id\": {FIRST}, \"return\": {value}}}"),
            false => format!("{{\"return\": {value}, \"id\":{FIRST} }}"),
        };
        let cuts = cuts_of(&cuts, reply.len(), every_byte);
        let expected = projected(&parsed(&value), &paths.iter().map(ToString::to_string).collect::<Vec<_>>());
        let large = through(2 * reply.len() + 100, config, named(paths), reply.as_bytes(), &cuts);
        prop_assert_eq!(large.0.len(), 1);
        prop_assert_eq!(&parsed(large.1[0].as_ref().unwrap()), &expected, "{}", value);
        // In a small buffer: the same, or it is said that it does not fit, which depends on nothing else.
        let small = through(size, config, named(paths), reply.as_bytes(), &cuts);
        match small.1.first() {
            Some(Some(text)) => prop_assert_eq!(&parsed(text), &expected),
            _ => prop_assert_eq!(&small.0, &[format!("oversize Some({FIRST}) {} bytes", reply.len())]),
        }
        for fast in [false, true] {
            let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
            for cuts in [vec![reply.len()], (0..=reply.len()).collect()] {
                prop_assert_eq!(&through(size, config, named(paths), reply.as_bytes(), &cuts), &small);
            }
        }
        // What is kept, and a key that is looked at, is all that has to fit. No key here is longer that may have to be kept.
        let kept = large.1[0].as_ref().unwrap().len();
        let any = paths.iter().any(|path| path.contains("**"));
        prop_assert!(any || kept + 64 > size || small.1.len() == 1, "{kept} in {size}: {small:?}");
    }

    #[test]
    fn kept_members_of_elements_are_those_of_the_whole(
        values in many(value(), 0..8),
        paths in prop::sample::select(SETS),
        nested: bool,
        size in 48_usize..600,
        cuts in many(any::<prop::sample::Index>(), 0..8),
        every_byte: bool, fast: bool,
    ) {
        let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
        let names: &[&str] = if nested { &["list"] } else { &[] };
        let delivery = Delivery::ElementMembers(names, Projection::Named(paths));
        let array = format!("[{}]", values.join(", "));
        let returned = if nested { format!("{{\"n\": [1], \"list\": {array}, \"m\": {{}}}}") } else { array };
        let reply = format!("{{\"return\": {returned}, \"id\": {FIRST}}}");
        let cuts = cuts_of(&cuts, reply.len(), every_byte);
        let (said, texts) = through(size, config, delivery, reply.as_bytes(), &cuts);
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        prop_assert_eq!(texts.len(), values.len());
        for ((text, value), said) in texts.iter().zip(&values).zip(&said) {
            match text {
                Some(text) => prop_assert_eq!(parsed(text), projected(&parsed(value), &paths)),
                None => {
                    let told = format!(": {} bytes", value.len());
                    prop_assert!(said.ends_with(&told), "{said} of {value}");
                }
            }
        }
        prop_assert_eq!(said.last().unwrap(), &format!("{} elements of {FIRST}", values.len()));
        for (cuts, fast) in [(vec![reply.len()], false), (vec![reply.len()], true), ((0..=reply.len()).collect(), true)] {
            let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
            prop_assert_eq!(&through(size, config, delivery, reply.as_bytes(), &cuts), &(said.clone(), texts.clone()));
        }
    }

    #[test]
    fn damage_among_members_is_the_same_however_it_is_cut(
        value in value(),
        paths in prop::sample::select(SETS),
        of_elements: bool,
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        size in 48_usize..300,
        cuts in many(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut stream = format!("{{\"return\": [{value}, {value}], \"id\": {FIRST}}}\r\n").into_bytes();
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.extend(b"\r\n{\"event\": \"E\"}\r\n{\"event\": \"F\"}\r\n");
        let projection = Projection::Named(paths);
        let delivery = if of_elements { Delivery::ElementMembers(&[], projection) } else { Delivery::Members(projection) };
        let run = |cuts: &[usize], fast| {
            let config = Config { reading: Reading { fast, ..Reading::DEFAULT }, ..Config::DEFAULT };
            through(size, config, delivery, &stream, cuts)
        };
        let whole = run(&[stream.len()], false);
        prop_assert_eq!(&run(&cuts_of(&cuts, stream.len(), false), true), &whole);
        prop_assert_eq!(&run(&(0..=stream.len()).collect::<Vec<_>>(), true), &whole);
        prop_assert!(whole.0.last().unwrap().contains("event F"), "{whole:?}");
    }
}

/// What is told of an element is where it was in the stream, members that were cut out of it included.
#[test]
fn elements_are_where_they_were_whatever_was_cut_out_of_them() {
    let elements = ["{\"a\": 1, \"b\": \"xxxxxxxxxxxx\"}", "{\"b\": [1, 2, 3], \"a\": 2}", "{\"a\": 3}"];
    let projection = Projection::Named(&["a"]);
    let (mut bench, ticket) = awaiting_by(Delivery::ElementMembers(&[], projection), 512);
    let reply = format!("{{\"return\": [{}], \"id\": {}}}\r\n", elements.join(", "), ticket.id());
    let mut places = Vec::new();
    let mut start = None;
    for byte in reply.as_bytes() {
        assert_eq!(bench.client.feed(&[*byte]), Ok(1));
        while let Some(incoming) = bench.client.poll().unwrap() {
            let origin = incoming.origin.unwrap();
            match incoming.message {
                Message::Element { .. } => places.push((origin.offset, origin.bytes)),
                Message::ElementsEnd { .. } => start = Some(origin.offset),
                other => panic!("{other:?}"),
            }
        }
    }
    let mut at = start.unwrap() + "{\"return\": [".len() as u64;
    for (element, place) in elements.into_iter().zip(places.iter().copied()) {
        assert_eq!(place, (at, element.len() as u64), "{element}");
        at += element.len() as u64 + 2;
    }
    assert_eq!(places.len(), elements.len());
    // All at once comes to the same.
    let (mut bench, ticket) = awaiting_by(Delivery::ElementMembers(&[], projection), 512);
    let reply = format!("{{\"return\": [{}], \"id\": {}}}\r\n", elements.join(", "), ticket.id());
    assert_eq!(bench.client.feed(reply.as_bytes()), Ok(reply.len()));
    for place in places {
        let incoming = bench.client.poll().unwrap().unwrap();
        let origin = incoming.origin.unwrap();
        assert_eq!((origin.offset, origin.bytes), place);
    }
}

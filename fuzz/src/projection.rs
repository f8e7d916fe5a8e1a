//! Replies of which only some members are kept: they are those members of the whole, however small the buffer and however the bytes come.

use core::fmt::Write;

use arbitrary::{Result, Unstructured};
use qmp_core::client::Delivery;
use qmp_core::json::{Kind, Payload, Projection, Value};

use crate::pieces::{Said, deliver};
use crate::rest;

const SETS: [&[&str]; 7] =
    [&[], &["a"], &["a", "b.c"], &["a.b", "a.c.d", "d"], &["**.a"], &["c.d", "**.b"], &["a.**.b", "a.c", "c"]];

/// The first bytes say how, the rest is what the command returns.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let paths = SETS[u.int_in_range(0..=6)?];
    let size = 27 + usize::from(u.arbitrary::<u8>()?);
    let most = 1 + usize::from(u.arbitrary::<u8>()?);
    let of_elements: bool = u.arbitrary()?;
    let mut reply = b"{\"return\": ".to_vec();
    reply.extend(rest(u)?);
    reply.extend(b", \"id\": 512}\r\n");

    // The whole reply, if that is what it is.
    let Some(whole) = deliver(&reply, None, reply.len() + 64, usize::MAX) else { return Ok(()) };
    let [Said::Whole(text)] = &*whole else { return Ok(()) };
    let mut text = text.clone().into_bytes();
    let value = Payload::parse(&mut text).expect("it was delivered").into_value();
    if depth(value) > 7 {
        // Below more places than are kept track of, all is kept.
        return Ok(());
    }
    let projection = Projection::Named(paths);
    let delivery = if of_elements { Delivery::ElementMembers(&[], projection) } else { Delivery::Members(projection) };
    let large = deliver(&reply, Some(delivery), reply.len() + 64, usize::MAX).expect("the same reply");
    let small = deliver(&reply, Some(delivery), size, usize::MAX).expect("the same reply");
    for most in [1, most] {
        assert_eq!(large, deliver(&reply, Some(delivery), reply.len() + 64, most).expect("the same reply"));
        assert_eq!(small, deliver(&reply, Some(delivery), size, most).expect("the same reply"));
    }
    let kept = |said: &Said| match said {
        Said::Whole(text) | Said::Element(text) => Some(parsed(text)),
        _ => None,
    };
    let as_elements = of_elements && value.kind() == Kind::Array;
    let expected: Vec<String> = if as_elements {
        value.elements().map(|element| projected(element, paths)).collect()
    } else if of_elements {
        // There is no list: it comes as it is.
        vec![printed(value)]
    } else {
        vec![projected(value, paths)]
    };
    assert_eq!(large.iter().filter_map(kept).collect::<Vec<_>>(), expected);
    // What does not fit is told in its place.
    let ends = usize::from(as_elements);
    assert_eq!(small.len(), expected.len() + ends);
    for (said, expected) in small.iter().zip(&expected) {
        match said {
            Said::Oversize | Said::OversizeElement(_) => {}
            said => assert_eq!(kept(said).as_ref(), Some(expected)),
        }
    }
    Ok(())
}

/// The same by another way: of the value in memory.
fn projected(value: Value<'_>, paths: &[&str]) -> String {
    match value.kind() {
        Kind::Array => {
            let elements: Vec<String> = value.elements().map(|element| projected(element, paths)).collect();
            format!("[{}]", elements.join(","))
        }
        Kind::Object => {
            let mut kept = Vec::new();
            for (key, value) in value.entries() {
                let name = |path: &&str| path.strip_prefix("**.").unwrap_or(path).to_owned();
                let below: Vec<String> = paths
                    .iter()
                    .filter_map(|path| Some(name(path).strip_prefix(&format!("{key}."))?.to_owned()))
                    .collect();
                let below: Vec<&str> = below.iter().map(String::as_str).collect();
                let is_container = matches!(value.kind(), Kind::Array | Kind::Object);
                let text = if paths.iter().any(|path| name(path) == key) {
                    printed(value)
                } else if !below.is_empty() {
                    projected(value, &below)
                } else if is_container && paths.iter().any(|path| path.starts_with("**.")) {
                    projected(value, paths)
                } else {
                    continue;
                };
                kept.push(format!("{key:?}:{text}"));
            }
            format!("{{{}}}", kept.join(","))
        }
        _ => printed(value),
    }
}

fn parsed(text: &str) -> String {
    let mut text = text.as_bytes().to_vec();
    printed(Payload::parse(&mut text).expect("it is JSON").into_value())
}

/// All of a value, as [`projected`] writes it.
fn printed(value: Value<'_>) -> String {
    let mut text = String::new();
    match value.kind() {
        Kind::Array => {
            let elements: Vec<String> = value.elements().map(printed).collect();
            write!(text, "[{}]", elements.join(","))
        }
        Kind::Object => {
            let members: Vec<String> =
                value.entries().map(|(key, value)| format!("{key:?}:{}", printed(value))).collect();
            write!(text, "{{{}}}", members.join(","))
        }
        _ => write!(text, "{value}"),
    }
    .expect("a string takes it");
    text
}

fn depth(value: Value<'_>) -> usize {
    let below = value.elements().chain(value.entries().map(|(_, value)| value)).map(depth).max();
    below.map_or(0, |below| below + 1)
}

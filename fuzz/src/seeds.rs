//! Inputs to begin with, of what real servers send and of what commands take.

use qmp_core::frame::Reading;
use qmp_core::message::ServerMessage;
use qmp_core::reader::Reader;
use qmp_tests::vocabulary::{GUEST_AGENT, QMP};
use serde_json::Value;

use crate::vocabulary;

/// The longest input. What is longer is taken in part.
const LONGEST: usize = 1200;

/// Inputs for targets by their names.
pub type Seeds = Vec<(&'static str, Vec<u8>)>;

/// Of what a server sent, in answer to commands whose ids are their names.
pub fn of_traffic(sent: &[u8]) -> Seeds {
    let mut seeds = Seeds::new();
    let mut memory = vec![0; sent.len() + 1];
    let mut reader = Reader::of_server(memory.as_mut_slice(), Reading::DEFAULT);
    assert_eq!(reader.feed(sent), Ok(sent.len()));
    while let Some((message, origin)) = reader.poll() {
        let text = &sent[origin.offset as usize..][..origin.bytes as usize];
        match message {
            ServerMessage::Return { id, payload } => {
                let name = id.and_then(|id| id.as_str()).unwrap_or_default().to_owned();
                if let Ok(value) = serde_json::from_slice(payload.raw()) {
                    returned(&mut seeds, &name, &value);
                }
            }
            ServerMessage::Event(event) => {
                let data = event.data.and_then(|data| Some(data.raw_str().ok()?.to_owned())).unwrap_or("null".into());
                if let [_, _, Some(place)] = QMP.places(event.name) {
                    seeds.push(("vocabulary", vocabulary::input(&QMP, place, &data)));
                }
            }
            _ => {}
        }
        if text.len() <= LONGEST {
            json(&mut seeds, text);
        }
    }
    for part in sent.chunks(LONGEST / 2) {
        for (of, flags, size) in [(0, 0, 200), (0, 1, 30), (3, 0, 255), (1, 0, 64)] {
            seeds.push(("frames", [&[of, flags, size, 5, 1], part].concat()));
        }
    }
    seeds
}

/// Of what a command takes.
pub fn of_arguments(name: &str, arguments: &Value) -> Seeds {
    let mut seeds = Seeds::new();
    let text = arguments.to_string();
    for table in [&QMP, &GUEST_AGENT] {
        if let [Some(place), ..] = table.places(name) {
            seeds.push(("vocabulary", vocabulary::input(table, place, &text)));
        }
    }
    let command = serde_json::json!({"execute": name, "arguments": arguments, "id": 1}).to_string();
    seeds.push(("frames", [&[2, 0, 255, 5, 1], command.as_bytes()].concat()));
    seeds
}

/// What neither has, and chance takes long to find.
pub fn by_hand() -> Seeds {
    // A string with all characters of which one is to stand around it while it is decoded.
    let controls: String = (0..0x20).chain([0x7F]).map(|code| format!("\\u{code:04x}")).collect();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(200), close.repeat(200));
    let mut texts = vec![
        format!("{{\"{controls}\": \"a{controls}b\"}}"),
        format!("[\"{controls}\", \"\\n\", \"{controls}{controls}\"]"),
        deep("[", "]"),
        deep("{\"a\": [", "]}"),
        deep("{\"a\":", "}").replacen(":}", ": 1}", 1),
    ];
    // As variants of an enum, of which `a` has nothing, `b` a value, `c` two and `d` members, and as what these are not.
    for variant in ["a", "b", "c", "d", "e"] {
        texts.push(format!("\"{variant}\""));
        for content in ["null", "1", "[1, 2]", "[1]", "{\"a\": 1, \"b\": \"x\"}", "{}"] {
            texts.push(format!("{{\"{variant}\": {content}}}"));
        }
    }
    for number in
        ["0", "-1", "127", "1e2", "1.5", "-0.0", "18446744073709551616", "340282366920938463463374607431768211456"]
    {
        texts.push(number.to_owned());
    }
    let mut seeds = Seeds::new();
    for text in &texts {
        seeds.push(("scanner", text.clone().into_bytes()));
        for shape in 0..=22 {
            seeds.push(("reader", [&[6, shape, 0, 0, 0, 0, 0], text.as_bytes()].concat()));
        }
        for of in 0..=3 {
            seeds.push(("frames", [&[of, 0, 255, 5, 1], text.as_bytes()].concat()));
            seeds.push(("frames", [&[of, 1, 40, 5, 1], text.as_bytes()].concat()));
        }
        for how in 0..4 {
            let within = format!("{{\"x\": [], \"a\": {text}, \"y\": 1}}");
            seeds.push(("pieces", [&[how, 64, 7, 1], within.as_bytes()].concat()));
            seeds.push(("projection", [&[how + 1, 64, 7, 1], within.as_bytes()].concat()));
        }
    }
    seeds
}

fn returned(seeds: &mut Seeds, name: &str, value: &Value) {
    for part in parts(value) {
        let text = part.to_string();
        for table in [&QMP, &GUEST_AGENT] {
            if let [_, Some(place), _] = table.places(name) {
                seeds.push(("vocabulary", vocabulary::input(table, place, &text)));
            }
        }
        for how in 0..2 {
            seeds.push(("pieces", [&[how, 64, 7, how], text.as_bytes()].concat()));
            let within = format!("{{\"x\": [], \"a\": {text}, \"y\": 1}}");
            seeds.push(("pieces", [&[2 + how, 64, 7, 1], within.as_bytes()].concat()));
            seeds.push(("projection", [&[how + 1, 64, 7, 1], within.as_bytes()].concat()));
            seeds.push(("projection", [&[how + 3, 64, 7, how], text.as_bytes()].concat()));
        }
    }
}

/// JSON for whoever reads any.
fn json(seeds: &mut Seeds, text: &[u8]) {
    seeds.push(("scanner", text.to_vec()));
    seeds.push(("reader", [&[1, 0], text].concat()));
    // As a structure of members a and b, any value each.
    seeds.push(("reader", [&[4, 21, 2, 0, 0], text].concat()));
}

/// The value, or if it is a long list, lists of some of its elements.
fn parts(value: &Value) -> Vec<Value> {
    let fits = |value: &Value| value.to_string().len() <= LONGEST;
    match value {
        Value::Array(elements) if !fits(value) => {
            let mut parts = vec![Vec::new()];
            let mut length = 0;
            for element in elements.iter().filter(|element| fits(element)) {
                length += element.to_string().len() + 1;
                if length > LONGEST / 2 {
                    parts.push(Vec::new());
                    length = 0;
                }
                parts.last_mut().expect("one at least").push(element.clone());
            }
            // The first ones are as good as all.
            parts.into_iter().take(20).map(Value::Array).collect()
        }
        value if fits(value) => vec![value.clone()],
        _ => Vec::new(),
    }
}

//! The schema that the demo machine gives: as long as a real QEMU's, and of the same make.

use serde::Serialize;

use super::machine::{COMMANDS, EVENTS, NAP, OUT_OF_BAND};
use crate::output::Line;

/// How many made-up commands there are beside the real ones; each brings its object types.
const MADE_UP: usize = 430;
/// What they are made of. `x-` is QMP's mark for names that nobody may rely on.
const NOUNS: [&str; 10] =
    ["block-job", "netdev", "chardev", "memory-device", "cpu", "display", "migration", "throttle", "numa", "audio"];
const VERBS: [&str; 7] = ["query", "set", "add", "del", "reset", "attach", "detach"];
const MEMBERS: [&str; 12] = [
    "id",
    "node-name",
    "size",
    "offset",
    "enabled",
    "read-only",
    "qom-path",
    "bytes-per-second",
    "policy",
    "iothread",
    "queue-depth",
    "label",
];
const BUILT_IN: [&str; 5] = ["str", "int", "bool", "size", "number"];

/// The reply to `query-qmp-schema`: an array of about 200 KB. Object types have numbers for names, as in a real one.
pub(super) fn schema() -> String {
    let mut schema = Schema { text: vec![b'['], types: 0 };
    let empty = schema.object(&[]);
    let nap = schema.object(&[("milliseconds", "int")]);
    for name in COMMANDS {
        schema.command(name, if name == NAP { &nap } else { &empty }, &empty);
    }
    for name in EVENTS {
        schema.entry("event", name, |line| line.member("arg-type", empty.as_str()));
    }
    for name in BUILT_IN {
        schema.entry("builtin", name, |line| line.member("json-type", json_type(name)));
        schema.entry("array", &format!("[{name}]"), |line| line.member("element-type", name));
    }
    for number in 0..MADE_UP {
        schema.made_up(number);
    }
    schema.text.push(b']');
    String::from_utf8_lossy(&schema.text).into_owned()
}

struct Schema {
    text: Vec<u8>,
    /// How many types have a name.
    types: usize,
}

#[derive(Serialize)]
struct Member<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    of: &'a str,
    /// QMP's mark for an optional member: a default that is `null`.
    #[serde(skip_serializing_if = "is_not")]
    default: Option<()>,
}

impl Schema {
    fn made_up(&mut self, number: usize) {
        let verb = VERBS[number % VERBS.len()];
        let noun = NOUNS[number / VERBS.len() % NOUNS.len()];
        let count = 2 + number % 5;
        let members: Vec<_> = (0..count)
            .map(|at| (MEMBERS[(number + at) % MEMBERS.len()], BUILT_IN[(number * 3 + at) % BUILT_IN.len()]))
            .collect();
        let arguments = self.object(&members);
        let returned = self.object(&members[1..]);
        let name = format!("x-demo-{verb}-{noun}-{number}");
        self.command(&name, &arguments, &returned);
    }

    fn object(&mut self, members: &[(&str, &str)]) -> String {
        let name = self.types.to_string();
        self.types += 1;
        let members: Vec<_> = members
            .iter()
            .enumerate()
            .map(|(at, (name, of))| Member { name, of, default: (at > 1).then_some(()) })
            .collect();
        self.entry("object", &name, |line| line.member("members", members.as_slice()));
        name
    }

    fn command(&mut self, name: &str, arguments: &str, returned: &str) {
        self.entry("command", name, |line| {
            line.member("arg-type", arguments);
            line.member("ret-type", returned);
            if OUT_OF_BAND.contains(&name) {
                line.member("allow-oob", &true);
            }
        });
    }

    fn entry(&mut self, meta_type: &str, name: &str, fill: impl FnOnce(&mut Line)) {
        let mut line = Line::default();
        line.member("name", name);
        fill(&mut line);
        line.member("meta-type", meta_type);
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        self.text.extend(line.finish());
    }
}

fn json_type(built_in: &str) -> &str {
    match built_in {
        "str" => "string",
        "bool" => "boolean",
        "number" => "number",
        _ => "int",
    }
}

fn is_not(default: &Option<()>) -> bool {
    default.is_none()
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn as_long_as_a_real_one() {
        let schema = schema();
        qmp_core::json::scan::check(schema.as_bytes()).unwrap();
        assert!((190_000..230_000).contains(&schema.len()), "{}", schema.len());
    }
}

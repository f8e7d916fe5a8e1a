//! What a client sends.

use qmp_core::json::Value;
use qmp_core::message::{ClientMessage, Origin, OversizeCommand};
use qmp_core::reader::FromClient;

use super::{Describe, cause, line, malformed, only, place};
use crate::output::Line;

impl Describe for FromClient {
    fn describe(message: ClientMessage<'_>, origin: Origin) -> (&'static str, Line) {
        let (kind, mut line) = match message {
            ClientMessage::Command { name, oob, id, arguments } => {
                let mut line = line("command");
                line.member("name", name);
                line.member("oob", &oob);
                identify(&mut line, id);
                if let Some(arguments) = arguments {
                    // As it came it may be no JSON: QEMU reads strings in single quotes, too.
                    line.value("arguments", arguments.into_value(), origin.not_finite);
                }
                ("command", line)
            }
            ClientMessage::Refused { id, refusal } => {
                let mut line = line("refused");
                line.member("class", refusal.class());
                line.member("desc", &refusal.to_string());
                identify(&mut line, id);
                ("refused", line)
            }
            ClientMessage::Oversize(it) => ("oversize", oversize(it)),
            ClientMessage::Malformed(it) => return malformed(&it, origin),
            ClientMessage::Incomplete => return only("incomplete", origin),
            _ => ("other", line("other")),
        };
        place(&mut line, origin);
        (kind, line)
    }
}

fn oversize(oversize: OversizeCommand<'_>) -> Line {
    let mut line = line("oversize");
    line.member("of", "command");
    if let Some(name) = oversize.name {
        line.member("name", name);
    }
    line.member("oob", &oversize.oob);
    identify(&mut line, oversize.id);
    cause(&mut line, oversize.cause);
    line
}

fn identify(line: &mut Line, id: Option<Value<'_>>) {
    if let Some(id) = id {
        line.value("id", id, false);
    }
}

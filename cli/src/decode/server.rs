//! What a server, or a guest agent, sends.

use qmp_core::json::Value;
use qmp_core::message::{Event, Failure, Greeting, Kind, Origin, Oversize, ServerMessage};
use qmp_core::reader::FromServer;

use super::{Describe, cause, line, malformed, only, place};
use crate::output::Line;

impl Describe for FromServer {
    fn describe(message: ServerMessage<'_>, origin: Origin) -> (&'static str, Line) {
        let (kind, mut line) = match message {
            ServerMessage::Greeting(it) => ("greeting", greeting(it)),
            ServerMessage::Return { id, payload } => {
                let mut line = line("return");
                identify(&mut line, id, origin);
                line.raw("value", payload.raw(), origin.not_finite);
                ("return", line)
            }
            ServerMessage::Error { id, failure: it } => ("error", error(id, it, origin)),
            ServerMessage::Event(it) => ("event", event(&it, origin)),
            ServerMessage::Unknown(payload) => {
                let mut line = line("unknown");
                line.raw("value", payload.raw(), origin.not_finite);
                ("unknown", line)
            }
            ServerMessage::Oversize(it) => ("oversize", oversize(it, origin)),
            ServerMessage::Malformed(it) => return malformed(&it, origin),
            ServerMessage::Incomplete => return only("incomplete", origin),
            ServerMessage::Sentinel => return only("sentinel", origin),
            _ => ("other", line("other")),
        };
        place(&mut line, origin);
        (kind, line)
    }
}

fn greeting(greeting: Greeting<'_>) -> Line {
    let mut line = line("greeting");
    if let Some(version) = greeting.version() {
        line.member("version", &[version.major, version.minor, version.micro]);
    }
    if let Some(package) = greeting.value().get("version").and_then(|version| version.get("package")?.as_str()) {
        line.member("package", package);
    }
    if greeting.value().get("capabilities").is_some() {
        line.member("capabilities", greeting.capabilities().collect::<Vec<_>>().as_slice());
    }
    line
}

fn error(id: Option<Value<'_>>, failure: Failure<'_>, origin: Origin) -> Line {
    let mut line = line("error");
    identify(&mut line, id, origin);
    for name in ["class", "desc"] {
        if let Some(text) = failure.value().get(name).and_then(Value::as_str) {
            line.member(name, text);
        }
    }
    line
}

fn event(event: &Event<'_>, origin: Origin) -> Line {
    let mut line = line("event");
    line.member("name", event.name);
    if let Some(time) = event.timestamp {
        line.member("seconds", &time.seconds);
        line.member("microseconds", &time.microseconds);
    }
    if let Some(data) = &event.data {
        line.raw("data", data.raw(), origin.not_finite);
    }
    line
}

fn oversize(oversize: Oversize<'_>, origin: Origin) -> Line {
    let mut line = line("oversize");
    line.member("of", name_of(oversize.of));
    identify(&mut line, oversize.id, origin);
    if let Some(name) = oversize.name {
        line.member("name", name);
    }
    cause(&mut line, oversize.cause);
    line
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Greeting => "greeting",
        Kind::Return => "return",
        Kind::Error => "error",
        Kind::Event => "event",
        Kind::Unknown => "unknown",
    }
}

fn identify(line: &mut Line, id: Option<Value<'_>>, origin: Origin) {
    if let Some(id) = id {
        line.value("id", id, origin.not_finite);
    }
}

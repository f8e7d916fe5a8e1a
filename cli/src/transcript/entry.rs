//! A line of a transcript.

use core::time::Duration;

use qmp_core::json::Value;

use super::Side;

/// What one side did at a time.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'v> {
    /// Since 1970.
    pub(crate) time: Option<Duration>,
    pub(crate) from: Side,
    pub(crate) what: What<'v>,
}

#[derive(Clone, Debug)]
pub(crate) enum What<'v> {
    /// It sent a message.
    Message(Value<'v>),
    /// It sent bytes that are no message, or a part of one.
    Bytes(Vec<u8>),
    /// It sent so many descriptors with what follows.
    Descriptors,
    /// It made the connection.
    Opened,
    /// It ended the connection.
    Closed,
}

impl<'v> Entry<'v> {
    /// The entry that `document` is; `None` if it is something else, a message for instance.
    pub(crate) fn of(document: Value<'v>) -> Option<Self> {
        let from = match document.get("from")?.as_str()? {
            "client" => Side::Client,
            "server" => Side::Server,
            _ => return None,
        };
        let time = document.get("time").and_then(Value::as_f64);
        let what = if let Some(message) = document.get("message") {
            What::Message(message)
        } else if let Some(bytes) = document.get("bytes") {
            What::Bytes(bytes.as_str()?.chars().map(|char| u8::try_from(char).ok()).collect::<Option<_>>()?)
        } else if let Some(connection) = document.get("connection") {
            match connection.as_str()? {
                "opened" => What::Opened,
                "closed" => What::Closed,
                _ => return None,
            }
        } else {
            document.get("descriptors")?;
            What::Descriptors
        };
        Some(Self { time: time.and_then(|time| Duration::try_from_secs_f64(time).ok()), from, what })
    }

    /// The entry that a message by itself makes: who sends such a message is known.
    pub(crate) fn of_message(message: Value<'v>) -> Option<Self> {
        let has = |names: &[&str]| names.iter().any(|name| message.get(name).is_some());
        let from = match (has(&["execute", "exec-oob"]), has(&["QMP", "return", "error", "event"])) {
            (true, false) => Side::Client,
            (false, true) => Side::Server,
            _ => return None,
        };
        Some(Self { time: None, from, what: What::Message(message) })
    }
}

#[cfg(test)]
mod tests {
    use qmp_core::json::Payload;

    use super::*;

    #[test]
    fn only_an_entry_is_one() {
        for (text, entry) in [
            (r#"{"time":1.5,"from":"client","message":{"execute":"a"}}"#, "message"),
            (r#"{"from":"server","bytes":"\u0000\u00ff{"}"#, "bytes"),
            (r#"{"from":"server","bytes":"\u0100"}"#, ""),
            (r#"{"from":"moon","message":{}}"#, ""),
            (r#"{"from":"client","connection":"opened"}"#, "opened"),
            (r#"{"from":"server","connection":"closed"}"#, "closed"),
            (r#"{"from":"client","descriptors":2}"#, "descriptors"),
            (r#"{"from":"client"}"#, ""),
            (r#"{"event":"A","data":{"from":"client","message":{}}}"#, ""),
            ("[]", ""),
        ] {
            let mut memory = text.as_bytes().to_vec();
            let found = Entry::of(Payload::parse(&mut memory).unwrap().into_value());
            let kind = match found.map(|entry| entry.what) {
                None => "",
                Some(What::Message(message)) => {
                    assert_eq!(message.to_string(), r#"{"execute":"a"}"#);
                    "message"
                }
                Some(What::Bytes(bytes)) => {
                    assert_eq!(bytes, b"\0\xFF{");
                    "bytes"
                }
                Some(What::Descriptors) => "descriptors",
                Some(What::Opened) => "opened",
                Some(What::Closed) => "closed",
            };
            assert_eq!(kind, entry, "{text}");
        }
    }
}

//! Recorded streams, and what our reader makes of them.

use std::fs;
use std::path::{Path, PathBuf};

use qmp_core::frame::Reading;
use qmp_core::json::{Kind, Payload, Value};
use qmp_core::message::{Origin, ServerMessage};
use qmp_core::reader::Reader;

use crate::said::{Failed, Greeted, Happened, Passed};

/// A recorded stream.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// `VERSION-compact` or `VERSION-pretty`.
    pub name: String,
    /// What QEMU sent.
    pub bytes: Vec<u8>,
}

/// The folder of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All recorded streams, sorted by name.
///
/// # Panics
/// If there are none.
pub fn all() -> Vec<Transcript> {
    let folder = fixtures().join("transcripts");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "bin"));
    let transcript = |path: PathBuf| Transcript {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        bytes: fs::read(path).expect("a file"),
    };
    let mut all: Vec<_> = paths.map(transcript).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!all.is_empty(), "nothing recorded in {}", folder.display());
    all
}

/// A message of a stream, owned.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What it is.
    pub what: What,
    /// Where it was.
    pub origin: Origin,
}

/// What a message is. Texts are as received, ids and unknown objects as this crate writes values.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the messages themselves")]
pub enum What {
    Greeting(Greeted),
    Return {
        id: Option<String>,
        raw: String,
        value: String,
    },
    Error {
        id: Option<String>,
        failed: Failed,
    },
    Event(Happened),
    Oversize(Passed),
    /// Anything that a recorded session has not.
    Other(String),
}

impl From<ServerMessage<'_>> for What {
    fn from(message: ServerMessage<'_>) -> Self {
        let id = |id: Option<Value<'_>>| id.map(|id| id.to_string());
        match message {
            ServerMessage::Greeting(greeting) => Self::Greeting(greeting.into()),
            ServerMessage::Return { id: of, payload } => Self::Return {
                id: id(of),
                raw: payload.raw_str().expect("UTF-8").into(),
                value: payload.into_value().to_string(),
            },
            ServerMessage::Error { id: of, failure } => Self::Error { id: id(of), failed: failure.into() },
            ServerMessage::Event(event) => Self::Event(event.into()),
            ServerMessage::Oversize(oversize) => Self::Oversize(oversize.into()),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// Reads `stream` through a buffer of `size` bytes, in pieces that end at each of `cuts` at the latest.
///
/// # Panics
/// If the reader stops taking bytes, or does not finish.
pub fn read(stream: &[u8], size: usize, cuts: &[usize], fast: bool) -> Vec<Heard> {
    let mut reading = Reading::DEFAULT;
    reading.fast = fast;
    let mut memory = vec![b'"'; size];
    let mut reader = Reader::of_server(memory.as_mut_slice(), reading);
    let mut heard = Vec::new();
    let mut from = 0;
    for &cut in cuts.iter().chain([&stream.len()]) {
        while from < cut {
            let taken = reader.feed(&stream[from..cut]).expect("the stream goes on");
            assert!(taken > 0, "a reader that was polled has room");
            from += taken;
            while let Some((message, origin)) = reader.poll() {
                heard.push(Heard { what: message.into(), origin });
            }
        }
    }
    reader.rx_eof();
    while let Some((message, origin)) = reader.poll() {
        heard.push(Heard { what: message.into(), origin });
    }
    assert!(reader.is_finished());
    heard
}

/// Shows `look` the payload of a reply that returns `raw`, any JSON.
///
/// # Panics
/// If `raw` is none.
pub fn payload<T>(raw: &str, look: impl FnOnce(Payload<'_>) -> T) -> T {
    let reply = format!("{{\"return\": {raw}}}");
    let mut memory = vec![0; reply.len() + 1];
    let mut reader = Reader::of_server(memory.as_mut_slice(), Reading::DEFAULT);
    assert_eq!(reader.feed(reply.as_bytes()), Ok(reply.len()));
    match reader.poll() {
        Some((ServerMessage::Return { payload, .. }, _)) => look(payload),
        other => panic!("{raw}: {other:?}"),
    }
}

/// The value as serde_json holds it, gathered by the methods of [`Value`].
///
/// # Panics
/// If one of them contradicts another.
pub fn gather(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().expect("a bool").into(),
        Kind::Number if value.number_text() == Some("-0") => value.as_f64().expect("a number").into(),
        Kind::Number => match (value.as_u64(), value.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => value.as_f64().expect("a number").into(),
        },
        Kind::String => value.as_str().expect("a string").into(),
        Kind::Array => value.elements().map(gather).collect::<Vec<_>>().into(),
        Kind::Object => value
            .entries()
            .map(|(key, value)| (key.to_owned(), gather(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

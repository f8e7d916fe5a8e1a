//! Programs of increasing size, each the least that a firmware of its kind needs. `docs/footprint.md` has what they take.

use core::hint::black_box;

#[cfg(any(feature = "scanner", feature = "messages"))]
use qmp_core::frame::Reading;
#[cfg(any(feature = "scanner", feature = "messages"))]
use qmp_core::reader::Reader;

/// Bytes in, whole valid messages out, and a way back behind damage.
#[cfg(feature = "scanner")]
pub(crate) fn run(memory: &mut [u8]) {
    let mut buffer = [0; 256];
    let mut reader = Reader::of_both(&mut buffer, Reading::DEFAULT);
    _ = black_box(reader.feed(memory));
    while let Some(message) = reader.poll() {
        black_box(&message);
    }
}

/// A greeting, the reply to `query-status`, an error and an event, read.
#[cfg(feature = "messages")]
pub(crate) fn run(memory: &mut [u8]) {
    use qmp_core::message::ServerMessage;

    let mut buffer = [0; 256];
    let mut reader = Reader::of_server(&mut buffer, Reading::DEFAULT);
    _ = black_box(reader.feed(memory));
    while let Some((message, _)) = reader.poll() {
        match message {
            ServerMessage::Greeting(greeting) => _ = black_box(greeting.version()),
            ServerMessage::Return { payload, .. } => {
                let status = payload.into_value();
                black_box(status.get("running").and_then(|running| running.as_bool()));
                black_box(status.get("status").and_then(|status| status.as_str()));
            }
            ServerMessage::Error { failure, .. } => _ = black_box((failure.class(), failure.desc())),
            ServerMessage::Event(event) => _ = black_box((event.name, event.timestamp)),
            _ => black_box(()),
        }
    }
}

/// The same messages with serde-json-core: of a whole message in a slice, without framing, and with little validation.
#[cfg(feature = "messages-serde-json-core")]
pub(crate) fn run(memory: &mut [u8]) {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(rename = "QMP")]
        greeting: Option<Greeting>,
        #[serde(rename = "return", borrow)]
        status: Option<Status<'a>>,
        #[serde(borrow)]
        error: Option<Failure<'a>>,
        event: Option<&'a str>,
        timestamp: Option<Timestamp>,
        id: Option<u32>,
    }
    #[derive(serde::Deserialize)]
    struct Greeting {
        version: Versions,
    }
    #[derive(serde::Deserialize)]
    struct Versions {
        qemu: Version,
    }
    #[derive(serde::Deserialize)]
    struct Version {
        major: u16,
        minor: u16,
        micro: u16,
    }
    #[derive(serde::Deserialize)]
    struct Status<'a> {
        running: bool,
        status: &'a str,
    }
    #[derive(serde::Deserialize)]
    struct Failure<'a> {
        class: &'a str,
        desc: &'a str,
    }
    #[derive(serde::Deserialize)]
    struct Timestamp {
        seconds: i64,
        microseconds: i64,
    }
    if let Ok((message, _)) = serde_json_core::from_slice::<Message<'_>>(memory) {
        if let Some(greeting) = message.greeting {
            let Version { major, minor, micro } = greeting.version.qemu;
            black_box((major, minor, micro));
        }
        if let Some(Status { running, status }) = message.status {
            black_box((running, status));
        }
        if let Some(Failure { class, desc }) = message.error {
            black_box((class, desc));
        }
        black_box((message.event, message.id));
        if let Some(Timestamp { seconds, microseconds }) = message.timestamp {
            black_box((seconds, microseconds));
        }
    }
}

/// The same messages with picojson: of a whole message in a slice, without framing.
#[cfg(feature = "messages-picojson")]
pub(crate) fn run(memory: &mut [u8]) {
    use picojson::{Event, PullParser as _, SliceParser};

    #[derive(Clone, Copy)]
    enum Member {
        Other,
        Text,
        Number,
        Flag,
    }
    let mut scratch = [0; 64];
    let mut parser = SliceParser::with_buffer_from_slice(memory, &mut scratch);
    let mut member = Member::Other;
    loop {
        match parser.next_event() {
            Ok(Event::EndDocument) | Err(_) => return,
            Ok(Event::Key(key)) => {
                member = match &*key {
                    "status" | "class" | "desc" | "event" => Member::Text,
                    "major" | "minor" | "micro" | "seconds" | "microseconds" | "id" => Member::Number,
                    "running" => Member::Flag,
                    _ => Member::Other,
                }
            }
            Ok(Event::String(text)) if matches!(member, Member::Text) => _ = black_box(&*text),
            Ok(Event::Number(number)) if matches!(member, Member::Number) => _ = black_box(number.as_int()),
            Ok(Event::Bool(flag)) if matches!(member, Member::Flag) => _ = black_box(flag),
            Ok(_) => {}
        }
    }
}

/// A server of one command.
#[cfg(feature = "server")]
pub(crate) fn run(memory: &mut [u8]) {
    serve(memory, qmp_core::server::Dialect::Qmp);
}

/// A guest agent of one command.
#[cfg(feature = "agent")]
pub(crate) fn run(memory: &mut [u8]) {
    serve(memory, qmp_core::server::Dialect::Agent);
}

#[cfg(any(feature = "server", feature = "agent"))]
fn serve(memory: &mut [u8], dialect: qmp_core::server::Dialect) {
    use qmp_core::server::{Config, Message, Server, StaticStorage};

    let mut storage = StaticStorage::<256, 256, 1, 32>::new();
    let mut server = Server::new(storage.lend(), Config { dialect, ..Config::DEFAULT });
    _ = black_box(server.feed(memory));
    while let Ok(Some(incoming)) = server.poll() {
        if let Message::Command { ticket, name, .. } = incoming.message {
            _ = black_box(match name {
                "guest-ping" | "stop" => incoming.replies.reply(ticket, &()),
                _ => incoming.replies.not_found(ticket, name),
            });
        }
    }
    black_box(server.tx_pending());
}

/// The first `f64` of a firmware brings the reader of floats along.
#[cfg(feature = "float")]
pub(crate) fn run(memory: &mut [u8]) {
    let Ok(payload) = qmp_core::json::Payload::parse(memory) else { return };
    black_box(payload.into_value().as_f64());
}

/// What is there without it.
#[cfg(feature = "no-float")]
pub(crate) fn run(memory: &mut [u8]) {
    let Ok(payload) = qmp_core::json::Payload::parse(memory) else { return };
    black_box(payload.into_value().number_text());
}

//! What of the core is proved free of panics: all that is called from here, and all that those calls can reach.
//!
//! A new item of the API gets its line here. `black_box` what goes in, or the proof holds for that value only, and what comes
//! out, or the optimizer drops the call. Generic items are proved for the types that they are called with.

use core::hint::black_box;

use qmp_core::agent;
use qmp_core::client::{Client, Config, Incoming, Message, Slot, StaticStorage, Storage};
use qmp_core::command::Command;
use qmp_core::frame::{Framing, Reading};
use qmp_core::json::de::Deserializer;
use qmp_core::json::{Kind, Payload, Value, ser};
use qmp_core::message::{ServerMessage, Timestamp};
use qmp_core::owned::OwnedValue;
use qmp_core::reader::{FromServer, Reader, Recorded};
use qmp_core::server::{self, Server};
use qmp_core::time::Instant;
use serde::{Deserialize, Serialize};

use crate::{api, vocabulary};

/// Calls the core's API with memory and bytes that the compiler knows nothing of.
pub(crate) fn exercise(memory: &mut [u8], received: &mut [u8]) {
    write_json(memory, received);
    read_stream(memory, received);
    read_recording(memory, received);
    read_and_write_types(memory, received);
    session(received);
    lent_session(memory, received);
    serve(received);
    agent_session(received);
    others(received);
}

// The sizes that are promised for 32-bit targets. (Lints are run for the host, too.)
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Client<'_>>() <= if cfg!(feature = "delivery") { 640 } else { 320 });
const _: () = assert!(size_of::<Message<'_>>() <= 96);
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<agent::Client<'_>>() <= if cfg!(feature = "delivery") { 656 } else { 352 });
const _: () = assert!(size_of::<agent::Message<'_>>() <= 96);
const _: () = assert!(size_of::<server::Message<'_>>() <= 96);
const _: () = assert!(size_of::<Slot>() <= 16);
const _: () = assert!(size_of::<qmp_core::error::Error>() <= 16);

#[inline(never)]
fn read_stream(memory: &mut [u8], received: &[u8]) {
    let reading = Reading { framing: black_box(Framing::Lines), max_depth: black_box(9), ..Reading::DEFAULT };
    let mut reader: Reader<'_, FromServer> = Reader::of_agent(memory, reading);
    _ = black_box(reader.feed(received));
    let space = reader.rx_space().len();
    _ = black_box(reader.rx_commit(black_box(space)));
    reader.rx_eof();
    while let Some((message, origin)) = reader.poll() {
        black_box(origin);
        match message {
            ServerMessage::Greeting(greeting) => {
                black_box((greeting.version(), greeting.package(), greeting.offers_oob()));
            }
            ServerMessage::Return { id, payload } => {
                black_box(id);
                read_payload(payload);
            }
            ServerMessage::Error { failure, .. } => _ = black_box((failure.class(), failure.desc())),
            ServerMessage::Event(event) => {
                black_box((event.name, event.timestamp));
                if let Some(data) = event.data {
                    read_payload(data);
                }
            }
            other => _ = black_box(other),
        }
    }
    api::reader::call(&mut reader, received);
}

#[inline(never)]
fn read_recording(memory: &mut [u8], received: &[u8]) {
    let mut reader = Reader::of_both(memory, Reading::DEFAULT);
    _ = black_box(reader.feed(received));
    while let Some((message, _)) = reader.poll() {
        match message {
            Recorded::Message(payload) => read_payload(payload),
            other => _ = black_box(other),
        }
    }
    api::reader_of_both::call(&mut reader, received);
    api::reader_of_commands::call(&mut Reader::of_client(black_box(&mut [0; 64]), Reading::DEFAULT), received);
}

#[inline(never)]
fn read_and_write_types(memory: &mut [u8], received: &mut [u8]) {
    if let Ok(payload) = Payload::parse(received) {
        vocabulary::exercise(payload.into_value(), memory);
    }
}

/// What a reply may be read as.
#[derive(Deserialize)]
pub(crate) struct Reply<'a> {
    #[serde(borrow)]
    text: &'a str,
    bytes: &'a [u8],
    flag: Option<bool>,
    small: i8,
    large: u64,
    letter: char,
    pair: (u16, i64),
    choice: ReplyChoice<'a>,
    pub(crate) any: Value<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReplyChoice<'a> {
    Nothing,
    One(&'a str),
    Several { first: u8 },
}

#[inline(never)]
fn read_payload(payload: Payload<'_>) {
    black_box(payload.raw());
    if black_box(false) {
        match payload.decode::<Reply<'_>>() {
            Ok(reply) => {
                black_box((reply.text, reply.bytes, reply.flag, reply.small, reply.large));
                black_box((reply.letter, reply.pair, reply.any));
                match reply.choice {
                    ReplyChoice::Nothing => {}
                    ReplyChoice::One(text) => _ = black_box(text),
                    ReplyChoice::Several { first } => _ = black_box(first),
                }
            }
            Err(error) => _ = black_box(error),
        }
        return;
    }
    let value = payload.into_value();
    black_box((value.kind() == Kind::Null, value.as_str(), value.as_bool(), value.number_text()));
    black_box((value.as_i64(), value.as_u64(), value.get(black_box("key"))));
    for element in value.elements() {
        black_box(element);
    }
    for entry in value.entries() {
        black_box(entry);
    }
    black_box(value == black_box(value));
    api::value::call(black_box(value), black_box("key"));
}

#[inline(never)]
fn session(received: &[u8]) {
    let mut storage = StaticStorage::<256, 128, 4>::new();
    let config = Config { oob: black_box(true), seed: black_box(7), ..Config::DEFAULT };
    drive(&mut Client::new(storage.lend(), config), received);
}

#[inline(never)]
fn lent_session(memory: &mut [u8], received: &[u8]) {
    let Some((rx, tx)) = memory.split_at_mut_checked(black_box(600)) else { return };
    let mut slots = [Slot::FREE; 9];
    drive(&mut Client::new(Storage::new(rx, tx, &mut slots), Config::DEFAULT), received);
}

/// Calls everything that a client has.
#[inline(never)]
fn drive(client: &mut Client<'_>, received: &[u8]) {
    _ = black_box(client.feed(received));
    client.handle_timeout(Instant::from_millis(black_box(5)));
    black_box(client.poll_timeout());
    let mut turns = black_box(3_u32);
    while turns > 0 {
        turns -= 1;
        match client.poll() {
            Ok(Some(incoming)) => answer(incoming),
            Ok(None) => client.rx_eof(),
            Err(error) => _ = black_box(error),
        }
        black_box(client.tx_pending());
        _ = black_box(client.tx_sent(black_box(3)));
    }
    black_box((client.session(), client.oob_enabled()));
    api::client::call(client, received);
}

#[inline(never)]
fn answer(incoming: Incoming<'_, '_>) {
    let Incoming { message, origin, commands } = incoming;
    black_box(origin);
    match message {
        Message::Reply { ticket, outcome: Ok(payload) } => {
            black_box(commands.is_in_flight(ticket));
            read_payload(payload);
        }
        Message::Event(event) => {
            _ = black_box(commands.execute(black_box("stop"), &event.timestamp.map(|time| time.seconds)))
        }
        Message::Element { element: Ok(element), .. } => read_payload(element),
        Message::Lost { ticket } | Message::TimedOut { ticket } => _ = black_box(commands.forget(ticket)),
        Message::Foreign { id: Some(id), .. } => _ = black_box(commands.execute("x", &id)),
        other => _ = black_box(other),
    }
    if let Ok(ticket) = commands.exec_oob_raw(black_box("yank"), black_box("{}")) {
        _ = black_box(commands.set_timeout(ticket, core::time::Duration::from_millis(black_box(9))));
    }
    #[cfg(feature = "delivery")]
    if let Ok(ticket) = commands.execute(black_box("query-stats"), &()) {
        _ = black_box(commands.set_delivery(ticket, crate::delivery::any()));
        black_box(commands.delivers_in_pieces());
    }
    vocabulary::send(commands);
    _ = black_box(commands.execute_raw(black_box("a"), black_box("{}")));
    _ = black_box(commands.negotiate(black_box(true)));
    black_box((commands.credits(), commands.session(), commands.oob_enabled()));
    commands.set_handshake_deadline(Instant::from_millis(black_box(1)));
    if let Ok(ticket) = commands.execute_raw(black_box("a"), black_box("{}")) {
        api::commands::call(commands, (black_box("b"), black_box(ticket)));
    }
}

/// Calls everything that an agent's client has.
#[inline(never)]
fn agent_session(received: &[u8]) {
    let mut storage = StaticStorage::<256, 128, 4>::new();
    let sync = if black_box(true) { agent::Sync::Delimited } else { agent::Sync::Plain };
    let config = agent::Config { sync, ids: black_box(true), seed: black_box(7), ..agent::Config::DEFAULT };
    let mut client = agent::Client::new(storage.lend(), config);
    _ = black_box(client.feed(received));
    let space = client.rx_space().len();
    _ = black_box(client.rx_commit(black_box(space)));
    client.handle_timeout(Instant::from_millis(black_box(5)));
    black_box(client.poll_timeout());
    let mut turns = black_box(3_u32);
    while turns > 0 {
        turns -= 1;
        match client.poll() {
            Ok(Some(incoming)) => ask(incoming),
            Ok(None) => client.rx_eof(),
            Err(error) => _ = black_box(error),
        }
        black_box(client.tx_pending());
        _ = black_box(client.tx_sent(black_box(3)));
    }
    black_box(client.session());
    api::agent_client::call(&mut client, received);
}

#[derive(Serialize)]
struct Shutdown<'a> {
    mode: Option<&'a str>,
}

impl Command for Shutdown<'_> {
    const NAME: &'static str = "guest-shutdown";
    const NO_REPLY: bool = true;
    type Return<'a> = Value<'a>;
}

#[inline(never)]
fn ask(incoming: agent::Incoming<'_, '_>) {
    let agent::Incoming { message, origin, commands } = incoming;
    black_box(origin);
    match message {
        agent::Message::Reply { ticket, outcome: Ok(payload) } => {
            black_box(commands.is_in_flight(ticket));
            read_payload(payload);
        }
        agent::Message::Element { ticket, element: Ok(element), .. } => {
            #[cfg(feature = "delivery")]
            {
                _ = black_box(commands.set_delivery(ticket, crate::delivery::any()));
            }
            black_box(ticket);
            read_payload(element);
        }
        agent::Message::Foreign { id: Some(id), .. } => _ = black_box(commands.execute("x", &id)),
        other => _ = black_box(other),
    }
    if let Ok(ticket) = commands.execute_without_reply(black_box("guest-shutdown"), &()) {
        _ = black_box(commands.set_timeout(ticket, core::time::Duration::from_millis(black_box(9))));
    }
    _ = black_box(commands.execute_raw(black_box("a"), black_box("{}")));
    _ = black_box(commands.execute_raw_without_reply(black_box("a"), black_box("{}")));
    _ = black_box(commands.send(&Shutdown { mode: black_box(Some("halt")) }));
    _ = black_box(commands.synchronize());
    black_box((commands.unanswered(), commands.session(), commands.echoes_ids()));
    api::agent_commands::call(commands, black_box("a"));
}

/// Calls everything that a server has.
#[inline(never)]
fn serve(received: &[u8]) {
    let mut storage = server::StaticStorage::<256, 512, 9, 288>::new();
    let config = server::Config { oob: black_box(true), in_order: black_box(false), ..server::Config::DEFAULT };
    let mut server = Server::new(storage.lend(), config);
    _ = black_box(server.feed(received));
    let space = server.rx_space().len();
    _ = black_box(server.rx_commit(black_box(space)));
    let mut kept = None;
    let mut turns = black_box(3_u32);
    while turns > 0 {
        turns -= 1;
        match server.poll() {
            Ok(Some(incoming)) => kept = obey(incoming).or(kept),
            Ok(None) => server.rx_eof(),
            Err(error) => _ = black_box(error),
        }
        black_box(server.tx_pending());
        _ = black_box(server.tx_sent(black_box(3)));
    }
    if let Some(ticket) = kept {
        _ = black_box(server.replies().reply(ticket, &Choice::One(5)));
        api::replies::call(server.replies(), (black_box(ticket), black_box("a")));
    }
    api::server::call(&mut server, received);
}

/// What belongs to no session.
#[inline(never)]
fn others(received: &mut [u8]) {
    api::json::call(received, ());
    api::payload::call(received);
    let Ok(payload) = Payload::parse(received) else { return };
    let value = payload.into_value();
    if let Err(error) = value.decode::<Reply<'_>>() {
        black_box((error.kind(), error.offset(), error.name()));
    }
    let mut reader = Deserializer::new(value).depth(black_box(3));
    _ = black_box(Reply::deserialize(&mut reader));
    black_box(reader.offset());
    if let Ok(reply) = value.decode::<Reply<'_>>() {
        api::writer::call(&reply, black_box(7));
    }
    let now = Instant::from_millis(black_box(1));
    black_box((now.as_millis(), now.until(black_box(now)), now.after(core::time::Duration::from_secs(black_box(1)))));
    _ = black_box(OwnedValue::<64>::new(value));
}

#[inline(never)]
fn obey(incoming: server::Incoming<'_, '_>) -> Option<server::Ticket> {
    let server::Incoming { message, origin, replies } = incoming;
    black_box((origin, replies.is_negotiated(), replies.oob_enabled()));
    let data = black_box(None::<Choice>);
    _ = black_box(replies.event(black_box("STOP"), data.as_ref(), Timestamp::UNKNOWN));
    match message {
        server::Message::Command { ticket, name, oob, arguments } => {
            black_box((oob, replies.is_pending(ticket)));
            if let Some(arguments) = arguments {
                read_payload(arguments);
            }
            _ = black_box(replies.not_found(ticket, name));
            _ = black_box(replies.no_oob(ticket, name));
            _ = black_box(replies.fail(ticket, black_box("GenericError"), black_box("no")));
            _ = black_box(replies.reply_raw(ticket, black_box("{}")));
            _ = black_box(replies.reply(ticket, &Choice::Several { first: 1, second: () }));
            if black_box(false) {
                _ = black_box(replies.release(ticket));
            }
            Some(ticket)
        }
        other => {
            black_box(other);
            None
        }
    }
}

/// One member of each kind that a command's arguments can have.
#[derive(Serialize)]
struct Arguments<'a> {
    text: &'a str,
    letter: char,
    flag: Option<bool>,
    signed: i64,
    unsigned: u64,
    float: f64,
    list: &'a [u8],
    choice: Choice,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Choice {
    Nothing,
    One(u8),
    Several { first: u8, second: () },
}

#[inline(never)]
fn write_json(memory: &mut [u8], received: &[u8]) {
    let number = black_box(received.len() as u64);
    let arguments = Arguments {
        text: str::from_utf8(received).unwrap_or_default(),
        letter: black_box('\\'),
        flag: black_box(None),
        signed: number.cast_signed(),
        unsigned: number,
        float: f64::from_bits(number),
        list: received,
        choice: match number {
            0 => Choice::Nothing,
            1 => Choice::One(1),
            _ => Choice::Several { first: 1, second: () },
        },
    };
    _ = black_box(ser::to_slice(&arguments, memory));
}

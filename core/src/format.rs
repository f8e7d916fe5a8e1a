//! `defmt::Format` of what stands for memory or a session: what a log wants to know of it, not all that is in it.

use defmt::{Format, Formatter, write};

use crate::agent;
use crate::client::{Client, Commands, StaticStorage, Storage};
use crate::frame::Buffer;
use crate::json::de::Deserializer;
use crate::json::ser::{Serializer, SliceSink};
use crate::reader::{FromBoth, FromClient, FromServer, Reader, Source};
use crate::server::{self, Replies, Server};

impl Format for Buffer<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Buffer({=u32} of {=u32} B)", self.capacity(), self.limit());
    }
}

impl Format for Storage<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Storage(rx {}, tx {})", self.rx, self.tx);
    }
}

impl<const RX: usize, const TX: usize, const SLOTS: usize> Format for StaticStorage<RX, TX, SLOTS> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "StaticStorage<{=usize}, {=usize}, {=usize}>", RX, TX, SLOTS);
    }
}

impl Format for Commands<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Commands({}, {=u8} credits)", self.session(), self.credits());
    }
}

impl Format for Client<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Client({}, {=usize} B to send)", self.session(), self.tx_pending().len());
    }
}

impl Format for agent::Commands<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Commands({}, ids: {=bool})", self.session(), self.echoes_ids());
    }
}

impl Format for agent::Client<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Client({}, {=usize} B to send)", self.session(), self.tx_pending().len());
    }
}

impl Format for server::Storage<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Storage(rx {}, tx {})", self.rx, self.tx);
    }
}

impl<const RX: usize, const TX: usize, const PENDING: usize, const IDS: usize> Format
    for server::StaticStorage<RX, TX, PENDING, IDS>
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "StaticStorage<{=usize}, {=usize}, {=usize}, {=usize}>", RX, TX, PENDING, IDS);
    }
}

impl Format for Replies<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Replies(negotiated: {=bool}, oob: {=bool})", self.is_negotiated(), self.oob_enabled());
    }
}

impl Format for Server<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Server({=usize} B to send)", self.tx_pending().len());
    }
}

impl<S: Source> Format for Reader<'_, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Reader(finished: {=bool})", self.is_finished());
    }
}

impl Format for FromBoth {
    fn format(&self, _: Formatter<'_>) {
        match *self {}
    }
}

impl Format for FromServer {
    fn format(&self, _: Formatter<'_>) {
        match *self {}
    }
}

impl Format for FromClient {
    fn format(&self, _: Formatter<'_>) {
        match *self {}
    }
}

impl Format for Deserializer<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Deserializer");
    }
}

impl<S> Format for Serializer<'_, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Serializer");
    }
}

impl Format for SliceSink<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "SliceSink({=[u8]:a})", self.written());
    }
}

#[cfg(feature = "alloc")]
impl Format for crate::json::ser::VecSink<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "VecSink");
    }
}

/// Every public type can be logged: this does not compile where one cannot.
#[allow(dead_code, reason = "to be compiled, not called")]
mod complete {
    use crate::{agent, client, error, frame, json, message, server, time};

    const fn format<T: defmt::Format + ?Sized>() {}

    const fn core() {
        format::<client::Client<'_>>();
        format::<client::Commands<'_>>();
        format::<client::Config>();
        format::<client::Correlation>();
        format::<client::Handshake>();
        format::<client::Incoming<'_, '_>>();
        format::<client::Message<'_>>();
        format::<client::Session>();
        format::<client::Slot>();
        format::<client::StaticStorage<1, 1, 1>>();
        format::<client::Storage<'_>>();
        format::<client::Ticket>();
        format::<error::Error>();
        format::<error::Misuse>();
        format::<error::PeerError>();
        format::<error::Resource>();
        format::<frame::Buffer<'_>>();
        format::<frame::Framing>();
        format::<frame::Oversized>();
        format::<frame::Peer>();
        format::<frame::Reading>();
        format::<json::Kind>();
        format::<json::Payload<'_>>();
        format::<json::Value<'_>>();
        format::<json::de::Deserializer<'_>>();
        format::<json::de::Error>();
        format::<json::de::ErrorKind>();
        format::<json::scan::Dialect>();
        format::<json::scan::Error>();
        format::<json::scan::Reason>();
        format::<json::ser::Error>();
        format::<json::ser::Full>();
        format::<json::ser::Serializer<'_, json::ser::SliceSink<'_>>>();
        format::<json::ser::SliceSink<'_>>();
        format::<message::ClientMessage<'_>>();
        format::<message::Event<'_>>();
        format::<message::Failure<'_>>();
        format::<message::Greeting<'_>>();
        format::<message::Kind>();
        format::<message::Malformed<'_>>();
        format::<message::Origin>();
        format::<message::Oversize<'_>>();
        format::<message::ServerMessage<'_>>();
        format::<message::Timestamp>();
        format::<message::Version>();
        format::<crate::reader::Reader<'_, crate::reader::FromServer>>();
        format::<crate::reader::Recorded<'_>>();
        format::<time::Instant>();
    }

    const fn agent() {
        format::<agent::Client<'_>>();
        format::<agent::Commands<'_>>();
        format::<agent::Config>();
        format::<agent::Incoming<'_, '_>>();
        format::<agent::Message<'_>>();
        format::<agent::Session>();
        format::<agent::Sync>();
    }

    const fn server() {
        format::<server::Config>();
        format::<server::Dialect>();
        format::<server::Incoming<'_, '_>>();
        format::<server::Message<'_>>();
        format::<server::Pending>();
        format::<server::Replies<'_>>();
        format::<server::Server<'_>>();
        format::<server::StaticStorage<1, 1, 1, 1>>();
        format::<server::Storage<'_>>();
        format::<server::Ticket>();
        format::<message::OversizeCommand<'_>>();
        format::<message::Refusal<'_>>();
        format::<message::RefusalKind>();
    }

    #[cfg(feature = "heapless")]
    const fn owned() {
        format::<crate::owned::OwnedEvent<1, 1>>();
        format::<crate::owned::OwnedValue<1>>();
        format::<crate::owned::TooLong>();
    }

    #[cfg(feature = "embedded-io")]
    const fn drive() {
        format::<crate::drive::Error<()>>();
    }
}

//! Every public function of the core that does something, as a function of its own: what `cargo xtask stack` measures. What an
//! inlined one takes counts to the function here that calls it, and so does what it returns.
//!
//! A new item of the API gets its line here and in `exercise.rs`.

use core::hint::black_box;
use core::time::Duration;

use qmp_core::agent;
use qmp_core::client::{Client, Commands, Ticket};
use qmp_core::json::{Payload, Value, scan, ser};
use qmp_core::message::Timestamp;
use qmp_core::reader::{FromBoth, FromClient, FromServer, Reader};
use qmp_core::server::{Replies, Server, Ticket as Pending};
use qmp_core::time::Instant;

use crate::exercise::{Choice, Reply};

macro_rules! api {
    ($($group:ident: |$it:ident: $of:ty, $with:ident: $arg:ty| { $($name:ident: $body:expr;)* })*) => {
        $(
            pub(crate) mod $group {
                use super::*;

                $(
                    #[inline(never)]
                    fn $name($it: $of, $with: $arg) {
                        // Not each uses both.
                        _ = (&$it, &$with);
                        _ = black_box(&$body);
                    }
                )*

                /// Calls each, if only the compiler knew of what.
                pub(crate) fn call($it: $of, $with: $arg) {
                    $(
                        if black_box(true) {
                            $name($it, $with);
                        }
                    )*
                }
            }
        )*
    };
}

api! {
    reader: |it: &mut Reader<'_, FromServer>, with: &[u8]| {
        feed: it.feed(with);
        rx_space: it.rx_space();
        rx_commit: it.rx_commit(with.len());
        rx_eof: it.rx_eof();
        poll: it.poll();
        is_finished: it.is_finished();
        reset: it.reset();
    }
    reader_of_commands: |it: &mut Reader<'_, FromClient>, with: &[u8]| {
        feed: it.feed(with);
        poll: it.poll();
    }
    reader_of_both: |it: &mut Reader<'_, FromBoth>, with: &[u8]| {
        feed: it.feed(with);
        poll: it.poll();
    }
    client: |it: &mut Client<'_>, with: &[u8]| {
        feed: it.feed(with);
        rx_space: it.rx_space();
        rx_commit: it.rx_commit(with.len());
        rx_eof: it.rx_eof();
        poll: it.poll();
        tx_pending: it.tx_pending();
        tx_sent: it.tx_sent(with.len());
        handle_timeout: it.handle_timeout(Instant::from_millis(with.len() as u64));
        poll_timeout: it.poll_timeout();
        reset: it.reset();
    }
    commands: |it: &mut Commands<'_>, with: (&str, Ticket)| {
        execute: it.execute(with.0, &Choice::One(5));
        execute_without_arguments: it.execute(with.0, &());
        execute_raw: it.execute_raw(with.0, with.0);
        exec_oob: it.exec_oob(with.0, &());
        exec_oob_raw: it.exec_oob_raw(with.0, with.0);
        negotiate: it.negotiate(true);
        resynchronize: it.resynchronize();
        credits: it.credits();
        set_deadline: it.set_deadline(with.1, Instant::ZERO);
        set_timeout: it.set_timeout(with.1, Duration::from_secs(1));
        is_in_flight: it.is_in_flight(with.1);
        forget: it.forget(with.1);
    }
    agent_client: |it: &mut agent::Client<'_>, with: &[u8]| {
        feed: it.feed(with);
        rx_space: it.rx_space();
        rx_commit: it.rx_commit(with.len());
        rx_eof: it.rx_eof();
        poll: it.poll();
        tx_sent: it.tx_sent(with.len());
        handle_timeout: it.handle_timeout(Instant::from_millis(with.len() as u64));
        poll_timeout: it.poll_timeout();
        reset: it.reset();
    }
    agent_commands: |it: &mut agent::Commands<'_>, with: &str| {
        execute: it.execute(with, &Choice::One(5));
        execute_raw: it.execute_raw(with, with);
        execute_without_reply: it.execute_without_reply(with, &());
        execute_raw_without_reply: it.execute_raw_without_reply(with, with);
        synchronize: it.synchronize();
        unanswered: it.unanswered();
    }
    server: |it: &mut Server<'_>, with: &[u8]| {
        feed: it.feed(with);
        rx_space: it.rx_space();
        rx_commit: it.rx_commit(with.len());
        rx_eof: it.rx_eof();
        poll: it.poll();
        tx_pending: it.tx_pending();
        tx_sent: it.tx_sent(with.len());
        reset: it.reset();
    }
    replies: |it: &mut Replies<'_>, with: (Pending, &str)| {
        reply: it.reply(with.0, &Choice::One(5));
        reply_raw: it.reply_raw(with.0, with.1);
        fail: it.fail(with.0, with.1, with.1);
        not_found: it.not_found(with.0, with.1);
        no_oob: it.no_oob(with.0, with.1);
        release: it.release(with.0);
        is_pending: it.is_pending(with.0);
        event: it.event(with.1, Some(&Choice::One(5)), Timestamp::UNKNOWN);
    }
    value: |it: Value<'_>, with: &str| {
        get: it.get(with);
        as_str: it.as_str();
        as_bool: it.as_bool();
        as_i64: it.as_i64();
        as_u64: it.as_u64();
        number_text: it.number_text();
        element: it.elements().next();
        entry: it.entries().next();
        equal: it == Value::NULL;
        decode: it.decode::<Reply<'_>>();
        decode_str: it.decode::<&str>();
    }
    writer: |it: &Reply<'_>, with: usize| {
        to_slice: ser::to_slice(&it.any, &mut [0; 0]);
        to_slice_number: ser::to_slice(&with, &mut [0; 0]);
    }
    json: |it: &[u8], _with: ()| {
        check: scan::check(it);
    }
}

/// A payload can be taken once.
pub(crate) mod payload {
    use super::*;

    #[inline(never)]
    fn into_value(payload: Payload<'_>) {
        _ = black_box(&payload.into_value());
    }

    #[inline(never)]
    fn parse(text: &mut [u8]) {
        _ = black_box(&Payload::parse(text));
    }

    pub(crate) fn call(text: &mut [u8]) {
        parse(text);
        if let Ok(payload) = Payload::parse(text) {
            into_value(payload);
        }
    }
}

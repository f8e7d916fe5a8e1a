//! What of the vocabulary is proved free of panics: reading, comparing and writing one definition of each form, and all events of the
//! chapters that are on. All others of a form are read and written by the same code.
//!
//! Beyond it are `Debug` and `Display`, since `core::fmt` has panics of its own, and definitions with `f64` members, as in the core:
//! `query-blockstats`, `query-migrate`, `migrate-set-downtime`, and the guest agent's users and load.

use core::hint::black_box;

use qmp_core::client::Commands;
use qmp_core::command::Command;
use qmp_core::json::{Value, ser};
use qmp_qapi::chapter::{block_core, net, qom};
use qmp_qapi::schema::{Question, Root, Schema, Step};
use qmp_qapi::types::{
    BlockInfo, BlockdevOptions, BlockdevRef, ChardevBackend, ImageInfo, RunState, SocketAddress, SocketAddressLegacy,
    StatusInfo, StrOrNull,
};
use qmp_qapi::{Any, Event, List, Nested, Nothing, Pairs, commands, events};
use serde::{Deserialize, Serialize};

/// Each form with a value that the compiler knows nothing of.
pub(crate) fn exercise(value: Value<'_>, memory: &mut [u8]) {
    // Records: with members that must be there, may be, and are records themselves; a list of them.
    both::<StatusInfo<'_>>(value, memory);
    both::<BlockInfo<'_>>(value, memory);
    both::<commands::BlockResize<'_>>(value, memory);
    list::<BlockInfo<'_>>(value, memory);
    // An enum, an alternate, unions: flat, with members that all branches have, simple.
    both::<RunState<'_>>(value, memory);
    both::<BlockdevRef<'_>>(value, memory);
    both::<StrOrNull<'_>>(value, memory);
    both::<SocketAddress<'_>>(value, memory);
    both::<BlockdevOptions<'_>>(value, memory);
    both::<SocketAddressLegacy<'_>>(value, memory);
    both::<ChardevBackend<'_>>(value, memory);
    // Commands: of a union, open, without arguments; as older releases have them.
    both::<commands::BlockdevAdd<'_>>(value, memory);
    both::<commands::DeviceAdd<'_>>(value, memory);
    both::<commands::QueryStatus>(value, memory);
    both::<block_core::older::BlockdevAdd<'_>>(value, memory);
    both::<net::older::NetdevAdd<'_>>(value, memory);
    both::<qom::older::ObjectAdd<'_>>(value, memory);
    // Events: with data that may be absent, without data.
    both::<events::Shutdown<'_>>(value, memory);
    both::<events::Powerdown>(value, memory);
    event(value, memory);
    // What the forms are made of.
    both::<Any<'_>>(value, memory);
    both::<Nothing>(value, memory);
    both::<List<'_, &str>>(value, memory);
    nested(value, memory);
    pairs(value);
    given(memory);
    ask(value);
}

/// Asks a schema.
#[inline(never)]
fn ask(value: Value<'_>) {
    let Ok(entities) = value.decode() else { return };
    let schema = Schema::new(entities);
    let steps = [Step::Branch("qcow2"), Step::Member("aio"), Step::Value("threads"), Step::Feature("unstable")];
    _ = black_box(schema.has(Question::<8>::new(black_box(Root::Command("blockdev-add")), black_box(&steps))));
    _ = black_box((schema.command("stop"), schema.event("STOP")));
}

/// Sends typed commands.
#[inline(never)]
pub(crate) fn send(commands: &mut Commands<'_>) {
    _ = black_box(commands.send(&commands::QueryStatus));
    _ = black_box(
        commands.send(&commands::BlockResize { node_name: black_box(None), ..commands::BlockResize::new(1) }),
    );
    _ = black_box(<commands::Stop as Command>::OOB);
}

#[inline(never)]
fn both<'a, T: Deserialize<'a> + Serialize + PartialEq>(value: Value<'a>, memory: &mut [u8]) {
    match value.decode::<T>() {
        // Behind the black box it may be one to be sent as well as a received one.
        Ok(it) => {
            let it = black_box(it);
            black_box(it == *black_box(&it));
            _ = black_box(ser::to_slice(&it, memory));
        }
        Err(error) => _ = black_box(error),
    }
}

#[inline(never)]
fn list<'a, T: Copy + Deserialize<'a> + Serialize + PartialEq + 'a>(value: Value<'a>, memory: &mut [u8]) {
    let Ok(list) = value.decode::<List<'a, T>>() else { return };
    let list = black_box(list);
    black_box((list.is_empty(), list.len()));
    _ = black_box(list.get(black_box(3)));
    for element in list {
        _ = black_box(element);
    }
    black_box(list == black_box(list));
    _ = black_box(ser::to_slice(&list, memory));
}

#[inline(never)]
fn nested<'a>(value: Value<'a>, memory: &mut [u8]) {
    let Ok(nested) = value.decode::<Nested<'a, ImageInfo<'a>>>() else { return };
    let nested = black_box(nested);
    _ = black_box(nested.get());
    black_box(nested == black_box(nested));
    _ = black_box(ser::to_slice(&nested, memory));
}

#[inline(never)]
fn pairs(value: Value<'_>) {
    let Ok(command) = value.decode::<commands::DeviceAdd<'_>>() else { return };
    let others = black_box(command.others);
    black_box(others.get(black_box("addr")));
    for pair in others {
        black_box(pair);
    }
}

#[inline(never)]
fn event(value: Value<'_>, memory: &mut [u8]) {
    let Ok(event) = Event::read(black_box("STOP"), value) else { return };
    let event = black_box(event);
    black_box((event.name(), event == black_box(event)));
    _ = black_box(ser::to_slice(&event, memory));
}

/// What a caller makes to be sent.
#[inline(never)]
fn given(memory: &mut [u8]) {
    let list = [Any::Null, Any::Bool(black_box(true)), Any::Int(black_box(-1)), Any::Uint(black_box(1))];
    let dict =
        [("list", Any::List(&list)), ("number", Any::Number(black_box("1e3"))), ("text", Any::Str(black_box("t")))];
    let pairs = [("dict", black_box(Any::Dict(&dict)))];
    let command = commands::DeviceAdd { others: Pairs::new(&pairs), ..commands::DeviceAdd::new(black_box("nvme")) };
    black_box(command == black_box(command));
    _ = black_box(ser::to_slice(&command, memory));
}

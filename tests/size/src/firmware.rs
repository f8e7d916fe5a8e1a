//! The smallest firmware that asks for the state of a machine, stops it and lets it go on: with typed commands or without.

use core::hint::black_box;

use qmp_core::client::{Client, Commands, Config, Message, StaticStorage};
use qmp_core::json::Payload;

pub(crate) fn session(received: &mut [u8]) {
    let mut storage = StaticStorage::<256, 128, 2>::new();
    let mut client = Client::new(storage.lend(), Config::DEFAULT);
    _ = black_box(client.feed(received));
    while let Ok(Some(incoming)) = client.poll() {
        match incoming.message {
            Message::Ready { .. } => send(incoming.commands),
            Message::Reply { outcome: Ok(payload), .. } => reply(payload),
            other => _ = black_box(other),
        }
    }
    black_box(client.tx_pending());
}

#[cfg(not(feature = "typed"))]
fn send(commands: &mut Commands<'_>) {
    for name in ["query-status", "stop", "cont"] {
        let sent = black_box(commands.execute(name, &()));
        #[cfg(feature = "delivery")]
        if let Ok(ticket) = sent {
            use qmp_core::client::Delivery;
            use qmp_core::json::Projection;

            let deliveries = black_box([
                Delivery::Whole,
                Delivery::ELEMENTS,
                Delivery::TEXT,
                Delivery::Members(Projection::Named(&["a.b"])),
                Delivery::ElementMembers(&["c"], Projection::Named(&["**.d"])),
            ]);
            for delivery in deliveries {
                _ = black_box(commands.set_delivery(ticket, delivery));
            }
        }
        #[cfg(not(feature = "delivery"))]
        let _ = sent;
    }
}

#[cfg(not(feature = "typed"))]
fn reply(payload: Payload<'_>) {
    black_box(payload.into_value());
}

#[cfg(feature = "typed")]
fn send(commands: &mut Commands<'_>) {
    use qmp_qapi::commands::{Cont, QueryStatus, Stop};

    _ = black_box(commands.send(&QueryStatus));
    _ = black_box(commands.send(&Stop));
    _ = black_box(commands.send(&Cont));
}

#[cfg(feature = "typed")]
fn reply(payload: Payload<'_>) {
    use qmp_core::command::Command;
    use qmp_qapi::commands::{Cont, QueryStatus, Stop};

    // A firmware knows by the ticket which it is.
    match black_box(0) {
        0 => _ = black_box(payload.decode::<<QueryStatus as Command>::Return<'_>>()),
        1 => _ = black_box(payload.decode::<<Stop as Command>::Return<'_>>()),
        _ => _ = black_box(payload.decode::<<Cont as Command>::Return<'_>>()),
    }
}

//! A firmware whose client and buffers are variables, and which has no others: what it takes of RAM but for its stack.

use core::hint::black_box;

use qmp_core::client::{Client, Config, Message};
use static_cell::{ConstStaticCell, StaticCell};

#[cfg(not(feature = "ram-delivery"))]
use crate::smallest::Smallest as Memory;
#[cfg(feature = "ram-delivery")]
use crate::smallest::SmallestByMembers as Memory;

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static CLIENT: StaticCell<Client<'static>> = StaticCell::new();

pub(crate) fn run(received: &mut [u8]) {
    let (Some(memory), Some(place)) = (MEMORY.try_take(), CLIENT.try_uninit()) else { return };
    let client = place.write(Client::new(memory.lend(), Config::DEFAULT));
    _ = black_box(client.feed(received));
    while let Ok(Some(incoming)) = client.poll() {
        if let Message::Ready { .. } = incoming.message {
            let sent = black_box(incoming.commands.execute("query-block", &()));
            #[cfg(feature = "ram-delivery")]
            if let Ok(ticket) = sent {
                use qmp_core::client::Delivery;
                use qmp_core::json::Projection;

                let members = Delivery::ElementMembers(&[], Projection::Named(&["device"]));
                _ = black_box(incoming.commands.set_delivery(ticket, members));
            }
            #[cfg(not(feature = "ram-delivery"))]
            let _ = sent;
        } else {
            black_box(incoming.message);
        }
    }
    black_box(client.tx_pending());
}

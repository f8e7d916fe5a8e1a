//! A guest agent in 8 KiB of RAM, all told: engine, buffers, receive queue and stack.
//!
//! Its host speaks to it over the UART as to any guest agent. What it can do is one function, [`obey`]; the rest of the protocol is
//! the engine's: synchronisation, ids, broken and hostile input.
#![no_std]
#![no_main]

use core::time::Duration;

use qmp_board::{entry, exit, idle, now, uart};
use qmp_core::command::Command;
use qmp_core::drive::{Error, step_ready};
use qmp_core::error;
use qmp_core::server::{Config, Dialect, Incoming, Message, Replies, Server, StaticStorage, Ticket};
use qmp_qapi::List;
use qmp_qapi::guest_agent::commands::{GuestGetTime, GuestInfo, GuestPing, GuestSetTime, GuestShutdown};
use qmp_qapi::guest_agent::types::{GuestAgentCommandInfo, GuestAgentInfo};
use static_cell::ConstStaticCell;

/// The longest command has 512 bytes, and so has the longest reply; one is answered at a time, with an id of up to 64 bytes.
static STORAGE: ConstStaticCell<StaticStorage<512, 640, 1, 64>> = ConstStaticCell::new(StaticStorage::new());

/// How long a reply may take to leave before the end.
const FAREWELL: Duration = Duration::from_secs(1);

#[entry]
fn main() -> ! {
    let mut uart = uart();
    let mut server = Server::new(STORAGE.take().lend(), Config { dialect: Dialect::Agent, ..Config::DEFAULT });
    let mut agent = Agent { offset: 0, shutdown: None };
    defmt::info!("agent up");
    loop {
        match step_ready(&mut server, &mut uart) {
            Ok(0) => idle(),
            Ok(_) | Err(Error::Full) => {}
            Err(Error::Io(never)) => match never {},
            Err(_) => exit(3),
        }
        // A reply has the whole buffer: so it always fits, and what is to be answered next can wait in the UART.
        while server.tx_pending().is_empty() {
            match server.poll() {
                Ok(Some(incoming)) => agent.take(incoming),
                Ok(None) => break,
                Err(error) => {
                    defmt::error!("{}", error);
                    exit(3);
                }
            }
        }
        if agent.shutdown.is_some_and(|at| server.tx_pending().is_empty() || now() > at) {
            defmt::info!("agent down");
            exit(0);
        }
    }
}

struct Agent {
    /// Nanoseconds from the epoch to our start, as far as we were told.
    offset: i64,
    /// When to end at the latest.
    shutdown: Option<qmp_core::time::Instant>,
}

/// What `guest-info` tells. Synchronisation is the engine's, and is there all the same.
const COMMANDS: &[GuestAgentCommandInfo<'_>] = &[
    command("guest-sync", true),
    command("guest-sync-delimited", true),
    of::<GuestPing>(),
    of::<GuestInfo>(),
    of::<GuestGetTime>(),
    of::<GuestSetTime>(),
    of::<GuestShutdown<'_>>(),
];

const fn of<C: Command>() -> GuestAgentCommandInfo<'static> {
    command(C::NAME, !C::NO_REPLY)
}

const fn command(name: &'static str, success_response: bool) -> GuestAgentCommandInfo<'static> {
    GuestAgentCommandInfo { success_response: Some(success_response), ..GuestAgentCommandInfo::new(name, true) }
}

impl Agent {
    fn take(&mut self, incoming: Incoming<'_, '_>) {
        let Incoming { message, replies, .. } = incoming;
        match message {
            Message::Command { ticket, name, arguments, .. } => {
                let arguments = arguments.map_or(qmp_core::json::Value::NULL, |arguments| arguments.into_value());
                let answered = self.obey(replies, ticket, name, arguments);
                // Longer than the buffer, which no reply is; or not the one that was asked for.
                if let Err(error) = answered {
                    defmt::error!("{}: {}", name, error);
                    exit(4);
                }
            }
            // Each was answered by the engine.
            Message::Malformed(_) | Message::Oversize(_) => defmt::info!("broken input"),
            other => defmt::debug!("{}", other),
        }
    }

    fn obey(
        &mut self,
        replies: &mut Replies<'_>,
        ticket: Ticket,
        name: &str,
        arguments: qmp_core::json::Value<'_>,
    ) -> Result<(), error::Error> {
        match name {
            GuestPing::NAME => replies.reply(ticket, &()),
            GuestInfo::NAME => {
                replies.reply(ticket, &GuestAgentInfo::new(env!("CARGO_PKG_VERSION"), List::new(COMMANDS)))
            }
            GuestGetTime::NAME => replies.reply(ticket, &self.offset.saturating_add(uptime())),
            GuestSetTime::NAME => match arguments.decode::<GuestSetTime>() {
                Ok(GuestSetTime { time: Some(time) }) => {
                    self.offset = time.saturating_sub(uptime());
                    replies.reply(ticket, &())
                }
                // There is no other clock to take it from.
                Ok(_) => replies.fail(ticket, "GenericError", "no hardware clock"),
                Err(_) => replies.fail(ticket, "GenericError", "invalid arguments"),
            },
            GuestShutdown::NAME => {
                self.shutdown = Some(now().after(FAREWELL));
                replies.release(ticket)
            }
            _ => replies.not_found(ticket, name),
        }
    }
}

/// Nanoseconds since the start.
fn uptime() -> i64 {
    i64::try_from(now().as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

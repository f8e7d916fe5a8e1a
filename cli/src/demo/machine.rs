//! The demo machine: what it is, and what each command does to it.

use core::time::Duration;
use std::time::{Instant, SystemTime};

use qmp_core::error::Error;
use qmp_core::json::{Payload, Value};
use qmp_core::message::{Timestamp, Version};
use qmp_core::server::{Config, Message, Replies, Ticket};
use serde::Serialize;

use super::{disks, schema};
use crate::host::{Asked, Guest, Next, Queue};

/// The commands it knows; the server itself knows `qmp_capabilities`.
pub(super) const COMMANDS: [&str; 10] = [
    "qmp_capabilities",
    "query-version",
    "query-status",
    "query-block",
    "query-qmp-schema",
    "query-yank",
    "stop",
    "cont",
    "quit",
    NAP,
];
/// Those that can be executed out of band.
pub(super) const OUT_OF_BAND: [&str; 1] = ["query-yank"];
/// Takes a time, `milliseconds`, in which only out-of-band commands are executed: for who wants to see what a client does then.
pub(super) const NAP: &str = "x-demo-nap";
const LONGEST_NAP: u64 = 60_000;
/// The events it sends.
pub(super) const EVENTS: [&str; 3] = ["STOP", "RESUME", "SHUTDOWN"];

const VERSION: Version = Version { major: 10, minor: 2, micro: 0 };
const PACKAGE: &str = "demo machine";

/// A virtual machine without a machine.
#[derive(Debug)]
pub(crate) struct Machine {
    offers_oob: bool,
    running: bool,
    schema: String,
    asked: Queue,
    /// The command that takes a time, and when it is over.
    nap: Option<(Ticket, Instant)>,
    off: bool,
}

impl Machine {
    /// A machine that runs. `offers_oob`: its monitor offers out-of-band execution.
    pub(crate) fn new(offers_oob: bool) -> Self {
        Self { offers_oob, running: true, schema: schema::schema(), asked: Queue::default(), nap: None, off: false }
    }

    /// Executes a command, and answers it unless it takes a time.
    fn execute(&mut self, asked: &Asked, replies: &mut Replies<'_>, now: Instant) -> Result<(), Error> {
        let Asked { ticket, ref name, oob, ref arguments } = *asked;
        if !COMMANDS.contains(&name.as_str()) {
            return replies.not_found(ticket, name);
        }
        if oob && !OUT_OF_BAND.contains(&name.as_str()) {
            return replies.no_oob(ticket, name);
        }
        let mut text = arguments.as_deref().unwrap_or("{}").to_owned().into_bytes();
        let arguments = Payload::parse(&mut text).map_or(Value::NULL, Payload::into_value);
        if name == NAP {
            return match nap(arguments) {
                Ok(time) => {
                    self.nap = Some((ticket, now + time));
                    Ok(())
                }
                Err(reason) => replies.fail(ticket, "GenericError", &reason),
            };
        }
        // None of the others takes any.
        if let Some((argument, _)) = arguments.entries().next() {
            return replies.fail(ticket, "GenericError", &unexpected(argument));
        }
        match name.as_str() {
            "query-version" => replies.reply(ticket, &VersionInfo::NOW),
            "query-status" => replies.reply(ticket, &self.status()),
            "query-block" => replies.reply(ticket, disks::DISKS.as_slice()),
            "query-qmp-schema" => replies.reply_raw(ticket, &self.schema),
            // Nothing is there to be pulled out.
            "query-yank" => replies.reply(ticket, [(); 0].as_slice()),
            "stop" => self.run(false, ticket, replies),
            "cont" => self.run(true, ticket, replies),
            _ => {
                let reason = Shutdown { guest: false, reason: "host-qmp-quit" };
                replies.event("SHUTDOWN", Some(&reason), time())?;
                self.off = true;
                replies.reply(ticket, &())
            }
        }
    }

    /// Runs or stops. Of a change there is an event, which comes before the reply, as in QEMU.
    fn run(&mut self, running: bool, ticket: Ticket, replies: &mut Replies<'_>) -> Result<(), Error> {
        if running != self.running {
            self.running = running;
            replies.event(if running { "RESUME" } else { "STOP" }, None::<&()>, time())?;
        }
        replies.reply(ticket, &())
    }

    const fn status(&self) -> StatusInfo {
        StatusInfo { status: if self.running { "running" } else { "paused" }, running: self.running }
    }
}

impl Guest for Machine {
    fn welcome(&mut self) -> Option<Config> {
        (!self.off).then_some(Config { version: VERSION, package: PACKAGE, oob: self.offers_oob, ..Config::DEFAULT })
    }

    fn take(&mut self, message: Message<'_>) {
        self.asked.take(message);
    }

    fn speak(&mut self, replies: &mut Replies<'_>, now: Instant) -> Result<Next, Error> {
        if let Some((ticket, _)) = self.nap.take_if(|(_, end)| *end <= now) {
            replies.reply(ticket, &())?;
        } else if let Some(asked) = self.asked.next(self.nap.is_none()) {
            self.execute(&asked, replies, now)?;
        } else {
            return Ok(Next::Idle(self.nap.map(|(_, end)| end)));
        }
        Ok(if self.off { Next::Off } else { Next::More })
    }

    fn part(&mut self) {
        self.asked.clear();
        self.nap = None;
    }
}

/// How long, by the arguments of [`NAP`].
fn nap(arguments: Value<'_>) -> Result<Duration, String> {
    if let Some((argument, _)) = arguments.entries().find(|(name, _)| *name != "milliseconds") {
        return Err(unexpected(argument));
    }
    let time = arguments.get("milliseconds").ok_or("Parameter 'milliseconds' is missing")?;
    match time.as_u64() {
        Some(time @ ..=LONGEST_NAP) => Ok(Duration::from_millis(time)),
        _ => Err(format!("Parameter 'milliseconds' expects an integer from 0 to {LONGEST_NAP}")),
    }
}

fn unexpected(argument: &str) -> String {
    format!("Parameter '{argument}' is unexpected")
}

#[derive(Serialize)]
struct StatusInfo {
    status: &'static str,
    running: bool,
}

#[derive(Serialize)]
struct VersionInfo {
    qemu: VersionTriple,
    package: &'static str,
}

#[derive(Serialize)]
struct VersionTriple {
    micro: u16,
    minor: u16,
    major: u16,
}

impl VersionInfo {
    const NOW: Self = Self {
        qemu: VersionTriple { micro: VERSION.micro, minor: VERSION.minor, major: VERSION.major },
        package: PACKAGE,
    };
}

#[derive(Serialize)]
struct Shutdown {
    guest: bool,
    reason: &'static str,
}

fn time() -> Timestamp {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(Timestamp::UNKNOWN, |since| Timestamp {
        seconds: since.as_secs().cast_signed(),
        microseconds: since.subsec_micros().into(),
    })
}

//! The demo machine: what it is, and what each command does to it.

use std::time::SystemTime;

use qmp_core::error::Error;
use qmp_core::json::{Payload, Value};
use qmp_core::message::{Timestamp, Version};
use qmp_core::server::{Config, Replies, Ticket};
use serde::Serialize;

use super::{disks, schema};

/// The commands it knows; the server itself knows `qmp_capabilities`.
pub(super) const COMMANDS: [&str; 8] =
    ["qmp_capabilities", "query-version", "query-status", "query-block", "query-qmp-schema", "stop", "cont", "quit"];
/// The events it sends.
pub(super) const EVENTS: [&str; 3] = ["STOP", "RESUME", "SHUTDOWN"];

const VERSION: Version = Version { major: 10, minor: 2, micro: 0 };
const PACKAGE: &str = "demo machine";

/// A virtual machine without a machine.
#[derive(Debug)]
pub(super) struct Machine {
    running: bool,
    schema: String,
}

/// Whether the machine goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    Off,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { running: true, schema: schema::schema() }
    }

    /// What its monitor says of itself.
    pub(super) fn config() -> Config {
        Config { version: VERSION, package: PACKAGE, ..Config::DEFAULT }
    }

    /// Executes a command and answers it.
    pub(super) fn execute(
        &mut self,
        name: &str,
        arguments: Option<Payload<'_>>,
        ticket: Ticket,
        replies: &mut Replies<'_>,
    ) -> Result<Power, Error> {
        if !COMMANDS.contains(&name) {
            replies.not_found(ticket, name)?;
            return Ok(Power::On);
        }
        // None of them takes any.
        if let Some((argument, _)) = arguments.map_or(Value::NULL, Payload::into_value).entries().next() {
            replies.fail(ticket, "GenericError", &format!("Parameter '{argument}' is unexpected"))?;
            return Ok(Power::On);
        }
        match name {
            "query-version" => replies.reply(ticket, &VersionInfo::NOW)?,
            "query-status" => replies.reply(ticket, &self.status())?,
            "query-block" => replies.reply(ticket, disks::DISKS.as_slice())?,
            "query-qmp-schema" => replies.reply_raw(ticket, &self.schema)?,
            "stop" => self.run(false, ticket, replies)?,
            "cont" => self.run(true, ticket, replies)?,
            _ => {
                let reason = Shutdown { guest: false, reason: "host-qmp-quit" };
                replies.event("SHUTDOWN", Some(&reason), now())?;
                replies.reply(ticket, &())?;
                return Ok(Power::Off);
            }
        }
        Ok(Power::On)
    }

    /// Runs or stops. Of a change there is an event, which comes before the reply, as in QEMU.
    fn run(&mut self, running: bool, ticket: Ticket, replies: &mut Replies<'_>) -> Result<(), Error> {
        if running != self.running {
            self.running = running;
            replies.event(if running { "RESUME" } else { "STOP" }, None::<&()>, now())?;
        }
        replies.reply(ticket, &())
    }

    const fn status(&self) -> StatusInfo {
        StatusInfo { status: if self.running { "running" } else { "paused" }, running: self.running }
    }
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

fn now() -> Timestamp {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(Timestamp::UNKNOWN, |since| Timestamp {
        seconds: since.as_secs().cast_signed(),
        microseconds: since.subsec_micros().into(),
    })
}

//! The journey: one step after the other, each sent again until it is answered.

use core::time::Duration;

use qmp_board::{MACHINE, now};
use qmp_core::client::{Commands, Delivery, Incoming, Message, Session, Ticket};
use qmp_core::command::{Command, Event as _};
use qmp_core::error::Error;
use qmp_core::json::Payload;
use qmp_core::message::Event;
use qmp_core::time::Instant;
use qmp_qapi::commands::{Cont, QomGet, QueryBlock, QueryBlockJobs, QueryStatus, QueryVersion, SystemReset};
use qmp_qapi::events::{BlockJobCompleted, Reset};
use serde::Serialize;

use crate::name::Name;

/// How long a short reply may take, and the handshake.
const SHORT: Duration = Duration::from_secs(1);
/// How long the schema may let wait for its first element, and each for the next: QEMU makes all of it before it sends any.
const LONG: Duration = Duration::from_secs(10);
/// How long a reply may still take when something broken came, which may have been it.
const BROKEN: Duration = Duration::from_millis(200);
/// How often one thing is sent.
const MOST: u8 = 100;

#[derive(Clone, Copy, PartialEq, Eq, defmt::Format)]
enum Step {
    /// Which QEMU is it? (It greets, too, but perhaps before the UART is up.)
    Version,
    /// Does the machine run?
    Status,
    /// It does not: have it go on.
    Resume,
    /// Which disks does it have?
    Blocks,
    /// What is it?
    Machine,
    /// It is another machine than ours: start it anew, and wait for the event that tells of it. When that does not come, once more.
    Reset,
    /// Make a disk that reads as zeroes.
    Source,
    /// And another one.
    Target,
    /// Copy the one to the other: a job.
    Copy,
    /// Wait for the event that tells of its end. When that does not come, ask for the job.
    Job,
    /// All that this QEMU can do.
    Schema,
    Done,
}

pub(crate) struct Journey {
    step: Step,
    /// The command whose reply is awaited.
    waiting: Option<Ticket>,
    /// How often this step was sent.
    sent: u8,
    /// When to ask for the job, or to reset again.
    ask: Instant,
    /// The number of the name last given out.
    names: u16,
    source: Name,
    target: Name,
    job: Name,
    /// The machine was seen to start anew. That may be told before the reply to the command, too.
    reset: bool,
    /// Its end was told. That may come before the reply to the command that began it.
    ended: bool,
    schema: Schema,
    report: Report,
}

/// What was seen of the schema, which goes by element by element.
#[derive(Default)]
struct Schema {
    commands: u16,
    longest: usize,
}

#[derive(Default, defmt::Format)]
struct Report {
    commands: u16,
    events: u16,
    sent_again: u16,
    broken: u16,
    strange: u16,
}

/// The arguments of `blockdev-add`, as far as they are needed: the typed ones know all drivers, which is flash for nothing here.
#[derive(Serialize)]
struct NullDisk<'a> {
    driver: &'a str,
    #[serde(rename = "node-name")]
    node_name: &'a str,
    size: u32,
}

#[derive(Serialize)]
struct Copy<'a> {
    #[serde(rename = "job-id")]
    job_id: &'a str,
    device: &'a str,
    target: &'a str,
    sync: &'a str,
}

impl Journey {
    pub(crate) fn begin(commands: &mut Commands<'_>) -> Self {
        commands.set_handshake_deadline(now().after(SHORT));
        let name = Name::new(0);
        Self {
            step: Step::Version,
            waiting: None,
            sent: 0,
            ask: Instant::ZERO,
            names: 0,
            source: name,
            target: name,
            job: name,
            reset: false,
            ended: false,
            schema: Schema::default(),
            report: Report::default(),
        }
    }

    /// Sends what is next, if nothing is awaited. The exit code when all is done, or nothing helps.
    pub(crate) fn go_on(&mut self, commands: &mut Commands<'_>) -> Option<u8> {
        if self.step == Step::Done {
            defmt::info!("done: {}", self.report);
            return Some(0);
        }
        let wait = matches!(self.step, Step::Reset | Step::Job) && now() < self.ask;
        if commands.session() != Session::Ready || self.waiting.is_some() || wait {
            return None;
        }
        if self.sent == MOST {
            defmt::error!("gave up at {}", self.step);
            return Some(2);
        }
        match self.send(commands) {
            Ok(ticket) => {
                self.waiting = Some(ticket);
                self.report.commands += 1;
                self.report.sent_again += u16::from(self.sent > 0);
                self.sent += 1;
                let timeout = if self.step == Step::Schema { LONG } else { SHORT };
                _ = commands.set_deadline(ticket, now().after(timeout));
            }
            // The next turn has more room.
            Err(error) => defmt::debug!("{}", error),
        }
        None
    }

    fn send(&mut self, commands: &mut Commands<'_>) -> Result<Ticket, Error> {
        match self.step {
            Step::Version => commands.send(&QueryVersion),
            Step::Status => commands.send(&QueryStatus),
            Step::Resume => commands.send(&Cont),
            Step::Blocks => commands.send(&QueryBlock::new()),
            Step::Machine => commands.send(&QomGet::new("/machine", "type")),
            Step::Reset => commands.send(&SystemReset),
            Step::Source | Step::Target => {
                let name = self.new_name();
                *(if self.step == Step::Source { &mut self.source } else { &mut self.target }) = name;
                let disk = NullDisk { driver: "null-co", node_name: name.as_str(), size: 1 << 20 };
                commands.execute("blockdev-add", &disk)
            }
            Step::Copy => {
                (self.job, self.ended) = (self.new_name(), false);
                let Self { job, source, target, .. } = &self;
                let (job_id, device, target) = (job.as_str(), source.as_str(), target.as_str());
                commands.execute("blockdev-backup", &Copy { job_id, device, target, sync: "full" })
            }
            Step::Job => commands.send(&QueryBlockJobs),
            Step::Schema | Step::Done => {
                self.schema = Schema::default();
                let ticket = commands.execute("query-qmp-schema", &())?;
                commands.set_delivery(ticket, Delivery::ELEMENTS)?;
                Ok(ticket)
            }
        }
    }

    fn new_name(&mut self) -> Name {
        self.names += 1;
        Name::new(self.names)
    }

    /// Takes what came, whatever it is.
    pub(crate) fn take(&mut self, incoming: Incoming<'_, '_>) {
        let commands = incoming.commands;
        match incoming.message {
            Message::Greeting(greeting) => defmt::info!("greeted by QEMU {}", greeting.version()),
            Message::Ready { .. } => defmt::info!("negotiated"),
            Message::Reply { ticket, outcome } if self.waiting == Some(ticket) => {
                self.waiting = None;
                match outcome {
                    Ok(payload) => self.answered(payload),
                    Err(failure) => {
                        self.failed(failure.class(), failure.desc());
                        // All of these are there: what the server heard as a negotiation was none.
                        if failure.class() == "CommandNotFound" {
                            _ = commands.negotiate(false);
                            commands.set_handshake_deadline(now().after(SHORT));
                        }
                    }
                }
            }
            Message::Event(event) => self.happened(event),
            Message::Element { ticket, element: Ok(element), .. } if self.waiting == Some(ticket) => {
                // How long all of it takes is the line's matter; that it goes on is what counts.
                _ = commands.set_deadline(ticket, now().after(LONG));
                self.schema.longest = self.schema.longest.max(element.raw().len());
                let what = element.into_value().get("meta-type").and_then(|what| what.as_str());
                self.schema.commands += u16::from(what == Some("command"));
            }
            Message::ElementsEnd { ticket, count, late: false } if self.waiting == Some(ticket) => {
                self.waiting = None;
                let Schema { commands, longest } = self.schema;
                defmt::info!(
                    "query-qmp-schema: {} entities, {} commands among them, the longest of {} bytes",
                    count,
                    commands,
                    longest
                );
                self.arrive(Step::Done);
            }
            // The handshake and its answer are as easily lost as anything.
            Message::HandshakeTimedOut(_) | Message::Refused(_) => {
                self.report.sent_again += 1;
                // No room is not to be expected: a command has left before its deadline.
                _ = commands.resynchronize();
                _ = commands.negotiate(false);
                commands.set_handshake_deadline(now().after(SHORT));
            }
            Message::TimedOut { ticket } => {
                // On such a line it will not come: its slot is needed.
                _ = commands.forget(ticket);
                self.waiting = self.waiting.filter(|waiting| *waiting != ticket);
                // The server may be inside a command whose end was lost.
                _ = commands.resynchronize();
            }
            Message::Malformed(_) | Message::Unknown(_) | Message::Incomplete | Message::Retracted { .. } => {
                self.report.broken += 1;
                if let Some(ticket) = self.waiting {
                    _ = commands.set_deadline(ticket, now().after(BROKEN));
                }
            }
            other => {
                defmt::debug!("{}", other);
                self.report.strange += 1;
            }
        }
    }

    /// The next step is another one.
    fn arrive(&mut self, step: Step) {
        self.step = step;
        self.sent = 0;
    }

    fn answered(&mut self, payload: Payload<'_>) {
        // A reply that is not what it should be was damaged: the step stays, and is sent again.
        let next = match self.step {
            Step::Version => payload.decode::<<QueryVersion as Command>::Return<'_>>().map(|version| {
                let qemu = version.qemu;
                defmt::info!("query-version: QEMU {}.{}.{}", qemu.major, qemu.minor, qemu.micro);
                Step::Status
            }),
            Step::Status => payload.decode::<<QueryStatus as Command>::Return<'_>>().map(|status| {
                defmt::info!("query-status: {} (running: {})", status.status.name(), status.running);
                if status.running { Step::Blocks } else { Step::Resume }
            }),
            Step::Blocks => payload.decode::<<QueryBlock as Command>::Return<'_>>().map(|disks| {
                defmt::info!("query-block: {} drives", disks.len());
                for disk in disks.iter().flatten() {
                    defmt::info!("  {}, removable: {}", disk.device, disk.removable);
                }
                Step::Machine
            }),
            Step::Machine => payload.decode::<&str>().map(|of| {
                defmt::info!("qom-get /machine type: {}", of);
                // Or one of the same kind, which is left alone as well.
                if of == MACHINE { Step::Source } else { Step::Reset }
            }),
            Step::Resume => Ok(Step::Status),
            Step::Reset => {
                self.ask = now().after(SHORT);
                Ok(if self.reset { Step::Source } else { Step::Reset })
            }
            Step::Source => Ok(Step::Target),
            Step::Target => Ok(Step::Copy),
            Step::Copy => {
                defmt::info!("blockdev-backup: job {} copies {} to {}", self.job, self.source, self.target);
                self.ask = now().after(SHORT);
                Ok(if self.ended { Step::Schema } else { Step::Job })
            }
            Step::Job => payload.decode::<<QueryBlockJobs as Command>::Return<'_>>().map(|jobs| {
                self.ask = now().after(BROKEN);
                let runs = jobs.iter().flatten().any(|job| job.device == self.job.as_str());
                if runs {
                    return Step::Job;
                }
                defmt::info!("job {} has ended; its event was lost", self.job);
                Step::Schema
            }),
            // No list, and so damaged.
            Step::Schema | Step::Done => Ok(Step::Schema),
        };
        match next {
            Ok(step) if step != self.step => self.arrive(step),
            Ok(_) => self.sent = 0,
            Err(error) => {
                self.report.broken += 1;
                defmt::debug!("{}: {}", self.step, error);
            }
        }
    }

    fn failed(&mut self, class: &str, desc: &str) {
        defmt::warn!("{}: {}: {}", self.step, class, desc);
        // What it copies may not be there after all: the command that made it was damaged, or executed under another name.
        if self.step == Step::Copy {
            self.step = Step::Source;
        }
    }

    fn happened(&mut self, event: Event<'_>) {
        self.report.events += 1;
        let data = event.data.map(Payload::into_value);
        match (event.name, data) {
            (BlockJobCompleted::NAME, Some(data)) => {
                let Ok(job) = data.decode::<BlockJobCompleted<'_>>() else { return };
                if job.device != self.job.as_str() {
                    return;
                }
                defmt::info!("{}: job {}, {} of {} bytes", event.name, job.device, job.offset, job.len);
                self.ended = true;
                if self.step == Step::Job {
                    self.waiting = None;
                    self.arrive(Step::Schema);
                }
            }
            (Reset::NAME, Some(data)) => {
                let Ok(reset) = data.decode::<Reset<'_>>() else { return };
                defmt::info!("{}: {}", event.name, reset.reason.map_or("without a reason", |reason| reason.name()));
                self.reset = true;
                if self.step == Step::Reset && self.waiting.is_none() {
                    self.arrive(Step::Source);
                }
            }
            (name, _) => defmt::debug!("event {}", name),
        }
    }
}

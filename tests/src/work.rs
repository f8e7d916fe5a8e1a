//! A machine at work: a real QEMU driven by typed commands over the std adapter, its events typed.
//!
//! Whatever goes and comes is also held against the registry, which is strict: arguments, what is returned, and the data of each
//! event must be what the release is said to take and send, and all of it.

use std::path::Path;
use std::process;

use qmp_core::command::Command;
use qmp_core::json::{Payload, Value};
use qmp_qapi::commands::{HumanMonitorCommand, QueryStatus, Quit};
use qmp_qapi::registry::{self, Misfit, Release};
use qmp_qapi::types::RunState;
use qmp_qapi::{Event, Nothing};
use qmp_std::{Error, Failure, Monitor, Options, OwnedEvent};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::qemu::{Machine, Qemu};
use crate::{LIMIT, wait_until};

/// A machine and its monitor.
#[derive(Debug)]
pub struct Work {
    /// The monitor, for what the methods here do not say.
    pub monitor: Monitor,
    /// The machine.
    pub machine: Machine,
    release: Release,
    /// Events that came and were not waited for yet.
    events: Vec<OwnedEvent>,
    /// What [`io`](Self::io) was asked for.
    io: Vec<String>,
}

impl Work {
    /// A q35 machine of 64 MiB, stopped before its first instruction, with more arguments.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(qemu: &Qemu, arguments: &[&str]) -> Self {
        let mut all = vec!["-machine", "q35", "-accel", "tcg", "-m", "64", "-nodefaults"];
        all.extend(arguments);
        let machine = Machine::with(qemu, false, &all);
        let options = Options::new().deadline(LIMIT).timeout(LIMIT);
        let monitor = options.unix(machine.socket()).expect("a monitor");
        let release = qemu.version.parse().expect("a release");
        Self { monitor, machine, release, events: Vec::new(), io: Vec::new() }
    }

    /// Where a file of the machine is.
    ///
    /// # Panics
    /// If the path is no UTF-8.
    pub fn path(&self, name: &str) -> String {
        self.machine.folder().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// What is in a file of the machine.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.machine.folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Executes a command that returns nothing.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn does<C>(&mut self, command: &C)
    where
        C: for<'a> Command<Return<'a> = Nothing>,
    {
        self.ask(command, |Nothing| ());
    }

    /// Executes a command, and gives what `read` makes of what it returns.
    ///
    /// # Panics
    /// If it fails, or anything of it is not as the registry says.
    #[track_caller]
    pub fn ask<C: Command, R>(&mut self, command: &C, read: impl for<'a> FnOnce(C::Return<'a>) -> R) -> R {
        self.check_arguments(command);
        let release = self.release;
        self.monitor
            .send(&Strict(command), |Both { value, typed }| {
                check_return::<C>(value, release);
                read(typed)
            })
            .unwrap_or_else(|error| panic!("{} {}: {error}", C::NAME, text(command)))
    }

    /// [`ask`](Self::ask), with a descriptor.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn ask_with_fd<C: Command, R>(
        &mut self,
        command: &C,
        fd: impl std::os::fd::AsFd,
        read: impl for<'a> FnOnce(C::Return<'a>) -> R,
    ) -> R {
        self.check_arguments(command);
        let release = self.release;
        self.monitor
            .send_with_fd(&Strict(command), fd, |Both { value, typed }| {
                check_return::<C>(value, release);
                read(typed)
            })
            .unwrap_or_else(|error| panic!("{} {}: {error}", C::NAME, text(command)))
    }

    /// Executes a command that QEMU refuses.
    ///
    /// # Panics
    /// If it succeeds, or ends otherwise.
    #[track_caller]
    pub fn refused<C: Command>(&mut self, command: &C) -> Failure {
        match self.monitor.send(command, |_| ()) {
            Err(Error::Command(failure)) => failure,
            other => panic!("{} {}: {other:?}", C::NAME, text(command)),
        }
    }

    /// Executes a command as soon as it does not fail for what passes: that is part of why it fails.
    ///
    /// # Panics
    /// If it fails for anything else.
    #[track_caller]
    pub fn does_when_over<C>(&mut self, passing: &str, command: &C)
    where
        C: for<'a> Command<Return<'a> = Nothing>,
    {
        wait_until(passing, || match self.monitor.send(command, |Nothing| ()) {
            Err(Error::Command(failure)) if failure.desc.contains(passing) => false,
            outcome => outcome.is_ok() || panic!("{} {}: {outcome:?}", C::NAME, text(command)),
        });
    }

    /// Writes to a node, or reads and compares, with the tool that QEMU's monitor for people has for it: `write -P 1 0 64k`. Whether it
    /// succeeded is seen when the machine [ends](Self::finish): the tool tells nobody but QEMU's standard output.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn io(&mut self, node: &str, what: &str) {
        let line = format!("qemu-io {node} \"{what}\"");
        self.ask(&HumanMonitorCommand::new(&line), |said| assert_eq!(said, "", "{node}: {what}"));
        self.io.push(format!("{node}: {what}"));
    }

    /// Waits for the first event of which `wanted` makes something. Those passed over are kept for later calls.
    ///
    /// # Panics
    /// If it does not come, or an event is not as the registry says.
    #[track_caller]
    pub fn event<R>(&mut self, what: &str, mut wanted: impl FnMut(Event<'_>) -> Option<R>) -> R {
        for index in 0..self.events.len() {
            if let Some(found) = typed(&self.events[index], &mut wanted) {
                self.events.remove(index);
                return found;
            }
        }
        loop {
            let event = self.monitor.next_event(Some(LIMIT)).expect("a connection");
            let event = event.unwrap_or_else(|| panic!("no {what}; there were {:?}", self.events));
            self.check_event(&event);
            match typed(&event, &mut wanted) {
                Some(found) => return found,
                None => self.events.push(event),
            }
        }
    }

    /// The states that a job went through, as its events tell, up to `state`.
    ///
    /// # Panics
    /// If it does not come there.
    #[track_caller]
    pub fn job_until(&mut self, job: &str, state: &str) -> Vec<String> {
        let mut states: Vec<String> = Vec::new();
        while states.last().is_none_or(|last| last != state) {
            states.push(self.event(&format!("{state} of {job} behind {states:?}"), |event| match event {
                Event::JobStatusChange(change) if change.id == job => Some(change.status.name().to_owned()),
                _ => None,
            }));
        }
        states
    }

    /// Ends QEMU, and looks at the events that nobody waited for and at what came of [`io`](Self::io).
    ///
    /// # Panics
    /// If the end does not come, or an event is not as the registry says, or an access failed.
    pub fn finish(mut self) {
        assert_ne!(self.ask(&QueryStatus, |info| info.status.name().to_owned()), RunState::InternalError.name());
        self.does(&Quit);
        self.event("SHUTDOWN", |event| matches!(event, Event::Shutdown(_)).then_some(()));
        assert!(self.monitor.drain_to_end(Some(LIMIT)).expect("an end of QEMU's"));
        while let Ok(Some(event)) = self.monitor.next_event(Some(core::time::Duration::ZERO)) {
            self.check_event(&event);
        }
        assert_eq!((self.monitor.events_lost(), self.monitor.next_notice()), (0, None));
        self.machine.wait();
        let output = self.machine.output();
        let done = output.lines().filter(|line| line.contains(" ops; ")).count();
        assert!(done == self.io.len() && !output.contains("failed"), "{:?}: {output}", self.io);
    }

    fn check_arguments<C: Command>(&self, command: &C) {
        let known = registry::qmp().command(C::NAME).unwrap_or_else(|| panic!("{} is not in the registry", C::NAME));
        assert!(known.presence.includes(self.release), "{} is not in {}", C::NAME, self.release);
        let text = text(command);
        parsed(&text, |arguments| {
            let arguments = (!arguments.is_null()).then_some(arguments);
            known.check_arguments(arguments, self.release, misfit(self.release, C::NAME, &text));
        });
    }

    fn check_event(&self, event: &OwnedEvent) {
        let known =
            registry::qmp().event(&event.name).unwrap_or_else(|| panic!("{} is not in the registry", event.name));
        assert!(known.presence.includes(self.release), "{} is not in {}", event.name, self.release);
        let text = event.data.as_deref().unwrap_or("null");
        parsed(text, |data| {
            let data = event.data.as_ref().map(|_| data);
            known.check_data(data, self.release, misfit(self.release, &event.name, text));
        });
        typed(event, |event| assert!(!matches!(event, Event::Other { .. }), "{event:?}"));
    }
}

/// Hands out an event as the vocabulary's type.
fn typed<R>(event: &OwnedEvent, look: impl FnOnce(Event<'_>) -> R) -> R {
    parsed(event.data.as_deref().unwrap_or("null"), |data| {
        look(Event::read(&event.name, data).unwrap_or_else(|error| panic!("{event:?}: {error}")))
    })
}

fn check_return<C: Command>(returned: Value<'_>, release: Release) {
    let known = registry::qmp().command(C::NAME).expect("a command that was looked at before");
    known.check_return(returned, release, misfit(release, C::NAME, &format!("{returned:?}")));
}

/// Panics at whatever does not fit.
fn misfit<'a>(release: Release, name: &'a str, text: &'a str) -> impl FnMut(&Misfit<'_>) + 'a {
    move |misfit| panic!("QEMU {release}: {name}: {misfit}. It is {text}")
}

fn text<C: Command>(command: &C) -> String {
    serde_json::to_string(command).expect("arguments that were not received")
}

fn parsed<R>(text: &str, look: impl FnOnce(Value<'_>) -> R) -> R {
    let mut text = text.as_bytes().to_vec();
    look(Payload::parse(&mut text).expect("JSON").into_value())
}

/// A command whose reply is read twice: as it came, and typed.
struct Strict<'c, C>(&'c C);

impl<C: Command> Serialize for Strict<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<C: Command> Command for Strict<'_, C> {
    const NAME: &'static str = C::NAME;
    const OOB: bool = C::OOB;
    type Return<'a> = Both<'a, C>;
}

struct Both<'a, C: Command> {
    value: Value<'a>,
    typed: C::Return<'a>,
}

impl<'a, C: Command> Deserialize<'a> for Both<'a, C> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let typed = value.decode().map_err(|error| D::Error::custom(format!("{error} in {value:?}")))?;
        Ok(Self { value, typed })
    }
}

/// Runs a program of QEMU's tools, and gives what it wrote.
///
/// # Panics
/// If it is not there, or fails.
#[track_caller]
pub fn tool(name: &str, arguments: &[&str], folder: &Path) -> String {
    let run = process::Command::new(name).args(arguments).current_dir(folder).output();
    let run = run.unwrap_or_else(|error| panic!("{name}: {error}. Install Debian's qemu-utils"));
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{name} {arguments:?}: {said}{}", String::from_utf8_lossy(&run.stderr));
    said
}

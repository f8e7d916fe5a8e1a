//! Commands and events.

use qmp_core::json::Value;

use super::check::{Check, Direction};
use super::definition::{Lists, Member, Type, Union};
use super::misfit::{Misfit, Reason};
use super::release::{Presence, Release, holding};

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// May be executed out of band.
    pub oob: bool,
    /// May be executed before the machine is built (`-preconfig`).
    pub preconfig: bool,
    /// Answers nothing when it succeeds.
    pub no_reply: bool,
    /// What it takes, in the newest release that has it.
    pub arguments: Arguments,
    /// Takes any member beside its arguments, likewise.
    pub open: bool,
    /// What it returns, likewise; `None`: an empty object.
    pub returns: Option<Type>,
    /// What of QEMU's build it depends on, in the newest release.
    pub condition: Option<&'static str>,
    /// What was otherwise, oldest first for each kind of change.
    pub changes: &'static [CommandChange],
}

/// What a command takes.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arguments {
    /// These members.
    Members(&'static [Member]),
    /// The members of a union.
    Union(&'static Union),
}

/// What holds of a command from a release on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CommandChange {
    /// What it takes.
    Arguments(Release, Arguments),
    /// Whether it takes any member beside.
    Open(Release, bool),
    /// What it returns.
    Returns(Release, Option<Type>),
    /// What of QEMU's build it depends on.
    Condition(Release, Option<&'static str>),
}

impl Arguments {
    /// The members, of a union those that every branch has.
    pub fn members(self) -> impl Iterator<Item = &'static Member> {
        let mut lists = Lists::EMPTY;
        match self {
            Self::Members(members) => lists.push(members),
            Self::Union(union) => lists.push_base(union),
        }
        lists.members()
    }
}

impl Command {
    /// What it takes in `release`.
    pub fn arguments_in(&self, release: Release) -> Arguments {
        let changes = self.changes.iter().filter_map(|change| match *change {
            CommandChange::Arguments(since, arguments) => Some((since, arguments)),
            _ => None,
        });
        holding(release, self.arguments, changes)
    }

    /// Whether it takes any member beside its arguments in `release`.
    pub fn is_open_in(&self, release: Release) -> bool {
        let changes = self.changes.iter().filter_map(|change| match *change {
            CommandChange::Open(since, open) => Some((since, open)),
            _ => None,
        });
        holding(release, self.open, changes)
    }

    /// What it returns in `release`; `None`: an empty object.
    pub fn returns_in(&self, release: Release) -> Option<Type> {
        let changes = self.changes.iter().filter_map(|change| match *change {
            CommandChange::Returns(since, returns) => Some((since, returns)),
            _ => None,
        });
        holding(release, self.returns, changes)
    }

    /// What of QEMU's build it depends on in `release`.
    pub fn condition_in(&self, release: Release) -> Option<&'static str> {
        let changes = self.changes.iter().filter_map(|change| match *change {
            CommandChange::Condition(since, condition) => Some((since, condition)),
            _ => None,
        });
        holding(release, self.condition, changes)
    }

    /// Reports each place where `arguments`, if there are any, are not what the command takes in `release`. Whether that release
    /// has the command is not asked: [`presence`](Self::presence) tells.
    pub fn check_arguments(&self, arguments: Option<Value<'_>>, release: Release, mut report: impl FnMut(&Misfit<'_>)) {
        let mut check = Check::new(release, Direction::In, &mut report);
        check.arguments(arguments, self.arguments_in(release), self.is_open_in(release));
    }

    /// Reports each place where `returned` is not what the command returns in `release`.
    pub fn check_return(&self, returned: Value<'_>, release: Release, mut report: impl FnMut(&Misfit<'_>)) {
        Check::new(release, Direction::Out, &mut report).returned(returned, self.returns_in(release));
    }

    /// Whether the command takes `arguments` in `release`, if there are any.
    ///
    /// # Errors
    /// Why not: the first reason that [`check_arguments`](Self::check_arguments) reports.
    pub fn takes(&self, arguments: Option<Value<'_>>, release: Release) -> Result<(), Reason> {
        let mut first = Ok(());
        self.check_arguments(arguments, release, |misfit| first = first.and(Err(misfit.reason)));
        first
    }

    /// Whether the command returns such a thing as `returned` in `release`.
    ///
    /// # Errors
    /// Why not: the first reason that [`check_return`](Self::check_return) reports.
    pub fn returns_such(&self, returned: Value<'_>, release: Release) -> Result<(), Reason> {
        let mut first = Ok(());
        self.check_return(returned, release, |misfit| first = first.and(Err(misfit.reason)));
        first
    }
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// Sent once a second at most; what comes in between is not told.
    pub rate_limited: bool,
    /// The members of its data.
    pub data: &'static [Member],
    /// What of QEMU's build it depends on, in the newest release.
    pub condition: Option<&'static str>,
    /// What it depended on before, oldest first.
    pub conditions: &'static [(Release, Option<&'static str>)],
}

impl Event {
    /// What of QEMU's build it depends on in `release`.
    pub fn condition_in(&self, release: Release) -> Option<&'static str> {
        holding(release, self.condition, self.conditions.iter().copied())
    }

    /// Reports each place where `data`, if there is any, is not what comes with the event in `release`.
    pub fn check_data(&self, data: Option<Value<'_>>, release: Release, mut report: impl FnMut(&Misfit<'_>)) {
        Check::new(release, Direction::Out, &mut report).data(data, self.data);
    }

    /// Whether such `data` comes with the event in `release`.
    ///
    /// # Errors
    /// Why not: the first reason that [`check_data`](Self::check_data) reports.
    pub fn brings(&self, data: Option<Value<'_>>, release: Release) -> Result<(), Reason> {
        let mut first = Ok(());
        self.check_data(data, release, |misfit| first = first.and(Err(misfit.reason)));
        first
    }
}

//! The vocabulary as data: every command, event and type of the chapters that are on, what each release had of it, and whether a
//! value is what a release takes or sends.
//!
//! Where decoding is open to what is to come, a check is strict: what a release does not know does not fit it. `qmp lint` is made
//! of this.
//!
//! ```
//! # #[cfg(feature = "block-core")] {
//! use qmp_core::json::Payload;
//! use qmp_qapi::registry::{Release, qmp};
//!
//! let resize = qmp().command("block_resize").unwrap();
//! let node_name = resize.arguments.members().find(|member| member.name == "node-name").unwrap();
//! assert_eq!((resize.presence.since.to_string(), node_name.presence.since.to_string()), ("0.14".into(), "2.0".into()));
//!
//! let mut text = *br#"{"node-name": "disk0", "size": "1G"}"#;
//! let arguments = Payload::parse(&mut text)?.into_value();
//! let mut misfits = Vec::new();
//! resize.check_arguments(Some(arguments), Release::new(1, 7, 0), |misfit| misfits.push(misfit.to_string()));
//! assert_eq!(
//!     misfits,
//!     [
//!         "arguments.node-name: member only since 2.0",
//!         "arguments.size: a string in place of int64",
//!         "arguments.device: missing",
//!     ]
//! );
//! # }
//! # Ok::<(), qmp_core::json::scan::Error>(())
//! ```
//!
//! # What fits a release
//!
//! - Names of members, values of enums and branches of unions fit where they are [there](Presence). A member's type, whether it may
//!   be left out, whether something is a struct or a union, and whether a command takes any member: as it was then.
//! - A member that depends on how QEMU was built may be absent; so may, in replies and events, a member that
//!   [varies](field@Member::vary) from release to release.
//! - `null` is no way to leave a member out. Whole numbers are written without fraction or exponent.
//! - Stable updates are as the first release of their series, unless it is known otherwise. Of the time before 1.0 only names of
//!   commands and events are known.
//!
//! Whether something fits some release is [`Vocabulary::newest_that`].
//!
//! # What it costs
//!
//! Statics and no code for each command. They refer to each other; what is never referred to, the linker drops.

mod build;
mod check;
mod command;
mod definition;
#[cfg(feature = "defmt")]
mod format;
mod misfit;
mod release;
mod tables;
#[cfg(test)]
mod tests;

use core::fmt;

pub use check::Direction;
pub use command::{Arguments, Command, CommandChange, Event};
pub use definition::{
    Alternate, Branch, Enum, EnumValue, Form, Integer, Member, MemberChange, Struct, Type, Union, UnionChange,
};
pub use misfit::{Misfit, Path, Reason};
pub use release::{Absence, NoRelease, Presence, Release};

/// The vocabulary of QMP: its chapters that are on.
pub fn qmp() -> &'static Vocabulary {
    &tables::QMP
}

/// The vocabulary of the guest agent, whose names have nothing to do with QMP's. Empty unless feature `guest-agent` is on.
pub fn guest_agent() -> &'static Vocabulary {
    &tables::GUEST_AGENT
}

/// Chapters whose names are unique among them.
#[derive(Clone, Copy)]
pub struct Vocabulary {
    chapters: &'static [&'static Chapter],
    releases: &'static [Release],
}

/// What belongs together: a file of QEMU's schema.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// Its name, which is that of the feature, too.
    pub name: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Its commands.
    pub commands: &'static [Command],
    /// Its events.
    pub events: &'static [Event],
    /// Its structs, unions, alternates and enums.
    pub definitions: &'static [Type],
}

impl Vocabulary {
    /// Its chapters that are on.
    pub fn chapters(&self) -> impl Iterator<Item = &'static Chapter> {
        self.chapters.iter().copied()
    }

    /// Every command.
    pub fn commands(&self) -> impl Iterator<Item = &'static Command> {
        self.chapters().flat_map(|chapter| chapter.commands)
    }

    /// Every event.
    pub fn events(&self) -> impl Iterator<Item = &'static Event> {
        self.chapters().flat_map(|chapter| chapter.events)
    }

    /// Every struct, union, alternate and enum. Those that were renamed have their newest name.
    pub fn definitions(&self) -> impl Iterator<Item = Type> {
        self.chapters().flat_map(|chapter| chapter.definitions).copied()
    }

    /// The command of this name, of any release.
    pub fn command(&self, name: &str) -> Option<&'static Command> {
        self.commands().find(|command| command.name == name)
    }

    /// The event of this name, of any release.
    pub fn event(&self, name: &str) -> Option<&'static Event> {
        self.events().find(|event| event.name == name)
    }

    /// The struct, union, alternate or enum of this name.
    pub fn definition(&self, name: &str) -> Option<Type> {
        self.definitions().find(|definition| definition.name() == name)
    }

    /// The releases whose schemas are known, oldest first. What others have follows from those beside them.
    pub const fn releases(&self) -> &'static [Release] {
        self.releases
    }

    /// The newest of them for which `fits` holds: with [`Command::takes`], the newest that takes certain arguments.
    pub fn newest_that(&self, mut fits: impl FnMut(Release) -> bool) -> Option<Release> {
        self.releases.iter().rev().copied().find(|release| fits(*release))
    }
}

/// The names of its chapters.
impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.chapters().map(|chapter| chapter.name)).finish()
    }
}

//! What the QEMU at the other end has: questions about its own schema, [`query-qmp-schema`](crate::commands::QueryQmpSchema),
//! answered without an allocator.
//!
//! Better than to look at versions: distributions carry features back, and builds leave parts out.
//!
//! The reply is one flat list of entities, 150 to 250 KB. Commands and events have their names; types have opaque ones, which
//! change with every build but not while a QEMU runs. A [`Question`] walks from a command or event down the types, and keeps
//! nothing but the names of those that it has to see next. Every release sends commands and events before all types, but types
//! in no order: what a question waits for may have gone by. So the entities are shown to it once or more:
//!
//! - [`Schema`] does that with a reply that is in memory.
//! - A client that streams the reply through a small buffer [feeds](Question::feed) it one entity at a time, says when
//!   [that was all](Question::end), and sends the command again where it is told to.
//!
//! How many passes that takes, at most: one for a command, an event, its features and its own members; one more for each step
//! further down, and for each list, alternate or branch on the way. The tests count them with real schemas.
//!
//! ```
//! use qmp_core::json::Payload;
//! use qmp_qapi::schema::{Question, Root, Schema, Step};
//!
//! let mut reply = *br#"[
//!     {"name": "block-commit", "meta-type": "command", "arg-type": "17", "ret-type": "0"},
//!     {"name": "17", "meta-type": "object", "members": [
//!         {"name": "device", "type": "str"},
//!         {"name": "on-error", "type": "18", "default": null},
//!         {"name": "top", "type": "str", "default": null, "features": ["deprecated"]}]},
//!     {"name": "18", "meta-type": "enum", "values": ["report", "ignore"]}]"#;
//! let schema = Schema::new(Payload::parse(&mut reply)?.decode()?);
//! let has = |steps: &[Step<'_>]| schema.has(Question::<8>::new(Root::Command("block-commit"), steps));
//! assert!(has(&[])?);
//! assert!(has(&[Step::Member("on-error"), Step::Value("ignore")])?);
//! assert!(has(&[Step::Member("top"), Step::Feature("deprecated")])?);
//! assert!(!has(&[Step::Member("base-node")])?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod question;
#[cfg(test)]
mod tests;
mod wanted;

use core::fmt;

use qmp_core::json::de;

pub use question::{Answer, Question, Root, Step};

use crate::List;
use crate::types::{SchemaInfo, SchemaInfoBranch, SchemaInfoCommand, SchemaInfoEvent};

/// A schema in memory: the reply, or a slice. To look something up is to go through it.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a>(List<'a, SchemaInfo<'a>>);

impl<'a> Schema<'a> {
    /// The schema of these entities.
    pub const fn new(entities: List<'a, SchemaInfo<'a>>) -> Self {
        Self(entities)
    }

    /// Its entities, as they came.
    pub const fn entities(&self) -> List<'a, SchemaInfo<'a>> {
        self.0
    }

    /// The entity of this name: a command, an event, or a type by QEMU's name of it. Those that cannot be read are passed over.
    pub fn entity(&self, name: &str) -> Option<SchemaInfo<'a>> {
        self.0.iter().find_map(|entity| entity.ok().filter(|entity| entity.name == name))
    }

    /// The command of this name.
    pub fn command(&self, name: &str) -> Option<SchemaInfoCommand<'a>> {
        match self.entity(name)?.meta_type {
            SchemaInfoBranch::Command(command) => Some(command),
            _ => None,
        }
    }

    /// The event of this name.
    pub fn event(&self, name: &str) -> Option<SchemaInfoEvent<'a>> {
        match self.entity(name)?.meta_type {
            SchemaInfoBranch::Event(event) => Some(event),
            _ => None,
        }
    }

    /// Whether it has what `question` asks for.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn has<const N: usize>(&self, mut question: Question<'_, N>) -> Result<bool, Trouble> {
        loop {
            for entity in self.0 {
                let entity = entity.map_err(Trouble::Unread)?;
                if question.feed(&entity)? == Answer::Yes {
                    return Ok(true);
                }
            }
            match question.end() {
                Answer::Yes => return Ok(true),
                Answer::No => return Ok(false),
                // No more often than the question has room for types.
                Answer::Open => {}
            }
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Trouble {
    /// An entity of the schema is none.
    Unread(de::Error),
    /// More types have to be looked at than the question has room for; or it has more than 255 steps.
    Full,
    /// A type's name is longer than [`Question::LONGEST`].
    Long,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(error) => write!(f, "not a schema: {error}"),
            Self::Full => f.write_str("more types to look at than there is room for"),
            Self::Long => f.write_str("a type has too long a name"),
        }
    }
}

impl core::error::Error for Trouble {}

//! A question to a schema, which sees one entity after the other.

use super::Trouble;
use super::wanted::{LONGEST, Wanted};
use crate::List;
use crate::types::{SchemaInfo, SchemaInfoBranch, SchemaInfoEnum, SchemaInfoObject};

/// Where a question begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Root<'q> {
    /// A command. Steps lead into its arguments.
    Command(&'q str),
    /// What a command returns.
    Return(&'q str),
    /// An event. Steps lead into its data.
    Event(&'q str),
}

/// One step further. Lists and alternates take none: what is below a list is below its elements, and what is below an alternate
/// is below any of its alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step<'q> {
    /// A member of this name, in any branch.
    Member(&'q str),
    /// The branch that this value of the tag chooses.
    Branch(&'q str),
    /// A value of an enum.
    Value(&'q str),
    /// A feature (`deprecated`, `unstable`, `fdset`) of the command, event, member or value that the steps before led to, or of
    /// its type. The last step.
    Feature(&'q str),
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Answer {
    /// The schema has it.
    Yes,
    /// The schema does not have it.
    No,
    /// More entities must be seen: the rest of this pass, or all of them once more.
    Open,
}

/// Whether a schema has what some steps lead to, with room for the names of `N` types.
///
/// `blockdev-add` of QEMU 11.1 has 48 branches. Without steps no room is needed; for a member of arguments without branches
/// that of one.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q, const N: usize = 64> {
    root: Root<'q>,
    steps: &'q [Step<'q>],
    wanted: Wanted<N>,
    begun: bool,
    /// How many types had been seen when the last pass began; nothing before the first.
    before: Option<usize>,
    answer: Answer,
}

impl<'q, const N: usize> Question<'q, N> {
    /// The longest name of a type that can be waited for.
    pub const LONGEST: usize = LONGEST;

    /// A question that has seen nothing yet.
    pub const fn new(root: Root<'q>, steps: &'q [Step<'q>]) -> Self {
        Self { root, steps, wanted: Wanted::NONE, begun: false, before: None, answer: Answer::Open }
    }

    /// Shows it an entity, and tells the answer if that is known now. It may be before the last entity of a pass.
    ///
    /// # Errors
    /// There is no answer: see [`Trouble`]. Only an entity that cannot be read may be fed once more.
    pub fn feed(&mut self, entity: &SchemaInfo<'_>) -> Result<Answer, Trouble> {
        if self.answer == Answer::Open {
            if !self.begun {
                self.begin(entity)?;
            }
            // At one type several steps may be due.
            while let Some(step) = self.wanted.take(entity.name) {
                self.look(entity, step)?;
            }
        }
        Ok(self.answer)
    }

    /// All entities have been shown. [`Answer::Open`]: they must be once more.
    pub fn end(&mut self) -> Answer {
        let taken = self.wanted.taken();
        // What is not there in a whole pass will not be in the next.
        let waits = self.begun && taken < self.wanted.len() && self.before.replace(taken) != Some(taken);
        if self.answer == Answer::Open && !waits {
            self.answer = Answer::No;
        }
        self.answer
    }

    /// The names of how many types it has kept, out of `N`.
    pub const fn room_used(&self) -> usize {
        self.wanted.len()
    }

    /// Looks whether the entity is the one to begin with.
    fn begin(&mut self, entity: &SchemaInfo<'_>) -> Result<(), Trouble> {
        let below = match (self.root, entity.meta_type) {
            (Root::Command(name), SchemaInfoBranch::Command(it)) if name == entity.name => it.arg_type,
            (Root::Return(name), SchemaInfoBranch::Command(it)) if name == entity.name => it.ret_type,
            (Root::Event(name), SchemaInfoBranch::Event(it)) if name == entity.name => it.arg_type,
            _ => return Ok(()),
        };
        self.begun = true;
        self.arrive(0, entity.features, Some(below))
    }

    /// Takes a step at a type.
    fn look(&mut self, entity: &SchemaInfo<'_>, at: u8) -> Result<(), Trouble> {
        let Some(step) = self.steps.get(usize::from(at)).copied() else { return Ok(()) };
        if let Step::Feature(feature) = step
            && has(entity.features, feature)?
        {
            self.answer = Answer::Yes;
        }
        match entity.meta_type {
            SchemaInfoBranch::Array(it) => self.wanted.add(it.element_type, at),
            SchemaInfoBranch::Alternate(it) => it.members.iter().try_for_each(|member| {
                let member = member.map_err(Trouble::Unread)?;
                self.wanted.add(member.r#type, at)
            }),
            SchemaInfoBranch::Enum(it) => self.look_at_values(&it, step, at),
            SchemaInfoBranch::Object(it) => self.look_at_members(&it, step, at),
            _ => Ok(()),
        }
    }

    fn look_at_values(&mut self, it: &SchemaInfoEnum<'_>, step: Step<'_>, at: u8) -> Result<(), Trouble> {
        let Step::Value(name) = step else { return Ok(()) };
        for member in it.members.unwrap_or_default() {
            let member = member.map_err(Trouble::Unread)?;
            if member.name == name {
                return self.arrive(after(at)?, member.features, None);
            }
        }
        // Older releases tell of nothing but names.
        if it.members.is_none() && has(Some(it.values), name)? {
            return self.arrive(after(at)?, None, None);
        }
        Ok(())
    }

    fn look_at_members(&mut self, it: &SchemaInfoObject<'_>, step: Step<'_>, at: u8) -> Result<(), Trouble> {
        if let Step::Member(name) = step {
            for member in it.members {
                let member = member.map_err(Trouble::Unread)?;
                if member.name == name {
                    return self.arrive(after(at)?, member.features, Some(member.r#type));
                }
            }
        }
        for variant in it.variants.unwrap_or_default() {
            let variant = variant.map_err(Trouble::Unread)?;
            match step {
                Step::Member(_) => self.wanted.add(variant.r#type, at)?,
                Step::Branch(case) if variant.case == case => {
                    self.arrive(after(at)?, None, Some(variant.r#type))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The steps before `next` were taken, to something with these features and of this type.
    fn arrive(&mut self, next: u8, features: Option<List<'_, &str>>, of: Option<&str>) -> Result<(), Trouble> {
        match (self.steps.get(usize::from(next)), of) {
            (None, _) => self.answer = Answer::Yes,
            (Some(Step::Feature(feature)), _) if has(features, feature)? => self.answer = Answer::Yes,
            (Some(_), Some(of)) => self.wanted.add(of, next)?,
            (Some(_), None) => {}
        }
        Ok(())
    }
}

/// The step behind the one at `at`.
fn after(at: u8) -> Result<u8, Trouble> {
    at.checked_add(1).ok_or(Trouble::Full)
}

fn has(list: Option<List<'_, &str>>, name: &str) -> Result<bool, Trouble> {
    for it in list.unwrap_or_default() {
        if it.map_err(Trouble::Unread)? == name {
            return Ok(true);
        }
    }
    Ok(false)
}

//! What all tables are written with: names, releases, types, members.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};

use super::super::model::{Definition, EnumValue, Head, Member, Schema, Since, Type};
use super::super::names;
use super::screaming::screaming;

/// The definitions of one vocabulary and where they are.
pub(super) struct Terms<'s> {
    types: BTreeMap<&'s str, (&'s str, Definition<'s>)>,
}

impl<'s> Terms<'s> {
    pub(super) fn of(schema: &'s Schema) -> Result<Self> {
        let types = schema.types().into_iter();
        let types: BTreeMap<_, _> =
            types.map(|(name, (chapter, definition))| (name, (&*chapter.name, definition))).collect();
        let mut statics = BTreeSet::new();
        for (name, (chapter, _)) in &types {
            ensure!(statics.insert((*chapter, screaming(name))), "{name} has the static of another type");
        }
        Ok(Self { types })
    }

    /// The static of a type, as `chapter` names it.
    pub(super) fn path(&self, name: &str, chapter: &str) -> Result<String> {
        let (home, _) = self.types.get(name).with_context(|| format!("no type {name}"))?;
        let name = screaming(name);
        Ok(if *home == chapter { name } else { format!("super::{}::{name}", names::module(home)) })
    }

    /// A defined type, as an expression.
    pub(super) fn defined(&self, name: &str, chapter: &str) -> Result<String> {
        let (_, definition) = self.types.get(name).with_context(|| format!("no type {name}"))?;
        let kind = match definition {
            Definition::Struct(_) => "Struct",
            Definition::Union(_) => "Union",
            Definition::Alternate(_) => "Alternate",
            Definition::Enum(_) => "Enum",
        };
        Ok(format!("Type::{kind}(&{})", self.path(name, chapter)?))
    }

    /// Any type, as an expression.
    pub(super) fn typed(&self, of: &Type, chapter: &str) -> Result<String> {
        let element = match &*of.name {
            name @ ("QType" | "qtype") => bail!("the registry has no word for {name}"),
            name if of.is_builtin() => name.to_ascii_uppercase(),
            name => self.defined(name, chapter)?,
        };
        Ok(if of.list { format!("Type::List(&{element})") } else { element })
    }
}

/// A release's numbers.
pub(super) fn release_numbers(text: &str) -> Result<(u8, u8, u8)> {
    let mut parts = text.split('.').map(str::parse);
    let mut part = || parts.next().unwrap_or(Ok(0)).with_context(|| format!("{text} is no release"));
    Ok((part()?, part()?, part()?))
}

/// A release, as an expression.
pub(super) fn release(text: &str) -> Result<String> {
    Ok(match release_numbers(text)? {
        (major, minor, 0) => format!("v({major}, {minor})"),
        (major, minor, micro) => format!("Release::new({major}, {minor}, {micro})"),
    })
}

/// When something is there, as an expression.
pub(super) struct Presence<'f> {
    pub(super) since: Option<&'f str>,
    pub(super) until: Option<&'f str>,
    pub(super) deprecated: Option<&'f Since>,
    pub(super) unstable: Option<&'f Since>,
}

impl Presence<'_> {
    pub(super) fn written(&self) -> Result<String> {
        let mut text = match self.since.map(release_numbers).transpose()? {
            None => "Presence::ALWAYS".to_owned(),
            Some((major, minor, 0)) => format!("since({major}, {minor})"),
            Some((major, minor, micro)) => format!("stable({major}, {minor}, {micro})"),
        };
        if let Some(until) = self.until {
            let (major, minor, micro) = release_numbers(until)?;
            ensure!(micro == 0, "something ends within a series, with {until}: the registry has no word for that");
            write!(text, ".until({major}, {minor})")?;
        }
        for (word, since) in [("deprecated", self.deprecated), ("unstable", self.unstable)] {
            match since {
                Some(Since::Release(since)) => write!(text, ".{word}({})", release(since)?)?,
                Some(Since::Always(true)) => write!(text, ".{word}(Presence::EVER)")?,
                Some(Since::Always(false)) | None => {}
            }
        }
        Ok(text)
    }
}

pub(super) fn presence(head: &Head) -> Result<String> {
    Presence {
        since: Some(&head.since),
        until: head.until.as_deref(),
        deprecated: head.deprecated.as_ref(),
        unstable: head.unstable.as_ref(),
    }
    .written()
}

fn presence_of_member(member: &Member) -> Result<String> {
    Presence {
        since: member.since.as_deref(),
        until: member.until.as_deref(),
        deprecated: member.deprecated.as_ref(),
        unstable: member.unstable.as_ref(),
    }
    .written()
}

/// A list of members, as an expression.
pub(super) fn members(members: &[Member], chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let members = members.iter().map(|member| {
        let written = self::member(member, chapter, terms).with_context(|| member.name.clone())?;
        Ok(format!("{written},"))
    });
    Ok(format!("&[{}]", members.collect::<Result<Vec<_>>>()?.join("\n")))
}

pub(super) fn member(member: &Member, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let of = terms.typed(&member.of, chapter)?;
    let mut text = format!("member({:?}, {of}, {})", member.name, presence_of_member(member)?);
    for (flag, word) in [(member.optional, "optional"), (member.vary, "vary")] {
        if flag {
            write!(text, ".{word}()")?;
        }
    }
    if let Some(condition) = &member.condition {
        write!(text, ".on({condition:?})")?;
    }
    let mut changes = Vec::new();
    for (since, of) in &member.type_history {
        changes.push(format!("MemberChange::Type({}, {})", release(since)?, terms.typed(of, chapter)?));
    }
    for (since, optional) in &member.optional_history {
        changes.push(format!("MemberChange::Optional({}, {optional})", release(since)?));
    }
    for (since, condition) in conditions(&member.condition_history)? {
        changes.push(format!("MemberChange::Condition({since}, {condition})"));
    }
    for absent in &member.not_in {
        changes.push(format!("MemberChange::Absent({})", release(absent)?));
    }
    text.push_str(&changed(&changes));
    Ok(text)
}

pub(super) fn enum_value(value: &EnumValue) -> Result<String> {
    let presence = Presence {
        since: Some(&value.since),
        until: value.until.as_deref(),
        deprecated: value.deprecated.as_ref(),
        unstable: value.unstable.as_ref(),
    };
    let mut text = format!("value({:?}, {})", value.name, presence.written()?);
    if let Some(condition) = &value.condition {
        write!(text, ".on({condition:?})")?;
    }
    Ok(text)
}

/// Releases and the conditions that held from there on, as expressions.
pub(super) fn conditions(history: &[(String, Option<String>)]) -> Result<Vec<(String, String)>> {
    let written = |condition: &Option<String>| {
        let quoted = condition.as_ref().map(|condition| format!("{condition:?}"));
        option(quoted.as_deref())
    };
    history.iter().map(|(since, condition)| Ok((release(since)?, written(condition)))).collect()
}

/// An option, as an expression.
pub(super) fn option(some: Option<&str>) -> String {
    some.map_or("None".to_owned(), |some| format!("Some({some})"))
}

/// The call that adds changes, if there are any.
pub(super) fn changed(changes: &[String]) -> String {
    if changes.is_empty() { String::new() } else { format!(".changed(&[{}])", changes.join(", ")) }
}

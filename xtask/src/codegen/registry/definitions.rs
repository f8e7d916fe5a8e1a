//! Types, each a static.

use core::fmt::Write as _;

use anyhow::{Context, Result, bail};

use super::super::model::{Alternate, Branch, Definition, Enum, Struct, Union, UnionKind};
use super::screaming::screaming;
use super::terms::{Presence, Terms, changed, enum_value, members, presence, release};

pub(super) fn definition(definition: Definition<'_>, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let (head, kind, text) = match definition {
        Definition::Struct(it) => (&it.head, "Struct", structure(it, chapter, terms)?),
        Definition::Union(it) => (&it.head, "Union", union(it, chapter, terms)?),
        Definition::Alternate(it) => (&it.head, "Alternate", alternate(it, chapter, terms)?),
        Definition::Enum(it) => (&it.head, "Enum", enumeration(it)?),
    };
    Ok(format!("pub(super) static {}: {kind} = {text};\n", screaming(&head.name)))
}

fn structure(it: &Struct, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let members = members(&it.members, chapter, terms)?;
    let mut text = format!("structure({:?}, {}, {members})", it.head.name, presence(&it.head)?);
    if let Some(base) = &it.base {
        write!(text, ".with(&{})", terms.path(base, chapter)?)?;
    }
    Ok(text)
}

fn union(it: &Union, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let tag = format!("({:?}, &{})", it.discriminator, terms.path(&it.discriminator_type, chapter)?);
    let branches = it.branches.iter().map(|branch| {
        let written = self::branch(branch, chapter, terms).with_context(|| branch.tag.clone())?;
        Ok(format!("{written},"))
    });
    let branches = branches.collect::<Result<Vec<_>>>()?.join("\n");
    let mut text = format!("union({:?}, {}, {tag}, &[{branches}])", it.head.name, presence(&it.head)?);
    if it.kind == UnionKind::Simple {
        text.push_str(".simple()");
    }
    if let Some(base) = &it.base {
        write!(text, ".with(&{})", terms.path(base, chapter)?)?;
    }
    if !it.members.is_empty() {
        write!(text, ".own({})", members(&it.members, chapter, terms)?)?;
    }
    if let Some(form) = &it.struct_form {
        write!(text, ".as_struct({})", members(&form.members, chapter, terms)?)?;
    }
    if !it.moved_to_branches.is_empty() {
        write!(text, ".moved_to_branches(&{:?})", it.moved_to_branches)?;
    }
    let mut changes = Vec::new();
    for (since, kind) in &it.kind_history {
        let form = match &**kind {
            "struct" => "Struct",
            "simple union" => "Simple",
            "flat union" => "Flat",
            other => bail!("what is a {other}?"),
        };
        changes.push(format!("UnionChange::Form({}, Form::{form})", release(since)?));
    }
    for (since, name) in &it.discriminator_history {
        changes.push(format!("UnionChange::Discriminator({}, {name:?})", release(since)?));
    }
    text.push_str(&changed(&changes));
    Ok(text)
}

fn branch(branch: &Branch, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let presence =
        Presence { since: Some(&branch.since), until: branch.until.as_deref(), deprecated: None, unstable: None };
    let mut text = format!("branch({:?}, {}, {})", branch.tag, terms.typed(&branch.of, chapter)?, presence.written()?);
    if let Some(condition) = &branch.condition {
        write!(text, ".on({condition:?})")?;
    }
    let changes = branch.type_history.iter();
    let changes = changes.map(|(since, of)| Ok(format!("({}, {})", release(since)?, terms.typed(of, chapter)?)));
    text.push_str(&changed(&changes.collect::<Result<Vec<_>>>()?));
    Ok(text)
}

fn alternate(it: &Alternate, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let alternatives = members(&it.alternatives, chapter, terms)?;
    Ok(format!("alternate({:?}, {}, {alternatives})", it.head.name, presence(&it.head)?))
}

fn enumeration(it: &Enum) -> Result<String> {
    let values = it.values.iter().map(|value| Ok(format!("{},", enum_value(value)?)));
    let values = values.collect::<Result<Vec<_>>>()?.join("\n");
    let mut text = format!("enumeration({:?}, {}, &[{values}])", it.head.name, presence(&it.head)?);
    if let Some(form) = &it.bool {
        let (major, minor, _) = super::terms::release_numbers(&form.until)?;
        write!(text, ".bool_until({major}, {minor})")?;
    }
    Ok(text)
}

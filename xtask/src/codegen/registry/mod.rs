//! The registry's tables: the schema with all its histories, as statics that refer to each other.

mod arguments;
mod definitions;
mod screaming;
mod terms;

use alloc::collections::BTreeSet;
use core::fmt::Write as _;

use anyhow::{Context, Result};

use super::files::Files;
use super::model::{Chapter, Command, Event, Schema};
use super::names;
use terms::{Terms, conditions, members, presence};

/// Where the tables are, below the package.
const FOLDER: &str = "src/registry/tables";

pub(crate) fn generate(qmp: &Schema, agent: &Schema, files: &mut Files) -> Result<()> {
    for schema in [qmp, agent] {
        let terms = Terms::of(schema)?;
        for chapter in &schema.chapters {
            let text = table(chapter, &terms).with_context(|| format!("chapter {}", chapter.name))?;
            files.rust(format!("{FOLDER}/{}.rs", names::module(&chapter.name)), &text)?;
        }
    }
    files.rust(format!("{FOLDER}/mod.rs"), &index(qmp, agent)?)
}

/// The list of chapters.
fn index(qmp: &Schema, agent: &Schema) -> Result<String> {
    let mut text = "//! The tables, a file a chapter.\n\n".to_owned();
    // Modules stand in the order of their names, and the agent is one among them.
    let chapters = qmp.chapters.iter().chain(&agent.chapters).map(|chapter| &*chapter.name);
    let mut chapters: Vec<_> = chapters.collect();
    chapters.sort_by_key(|chapter| names::module(chapter));
    for chapter in chapters {
        writeln!(text, "#[cfg(feature = {chapter:?})] mod {};", names::module(chapter))?;
    }
    text.push_str("\nuse super::build::{Release, Vocabulary};\n");
    for (name, what, schema) in [("QMP", "QMP's chapters.", qmp), ("GUEST_AGENT", "The guest agent's.", agent)] {
        write!(text, "\n/// {what}\npub(super) static {name}: Vocabulary = Vocabulary {{ chapters: &[")?;
        for Chapter { name, .. } in &schema.chapters {
            writeln!(text, "#[cfg(feature = {name:?})] &{}::CHAPTER,", names::module(name))?;
        }
        text.push_str("], releases: &[");
        // Corrections of releases, as 2.5.1.1, are not told apart.
        let releases = schema.releases.iter().map(|release| terms::release_numbers(release));
        let releases: Result<BTreeSet<_>> = releases.collect();
        for (major, minor, micro) in releases? {
            writeln!(text, "Release::new({major}, {minor}, {micro}),")?;
        }
        text.push_str("] };\n");
    }
    Ok(text)
}

/// One chapter.
fn table(chapter: &Chapter, terms: &Terms<'_>) -> Result<String> {
    let mut text = format!("//! Chapter `{}`.\n\nuse crate::registry::build::*;\n\n", chapter.name);
    writeln!(
        text,
        "pub(super) static CHAPTER: Chapter = Chapter {{ name: {:?}, title: {:?},",
        chapter.name, chapter.title
    )?;
    text.push_str("commands: COMMANDS, events: EVENTS, definitions: DEFINITIONS };\n\n");

    text.push_str("static COMMANDS: &[Command] = &[");
    for command in &chapter.commands {
        let written = self::command(command, &chapter.name, terms).with_context(|| command.head.name.clone())?;
        writeln!(text, "{written},")?;
    }
    text.push_str("];\n\nstatic EVENTS: &[Event] = &[");
    for event in &chapter.events {
        let written = self::event(event, &chapter.name, terms).with_context(|| event.head.name.clone())?;
        writeln!(text, "{written},")?;
    }
    text.push_str("];\n\nstatic DEFINITIONS: &[Type] = &[");
    let types = chapter.types().into_iter().filter(|(head, _)| head.renamed_to.is_none()).collect::<Vec<_>>();
    for (head, _) in &types {
        writeln!(text, "{},", terms.defined(&head.name, &chapter.name)?)?;
    }
    text.push_str("];\n");
    for (head, definition) in types {
        let written = definitions::definition(definition, &chapter.name, terms).with_context(|| head.name.clone())?;
        write!(text, "\n{written}")?;
    }
    Ok(text)
}

fn command(command: &Command, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let Command { head, .. } = command;
    let mut text = format!("command({:?}, {})", head.name, presence(head)?);
    for (flag, word) in [(command.oob, "oob"), (command.preconfig, "preconfig"), (command.no_reply, "no_reply")] {
        if flag {
            write!(text, ".{word}()")?;
        }
    }
    match &command.union {
        Some(union) => write!(text, ".arguments_of(&{})", terms.path(union, chapter)?)?,
        None if command.arguments.is_empty() => {}
        None => write!(text, ".arguments({})", members(&command.arguments, chapter, terms)?)?,
    }
    let mut changes = arguments::forms(command, chapter, terms)?;
    if command.open {
        text.push_str(".open()");
    }
    if let Some(returns) = &command.returns {
        write!(text, ".returns({})", terms.typed(returns, chapter)?)?;
    }
    for (since, open) in &command.open_history {
        changes.push(format!("CommandChange::Open({}, {open})", terms::release(since)?));
    }
    for (since, returns) in &command.returns_history {
        let of = returns.as_ref().map(|of| terms.typed(of, chapter)).transpose()?;
        changes.push(format!("CommandChange::Returns({}, {})", terms::release(since)?, terms::option(of.as_deref())));
    }
    if let Some(condition) = &head.condition {
        write!(text, ".on({condition:?})")?;
    }
    for (since, condition) in conditions(&head.condition_history)? {
        changes.push(format!("CommandChange::Condition({since}, {condition})"));
    }
    text.push_str(&terms::changed(&changes));
    Ok(text)
}

fn event(event: &Event, chapter: &str, terms: &Terms<'_>) -> Result<String> {
    let Event { head, .. } = event;
    let mut text = format!("event({:?}, {})", head.name, presence(head)?);
    if event.rate_limited {
        text.push_str(".rate_limited()");
    }
    if !event.data.is_empty() {
        write!(text, ".data({})", members(&event.data, chapter, terms)?)?;
    }
    if let Some(condition) = &head.condition {
        write!(text, ".on({condition:?})")?;
    }
    let changes = conditions(&head.condition_history)?;
    let changes = changes.iter().map(|(since, condition)| format!("({since}, {condition})")).collect::<Vec<_>>();
    text.push_str(&terms::changed(&changes));
    Ok(text)
}

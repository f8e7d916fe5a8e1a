//! The tables by which tests read what they know the name of at run time only: every command with its return, every event and
//! every type.
//!
//! They link all that there is, so they belong to the tests.

use core::fmt::Write as _;

use anyhow::Result;

use super::files::Files;
use super::model::{Command, Member, Schema};
use super::names::camel;
use super::shape::Shapes;

pub(crate) fn generate(qmp: &Schema, agent: &Schema, files: &mut Files) -> Result<()> {
    let mut text = "//! Every command, reply, event and type of both vocabularies by its name on the wire.\n\n\
                    use qmp_core::command::Command;\nuse qmp_qapi::{commands, events, guest_agent, registry, types};\n\n\
                    use crate::vocabulary::{Row, Vocabulary, again};\n"
        .to_owned();
    vocabulary(&mut text, ["QMP", "QMP's vocabulary."], "", qmp)?;
    vocabulary(&mut text, ["GUEST_AGENT", "The guest agent's."], "guest_agent::", agent)?;
    files.rust("src/by_name.rs", &text)
}

fn vocabulary(text: &mut String, [name, what]: [&str; 2], module: &str, schema: &Schema) -> Result<()> {
    let shapes = Shapes::of(schema);
    let commands = || schema.chapters.iter().flat_map(|chapter| &chapter.commands);
    let typed = |path: &str, wire: &str, borrows: bool| {
        format!("{module}{path}::{}{}", camel(wire), if borrows { "<'_>" } else { "" })
    };

    writeln!(
        text,
        "\n/// {what}\npub static {name}: Vocabulary = Vocabulary {{ facts: registry::{}, arguments: &[",
        name.to_lowercase()
    )?;
    for it in commands() {
        row(text, &it.head.name, &typed("commands", &it.head.name, borrows(it, &shapes)))?;
    }
    text.push_str("], older: &[");
    for it in commands().filter(|it| it.forms.iter().any(|(_, form)| form.contains(':'))) {
        row(text, &it.head.name, &typed("commands::older", &it.head.name, true))?;
    }
    text.push_str("], returns: &[");
    for it in commands() {
        let command = typed("commands", &it.head.name, borrows(it, &shapes));
        row(text, &it.head.name, &format!("<{command} as Command>::Return<'_>"))?;
    }
    text.push_str("], events: &[");
    for it in schema.chapters.iter().flat_map(|chapter| &chapter.events) {
        let borrows = shapes.any_borrows(&it.data.iter().collect::<Vec<&Member>>());
        row(text, &it.head.name, &typed("events", &it.head.name, borrows))?;
    }
    text.push_str("], types: &[");
    for chapter in &schema.chapters {
        for (head, _) in chapter.types().into_iter().filter(|(head, _)| head.renamed_to.is_none()) {
            let lifetime = if shapes.borrows(&head.name) { "<'_>" } else { "" };
            row(text, &head.name, &format!("{module}types::{}{lifetime}", head.name))?;
        }
    }
    text.push_str("] };\n");
    Ok(())
}

fn borrows(command: &Command, shapes: &Shapes<'_>) -> bool {
    command.union.is_some() || command.open || shapes.any_borrows(&command.arguments.iter().collect::<Vec<_>>())
}

fn row(text: &mut String, name: &str, of: &str) -> Result<()> {
    Ok(writeln!(text, "Row {{ name: {name:?}, again: |value| again::<{of}>(value) }},")?)
}

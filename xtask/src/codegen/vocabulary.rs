//! The Rust of both vocabularies: their chapters, the modules that show all names at once, the enum of all events, and the
//! features.

use alloc::collections::BTreeSet;
use core::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::chapter::{self, Context};
use super::docs::Docs;
use super::files::Files;
use super::model::{AGENT, Chapter, Definition, Schema};
use super::names::{camel, module};
use super::shape::Shapes;

pub(crate) fn generate(qmp: &Schema, agent: &Schema, docs: &Path, files: &mut Files) -> Result<()> {
    let vocabularies = [(qmp, "crate::types", false), (agent, "crate::chapter::guest_agent::types", true)];
    for (schema, types, answers) in vocabularies {
        let shapes = Shapes::of(schema);
        let docs = Docs::load(docs, schema)?;
        let context = Context { shapes: &shapes, docs: &docs, types, answers };
        for chapter in &schema.chapters {
            chapter::generate(&context, chapter, files)?;
        }
    }

    let all = || qmp.chapters.iter().chain(&agent.chapters);
    let titles =
        |chapter: &Chapter| format!("#[cfg(feature = \"{}\")]\npub mod {};\n", chapter.name, module(&chapter.name));
    let index = format!(
        "//! The vocabulary by chapters, a feature each.\n\n\
         #![allow(single_use_lifetimes, reason = \"the forms name a lifetime whether a type has one or not\")]\n\n{}",
        all().map(titles).collect::<String>()
    );
    files.rust("src/chapter/mod.rs", &index)?;

    for (name, what, has) in [
        ("commands", "Every command of QMP", (|it| !it.commands.is_empty()) as fn(&Chapter) -> bool),
        ("events", "Every event of QMP", |it| !it.events.is_empty()),
        ("types", "Every type of QMP", |it| !it.types().is_empty()),
    ] {
        let uses = qmp.chapters.iter().filter(|it| has(it)).map(|it| {
            format!("#[cfg(feature = \"{}\")]\npub use crate::chapter::{}::{name}::*;\n", it.name, module(&it.name))
        });
        let mut text = format!("//! {what}, of the chapters that are on.\n\n{}", uses.collect::<String>());
        if name == "commands" {
            text.push_str(&older(qmp));
        }
        files.rust(format!("src/{name}.rs"), &text)?;
    }
    files.rust("src/event.rs", &events(qmp))?;
    files.rust("src/sample/all.rs", &samples(qmp, agent))?;
    files.section("Cargo.toml", "chapters", &features(qmp, agent))
}

/// The module of all commands in older forms.
fn older(qmp: &Schema) -> String {
    let has = |it: &&Chapter| it.commands.iter().any(|it| it.forms.iter().any(|(_, form)| form.contains(':')));
    let uses = qmp.chapters.iter().filter(has).map(|it| {
        format!("#[cfg(feature = \"{}\")]\npub use crate::chapter::{}::older::*;\n", it.name, module(&it.name))
    });
    let what = "/// Commands in the form that older releases take, where it differs in more than its members.";
    format!("\n{what}\npub mod older {{\n{}}}\n", uses.collect::<String>())
}

/// The enum of all events.
fn events(qmp: &Schema) -> String {
    let all = || qmp.chapters.iter().flat_map(|chapter| chapter.events.iter().map(move |it| (chapter, it)));
    let shapes = Shapes::of(qmp);
    let mut variants = String::new();
    let (mut names, mut reads, mut writes) = (String::new(), String::new(), String::new());
    for (chapter, event) in all() {
        let name = camel(&event.head.name);
        let on = format!("#[cfg(feature = \"{}\")]\n", chapter.name);
        let members = event.data.iter().collect::<Vec<_>>();
        let lifetime = if shapes.any_borrows(&members) { "<'a>" } else { "" };
        let _ = writeln!(variants, "/// `{}`\n{on}{name}(events::{name}{lifetime}),", event.head.name);
        let _ = writeln!(names, "{on}Self::{name}(_) => \"{}\",", event.head.name);
        let _ = writeln!(reads, "{on}\"{}\" => data.decode().map(Self::{name}),", event.head.name);
        let _ = writeln!(writes, "{on}Self::{name}(data) => data.serialize(serializer),");
    }
    format!(
        r#"//! All events as one type.

use qmp_core::json::{{Value, de}};
use serde::{{Serialize, Serializer}};

use crate::Any;
#[allow(unused_imports, reason = "no chapter that is on may have events")]
use crate::events;

/// Any event of the chapters that are on, with its data.
///
/// [`read`](Self::read) makes one of an event's name and data, and [`try_from`](TryFrom) of the event that a client hands out.
/// Serialized, it is its data. Who waits for a few events alone spends less with these types alone: each of
/// [`events`](crate::events) reads itself.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {{
    {variants}
    /// An event that this crate does not know, or that belongs to a chapter that is off.
    Other {{
        /// Its name.
        name: &'a str,
        /// Its data; `null` if it has none.
        data: Any<'a>,
    }},
}}

impl<'a> Event<'a> {{
    /// The name on the wire.
    pub const fn name(&self) -> &'a str {{
        match *self {{
            {names}
            Self::Other {{ name, .. }} => name,
        }}
    }}

    /// The event of this name, its data read from `data`: [`Value::NULL`] where it has none.
    ///
    /// # Errors
    ///
    /// The data is not what an event of this name has.
    pub fn read(name: &'a str, data: Value<'a>) -> Result<Self, de::Error> {{
        match name {{
            {reads}
            _ => Ok(Self::Other {{ name, data: data.into() }}),
        }}
    }}
}}

impl Serialize for Event<'_> {{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{
        match self {{
            {writes}
            Self::Other {{ data, .. }} => data.serialize(serializer),
        }}
    }}
}}

impl<'m> TryFrom<qmp_core::message::Event<'m>> for Event<'m> {{
    type Error = de::Error;

    fn try_from(event: qmp_core::message::Event<'m>) -> Result<Self, de::Error> {{
        Self::read(event.name, event.data.map_or(Value::NULL, qmp_core::json::Payload::into_value))
    }}
}}
"#
    )
}

/// Calls of the property test, one for each definition.
fn samples(qmp: &Schema, agent: &Schema) -> String {
    let mut text = String::from("//! The property test of every definition.\n\nuse super::both_ways;\n\n");
    for (schema, path) in [(qmp, "crate"), (agent, "crate::chapter::guest_agent")] {
        let shapes = Shapes::of(schema);
        for chapter in &schema.chapters {
            let mut calls = String::new();
            let mut call = |kind: &str, name: &str| {
                let _ = writeln!(calls, "both_ways::<{path}::{kind}::{name}>();");
            };
            for it in &chapter.commands {
                let name = camel(&it.head.name);
                let members = it.arguments.iter().collect::<Vec<_>>();
                let borrows = it.union.is_some() || it.open || shapes.any_borrows(&members);
                call("commands", &if borrows { format!("{name}<'_>") } else { name.clone() });
                if it.forms.iter().any(|(_, form)| form.contains(':')) {
                    call("commands::older", &format!("{name}<'_>"));
                }
            }
            for it in &chapter.events {
                let members = it.data.iter().collect::<Vec<_>>();
                let lifetime = if shapes.any_borrows(&members) { "<'_>" } else { "" };
                call("events", &format!("{}{lifetime}", camel(&it.head.name)));
            }
            for (head, definition) in chapter.types().into_iter().filter(|(head, _)| head.renamed_to.is_none()) {
                let lifetime = if shapes.borrows(&head.name) { "<'_>" } else { "" };
                call("types", &format!("{}{lifetime}", head.name));
                if let Definition::Union(it) = definition
                    && it.tag_vary
                    && it.struct_form.as_ref().is_some_and(|form| form.tag.is_none())
                {
                    call("types", &format!("{}Untagged", head.name));
                }
            }
            let _ = writeln!(
                text,
                "#[test]\n#[cfg(feature = \"{}\")]\nfn {}() {{\n{calls}}}\n",
                chapter.name,
                module(&chapter.name)
            );
        }
    }
    text
}

/// The features of `Cargo.toml`: each chapter with those whose types it uses.
fn features(qmp: &Schema, agent: &Schema) -> String {
    let types = qmp.types();
    let mut lines = Vec::new();
    for chapter in &qmp.chapters {
        let used = chapter.uses().into_iter().filter_map(|(_, of)| Some(&*types.get(&*of.name)?.0.name));
        let used = used.filter(|name| *name != chapter.name).collect::<BTreeSet<_>>();
        let used = used.into_iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        lines.push((chapter.name.clone(), used));
    }
    lines.extend(agent.chapters.iter().map(|it| (it.name.clone(), String::new())));
    lines.sort();
    assert!(lines.iter().any(|(name, _)| name == AGENT));
    let mut text = String::from("all = [\n");
    for row in lines.chunks(6) {
        let row = row.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "    {row},");
    }
    text.push_str("]\n");
    for (name, used) in lines {
        let _ = writeln!(text, "{name} = [{used}]");
    }
    text
}

//! The Rust of one chapter: a folder of commands, events, and types by their kind, with an index.

use alloc::collections::BTreeSet;
use core::fmt::Write as _;

use anyhow::Result;

use super::docs::Docs;
use super::files::Files;
use super::model::{Chapter, Direction, Head};
use super::names::{camel, module};
use super::shape::Shapes;
use super::words;

/// Parts that are modules of their own to users; the others together are `types`.
const OPEN: [&str; 3] = ["commands", "events", "older"];

/// What the texts of a vocabulary have in common.
pub(crate) struct Context<'s> {
    pub(crate) shapes: &'s Shapes<'s>,
    pub(crate) docs: &'s Docs,
    /// The module in which all types of the vocabulary are found.
    pub(crate) types: &'static str,
    /// Whether its users answer commands, too, so that they make what only ever is returned.
    pub(crate) answers: bool,
}

/// Adds the files of `chapter` to `files`.
pub(crate) fn generate(context: &Context<'_>, chapter: &Chapter, files: &mut Files) -> Result<()> {
    let folder = format!("src/chapter/{}", module(&chapter.name));
    let parts = [
        ("commands", context.commands(chapter)),
        ("events", context.events(chapter)),
        ("older", chapter.commands.iter().filter_map(|it| context.older(it)).collect()),
        ("structs", context.each(&chapter.structs, |it| &it.head, |it| context.record(it))),
        ("unions", context.each(&chapter.unions, |it| &it.head, |it| context.union(it))),
        ("alternates", context.each(&chapter.alternates, |it| &it.head, |it| context.alternate(it))),
        ("enums", context.each(&chapter.enums, |it| &it.head, |it| context.enumeration(it))),
    ];
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>();
    for (name, text) in &parts {
        let title = format!("{}: {name}.", chapter.title);
        files.rust(
            format!("{folder}/{name}.rs"),
            &format!("{}\n{}\n{text}", words::inner(&title), context.imports(text)),
        )?;
    }
    let parts = parts.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    files.rust(format!("{folder}/mod.rs"), &context.index(chapter, &parts))
}

impl Context<'_> {
    /// Whether users make values that are met in `direction`.
    pub(super) fn made(&self, direction: &[Direction]) -> bool {
        self.answers || direction.contains(&Direction::In)
    }

    /// The chapter's first page.
    fn index(&self, chapter: &Chapter, parts: &[&str]) -> String {
        let mut text = format!("{}.\n\n{}\n", chapter.title, self.docs.chapter(&chapter.name));
        let _ = writeln!(text, "\nFeature `{}`.", chapter.name);
        let mut table = |title: &str, heads: &[&Head], module: &str| {
            if heads.is_empty() {
                return;
            }
            let _ = writeln!(text, "\n| {title} | |\n|---|---|");
            for head in heads {
                let first = self.docs.of(&head.name).text.lines().next().unwrap_or_default().replace('|', "\\|");
                let _ = writeln!(text, "| [`{}`]({module}::{}) | {first} |", head.name, camel(&head.name));
            }
        };
        table("command", &chapter.commands.iter().map(|it| &it.head).collect::<Vec<_>>(), "commands");
        table("event", &chapter.events.iter().map(|it| &it.head).collect::<Vec<_>>(), "events");

        let mut rust = words::inner(&text);
        rust.push('\n');
        for part in parts {
            let visibility = if OPEN.contains(part) { "pub " } else { "" };
            let _ = writeln!(rust, "{visibility}mod {part};");
        }
        let types = parts.iter().filter(|part| !OPEN.contains(*part)).collect::<Vec<_>>();
        if !types.is_empty() {
            let _ = writeln!(rust, "\n/// The types of this chapter.\npub mod types {{");
            for part in types {
                let _ = writeln!(rust, "pub use super::{part}::*;");
            }
            rust.push_str("}\n");
        }
        rust
    }

    fn each<T>(&self, of: &[T], head: impl Fn(&T) -> &Head, text: impl Fn(&T) -> String) -> String {
        of.iter().filter(|it| head(it).renamed_to.is_none()).map(|it| text(it) + "\n").collect()
    }

    /// The `use` of what `text` mentions.
    fn imports(&self, text: &str) -> String {
        // A mention in a comment is none; nor is the name of a variant, the JSON type of an alternate, a qualified name.
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let words = code.match_indices(|c: char| c.is_alphanumeric() || c == '_').map(|(at, _)| at);
        let words = words.filter(|at| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let words = words.filter_map(|at| {
            let (before, rest) = code.split_at(at);
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
            let after = &rest[name.len()..];
            let is_name = after.starts_with('(') || after.starts_with(" = \"") && !before.ends_with(": ");
            let is_kind = before.ends_with(") = ") || before.ends_with("Null = ");
            let is_use = !before.ends_with("types::") && !is_name && !is_kind;
            is_use.then_some(name)
        });
        let words = words.collect::<BTreeSet<_>>();
        let defined = code.split(['\n', ';']).filter_map(|line| {
            let rest = line.trim().strip_prefix("pub struct ").or_else(|| line.trim().strip_prefix("pub enum "))?;
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        });
        let defined = defined.collect::<BTreeSet<_>>();
        let mut imports = String::new();
        let forms = ["alternate", "bare", "enumeration", "newtype", "record", "simple_union", "union"];
        let forms = forms
            .into_iter()
            .filter(|it| code.lines().any(|line| line.trim_start().starts_with(&format!("{it}! {{"))))
            .collect::<Vec<_>>();
        let _ = writeln!(imports, "use crate::form::{{{}}};", forms.join(", "));
        let types = self.shapes.names().filter(|it| words.contains(it) && !defined.contains(it)).collect::<Vec<_>>();
        if !types.is_empty() {
            let _ = writeln!(imports, "use {}::{{{}}};", self.types, types.join(", "));
        }
        if code.contains("types::") {
            let _ = writeln!(imports, "use {};", self.types);
        }
        let own = ["Any", "List", "Nested", "Nothing"].into_iter().filter(|it| words.contains(it)).collect::<Vec<_>>();
        if !own.is_empty() {
            let _ = writeln!(imports, "use crate::{{{}}};", own.join(", "));
        }
        let traits = ["Command", "Event"].into_iter().filter(|it| {
            code.contains(it) && {
                code.contains(&format!("impl {it} for")) || code.contains(&format!("impl<'a> {it}<'a> for"))
            }
        });
        for name in traits {
            let _ = writeln!(imports, "use qmp_core::command::{name};");
        }
        imports
    }
}

/// `text` four columns to the right.
pub(super) fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "    {line}");
        all
    })
}

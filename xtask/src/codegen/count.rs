//! Whether each definition of the schema is there in Rust, counted in the generated text itself.

use alloc::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::files::Files;
use super::model::{Chapter, Head, Schema};
use super::names::{camel, module};

/// The definitions of one kind in a chapter.
type Heads = fn(&Chapter) -> Vec<&Head>;

/// Counts each kind of definition and prints how many there are. Fails if Rust lacks one.
pub(crate) fn check(name: &str, schema: &Schema, files: &Files) -> Result<()> {
    println!("{name}: {} releases", schema.releases.len());
    let mut lost = Vec::new();
    let kinds: [(&str, Heads); 6] = [
        ("commands", |it| it.commands.iter().map(|it| &it.head).collect()),
        ("events", |it| it.events.iter().map(|it| &it.head).collect()),
        ("structs", |it| it.structs.iter().map(|it| &it.head).collect()),
        ("unions", |it| it.unions.iter().map(|it| &it.head).collect()),
        ("alternates", |it| it.alternates.iter().map(|it| &it.head).collect()),
        ("enums", |it| it.enums.iter().map(|it| &it.head).collect()),
    ];
    for (kind, heads) in kinds {
        let (mut defined, mut made, mut renamed) = (0, 0, 0);
        for chapter in &schema.chapters {
            let path = format!("src/chapter/{}/{kind}.rs", module(&chapter.name));
            let text = files.text(&path).unwrap_or_default();
            let made_here = made_in(text);
            for head in heads(chapter) {
                defined += 1;
                if head.renamed_to.is_some() {
                    renamed += 1;
                } else if has(kind, head, text, &made_here) {
                    made += 1;
                } else {
                    lost.push(format!("{} ({path})", head.name));
                }
            }
        }
        let older = if renamed == 0 { String::new() } else { format!(", {renamed} older names of others") };
        println!("  {kind:<10} {defined:>4} in the schema: {made} in Rust{older}");
    }
    ensure!(lost.is_empty(), "not in Rust: {}", lost.join(", "));
    Ok(())
}

/// The types that a text defines.
fn made_in(text: &str) -> BTreeSet<&str> {
    let names = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    });
    names.collect()
}

fn has(kind: &str, head: &Head, text: &str, made: &BTreeSet<&str>) -> bool {
    match kind {
        "commands" | "events" => {
            made.contains(&*camel(&head.name))
                && text.contains(&format!("const NAME: &'static str = \"{}\";", head.name))
        }
        _ => made.contains(&*head.name),
    }
}

//! The documentation of `qapi/docs/*.md`: our own words about each definition, by its name.

use alloc::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::model::Schema;

/// What is said about the definitions of one vocabulary.
#[derive(Debug, Default)]
pub(crate) struct Docs {
    chapters: BTreeMap<String, String>,
    definitions: BTreeMap<String, Doc>,
}

/// What is said about one definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doc {
    /// Paragraphs of Markdown; the first is one sentence.
    pub(crate) text: String,
    /// By the names of members, values, branches.
    pub(crate) members: BTreeMap<String, String>,
    /// Messages on the wire, one a line, behind `->` or `<-`.
    pub(crate) example: Vec<String>,
}

impl Docs {
    /// Reads what there is about `schema`: the files named for its chapters, with or without a part behind a dot.
    pub(crate) fn load(folder: &Path, schema: &Schema) -> Result<Self> {
        let mut docs = Self::default();
        let mut files = fs::read_dir(folder)
            .with_context(|| format!("{}", folder.display()))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.sort();
        for file in files {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let chapter = name.split('.').next().unwrap_or_default();
            if !schema.chapters.iter().any(|it| it.name == chapter) {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            docs.read(chapter, &text).with_context(|| format!("{}", file.display()))?;
        }
        docs.check(schema)?;
        Ok(docs)
    }

    pub(crate) fn of(&self, definition: &str) -> Doc {
        self.definitions.get(definition).cloned().unwrap_or_default()
    }

    /// The introduction of a chapter.
    pub(crate) fn chapter(&self, name: &str) -> &str {
        self.chapters.get(name).map_or("", String::as_str)
    }

    fn read(&mut self, chapter: &str, text: &str) -> Result<()> {
        let mut about: Option<(String, Doc)> = None;
        let mut introduction = String::new();
        let mut member: Option<String> = None;
        let mut fenced = false;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(name) = line.strip_prefix("## ") {
                self.keep(about.take())?;
                about = Some((name.trim().to_owned(), Doc::default()));
                member = None;
                continue;
            }
            let Some((_, doc)) = &mut about else {
                if !line.starts_with("# ") {
                    introduction.push_str(line);
                    introduction.push('\n');
                }
                continue;
            };
            if line.starts_with("```") {
                fenced = !fenced;
                member = None;
            } else if fenced {
                doc.example.push(line.to_owned());
            } else if let Some((name, text)) = line.strip_prefix("- `").and_then(|rest| rest.split_once("`: ")) {
                ensure!(doc.members.insert(name.to_owned(), text.to_owned()).is_none(), "line {number}: {name} twice");
                member = Some(name.to_owned());
            } else if let (Some(name), Some(more)) = (&member, line.strip_prefix("  ")) {
                let text = doc.members.entry(name.clone()).or_default();
                text.push(' ');
                text.push_str(more.trim());
            } else {
                if !line.trim().is_empty() {
                    member = None;
                }
                doc.text.push_str(line);
                doc.text.push('\n');
            }
        }
        ensure!(!fenced, "an example has no end");
        self.keep(about)?;
        if !introduction.trim().is_empty() {
            let before = self.chapters.insert(chapter.to_owned(), introduction.trim().to_owned());
            ensure!(before.is_none(), "a second introduction");
        }
        Ok(())
    }

    fn keep(&mut self, about: Option<(String, Doc)>) -> Result<()> {
        let Some((name, mut doc)) = about else { return Ok(()) };
        doc.text = doc.text.trim().to_owned();
        while doc.text.contains("\n\n\n") {
            doc.text = doc.text.replace("\n\n\n", "\n\n");
        }
        ensure!(!doc.text.is_empty(), "nothing is said about {name}");
        ensure!(self.definitions.insert(name.clone(), doc).is_none(), "{name} twice");
        Ok(())
    }

    /// All that is defined is documented, with an example of each command and event, and nothing else is.
    fn check(&self, schema: &Schema) -> Result<()> {
        let mut undefined = self.definitions.keys().cloned().collect::<alloc::collections::BTreeSet<_>>();
        let mut missing = Vec::new();
        for chapter in &schema.chapters {
            ensure!(!self.chapter(&chapter.name).is_empty(), "chapter {} has no introduction", chapter.name);
            for head in chapter.heads().into_iter().filter(|head| head.renamed_to.is_none()) {
                if !undefined.remove(&head.name) {
                    missing.push(&*head.name);
                }
            }
            let commands = chapter.commands.iter().map(|it| &it.head.name);
            for name in commands.chain(chapter.events.iter().map(|it| &it.head.name)) {
                let example = &self.of(name).example;
                if !missing.contains(&&**name) && example.is_empty() {
                    bail!("{name} has no example");
                }
            }
        }
        ensure!(missing.is_empty(), "not documented: {}", missing.join(", "));
        ensure!(undefined.is_empty(), "documented and not defined: {undefined:?}");
        Ok(())
    }
}

//! The facts of `qapi/schema/*.json`, as they are written there, and what follows from them at once.
//!
//! A name is never resolved here; [`Schema::load`] has seen to it that every name is defined, so that what reads the
//! schema may look names up without a word about failure.

use alloc::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A release as written: `2.12` or `8.2.2`.
pub(crate) type Release = String;

/// What a member, an argument, an element or a reply is: `str`, `int64`, `BlockInfo`; a list is `[BlockInfo]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Type {
    /// The name of a definition, or one of [`BUILTINS`].
    pub(crate) name: String,
    pub(crate) list: bool,
}

/// The names of types that no schema defines. `int` is an integer whose width nobody knows.
pub(crate) const BUILTINS: [&str; 17] = [
    "str", "bool", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "size", "number",
    "any", "null", "QType", "qtype",
];

impl From<String> for Type {
    fn from(text: String) -> Self {
        match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(element) => Self { name: element.into(), list: true },
            None => Self { name: text, list: false },
        }
    }
}

impl Type {
    pub(crate) fn is_builtin(&self) -> bool {
        BUILTINS.contains(&&*self.name)
    }
}

/// `true` where it is only known that it is so, or the release that first said it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Since {
    Always(bool),
    Release(Release),
}

/// One chapter: a file of the schema.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chapter {
    /// Its name, as of the file, and of the feature: `block-core`.
    #[serde(rename = "chapter")]
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) commands: Vec<Command>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) structs: Vec<Struct>,
    #[serde(default)]
    pub(crate) unions: Vec<Union>,
    #[serde(default)]
    pub(crate) alternates: Vec<Alternate>,
    #[serde(default)]
    pub(crate) enums: Vec<Enum>,
}

/// What every definition has.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Head {
    pub(crate) name: String,
    /// The first release that has it.
    pub(crate) since: Release,
    /// The last release that has it.
    pub(crate) until: Option<Release>,
    pub(crate) deprecated: Option<Since>,
    pub(crate) unstable: Option<Since>,
    /// The condition in QEMU's build on which it depends, in the newest schema.
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    /// Where the condition was another: the release, and the condition from there on.
    #[serde(default, rename = "if_history")]
    pub(crate) condition_history: Vec<(Release, Option<String>)>,
    #[serde(default)]
    pub(crate) features: Vec<Feature>,
    /// Set: only the older name of that definition. Nothing else is said here.
    pub(crate) renamed_to: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) since: Option<Release>,
    /// The members that it is about; none: the whole definition.
    #[serde(default)]
    pub(crate) members: Vec<String>,
}

/// A member of an object: of a struct, of arguments, of an event's data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// In the newest release that has it.
    #[serde(rename = "type")]
    pub(crate) of: Type,
    /// Some release takes or sends an object without it, by its schema.
    #[serde(default)]
    pub(crate) optional: bool,
    /// Not optional, but some release lacks the member while it has the object.
    #[serde(default)]
    pub(crate) vary: bool,
    #[serde(default)]
    pub(crate) since: Option<Release>,
    pub(crate) until: Option<Release>,
    /// Releases between that lack it.
    #[serde(default)]
    pub(crate) not_in: Vec<Release>,
    pub(crate) deprecated: Option<Since>,
    pub(crate) unstable: Option<Since>,
    /// What the server takes where it is absent.
    pub(crate) default: Option<Value>,
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    #[serde(default, rename = "if_history")]
    pub(crate) condition_history: Vec<(Release, Option<String>)>,
    #[serde(default)]
    pub(crate) optional_history: Vec<(Release, bool)>,
    #[serde(default)]
    pub(crate) type_history: Vec<(Release, Type)>,
    #[serde(default)]
    pub(crate) features: Vec<Feature>,
    /// A form that only documents of old releases tell of.
    #[serde(default)]
    pub(crate) legacy: bool,
}

impl Member {
    /// Whether objects without it must be read, or can be written.
    pub(crate) fn may_be_absent(&self) -> bool {
        self.optional || self.vary
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Command {
    #[serde(flatten)]
    pub(crate) head: Head,
    #[serde(default)]
    pub(crate) oob: bool,
    /// May be executed before the machine is built (`-preconfig`).
    #[serde(default)]
    pub(crate) preconfig: bool,
    /// Takes any member beside its arguments.
    #[serde(default)]
    pub(crate) open: bool,
    /// Where that changed.
    #[serde(default)]
    pub(crate) open_history: Vec<(Release, bool)>,
    /// Answers nothing when it succeeds.
    #[serde(default)]
    pub(crate) no_reply: bool,
    /// The struct that its arguments are; they are listed nevertheless.
    pub(crate) arguments_type: Option<String>,
    /// The union that its arguments are. `arguments` then has what older releases took beside it.
    pub(crate) union: Option<String>,
    /// Forms of the arguments over time: the name of a union, or a list as `a: str, b?: int`.
    #[serde(default)]
    pub(crate) forms: Vec<(Release, String)>,
    #[serde(default)]
    pub(crate) arguments: Vec<Member>,
    /// `None`: an empty object.
    pub(crate) returns: Option<Type>,
    #[serde(default)]
    pub(crate) returns_history: Vec<(Release, Option<Type>)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(flatten)]
    pub(crate) head: Head,
    /// Sent once a second at most.
    #[serde(default)]
    pub(crate) rate_limited: bool,
    #[serde(default)]
    pub(crate) data: Vec<Member>,
}

/// Where a type is met: in what a client sends, in what a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    In,
    Out,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Struct {
    #[serde(flatten)]
    pub(crate) head: Head,
    #[serde(default)]
    pub(crate) direction: Vec<Direction>,
    /// The struct whose members it has, too.
    pub(crate) base: Option<String>,
    #[serde(default)]
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnionKind {
    /// The members of the branch stand beside the tag.
    Flat,
    /// They stand in a member `data` beside it.
    Simple,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Union {
    #[serde(flatten)]
    pub(crate) head: Head,
    // Renamed unions have no more than a head.
    #[serde(default = "flat")]
    pub(crate) kind: UnionKind,
    /// What the name was before: a struct, another kind of union.
    #[serde(default)]
    pub(crate) kind_history: Vec<(Release, String)>,
    #[serde(default)]
    pub(crate) direction: Vec<Direction>,
    pub(crate) base: Option<String>,
    #[serde(default)]
    pub(crate) discriminator: String,
    #[serde(default)]
    pub(crate) discriminator_history: Vec<(Release, String)>,
    #[serde(default)]
    pub(crate) discriminator_type: String,
    /// Some release sends no tag. No branch is there then.
    #[serde(default)]
    pub(crate) tag_vary: bool,
    pub(crate) struct_form: Option<StructForm>,
    /// Members in branches that older releases had in the base.
    #[serde(default)]
    pub(crate) moved_to_branches: Vec<String>,
    /// The members of every branch. The discriminator of a flat union is among them.
    #[serde(default)]
    pub(crate) members: Vec<Member>,
    #[serde(default)]
    pub(crate) branches: Vec<Branch>,
    /// Tags without members of their own.
    #[serde(default)]
    pub(crate) empty: Vec<String>,
}

fn flat() -> UnionKind {
    UnionKind::Flat
}

/// What a union had at its top level while it was a struct, and has not in its base.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StructForm {
    pub(crate) until: Release,
    /// The one branch that has them all.
    pub(crate) tag: Option<String>,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Branch {
    pub(crate) tag: String,
    #[serde(rename = "type")]
    pub(crate) of: Type,
    pub(crate) since: Release,
    pub(crate) until: Option<Release>,
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    #[serde(default)]
    pub(crate) type_history: Vec<(Release, Type)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alternate {
    #[serde(flatten)]
    pub(crate) head: Head,
    #[serde(default)]
    pub(crate) direction: Vec<Direction>,
    #[serde(default)]
    pub(crate) alternatives: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Enum {
    #[serde(flatten)]
    pub(crate) head: Head,
    /// Never named by a schema: the tags of a simple union.
    #[serde(default)]
    pub(crate) implicit: bool,
    /// Set where some release sent `true` and `false` instead.
    pub(crate) bool: Option<BoolForm>,
    #[serde(default)]
    pub(crate) values: Vec<EnumValue>,
}

/// The values that `true` and `false` stand for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoolForm {
    #[serde(rename = "true")]
    pub(crate) yes: String,
    #[serde(rename = "false")]
    pub(crate) no: String,
    pub(crate) until: Release,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnumValue {
    pub(crate) name: String,
    pub(crate) since: Release,
    pub(crate) until: Option<Release>,
    pub(crate) deprecated: Option<Since>,
    pub(crate) unstable: Option<Since>,
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    #[serde(default)]
    pub(crate) features: Vec<Feature>,
}

/// Where a type is defined.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Definition<'s> {
    Struct(&'s Struct),
    Union(&'s Union),
    Alternate(&'s Alternate),
    Enum(&'s Enum),
}

/// The chapters of one vocabulary: QMP's, or the guest agent's. Names are unique within it.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) chapters: Vec<Chapter>,
    /// The releases whose schemas were seen, oldest first.
    pub(crate) releases: Vec<Release>,
}

/// The chapter that is a vocabulary of its own.
pub(crate) const AGENT: &str = "guest-agent";

#[derive(Deserialize)]
struct Releases {
    qmp: Vec<Release>,
    #[serde(rename = "guest-agent")]
    agent: Vec<Release>,
}

impl Schema {
    /// Reads QMP's vocabulary and the guest agent's from a folder.
    pub(crate) fn load(folder: &Path) -> Result<(Self, Self)> {
        let mut files = fs::read_dir(folder)
            .with_context(|| format!("{}", folder.display()))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.sort();
        let (mut qmp, mut agent, mut releases) = (Vec::new(), Vec::new(), None);
        for file in files {
            let shown = file.display();
            let text = fs::read_to_string(&file).with_context(|| format!("{shown}"))?;
            if file.file_name().is_some_and(|name| name == "releases.json") {
                releases = Some(serde_json::from_str::<Releases>(&text).with_context(|| format!("{shown}"))?);
                continue;
            }
            let chapter: Chapter = serde_json::from_str(&text).with_context(|| format!("{shown}"))?;
            ensure!(file.file_stem().is_some_and(|stem| *stem == *chapter.name), "{shown} holds {}", chapter.name);
            if chapter.name == AGENT { agent.push(chapter) } else { qmp.push(chapter) }
        }
        let releases = releases.context("no releases.json")?;
        let qmp = Self { chapters: qmp, releases: releases.qmp };
        let agent = Self { chapters: agent, releases: releases.agent };
        qmp.check()?;
        agent.check()?;
        Ok((qmp, agent))
    }

    /// Every type by its name, renamed ones left out, with its chapter.
    pub(crate) fn types(&self) -> BTreeMap<&str, (&Chapter, Definition<'_>)> {
        let mut types = BTreeMap::new();
        for chapter in &self.chapters {
            for (head, definition) in chapter.types() {
                if head.renamed_to.is_none() {
                    types.insert(&*head.name, (chapter, definition));
                }
            }
        }
        types
    }

    /// Every name is defined once, and every name that is used is defined.
    fn check(&self) -> Result<()> {
        let types = self.types();
        let mut seen = alloc::collections::BTreeSet::new();
        for chapter in &self.chapters {
            for head in chapter.heads() {
                ensure!(seen.insert(&head.name), "{} is defined twice", head.name);
                if let Some(newer) = &head.renamed_to {
                    ensure!(types.contains_key(&**newer), "{} was renamed to {newer}, which is not defined", head.name);
                }
            }
            for (user, used) in chapter.uses() {
                if !used.is_builtin() && !types.contains_key(&*used.name) {
                    bail!("{user} uses {}, which is not defined", used.name);
                }
            }
        }
        Ok(())
    }
}

impl Chapter {
    pub(crate) fn types(&self) -> Vec<(&Head, Definition<'_>)> {
        let structs = self.structs.iter().map(|it| (&it.head, Definition::Struct(it)));
        let unions = self.unions.iter().map(|it| (&it.head, Definition::Union(it)));
        let alternates = self.alternates.iter().map(|it| (&it.head, Definition::Alternate(it)));
        let enums = self.enums.iter().map(|it| (&it.head, Definition::Enum(it)));
        structs.chain(unions).chain(alternates).chain(enums).collect()
    }

    /// The heads of all definitions.
    pub(crate) fn heads(&self) -> Vec<&Head> {
        let commands = self.commands.iter().map(|it| &it.head);
        let events = self.events.iter().map(|it| &it.head);
        commands.chain(events).chain(self.types().into_iter().map(|(head, _)| head)).collect()
    }

    /// Every use of a type, today's and earlier ones: who uses it, and which. Types of renamed definitions are left out.
    pub(crate) fn uses(&self) -> Vec<(&str, Type)> {
        let mut uses: Vec<(&str, Type)> = Vec::new();
        let named = |name: &Option<String>| {
            name.iter().map(|name| Type { name: name.clone(), list: false }).collect::<Vec<_>>()
        };
        let of_members = |members: &[Member]| {
            members
                .iter()
                .flat_map(|member| {
                    let history = member.type_history.iter().map(|(_, of)| of.clone());
                    core::iter::once(member.of.clone()).chain(history)
                })
                .collect::<Vec<_>>()
        };
        for command in &self.commands {
            let user = &*command.head.name;
            let returns =
                command.returns.iter().cloned().chain(command.returns_history.iter().filter_map(|(_, of)| of.clone()));
            let all = named(&command.arguments_type).into_iter().chain(named(&command.union)).chain(returns);
            uses.extend(all.chain(of_members(&command.arguments)).map(|of| (user, of)));
        }
        for event in &self.events {
            uses.extend(of_members(&event.data).into_iter().map(|of| (&*event.head.name, of)));
        }
        for it in &self.structs {
            let all = named(&it.base).into_iter().chain(of_members(&it.members));
            uses.extend(all.map(|of| (&*it.head.name, of)));
        }
        for it in self.unions.iter().filter(|it| it.head.renamed_to.is_none()) {
            let branches = it.branches.iter().flat_map(|branch| {
                core::iter::once(branch.of.clone()).chain(branch.type_history.iter().map(|(_, of)| of.clone()))
            });
            let tag = named(&Some(it.discriminator_type.clone()));
            let form = it.struct_form.iter().flat_map(|form| of_members(&form.members));
            let all = named(&it.base).into_iter().chain(tag).chain(of_members(&it.members)).chain(branches).chain(form);
            uses.extend(all.map(|of| (&*it.head.name, of)));
        }
        for it in &self.alternates {
            uses.extend(of_members(&it.alternatives).into_iter().map(|of| (&*it.head.name, of)));
        }
        uses
    }
}

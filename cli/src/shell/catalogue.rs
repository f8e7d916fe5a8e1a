//! What the server has: as its release has it by the vocabulary, and as it was built by the schema that it tells.
//!
//! Where there is a schema, that decides what is there; the vocabulary knows what it is called, how wide numbers are, and since when.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use qmp_qapi::registry::{self, Arguments, Release, qmp};

use super::kind::{self, Kind};
use crate::arguments::{Tree, Typing};
use crate::schema::expected::{Expected, Field};
use crate::schema::live::{self, Live};

/// What is known of the server.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    pub(super) release: Release,
    pub(super) live: Option<Arc<Live>>,
}

/// A command of the server's; one at least of both is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'c> {
    pub(super) name: &'c str,
    pub(super) known: Option<&'static registry::Command>,
    pub(super) live: Option<&'c live::Command>,
}

/// A type, as both know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type<'c> {
    catalogue: &'c Catalogue,
    known: Known,
    /// The schema's name of it.
    live: Option<&'c str>,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Nothing,
    Arguments(Arguments),
    Type(registry::Type),
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'c> {
    pub(super) name: &'c str,
    pub(super) of: Type<'c>,
    pub(super) optional: bool,
    pub(super) deprecated: bool,
    pub(super) unstable: bool,
    pub(super) since: Option<Release>,
}

impl Catalogue {
    /// The commands that the server has, by name.
    pub(super) fn commands(&self) -> Vec<Command<'_>> {
        let mut all = BTreeMap::new();
        match &self.live {
            Some(live) => all.extend(
                live.commands
                    .iter()
                    .map(|(name, it)| (name.as_str(), Command { name, known: qmp().command(name), live: Some(it) })),
            ),
            None => {
                let there = qmp().commands().filter(|command| command.presence.includes(self.release));
                all.extend(there.map(|it| (it.name, Command { name: it.name, known: Some(it), live: None })));
            }
        }
        all.into_values().collect()
    }

    /// The command of this name, if the server has it.
    pub(super) fn command<'c>(&'c self, name: &'c str) -> Option<Command<'c>> {
        let known = qmp().command(name);
        match &self.live {
            Some(live) => Some(Command { name, known, live: Some(live.commands.get(name)?) }),
            None => known.filter(|known| known.presence.includes(self.release)).map(|known| Command {
                name,
                known: Some(known),
                live: None,
            }),
        }
    }

    /// The events that the server has, by name.
    pub(super) fn events(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match &self.live {
            Some(live) => live.events.keys().map(String::as_str).collect(),
            None => {
                let there = qmp().events().filter(|event| event.presence.includes(self.release));
                there.map(|event| event.name).collect()
            }
        };
        names.sort_unstable();
        names
    }

    /// The type of what `command` takes.
    pub(super) fn arguments<'c>(&'c self, command: Command<'c>) -> Type<'c> {
        let known = command.known.map_or(Known::Nothing, |known| Known::Arguments(known.arguments_in(self.release)));
        Type { catalogue: self, known, live: command.live.map(|live| live.arguments.as_str()) }
    }

    /// A type that the vocabulary defines.
    pub(super) const fn defined(&self, known: registry::Type) -> Type<'_> {
        Type { catalogue: self, known: Known::Type(known), live: None }
    }

    /// The type of which nothing is known.
    pub(super) const fn unknown(&self) -> Type<'_> {
        Type { catalogue: self, known: Known::Nothing, live: None }
    }
}

impl Command<'_> {
    /// Takes any member beside those that are known.
    pub(super) fn is_open(&self, release: Release) -> bool {
        self.known.is_some_and(|known| known.is_open_in(release))
    }
}

impl<'c> Type<'c> {
    /// What it is called.
    pub(super) fn name(&self) -> String {
        match (self.known, self.live) {
            (Known::Type(known), _) => known.to_string(),
            (_, Some(live)) => kind::name(self.catalogue.live.as_deref(), live),
            _ => "anything".into(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        let live = self.live.zip(self.catalogue.live.as_deref()).and_then(|(name, live)| kind::of_live(live, name));
        match self.known {
            _ if live.is_some() => live.unwrap_or(Kind::Unknown),
            Known::Nothing => Kind::Unknown,
            Known::Arguments(_) => Kind::Object,
            Known::Type(known) => kind::of_known(known, self.catalogue.release),
        }
    }

    /// The members of an object, if `tag` tells the values of those that others depend on. An alternate has those of the object that it
    /// may be.
    pub(super) fn members(&self, tag: &dyn Fn(&str) -> Option<String>) -> Vec<Member<'c>> {
        let object = self.alternative(Kind::Object).unwrap_or(*self);
        let (known, _) = object.known_fields(tag);
        let Some((live, _)) = object.live_members(tag) else {
            return known.into_iter().map(|it| self.known_member(it)).collect();
        };
        // In the vocabulary's order, and what only the schema has behind that.
        let place = |member: &&live::Member| known.iter().position(|field| field.name == member.name);
        let mut members: Vec<&'c live::Member> = live;
        members.sort_by_key(|member| place(member).unwrap_or(usize::MAX));
        members.into_iter().map(|it| self.live_member(it, place(&it).map(|place| known[place]))).collect()
    }

    /// The member that decides which others there are, if `tag` does not tell its value.
    pub(super) fn open_tag(&self, tag: &dyn Fn(&str) -> Option<String>) -> Option<&'c str> {
        let object = self.alternative(Kind::Object).unwrap_or(*self);
        object.live_members(tag).map_or_else(|| object.known_fields(tag).1, |(_, open)| open)
    }

    /// The elements of a list. An alternate has those of the list that it may be.
    pub(super) fn element(&self) -> Self {
        let list = self.alternative(Kind::List).unwrap_or(*self);
        let known = match list.known {
            Known::Type(registry::Type::List(of)) => Known::Type(*of),
            _ => Known::Nothing,
        };
        let live = match list.live_type() {
            Some(live::Type::Array(element)) => Some(element.as_str()),
            _ => None,
        };
        Self { known, live, ..*self }
    }

    /// The values of an enum; of an alternate those of the enum that it may be.
    pub(super) fn values(&self) -> Vec<&'c str> {
        let it = self.alternative(Kind::Enum).unwrap_or(*self);
        match (it.live_type(), it.known) {
            (Some(live::Type::Enum(values)), _) => values.iter().map(|value| value.name.as_str()).collect(),
            (None, Known::Type(registry::Type::Enum(of))) => {
                let there = of.values.iter().filter(|value| value.presence.includes(self.catalogue.release));
                there.map(|value| value.name).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What an alternate may be.
    pub(super) fn alternatives(&self) -> Vec<Self> {
        let release = self.catalogue.release;
        let known: Vec<registry::Type> = match self.known {
            Known::Type(registry::Type::Alternate(of)) => {
                of.alternatives.iter().filter(|it| it.is_in(release)).map(|it| it.type_in(release)).collect()
            }
            _ => Vec::new(),
        };
        match (self.live_type(), self.catalogue.live.as_deref()) {
            (Some(live::Type::Alternate(types)), Some(live)) => {
                let each = types.iter().map(|name| {
                    let kind = kind::of_live(live, name);
                    let known = known.iter().find(|known| Some(kind::of_known(**known, release)) == kind);
                    Self { known: known.map_or(Known::Nothing, |it| Known::Type(*it)), live: Some(name), ..*self }
                });
                each.collect()
            }
            _ => known.into_iter().map(|known| Self { known: Known::Type(known), live: None, ..*self }).collect(),
        }
    }

    /// What of this kind an alternate may be.
    pub(super) fn alternative(&self, kind: Kind) -> Option<Self> {
        self.alternatives().into_iter().find(|it| it.kind() == kind)
    }

    fn live_type(&self) -> Option<&'c live::Type> {
        self.catalogue.live.as_deref()?.types.get(self.live?)
    }

    /// The members, and the tag whose value is not told.
    fn known_fields(&self, tag: &dyn Fn(&str) -> Option<String>) -> (Vec<Field>, Option<&'static str>) {
        let release = self.catalogue.release;
        let mut next = match self.known {
            Known::Arguments(arguments) => Some(Expected::of_arguments(arguments, release)),
            Known::Type(registry::Type::Struct(of)) => Some(Expected::of_struct(of, release)),
            Known::Type(registry::Type::Union(of)) => Some(Expected::of_union(of, release)),
            _ => None,
        };
        let mut fields = Vec::new();
        while let Some(expected) = next {
            fields.extend(expected.members);
            let Some(union) = expected.union else { break };
            let name = union.discriminator_in(release);
            let Some(chosen) = tag(name) else { return (fields, Some(name)) };
            let branch = union.branch_in(&chosen, release);
            next = branch.map(|branch| Expected::of_branch(union, branch, release));
        }
        (fields, None)
    }

    /// The same by the schema.
    fn live_members(&self, tag: &dyn Fn(&str) -> Option<String>) -> Option<(Vec<&'c live::Member>, Option<&'c str>)> {
        let Some(live::Type::Object(first)) = self.live_type() else { return None };
        let schema = self.catalogue.live.as_deref()?;
        let mut members = Vec::new();
        let mut next = Some(first);
        // Branches that are unions are few, unless a schema goes in circles.
        for _ in 0..DEEPEST {
            let Some(object) = next else { break };
            members.extend(&object.members);
            let Some(name) = object.tag.as_deref() else { break };
            let Some(chosen) = tag(name) else { return Some((members, Some(name))) };
            next = object.variants.iter().find(|(case, _)| *case == chosen).map(|(_, of)| schema.object(of));
        }
        Some((members, None))
    }

    fn known_member(&self, field: Field) -> Member<'c> {
        Member {
            name: field.name,
            of: Self { known: Known::Type(field.of), live: None, ..*self },
            optional: field.optional,
            deprecated: field.deprecated,
            unstable: field.unstable,
            since: Some(field.since),
        }
    }

    fn live_member(&self, member: &'c live::Member, field: Option<Field>) -> Member<'c> {
        let has = |feature: &str| member.features.iter().any(|it| it == feature);
        Member {
            name: &member.name,
            of: Self {
                known: field.map_or(Known::Nothing, |field| Known::Type(field.of)),
                live: Some(&member.of),
                ..*self
            },
            optional: member.optional,
            deprecated: has("deprecated"),
            unstable: has("unstable"),
            since: field.map(|field| field.since),
        }
    }
}

/// As deep branches of branches are looked into.
const DEEPEST: usize = 8;

/// What the tag `name` is among the members given.
pub(super) fn tag_in(members: &[(String, Tree)], name: &str) -> Option<String> {
    members.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.text())
}

impl Typing for Type<'_> {
    fn value(&self, text: &str) -> String {
        kind::json(*self, text)
    }

    fn member(&self, name: &str, beside: &[(String, Tree)]) -> Self {
        let members = self.members(&|tag| tag_in(beside, tag));
        members
            .into_iter()
            .find(|member| member.name == name)
            .map_or_else(|| self.catalogue.unknown(), |member| member.of)
    }

    fn element(&self) -> Self {
        Type::element(self)
    }
}

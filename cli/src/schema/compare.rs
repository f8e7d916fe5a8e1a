//! What runs beside what a release has: commands and events by name, and from them down into the types, both at once.
//!
//! A type of the one and a type of the other are compared once, where they first meet; so a difference is told once, too.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt::Write as _;

use qmp_qapi::registry::{self, Alternate, Command, Enum, Event, Presence, Release, Type, Union, qmp};

use super::difference::{Difference, Mark};
use super::expected::{self, Expected, Field};
use super::live::{self, Live};
use super::show;

#[derive(Debug)]
pub(super) struct Comparison<'l> {
    live: &'l Live,
    release: Release,
    /// Pairs of types that were compared, or are about to be.
    met: BTreeSet<(&'l str, String)>,
    /// What the catalogue calls a type of the one that runs.
    names: BTreeMap<&'l str, &'static str>,
    found: Vec<Difference>,
}

/// A place below a command or an event.
#[derive(Clone, Debug)]
struct Place {
    of: String,
    path: String,
    /// The type of the catalogue that it is in.
    within: Option<&'static str>,
    depth: usize,
}

/// No schema nests types deeper, but one that is made to.
const DEEPEST: usize = 100;

impl Place {
    fn root(of: &str, path: &str) -> Self {
        Self { of: of.into(), path: path.into(), within: None, depth: 0 }
    }

    fn member(&self, name: &str) -> Self {
        Self { path: format!("{}.{name}", self.path), depth: self.depth + 1, ..self.clone() }
    }

    fn element(&self) -> Self {
        Self { path: format!("{}[]", self.path), depth: self.depth + 1, ..self.clone() }
    }

    fn branch(&self, tag: &str, case: &str) -> Self {
        Self { path: format!("{}{{{tag}={case}}}", self.path), depth: self.depth + 1, ..self.clone() }
    }

    fn within(&self, name: &'static str) -> Self {
        Self { within: Some(name), ..self.clone() }
    }
}

impl<'l> Comparison<'l> {
    pub(super) fn new(live: &'l Live, release: Release) -> Self {
        let mut comparison = Self { live, release, met: BTreeSet::new(), names: BTreeMap::new(), found: Vec::new() };
        comparison.commands();
        comparison.events();
        comparison
    }

    pub(super) fn differences(&self) -> &[Difference] {
        &self.found
    }

    pub(super) const fn names(&self) -> &BTreeMap<&'l str, &'static str> {
        &self.names
    }

    fn commands(&mut self) {
        for (name, live) in &self.live.commands {
            match qmp().command(name).filter(|command| command.presence.includes(self.release)) {
                Some(command) => self.command(name, live, command),
                None => {
                    let absence = qmp().command(name).and_then(|it| it.presence.absence_in(self.release));
                    let line = show::command(self.live, &self.names, name, live);
                    let why = absence.map_or(String::new(), |absence| format!(": {absence}"));
                    self.tell(Mark::More, name, format!("{line}{why}"), None);
                }
            }
        }
        let live = self.live;
        let gone = |it: &&Command| it.presence.includes(self.release) && !live.commands.contains_key(it.name);
        for command in qmp().commands().filter(gone).collect::<Vec<_>>() {
            let condition = command.condition_in(self.release);
            self.tell(Mark::Less, command.name, format!("command {}", command.name), condition);
        }
    }

    fn events(&mut self) {
        for (name, live) in &self.live.events {
            match qmp().event(name).filter(|event| event.presence.includes(self.release)) {
                Some(event) => self.event(name, live, event),
                None => {
                    let absence = qmp().event(name).and_then(|it| it.presence.absence_in(self.release));
                    let line = show::event(self.live, &self.names, name, live);
                    let why = absence.map_or(String::new(), |absence| format!(": {absence}"));
                    self.tell(Mark::More, name, format!("{line}{why}"), None);
                }
            }
        }
        let live = self.live;
        let gone = |it: &&Event| it.presence.includes(self.release) && !live.events.contains_key(it.name);
        for event in qmp().events().filter(gone).collect::<Vec<_>>() {
            let condition = event.condition_in(self.release);
            self.tell(Mark::Less, event.name, format!("event {}", event.name), condition);
        }
    }

    fn command(&mut self, name: &'l str, live: &'l live::Command, command: &'static Command) {
        if live.oob != command.oob {
            let (has, says) = if live.oob { ("may", "may not") } else { ("may not", "may") };
            self.tell(Mark::Other, name, format!("{name}: {has} be executed out of band; {says} in the release"), None);
        }
        self.features(&live.features, command.presence, &Place::root(name, ""));
        let arguments = command.arguments_in(self.release);
        let expected = Expected::of_arguments(arguments, self.release);
        if let registry::Arguments::Union(union) = arguments {
            self.names.entry(&live.arguments).or_insert(union.name);
            self.met.insert((&live.arguments, union.name.into()));
        }
        self.object(self.live.object(&live.arguments), &expected, &Place::root(name, "arguments"));
        let place = Place::root(name, "return");
        match command.returns_in(self.release) {
            Some(of) => self.value(&live.returns, of, &place),
            None => match self.live.types.get(&live.returns) {
                Some(live::Type::Object(object)) => {
                    self.object(object, &Expected { members: Vec::new(), union: None }, &place);
                }
                _ => self.differ(&place, &format!("{}, not {{}}", self.shown(&live.returns))),
            },
        }
    }

    fn event(&mut self, name: &'l str, live: &'l live::Event, event: &'static Event) {
        self.features(&live.features, event.presence, &Place::root(name, ""));
        let expected = Expected::of_members(event.data, self.release);
        self.object(self.live.object(&live.data), &expected, &Place::root(name, "data"));
    }

    fn value(&mut self, live: &'l str, of: Type, place: &Place) {
        if place.depth > DEEPEST || !self.met.insert((live, format!("{of}"))) {
            return;
        }
        let Some(it) = self.live.types.get(live) else {
            return self.differ(place, &format!("{live}, which the schema does not define"));
        };
        match (it, of) {
            (live::Type::Array(element), Type::List(of)) => self.value(element, *of, &place.element()),
            (live::Type::Enum(values), Type::Enum(of)) => {
                self.names.entry(live).or_insert(of.name);
                self.enumeration(values, of, &place.within(of.name));
            }
            (live::Type::Object(object), Type::Struct(of)) => {
                self.names.entry(live).or_insert(of.name);
                self.object(object, &Expected::of_struct(of, self.release), &place.within(of.name));
            }
            (live::Type::Object(object), Type::Union(of)) => {
                self.names.entry(live).or_insert(of.name);
                self.object(object, &Expected::of_union(of, self.release), &place.within(of.name));
            }
            (live::Type::Alternate(types), Type::Alternate(of)) => {
                self.names.entry(live).or_insert(of.name);
                self.alternate(types, of, &place.within(of.name));
            }
            (live::Type::Builtin, _) if live == builtin(of, self.release) => {}
            _ => self.differ(place, &format!("{}, not {of}", self.shown(live))),
        }
    }

    fn object(&mut self, object: &'l live::Object, expected: &Expected, place: &Place) {
        for live in &object.members {
            let place = place.member(&live.name);
            match expected.members.iter().find(|field| field.name == live.name) {
                Some(field) => self.member(live, field, &place),
                None => {
                    let text = format!("{}{}: {}", place.path, optional(live.optional), self.shown(&live.of));
                    self.tell_at(Mark::More, &place, &text, None);
                }
            }
        }
        for field in &expected.members {
            if object.members.iter().all(|live| live.name != field.name) {
                let place = place.member(field.name);
                let text = format!("{}{}: {}", place.path, optional(field.optional), field.of);
                self.tell_at(Mark::Less, &place, &text, field.condition);
            }
        }
        match expected.union {
            Some(union) => self.union(object, union, place),
            None if !object.variants.is_empty() => {
                let tag = object.tag.as_deref().unwrap_or_default();
                self.tell_at(Mark::Other, place, &format!("{}: has branches by {tag}", place.path), None);
            }
            None => {}
        }
    }

    fn member(&mut self, live: &'l live::Member, field: &Field, place: &Place) {
        if live.optional != field.optional {
            let (has, says) = if live.optional { ("optional", "mandatory") } else { ("mandatory", "optional") };
            self.differ(place, &format!("{has}, not {says}"));
        }
        for (feature, has) in [("deprecated", field.deprecated), ("unstable", field.unstable)] {
            self.feature(&live.features, feature, has, place);
        }
        self.value(&live.of, field.of, place);
    }

    fn union(&mut self, object: &'l live::Object, union: &'static Union, place: &Place) {
        let discriminator = union.discriminator_in(self.release);
        let Some(tag) = &object.tag else {
            return self.differ(place, &format!("no union by {discriminator}"));
        };
        if tag != discriminator {
            self.differ(place, &format!("branches by {tag}, not by {discriminator}"));
        }
        for (case, live) in &object.variants {
            if place.depth > DEEPEST {
                return;
            }
            let place = place.branch(tag, case);
            let added = self.live.object(live);
            match union.branch_in(case, self.release) {
                Some(branch) => {
                    let of = branch.type_in(self.release);
                    let simple = union.form_in(self.release) == registry::Form::Simple;
                    if !simple {
                        self.names.entry(live).or_insert(of.name());
                    }
                    // The same struct may be what several branches add.
                    if simple || self.met.insert((live, format!("branch {of}"))) {
                        let place = if simple { place } else { place.within(of.name()) };
                        self.object(added, &Expected::of_branch(union, branch, self.release), &place);
                    }
                }
                // A value that the release does not have is told where the tag is compared.
                None if expected::tag(union, case, self.release).is_none() => {}
                None if added.is_empty() => {}
                None => self.tell_at(Mark::More, &place, &format!("{}: has members", place.path), None),
            }
        }
        // A value that this QEMU does not have is told where the tag is compared.
        let of_tag =
            object.members.iter().find(|member| member.name == *tag).and_then(|it| self.live.types.get(&it.of));
        let has_value = |name: &str| match of_tag {
            Some(live::Type::Enum(values)) => values.iter().any(|value| value.name == name),
            _ => false,
        };
        let release = self.release;
        for branch in union.branches.iter().filter(|branch| branch.presence.includes(release) && has_value(branch.tag))
        {
            if object.variants.iter().all(|(case, _)| case != branch.tag) {
                let place = place.branch(discriminator, branch.tag);
                self.tell_at(Mark::Less, &place, &place.path, branch.condition);
            }
        }
    }

    fn enumeration(&mut self, values: &'l [live::Value], of: &'static Enum, place: &Place) {
        let release = self.release;
        let known = |name: &str| of.value(name).filter(|value| value.presence.includes(release));
        let mut met = Vec::new();
        for live in values {
            match known(&live.name) {
                Some(value) => met.push((live, value.presence)),
                None => self.tell_at(Mark::More, place, &format!("{} = {}", place.path, live.name), None),
            }
        }
        for (live, presence) in met {
            let place = Place { path: format!("{} = {}", place.path, live.name), ..place.clone() };
            self.features(&live.features, presence, &place);
        }
        for value in of.values.iter().filter(|value| value.presence.includes(release)) {
            if values.iter().all(|live| live.name != value.name) {
                self.tell_at(Mark::Less, place, &format!("{} = {}", place.path, value.name), value.condition);
            }
        }
    }

    /// Alternatives are told apart by their kind, so each has one at most to be compared with.
    fn alternate(&mut self, types: &'l [String], of: &'static Alternate, place: &Place) {
        let mut left: Vec<&String> = types.iter().collect();
        let release = self.release;
        for alternative in of.alternatives.iter().filter(|it| it.is_in(release)) {
            let of = alternative.type_in(release);
            match left.iter().position(|live| self.is_alike(live, of)) {
                Some(at) => self.value(left.remove(at), of, place),
                None => self.tell_at(Mark::Less, place, &format!("{} of {of}", place.path), alternative.condition),
            }
        }
        for live in left {
            let text = format!("{} of {}", place.path, self.shown(live));
            self.tell_at(Mark::More, place, &text, None);
        }
    }

    fn is_alike(&self, live: &str, of: Type) -> bool {
        match (self.live.types.get(live), of) {
            (Some(live::Type::Builtin), of) => live == builtin(of, self.release),
            (Some(live::Type::Array(_)), Type::List(_))
            | (Some(live::Type::Enum(_)), Type::Enum(_))
            | (Some(live::Type::Object(_)), Type::Struct(_) | Type::Union(_))
            | (Some(live::Type::Alternate(_)), Type::Alternate(_)) => true,
            _ => false,
        }
    }

    /// Only what the catalogue keeps of features: whether something is deprecated or unstable.
    fn features(&mut self, live: &[String], presence: Presence, place: &Place) {
        self.feature(live, "deprecated", presence.is_deprecated_in(self.release), place);
        self.feature(live, "unstable", presence.is_unstable_in(self.release), place);
    }

    fn feature(&mut self, live: &[String], feature: &str, expected: bool, place: &Place) {
        let has = live.iter().any(|it| it == feature);
        if has != expected {
            self.differ(place, &if has { feature.to_owned() } else { format!("not {feature}") });
        }
    }

    fn shown(&self, live: &str) -> String {
        match self.live.types.get(live) {
            // A number would say nothing.
            Some(live::Type::Alternate(types)) if !self.names.contains_key(live) => {
                let types: Vec<String> = types.iter().map(|it| show::of(self.live, &self.names, it)).collect();
                types.join(" | ")
            }
            _ => show::of(self.live, &self.names, live),
        }
    }

    fn differ(&mut self, place: &Place, what: &str) {
        let text = if place.path.is_empty() { what.to_owned() } else { format!("{}: {what}", place.path) };
        self.tell_at(Mark::Other, place, &text, None);
    }

    fn tell_at(&mut self, mark: Mark, place: &Place, text: &str, condition: Option<&'static str>) {
        let mut text = format!("{}: {text}", place.of);
        if let Some(within) = place.within {
            let _ = write!(text, " [{within}]");
        }
        self.tell(mark, &place.of, text, condition);
    }

    fn tell(&mut self, mark: Mark, of: &str, text: String, condition: Option<&'static str>) {
        self.found.push(Difference { mark, of: of.into(), text, condition });
    }
}

const fn optional(it: bool) -> &'static str {
    if it { "?" } else { "" }
}

/// The name that schemas have for a type that is built in. Widths of integers are not told.
fn builtin(of: Type, release: Release) -> &'static str {
    match of {
        Type::Str => "str",
        Type::Bool => "bool",
        Type::Int(_) => "int",
        Type::Number => "number",
        Type::Null => "null",
        Type::Any => "any",
        Type::Enum(of) if of.bool_until.is_some_and(|until| release.series() <= until) => "bool",
        _ => "",
    }
}

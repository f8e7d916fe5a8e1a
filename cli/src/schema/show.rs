//! Commands, events and types, a line each.

use alloc::collections::{BTreeMap, BTreeSet};

use super::live::{Command, Event, Live, Member, Type};

/// Names of types by QEMU's names of them.
pub(super) type Names<'l> = BTreeMap<&'l str, &'static str>;

/// All of a schema.
#[derive(Debug)]
pub(super) struct Show<'l> {
    live: &'l Live,
    names: &'l Names<'l>,
}

impl<'l> Show<'l> {
    pub(super) const fn new(live: &'l Live, names: &'l Names<'l>) -> Self {
        Self { live, names }
    }

    /// Each line, behind the name of what it is about.
    pub(super) fn lines(&self) -> impl Iterator<Item = (String, String)> {
        let Self { live, names } = self;
        let commands = live.commands.iter().map(|(name, it)| (name.clone(), command(live, names, name, it)));
        let events = live.events.iter().map(|(name, it)| (name.clone(), event(live, names, name, it)));
        let said = self.said_in_full();
        let types = live.types.iter().filter(|(name, _)| !said.contains(name.as_str()));
        let mut types: Vec<_> = types.filter_map(|(name, it)| self.definition(name, it)).collect();
        types.sort();
        commands.chain(events).chain(types)
    }

    /// The objects that are nothing but arguments or data, and have no branches.
    fn said_in_full(&self) -> BTreeSet<&'l str> {
        let arguments = self.live.commands.values().map(|it| &*it.arguments);
        let all = arguments.chain(self.live.events.values().map(|it| &*it.data));
        all.filter(|name| !self.names.contains_key(name) && self.live.object(name).tag.is_none()).collect()
    }

    /// A line for what is not said in full where it is used.
    fn definition(&self, name: &str, it: &Type) -> Option<(String, String)> {
        let Self { live, names } = self;
        let shown = of(live, names, name);
        let each = |types: &mut dyn Iterator<Item = String>| types.collect::<Vec<_>>().join(" | ");
        let line = match it {
            Type::Builtin | Type::Array(_) => return None,
            Type::Object(object) if object.is_empty() => return None,
            Type::Enum(values) => {
                let mut values = values.iter().map(|it| format!("{}{}", it.name, brackets(false, &it.features)));
                format!("enum {shown} = {}", each(&mut values))
            }
            Type::Alternate(types) => {
                format!("alternate {shown} = {}", each(&mut types.iter().map(|it| of(live, names, it))))
            }
            Type::Object(object) => {
                let mut line = format!("object {shown} = {{{}}}", members(live, names, &object.members));
                if let Some(tag) = &object.tag {
                    let branches = object.variants.iter().filter(|(_, of)| !live.object(of).is_empty());
                    let mut branches = branches.map(|(case, it)| format!("{case}: {}", of(live, names, it)));
                    line += &format!(" by {tag} {}", each(&mut branches));
                }
                line + &brackets(false, &object.features)
            }
        };
        Some((shown, line))
    }
}

pub(super) fn command(live: &Live, names: &Names<'_>, name: &str, it: &Command) -> String {
    let arguments = inside(live, names, &it.arguments);
    format!("command {name}({arguments}) -> {}{}", of(live, names, &it.returns), brackets(it.oob, &it.features))
}

pub(super) fn event(live: &Live, names: &Names<'_>, name: &str, it: &Event) -> String {
    format!("event {name}({}){}", inside(live, names, &it.data), brackets(false, &it.features))
}

/// A type, by its name.
pub(super) fn of(live: &Live, names: &Names<'_>, name: &str) -> String {
    match (names.get(name), live.types.get(name)) {
        // No list is one of lists; if it were, its element would keep QEMU's name.
        (_, Some(Type::Array(element))) => match live.types.get(element) {
            Some(Type::Array(_)) => format!("[{element}]"),
            _ => format!("[{}]", of(live, names, element)),
        },
        (_, Some(Type::Object(object))) if object.is_empty() => "{}".into(),
        (Some(known), _) => (*known).into(),
        (None, _) => name.into(),
    }
}

/// Arguments or data: the members, or the name of what has branches.
fn inside(live: &Live, names: &Names<'_>, name: &str) -> String {
    let object = live.object(name);
    if object.tag.is_some() { of(live, names, name) } else { members(live, names, &object.members) }
}

fn members(live: &Live, names: &Names<'_>, members: &[Member]) -> String {
    let member = |it: &Member| {
        let optional = if it.optional { "?" } else { "" };
        format!("{}{optional}: {}{}", it.name, of(live, names, &it.of), brackets(false, &it.features))
    };
    members.iter().map(member).collect::<Vec<_>>().join(", ")
}

fn brackets(oob: bool, features: &[String]) -> String {
    let all: Vec<&str> = oob.then_some("oob").into_iter().chain(features.iter().map(String::as_str)).collect();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}

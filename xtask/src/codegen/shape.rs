//! What types look like in Rust: which borrow, which hold themselves by `Nested`, how wide an integer is.

use alloc::collections::{BTreeMap, BTreeSet};

use super::model::{Definition, Direction, Member, Schema, Struct, Type};
use super::names::camel;

/// The types of one vocabulary, as Rust's.
pub(crate) struct Shapes<'s> {
    types: BTreeMap<&'s str, Definition<'s>>,
    /// Types that borrow nothing.
    owned: BTreeSet<&'s str>,
    /// Members and alternatives, by their type and name, that hold their type by reference: without, it would contain
    /// itself.
    nested: BTreeSet<(&'s str, &'s str)>,
    /// Types that have the name of a command or an event, too: written with their module.
    ambiguous: BTreeSet<String>,
}

impl<'s> Shapes<'s> {
    pub(crate) fn of(schema: &'s Schema) -> Self {
        let types = schema.types().into_iter().map(|(name, (_, definition))| (name, definition)).collect();
        let mut shapes = Self { types, owned: BTreeSet::new(), nested: BTreeSet::new(), ambiguous: BTreeSet::new() };
        for chapter in &schema.chapters {
            let commands = chapter.commands.iter().map(|it| camel(&it.head.name));
            shapes.ambiguous.extend(commands.chain(chapter.events.iter().map(|it| camel(&it.head.name))));
        }
        shapes.find_cycles();
        shapes.find_owned();
        shapes
    }

    pub(crate) fn definition(&self, name: &str) -> Definition<'s> {
        self.types[name]
    }

    /// What is used, if the schema defines it.
    pub(crate) fn definition_of(&self, of: &Type) -> Option<Definition<'s>> {
        self.types.get(&*of.name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'s str> {
        self.types.keys().copied()
    }

    /// Whether the Rust type of this name has a lifetime.
    pub(crate) fn borrows(&self, name: &str) -> bool {
        !self.owned.contains(name)
    }

    /// The members of a struct, those of its bases first.
    pub(crate) fn members(&self, of: &'s Struct) -> Vec<&'s Member> {
        let mut members = of.base.as_deref().map_or_else(Vec::new, |base| self.members_of(base));
        members.extend(&of.members);
        members
    }

    /// The members of the struct of this name.
    pub(crate) fn members_of(&self, name: &str) -> Vec<&'s Member> {
        match self.definition(name) {
            Definition::Struct(it) => self.members(it),
            _ => panic!("{name} is no struct"),
        }
    }

    /// Whether any of these members borrows.
    pub(crate) fn any_borrows(&self, members: &[&Member]) -> bool {
        members.iter().any(|member| self.type_borrows(&member.of))
    }

    /// The Rust type of the member or alternative `member` of `owner`, which is met in `direction`.
    pub(crate) fn member_type(&self, owner: &str, member: &Member, direction: &[Direction]) -> String {
        let nested = self.nested.contains(&(owner, &*member.name));
        let read = direction.contains(&Direction::Out);
        let widest = if read { widest(&member.of, &member.type_history) } else { member.of.clone() };
        let of = self.rust(&widest);
        if nested { format!("Nested<'a, {of}>") } else { of }
    }

    /// The Rust type of a use.
    pub(crate) fn rust(&self, of: &Type) -> String {
        let element = match &*of.name {
            "str" => "&'a str".to_owned(),
            "bool" => "bool".to_owned(),
            // Whoever reads it gets it, signed or not.
            "int" => "i128".to_owned(),
            "size" => "u64".to_owned(),
            "number" => "f64".to_owned(),
            "any" => "Any<'a>".to_owned(),
            width if of.is_builtin() => width.replace("uint", "u").replace("int", "i"),
            name => {
                let module = if self.ambiguous.contains(name) { "types::" } else { "" };
                let lifetime = if self.borrows(name) { "<'a>" } else { "" };
                format!("{module}{name}{lifetime}")
            }
        };
        if of.list { format!("List<'a, {element}>") } else { element }
    }

    fn type_borrows(&self, of: &Type) -> bool {
        of.list || matches!(&*of.name, "str" | "any") || !of.is_builtin() && self.borrows(&of.name)
    }

    /// Structs whose members borrow nothing. All else borrows at least the name of what it does not know.
    fn find_owned(&mut self) {
        // A struct is owned if all that it holds is; go on until no more are found.
        loop {
            let before = self.owned.len();
            for (name, definition) in &self.types {
                let Definition::Struct(it) = definition else { continue };
                let members = self.members(it);
                let borrows =
                    self.any_borrows(&members) || members.iter().any(|it| self.nested.contains(&(*name, &*it.name)));
                if !borrows {
                    self.owned.insert(name);
                }
            }
            if self.owned.len() == before {
                break;
            }
        }
    }

    /// Finds where types contain themselves other than by a list, which is read as it is asked for.
    ///
    /// An alternate is the natural place to break a circle: its object is the part that is deep. What circles are left
    /// are broken at the member that closes them.
    fn find_cycles(&mut self) {
        let names = self.types.keys().copied().collect::<Vec<_>>();
        for name in &names {
            if let Definition::Alternate(it) = self.types[name] {
                for alternative in &it.alternatives {
                    if self.reaches(&alternative.of, name) {
                        self.nested.insert((name, &alternative.name));
                    }
                }
            }
        }
        for name in &names {
            for (owner, member) in self.held(name) {
                if self.reaches(&member.of, name) {
                    self.nested.insert((owner, &member.name));
                }
            }
        }
    }

    /// Whether a value of this type may hold one of `target`, lists and what is nested left out.
    fn reaches(&self, from: &Type, target: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut left = vec![from];
        while let Some(of) = left.pop() {
            if of.list || of.is_builtin() || !seen.insert(&*of.name) {
                continue;
            }
            if of.name == target {
                return true;
            }
            let name = self.types.get_key_value(&*of.name).map_or("", |(name, _)| *name);
            let held = self.held(name).into_iter().filter(|(owner, it)| !self.nested.contains(&(*owner, &*it.name)));
            left.extend(held.map(|(_, it)| &it.of));
            if let Definition::Union(it) = self.types[name] {
                left.extend(it.branches.iter().map(|branch| &branch.of));
            }
        }
        false
    }

    /// The members that a type holds, each with the type that Rust has it in.
    fn held(&self, name: &'s str) -> Vec<(&'s str, &'s Member)> {
        match self.types[name] {
            Definition::Struct(it) => self.members(it).into_iter().map(|member| (name, member)).collect(),
            Definition::Union(it) => {
                let base = it.base.as_deref().map_or_else(Vec::new, |base| self.members_of(base));
                base.into_iter().chain(&it.members).map(|member| (name, member)).collect()
            }
            Definition::Alternate(it) => it.alternatives.iter().map(|member| (name, member)).collect(),
            Definition::Enum(_) => Vec::new(),
        }
    }
}

/// The type that takes what every release sends. Where an integer was signed before and has no sign now, no release sent
/// one that is negative.
fn widest(newest: &Type, history: &[(String, Type)]) -> Type {
    let was_signed = history.iter().any(|(_, of)| of.name == "int64");
    let narrow = ["uint8", "uint16", "uint32", "int8", "int16", "int32"].contains(&&*newest.name);
    if was_signed && narrow { Type { name: "int64".into(), list: newest.list } } else { newest.clone() }
}

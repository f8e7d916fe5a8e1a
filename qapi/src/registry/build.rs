//! The words in which the tables are written.
//!
//! A table says what differs from the usual: `member("size", INT64, since(1, 0)).optional()`.
#![cfg_attr(not(feature = "all"), allow(dead_code, unused_imports, reason = "a chapter uses some of these words"))]

pub(super) use super::command::{Arguments, Command, CommandChange, Event};
pub(super) use super::definition::{
    Alternate, Branch, Enum, EnumValue, Form, Integer, Member, MemberChange, Struct, Type, Union, UnionChange,
};
pub(super) use super::release::{Presence, Release};
pub(super) use super::{Chapter, Vocabulary};

pub(super) const STR: Type = Type::Str;
pub(super) const BOOL: Type = Type::Bool;
pub(super) const NUMBER: Type = Type::Number;
pub(super) const NULL: Type = Type::Null;
pub(super) const ANY: Type = Type::Any;
pub(super) const INT: Type = Type::Int(Integer::Any);
pub(super) const INT8: Type = Type::Int(Integer::Int8);
pub(super) const INT16: Type = Type::Int(Integer::Int16);
pub(super) const INT32: Type = Type::Int(Integer::Int32);
pub(super) const INT64: Type = Type::Int(Integer::Int64);
pub(super) const UINT8: Type = Type::Int(Integer::Uint8);
pub(super) const UINT16: Type = Type::Int(Integer::Uint16);
pub(super) const UINT32: Type = Type::Int(Integer::Uint32);
pub(super) const UINT64: Type = Type::Int(Integer::Uint64);
pub(super) const SIZE: Type = Type::Int(Integer::Size);

/// Release `major.minor`.
pub(super) const fn v(major: u8, minor: u8) -> Release {
    Release::new(major, minor, 0)
}

/// There from this release on.
pub(super) const fn since(major: u8, minor: u8) -> Presence {
    stable(major, minor, 0)
}

/// There from this stable update on.
pub(super) const fn stable(major: u8, minor: u8, micro: u8) -> Presence {
    Presence { since: Release::new(major, minor, micro), until: None, deprecated: None, unstable: None }
}

impl Presence {
    pub(super) const fn until(self, major: u8, minor: u8) -> Self {
        Self { until: Some(v(major, minor)), ..self }
    }

    pub(super) const fn deprecated(self, release: Release) -> Self {
        Self { deprecated: Some(release), ..self }
    }

    pub(super) const fn unstable(self, release: Release) -> Self {
        Self { unstable: Some(release), ..self }
    }
}

pub(super) const fn command(name: &'static str, presence: Presence) -> Command {
    Command {
        name,
        presence,
        oob: false,
        preconfig: false,
        no_reply: false,
        arguments: Arguments::Members(&[]),
        open: false,
        returns: None,
        condition: None,
        changes: &[],
    }
}

impl Command {
    pub(super) const fn oob(self) -> Self {
        Self { oob: true, ..self }
    }

    pub(super) const fn preconfig(self) -> Self {
        Self { preconfig: true, ..self }
    }

    pub(super) const fn no_reply(self) -> Self {
        Self { no_reply: true, ..self }
    }

    pub(super) const fn arguments(self, members: &'static [Member]) -> Self {
        Self { arguments: Arguments::Members(members), ..self }
    }

    pub(super) const fn arguments_of(self, union: &'static Union) -> Self {
        Self { arguments: Arguments::Union(union), ..self }
    }

    pub(super) const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    pub(super) const fn returns(self, of: Type) -> Self {
        Self { returns: Some(of), ..self }
    }

    pub(super) const fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) const fn changed(self, changes: &'static [CommandChange]) -> Self {
        Self { changes, ..self }
    }
}

pub(super) const fn event(name: &'static str, presence: Presence) -> Event {
    Event { name, presence, rate_limited: false, data: &[], condition: None, conditions: &[] }
}

impl Event {
    pub(super) const fn rate_limited(self) -> Self {
        Self { rate_limited: true, ..self }
    }

    pub(super) const fn data(self, data: &'static [Member]) -> Self {
        Self { data, ..self }
    }

    pub(super) const fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) const fn changed(self, conditions: &'static [(Release, Option<&'static str>)]) -> Self {
        Self { conditions, ..self }
    }
}

pub(super) const fn member(name: &'static str, of: Type, presence: Presence) -> Member {
    Member { name, of, presence, optional: false, vary: false, condition: None, changes: &[] }
}

impl Member {
    pub(super) const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(super) const fn vary(self) -> Self {
        Self { vary: true, ..self }
    }

    pub(super) const fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) const fn changed(self, changes: &'static [MemberChange]) -> Self {
        Self { changes, ..self }
    }
}

pub(super) const fn structure(name: &'static str, presence: Presence, own: &'static [Member]) -> Struct {
    Struct { name, presence, base: None, own }
}

impl Struct {
    pub(super) const fn with(self, base: &'static Self) -> Self {
        Self { base: Some(base), ..self }
    }
}

pub(super) const fn union(
    name: &'static str,
    presence: Presence,
    (discriminator, tags): (&'static str, &'static Enum),
    branches: &'static [Branch],
) -> Union {
    Union {
        name,
        presence,
        base: None,
        own: &[],
        discriminator,
        tags,
        form: Form::Flat,
        branches,
        struct_members: &[],
        moved_to_branches: &[],
        changes: &[],
    }
}

impl Union {
    pub(super) const fn simple(self) -> Self {
        Self { form: Form::Simple, ..self }
    }

    pub(super) const fn with(self, base: &'static Struct) -> Self {
        Self { base: Some(base), ..self }
    }

    pub(super) const fn own(self, own: &'static [Member]) -> Self {
        Self { own, ..self }
    }

    pub(super) const fn as_struct(self, struct_members: &'static [Member]) -> Self {
        Self { struct_members, ..self }
    }

    pub(super) const fn moved_to_branches(self, moved_to_branches: &'static [&'static str]) -> Self {
        Self { moved_to_branches, ..self }
    }

    pub(super) const fn changed(self, changes: &'static [UnionChange]) -> Self {
        Self { changes, ..self }
    }
}

pub(super) const fn branch(tag: &'static str, of: Type, presence: Presence) -> Branch {
    Branch { tag, of, presence, condition: None, types: &[] }
}

impl Branch {
    pub(super) const fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) const fn changed(self, types: &'static [(Release, Type)]) -> Self {
        Self { types, ..self }
    }
}

pub(super) const fn alternate(name: &'static str, presence: Presence, alternatives: &'static [Member]) -> Alternate {
    Alternate { name, presence, alternatives }
}

pub(super) const fn enumeration(name: &'static str, presence: Presence, values: &'static [EnumValue]) -> Enum {
    Enum { name, presence, values, bool_until: None }
}

impl Enum {
    pub(super) const fn bool_until(self, major: u8, minor: u8) -> Self {
        Self { bool_until: Some(v(major, minor)), ..self }
    }
}

pub(super) const fn value(name: &'static str, presence: Presence) -> EnumValue {
    EnumValue { name, presence, condition: None }
}

impl EnumValue {
    pub(super) const fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }
}

//! Types and members: what they are, and what they were.

use core::fmt;

use super::release::{Absence, Presence, Release, holding};

/// What a value is: one of JSON's own types, or one that is defined.
///
/// Two are equal if they are the same kind of type by the same name.
#[derive(Clone, Copy)]
pub enum Type {
    /// A string.
    Str,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int(Integer),
    /// A number, with or without a fraction.
    Number,
    /// `null`.
    Null,
    /// Any value.
    Any,
    /// An array.
    List(&'static Self),
    /// An object.
    Struct(&'static Struct),
    /// An object whose members depend on one of them.
    Union(&'static Union),
    /// Values of several types.
    Alternate(&'static Alternate),
    /// One of several strings.
    Enum(&'static Enum),
}

/// How wide a whole number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Integer {
    /// 64 bits, with a sign or without: it is not known which.
    Any,
    /// -128 to 127.
    Int8,
    /// -32,768 to 32,767.
    Int16,
    /// 32 bits with a sign.
    Int32,
    /// 64 bits with a sign.
    Int64,
    /// 0 to 255.
    Uint8,
    /// 0 to 65,535.
    Uint16,
    /// 32 bits.
    Uint32,
    /// 64 bits.
    Uint64,
    /// A number of bytes, 64 bits.
    Size,
}

impl Integer {
    const fn name(self) -> &'static str {
        match self {
            Self::Any => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Size => "size",
        }
    }
}

impl Type {
    /// The type's name, `str` or `BlockInfo`; of a list, its elements' name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Bool => "bool",
            Self::Int(width) => width.name(),
            Self::Number => "number",
            Self::Null => "null",
            Self::Any => "any",
            Self::List(element) => element.name(),
            Self::Struct(it) => it.name,
            Self::Union(it) => it.name,
            Self::Alternate(it) => it.name,
            Self::Enum(it) => it.name,
        }
    }
}

/// The name; a list's in brackets.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(element) => write!(f, "[{element}]"),
            _ => f.write_str(self.name()),
        }
    }
}

/// The name alone: types refer to each other in circles.
impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(other)) => one == other,
            _ => core::mem::discriminant(self) == core::mem::discriminant(other) && self.name() == other.name(),
        }
    }
}

impl Eq for Type {}

/// A member of an object: of a struct, of a command's arguments, of an event's data.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it is, in the newest release that has it.
    pub of: Type,
    /// When it is there.
    pub presence: Presence,
    /// Some release takes or sends the object without it, by its schema.
    pub optional: bool,
    /// Not optional, and yet replies and events of some release lack it.
    pub vary: bool,
    /// What of QEMU's build it depends on, in the newest release.
    pub condition: Option<&'static str>,
    /// What was otherwise, oldest first for each kind of change.
    pub changes: &'static [MemberChange],
}

/// What holds of a member from a release on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MemberChange {
    /// What it is.
    Type(Release, Type),
    /// Whether it may be left out.
    Optional(Release, bool),
    /// What of QEMU's build it depends on.
    Condition(Release, Option<&'static str>),
    /// This release, and those before it in its series, lack it.
    Absent(Release),
}

impl Member {
    /// Whether `release` has it.
    pub fn is_in(&self, release: Release) -> bool {
        self.absence_in(release).is_none()
    }

    /// Why `release` does not have it, if so.
    pub fn absence_in(&self, release: Release) -> Option<Absence> {
        let lacking = |change: &MemberChange| match *change {
            MemberChange::Absent(last) => release.series() == last.series() && release <= last,
            _ => false,
        };
        let except = self.changes.iter().any(lacking).then_some(Absence::Except(release));
        self.presence.absence_in(release).or(except)
    }

    /// What it is in `release`.
    pub fn type_in(&self, release: Release) -> Type {
        let changes = self.changes.iter().filter_map(|change| match *change {
            MemberChange::Type(since, of) => Some((since, of)),
            _ => None,
        });
        holding(release, self.of, changes)
    }

    /// Whether the object may lack it in `release`, by the schema of that release.
    pub fn is_optional_in(&self, release: Release) -> bool {
        let changes = self.changes.iter().filter_map(|change| match *change {
            MemberChange::Optional(since, optional) => Some((since, optional)),
            _ => None,
        });
        holding(release, self.optional, changes)
    }

    /// What of QEMU's build it depends on in `release`.
    pub fn condition_in(&self, release: Release) -> Option<&'static str> {
        let changes = self.changes.iter().filter_map(|change| match *change {
            MemberChange::Condition(since, condition) => Some((since, condition)),
            _ => None,
        });
        holding(release, self.condition, changes)
    }
}

/// An object with certain members.
#[derive(Clone, Copy, Debug)]
pub struct Struct {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// The struct whose members it has, too.
    pub base: Option<&'static Self>,
    /// The members of its own.
    pub own: &'static [Member],
}

impl Struct {
    /// Its members, those of its base first.
    pub fn members(&'static self) -> impl Iterator<Item = &'static Member> {
        let mut lists = Lists::EMPTY;
        lists.push_struct(self);
        lists.members()
    }
}

/// An object, the value of one of whose members, the tag, tells which others there are.
#[derive(Clone, Copy, Debug)]
pub struct Union {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// The struct whose members every branch has.
    pub base: Option<&'static Struct>,
    /// Other members that every branch has. A flat union's tag is one of these, or of the base.
    pub own: &'static [Member],
    /// The tag's name.
    pub discriminator: &'static str,
    /// The tag's values.
    pub tags: &'static Enum,
    /// Where a branch's members stand.
    pub form: Form,
    /// The branches. Tags that have none have no members of their own.
    pub branches: &'static [Branch],
    /// Members that it had while it was a struct, beside those that every branch has.
    pub struct_members: &'static [Member],
    /// Names of members of branches that older releases had in every branch.
    pub moved_to_branches: &'static [&'static str],
    /// What was otherwise, oldest first for each kind of change.
    pub changes: &'static [UnionChange],
}

/// Where the members of a union's branch stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// Beside the tag.
    Flat,
    /// In a member `data` beside the tag. The branch may be of any type then.
    Simple,
    /// Nowhere: it is a struct in that release.
    Struct,
}

/// What holds of a union from a release on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UnionChange {
    /// Where the members of its branches stand.
    Form(Release, Form),
    /// The tag's name. Which branches another tag than the newest chose is not known.
    Discriminator(Release, &'static str),
}

impl Union {
    /// Where the members of its branches stand in `release`.
    pub fn form_in(&self, release: Release) -> Form {
        let changes = self.changes.iter().filter_map(|change| match *change {
            UnionChange::Form(since, form) => Some((since, form)),
            UnionChange::Discriminator(..) => None,
        });
        holding(release, self.form, changes)
    }

    /// The tag's name in `release`.
    pub fn discriminator_in(&self, release: Release) -> &'static str {
        let changes = self.changes.iter().filter_map(|change| match *change {
            UnionChange::Discriminator(since, name) => Some((since, name)),
            UnionChange::Form(..) => None,
        });
        holding(release, self.discriminator, changes)
    }

    /// The branch that `tag` has in `release`.
    pub fn branch_in(&self, tag: &str, release: Release) -> Option<&'static Branch> {
        self.branches.iter().find(|branch| branch.tag == tag && branch.presence.includes(release))
    }

    /// The members of every branch, those of its base first.
    pub fn members(&self) -> impl Iterator<Item = &'static Member> {
        let mut lists = Lists::EMPTY;
        lists.push_base(self);
        lists.members()
    }
}

/// A branch of a union.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The tag's value that chooses it.
    pub tag: &'static str,
    /// What it adds, in the newest release that has it.
    pub of: Type,
    /// When it is there.
    pub presence: Presence,
    /// What of QEMU's build it depends on.
    pub condition: Option<&'static str>,
    /// What it added before, oldest first.
    pub types: &'static [(Release, Type)],
}

impl Branch {
    /// What it adds in `release`.
    pub fn type_in(&self, release: Release) -> Type {
        holding(release, self.of, self.types.iter().copied())
    }
}

/// Values of several types, told apart by their JSON type.
#[derive(Clone, Copy, Debug)]
pub struct Alternate {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// The types. The names of these members are never on the wire.
    pub alternatives: &'static [Member],
}

/// One of several strings.
#[derive(Clone, Copy, Debug)]
pub struct Enum {
    /// Its name.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// The strings.
    pub values: &'static [EnumValue],
    /// The last series that has `true` and `false` in its place.
    pub bool_until: Option<Release>,
}

impl Enum {
    /// The value of this name, of any release.
    pub fn value(&self, name: &str) -> Option<&'static EnumValue> {
        self.values.iter().find(|value| value.name == name)
    }
}

/// One string of an enum.
#[derive(Clone, Copy, Debug)]
pub struct EnumValue {
    /// The string.
    pub name: &'static str,
    /// When it is there.
    pub presence: Presence,
    /// What of QEMU's build it depends on.
    pub condition: Option<&'static str>,
}

/// The members of one object: those of its type, of what that is based on, and of the branch that its tag chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists {
    lists: [&'static [Member]; Self::MOST],
    count: usize,
}

impl Lists {
    /// Enough for a struct with its bases inside a union inside a union. A test counts.
    const MOST: usize = 12;
    pub(super) const EMPTY: Self = Self { lists: [&[]; Self::MOST], count: 0 };

    pub(super) fn push(&mut self, members: &'static [Member]) {
        if let Some(list) = self.lists.get_mut(self.count) {
            *list = members;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn push_struct(&mut self, structure: &'static Struct) {
        let start = self.count;
        let mut next = Some(structure);
        while let Some(Struct { base, own, .. }) = next {
            // A base comes in front of what is built on it.
            self.push(own);
            next = *base;
        }
        if let Some(pushed) = self.lists.get_mut(start..self.count) {
            pushed.reverse();
        }
    }

    /// What every branch of `union` has.
    pub(super) fn push_base(&mut self, union: &Union) {
        if let Some(base) = union.base {
            self.push_struct(base);
        }
        self.push(union.own);
    }

    pub(super) fn members(self) -> impl Iterator<Item = &'static Member> {
        self.lists.into_iter().flatten()
    }

    #[cfg(test)]
    pub(super) const fn is_full(&self) -> bool {
        self.count == Self::MOST
    }
}

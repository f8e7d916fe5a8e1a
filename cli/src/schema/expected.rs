//! What a release has where QEMU's schema has an object: members, and branches by the value of one of them.

use qmp_qapi::registry::{Arguments, Branch, EnumValue, Form, Member, Presence, Release, Struct, Type, Union};

/// The members of an object, as a release has them.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Those of every branch.
    pub(crate) members: Vec<Field>,
    pub(crate) union: Option<&'static Union>,
}

/// A member, as the release has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    pub(crate) optional: bool,
    pub(crate) condition: Option<&'static str>,
    pub(crate) deprecated: bool,
    pub(crate) unstable: bool,
    pub(crate) since: Release,
}

impl Expected {
    pub(crate) fn of_arguments(arguments: Arguments, release: Release) -> Self {
        match arguments {
            Arguments::Members(members) => Self::of_members(members, release),
            Arguments::Union(union) => Self::of_union(union, release),
        }
    }

    pub(crate) fn of_members(members: impl IntoIterator<Item = &'static Member>, release: Release) -> Self {
        let members = members.into_iter().filter(|member| member.is_in(release));
        Self { members: members.map(|member| Field::of(member, release)).collect(), union: None }
    }

    pub(crate) fn of_struct(of: &'static Struct, release: Release) -> Self {
        Self::of_members(of.members(), release)
    }

    pub(crate) fn of_union(union: &'static Union, release: Release) -> Self {
        let form = union.form_in(release);
        if form == Form::Simple {
            let tag = Field::plain(union.discriminator, Type::Enum(union.tags));
            return Self { members: vec![tag], union: Some(union) };
        }
        let mut expected = Self::of_members(union.members(), release);
        expected.members.extend(union.moved_to_branches.iter().filter_map(|name| moved(union, name, release)));
        if form == Form::Struct {
            let as_struct = union.struct_members.iter().filter(|member| member.is_in(release));
            expected.members.extend(as_struct.map(|member| Field::of(member, release)));
        } else {
            expected.union = Some(union);
        }
        expected
    }

    /// What a branch of `union` adds; of a simple one a member `data`.
    pub(crate) fn of_branch(union: &Union, branch: &Branch, release: Release) -> Self {
        match branch.type_in(release) {
            of if union.form_in(release) == Form::Simple => {
                Self { members: vec![Field::plain("data", of)], union: None }
            }
            Type::Struct(of) => Self::of_struct(of, release),
            Type::Union(of) => Self::of_union(of, release),
            _ => Self { members: Vec::new(), union: None },
        }
    }
}

impl Field {
    fn of(member: &'static Member, release: Release) -> Self {
        Self {
            name: member.name,
            of: member.type_in(release),
            optional: member.is_optional_in(release),
            condition: member.condition_in(release),
            deprecated: member.presence.is_deprecated_in(release),
            unstable: member.presence.is_unstable_in(release),
            since: member.presence.since,
        }
    }

    const fn plain(name: &'static str, of: Type) -> Self {
        Self { name, of, optional: false, condition: None, deprecated: false, unstable: false, since: Presence::EVER }
    }
}

/// The value of `union`'s tag that `case` is.
pub(crate) fn tag<'u>(union: &'u Union, case: &str, release: Release) -> Option<&'u EnumValue> {
    union.tags.value(case).filter(|value| value.presence.includes(release))
}

/// A member that older releases have in every branch and newer ones in some.
fn moved(union: &Union, name: &str, release: Release) -> Option<Field> {
    let structs = union.branches.iter().filter_map(|branch| match branch.of {
        Type::Struct(of) => Some(of),
        _ => None,
    });
    let mut members = structs.flat_map(Struct::members);
    let member = members.find(|member| member.name == name && release < member.presence.since)?;
    Some(Field::of(member, release))
}

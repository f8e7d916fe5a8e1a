//! Objects: structs, unions, arguments.

use qmp_core::json::Value;

use super::{Check, Direction};
use crate::registry::definition::{Branch, Form, Lists, Member, Struct, Type, Union};
use crate::registry::misfit::{Path, Reason};
use crate::registry::release::Presence;

/// What stands for a type without members where an object is expected.
pub(super) static EMPTY: Struct = Struct { name: "object", presence: Presence::ALWAYS, base: None, own: &[] };

/// What an object may have.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    members: Lists,
    others: Others,
    /// The union that it is, if members of its branches were in its base.
    moved: Option<&'static Union>,
}

/// What becomes of members that are not known.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Others {
    Misfit,
    Fit,
}

impl Shape {
    pub(super) fn of_members(members: &'static [Member]) -> Self {
        let mut lists = Lists::EMPTY;
        lists.push(members);
        Self::of_lists(lists)
    }

    pub(super) const fn of_lists(members: Lists) -> Self {
        Self { members, others: Others::Misfit, moved: None }
    }

    pub(super) const fn with(self, others: Others) -> Self {
        Self { others, ..self }
    }
}

/// Which members of an object were met: more than any object has, as a test counts.
#[derive(Default)]
struct Met(u128);

impl Met {
    /// Takes member `number` as met, and tells whether it was before.
    fn meet(&mut self, number: u32) -> bool {
        let bit = 1_u128.checked_shl(number).unwrap_or_default();
        let before = self.0 & bit != 0;
        self.0 |= bit;
        before
    }
}

impl Check<'_> {
    /// `value`, if there is one, is an object.
    pub(super) fn object(&mut self, value: Option<Value<'_>>, shape: Shape, path: &Path<'_>) {
        let mut met = Met::default();
        for (name, value) in value.into_iter().flat_map(Value::entries) {
            let path = path.member(name);
            let known = (0..).zip(shape.members.members()).filter(|(_, member)| member.name == name);
            // Of two by one name, one is older than the other.
            let known = known.min_by_key(|(_, member)| !member.is_in(self.release));
            if known.is_some_and(|(number, _)| met.meet(number)) {
                self.misfit(&path, Reason::Twice, Some(value));
                continue;
            }
            match known.map(|(_, member)| (member, member.absence_in(self.release))) {
                Some((member, None)) => self.value(value, member.type_in(self.release), &path),
                other => match (other, shape.moved.and_then(|union| self.moved(union, name))) {
                    (_, Some(member)) => self.value(value, member.type_in(self.release), &path),
                    _ if shape.others == Others::Fit => {}
                    (Some((_, Some(absence))), _) => self.misfit(&path, Reason::Member(absence), Some(value)),
                    _ => self.misfit(&path, Reason::UnknownMember, Some(value)),
                },
            }
        }
        for (number, member) in (0..).zip(shape.members.members()) {
            if !met.meet(number) && self.requires(member) {
                self.misfit(&path.member(member.name), Reason::Missing, None);
            }
        }
    }

    fn requires(&self, member: &Member) -> bool {
        let may_vary = member.vary && self.direction == Direction::Out;
        member.is_in(self.release)
            && !member.is_optional_in(self.release)
            && !may_vary
            && member.condition_in(self.release).is_none()
    }

    /// What `value` may have as a union, flat or still a struct.
    pub(super) fn shape_of_union(&self, union: &'static Union, value: Option<Value<'_>>) -> Shape {
        let mut shape = Shape::of_lists(Lists::EMPTY);
        let mut next = Some(union);
        while let Some(union) = next {
            next = self.add_union(union, value, &mut shape);
        }
        shape
    }

    /// Adds the members of a union to the shape. The union that its branch is, if it is one, is left to be added.
    fn add_union(&self, union: &'static Union, value: Option<Value<'_>>, shape: &mut Shape) -> Option<&'static Union> {
        shape.members.push_base(union);
        if !union.moved_to_branches.is_empty() {
            shape.moved = Some(union);
        }
        if union.form_in(self.release) == Form::Struct {
            shape.members.push(union.struct_members);
            return None;
        }
        let discriminator = union.discriminator_in(self.release);
        let Some(tag) = value.and_then(|value| value.get(discriminator)) else {
            // Its absence fits or is told, and there is no branch.
            return None;
        };
        let branch = tag.as_str().and_then(|tag| union.branch_in(tag, self.release));
        match branch.map(|branch| branch.type_in(self.release)) {
            Some(Type::Struct(of)) => shape.members.push_struct(of),
            Some(Type::Union(of)) => return Some(of),
            // A tag that is fine has no members; of another it is told, and of what comes with it nothing is known.
            _ if !self.has_no_members(union, discriminator, tag) => shape.others = Others::Fit,
            _ => {}
        }
        None
    }

    /// Whether a tag that has no branch is known to have none.
    fn has_no_members(&self, union: &Union, discriminator: &str, tag: Value<'_>) -> bool {
        discriminator == union.discriminator
            && tag.as_str().is_some_and(|tag| self.not_a_value(union.tags, tag).is_none())
    }

    /// The member of a branch that every branch has in releases older than it is in its own.
    fn moved(&self, union: &'static Union, name: &str) -> Option<&'static Member> {
        union.moved_to_branches.iter().find(|moved| **moved == name)?;
        let structs = union.branches.iter().filter_map(|branch| match branch.of {
            Type::Struct(of) => Some(of),
            _ => None,
        });
        let mut members = structs.flat_map(Struct::members);
        members.find(|member| member.name == name && self.release < member.presence.since)
    }

    /// `value` is an object.
    pub(super) fn simple_union(&mut self, value: Value<'_>, union: &'static Union, path: &Path<'_>) {
        let tag = value.get(union.discriminator);
        let branch = tag.and_then(Value::as_str).and_then(|tag| union.branch_in(tag, self.release));
        let (mut tags, mut data) = (0_u8, 0_u8);
        for (name, value) in value.entries() {
            let path = path.member(name);
            let count = match name {
                _ if name == union.discriminator => &mut tags,
                "data" => &mut data,
                _ => {
                    self.misfit(&path, Reason::UnknownMember, Some(value));
                    continue;
                }
            };
            *count = count.saturating_add(1);
            if *count > 1 {
                self.misfit(&path, Reason::Twice, Some(value));
            } else if name != "data" {
                self.tag(value, union, branch, &path);
            } else if let Some(branch) = branch {
                self.value(value, branch.type_in(self.release), &path);
            }
        }
        for (name, count) in [(union.discriminator, tags), ("data", data)] {
            if count == 0 {
                self.misfit(&path.member(name), Reason::Missing, None);
            }
        }
    }

    /// The tag of a simple union. What its branches are called is older than the enum of that.
    fn tag(&mut self, value: Value<'_>, union: &'static Union, branch: Option<&Branch>, path: &Path<'_>) {
        let Some(name) = value.as_str() else { return self.mistyped(value, Type::Enum(union.tags), path) };
        if branch.is_some() {
            return;
        }
        let known = union.branches.iter().find(|branch| branch.tag == name);
        let absence = known.and_then(|branch| branch.presence.absence_in(self.release));
        let reason = match absence {
            Some(absence) => Some(Reason::Value { of: union.tags.name, absence }),
            None => self.not_a_value(union.tags, name),
        };
        if let Some(reason) = reason {
            self.misfit(path, reason, Some(value));
        }
    }
}

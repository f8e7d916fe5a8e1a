//! Arguments for any command of any release, made of the catalogue's facts: values that name nothing, switch nothing on, and are
//! of the right type.

use qmp_qapi::registry::{
    Alternate, Arguments, Branch, Command, Enum, EnumValue, Form, Member, Release, Struct, Type, Union,
};
use serde_json::{Map, Value, json};

/// The name of nothing.
pub const NOTHING: &str = "qmp-none";

/// How many levels of a value get all that they may have. Below, values have no more than they must: types contain themselves.
const FULL: u8 = 3;

/// Arguments, and what about them is so.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The branch that they take, if the command has any.
    pub branch: Option<&'static str>,
    /// With every optional member. Else with none.
    pub full: bool,
    /// An object.
    pub arguments: Value,
}

/// Makes values as a release takes them.
///
/// Members, values and branches that depend on QEMU's build are left out where `lacks` says so of their condition.
pub struct Maker<'m> {
    /// The release.
    pub release: Release,
    /// Whether QEMU was built so that what has this condition is not there, for a place such as `driver=luks` or `size`.
    pub lacks: &'m dyn Fn(&str, &str) -> bool,
}

impl core::fmt::Debug for Maker<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.release.fmt(f)
    }
}

impl Maker<'_> {
    /// Arguments for `command`: what it must have, then all that it may have; for each branch where it has branches.
    pub fn samples(&self, command: &Command) -> Vec<Sample> {
        let mut samples = Vec::new();
        for full in [false, true] {
            let depth = if full { 0 } else { FULL };
            match command.arguments_in(self.release) {
                Arguments::Members(members) => {
                    let arguments = Value::Object(self.members(members, depth));
                    samples.push(Sample { branch: None, full, arguments });
                }
                Arguments::Union(union) => {
                    for tag in self.tags(union) {
                        let arguments = self.union(union, Some(tag.name), depth);
                        samples.push(Sample { branch: Some(tag.name), full, arguments });
                    }
                }
            }
        }
        samples.dedup_by(|one, other| one.arguments == other.arguments);
        samples
    }

    fn members(&self, members: impl IntoIterator<Item = &'static Member>, depth: u8) -> Map<String, Value> {
        let members = members.into_iter().filter(|member| member.is_in(self.release));
        let wanted = members.filter(|member| depth < FULL || !member.is_optional_in(self.release));
        let built = wanted.filter(|member| !self.is_lacking(member.name, member.condition_in(self.release)));
        built.map(|member| (member.name.to_owned(), self.value(member, depth))).collect()
    }

    fn is_lacking(&self, place: &str, condition: Option<&'static str>) -> bool {
        condition.is_some_and(|condition| (self.lacks)(place, condition))
    }

    fn value(&self, member: &Member, depth: u8) -> Value {
        match (member.name, member.type_in(self.release)) {
            // Nobody is to be asked for the address of a name.
            ("host", Type::Str) => json!("127.0.0.1"),
            ("port", Type::Str) => json!("1"),
            // Descriptors are those of nobody.
            ("fd" | "fdset-id", Type::Int(_)) => json!(i32::MAX),
            // `object-add` of older releases: any members, but members.
            ("props", Type::Any) => json!({}),
            (_, of) => self.of(of, depth.saturating_add(1)),
        }
    }

    fn of(&self, of: Type, depth: u8) -> Value {
        match of {
            Type::Str => json!(NOTHING),
            Type::Bool => json!(false),
            Type::Int(_) | Type::Number => json!(1),
            Type::Null => Value::Null,
            Type::Any => json!(NOTHING),
            Type::List(of) => json!([self.of(*of, depth)]),
            Type::Struct(of) => Value::Object(self.structure(of, depth)),
            Type::Union(of) => self.union(of, None, depth),
            Type::Alternate(of) => self.alternate(of, depth),
            Type::Enum(of) if of.bool_until.is_some_and(|until| self.release.series() <= until) => json!(false),
            Type::Enum(of) => json!(self.values(of).first().map(|value| value.name)),
        }
    }

    fn structure(&self, of: &'static Struct, depth: u8) -> Map<String, Value> {
        self.members(of.members(), depth)
    }

    /// The object where there may be more, else what is no object.
    fn alternate(&self, of: &'static Alternate, depth: u8) -> Value {
        let types = || of.alternatives.iter().filter(|it| it.is_in(self.release)).map(|it| it.type_in(self.release));
        let is_object = |of: &Type| matches!(of, Type::Struct(_) | Type::Union(_));
        let chosen = types().find(|of| is_object(of) == (depth < FULL)).or_else(|| types().next());
        self.of(chosen.expect("an alternate has alternatives"), depth)
    }

    fn union(&self, union: &'static Union, tag: Option<&str>, depth: u8) -> Value {
        let form = union.form_in(self.release);
        let mut members = self.members(union.members(), depth);
        if form == Form::Struct {
            members.extend(self.members(union.struct_members, depth));
            return Value::Object(members);
        }
        // A path rather than a host.
        let tags = self.tags(union);
        let default = tags.iter().find(|tag| tag.name == "unix").or(tags.first()).map(|tag| tag.name);
        let tag = tag.or(default).expect("a union has tags");
        members.insert(union.discriminator_in(self.release).to_owned(), json!(tag));
        let branch = union.branch_in(tag, self.release);
        match branch.map(|branch: &Branch| branch.type_in(self.release)) {
            Some(of) if form == Form::Simple => {
                members.insert("data".to_owned(), self.of(of, depth.saturating_add(1)));
            }
            Some(Type::Struct(of)) => members.extend(self.structure(of, depth)),
            Some(Type::Union(of)) => {
                if let Value::Object(more) = self.union(of, None, depth) {
                    members.extend(more);
                }
            }
            _ => {}
        }
        Value::Object(members)
    }

    fn tags(&self, union: &'static Union) -> Vec<&'static EnumValue> {
        let mut tags = self.values(union.tags);
        let condition = |tag: &EnumValue| union.branch_in(tag.name, self.release).and_then(|branch| branch.condition);
        tags.retain(|tag| !self.is_lacking(&format!("{}={}", union.discriminator, tag.name), condition(tag)));
        // The tags of a simple union are older than their enum.
        if union.form_in(self.release) == Form::Simple {
            tags.retain(|tag| union.branch_in(tag.name, self.release).is_some());
        }
        tags
    }

    /// The values that there are, those first that do not depend on the build.
    fn values(&self, of: &'static Enum) -> Vec<&'static EnumValue> {
        let there = of.values.iter().filter(|value| value.presence.includes(self.release));
        let mut values: Vec<_> =
            there.filter(|value| !self.is_lacking(&format!("{}={}", of.name, value.name), value.condition)).collect();
        values.sort_by_key(|value| value.condition.is_some());
        values
    }
}

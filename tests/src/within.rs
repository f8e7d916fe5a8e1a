//! Values read by their types, and all that is in them by theirs.

use qmp_core::json::{Kind, Value};
use qmp_qapi::registry::{Form, Member, Release, Struct, Type, Union};

use crate::vocabulary::{QMP, fault};

/// Reads `value` as `of`, and each value in it as the type that `release` has there; tells where one is read as something else
/// than it is. How many values have a type with a name is counted.
pub fn faults(value: Value<'_>, of: Type, release: Release) -> (Vec<String>, usize) {
    let mut walk = Walk { release, faults: Vec::new(), read: 0 };
    walk.value(value, of, "");
    (walk.faults, walk.read)
}

struct Walk {
    release: Release,
    faults: Vec<String>,
    read: usize,
}

impl Walk {
    fn value(&mut self, value: Value<'_>, of: Type, path: &str) {
        if matches!(of, Type::Struct(_) | Type::Union(_) | Type::Alternate(_) | Type::Enum(_)) {
            self.read += 1;
            if let Some(fault) = fault(QMP.decode_type(of.name(), value), value) {
                self.faults.push(format!("{path}: {value} as {of}: {fault}"));
            }
        }
        match of {
            Type::List(of) => {
                for (index, element) in value.elements().enumerate() {
                    self.value(element, *of, &format!("{path}[{index}]"));
                }
            }
            Type::Struct(of) => self.members(value, of.members(), path),
            Type::Union(of) => self.union(value, of, path),
            Type::Alternate(of) => {
                let types = of.alternatives.iter().filter(|it| it.is_in(self.release));
                let mut types = types.map(|it| it.type_in(self.release)).filter(|of| is_alike(value, *of));
                match types.next() {
                    Some(of) => self.value(value, of, path),
                    None => self.faults.push(format!("{path}: {value} is no {}", of.name)),
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, value: Value<'_>, members: impl Iterator<Item = &'static Member>, path: &str) {
        let release = self.release;
        for member in members.filter(|member| member.is_in(release)) {
            if let Some(value) = value.get(member.name) {
                self.value(value, member.type_in(self.release), &format!("{path}.{}", member.name));
            }
        }
    }

    fn union(&mut self, value: Value<'_>, union: &'static Union, path: &str) {
        let form = union.form_in(self.release);
        self.members(value, union.members(), path);
        if form == Form::Struct {
            return self.members(value, union.struct_members.iter(), path);
        }
        let tag = value.get(union.discriminator_in(self.release)).and_then(Value::as_str);
        let branch = tag.and_then(|tag| union.branch_in(tag, self.release));
        match branch.map(|branch| branch.type_in(self.release)) {
            Some(of) if form == Form::Simple => {
                self.value(value.get("data").unwrap_or(Value::NULL), of, &format!("{path}.data"));
            }
            Some(Type::Struct(of)) => self.members(value, Struct::members(of), path),
            Some(Type::Union(of)) => self.union(value, of, path),
            _ => {}
        }
    }
}

fn is_alike(value: Value<'_>, of: Type) -> bool {
    matches!(
        (value.kind(), of),
        (Kind::String, Type::Str | Type::Enum(_))
            | (Kind::Number, Type::Int(_) | Type::Number)
            | (Kind::Object, Type::Struct(_) | Type::Union(_))
            | (Kind::Array, Type::List(_))
            | (Kind::Bool, Type::Bool)
            | (Kind::Null, Type::Null)
    )
}

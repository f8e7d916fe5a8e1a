//! Values read by their types, and all that is in them by theirs.

use qmp_core::json::{Kind, Value};
use qmp_qapi::registry::{Form, Member, Release, Struct, Type, Union};

use crate::vocabulary::{QMP, Vocabulary, fault};

/// Reads `value` as `of`, and each value in it as the type that `release` has there; tells where one is read as something else
/// than it is. How many values have a type with a name is counted.
pub fn faults(value: Value<'_>, of: Type, release: Release) -> (Vec<String>, usize) {
    let look = |types: &Vocabulary, name: &str, value: Value<'_>| fault(types.decode_type(name, value), value);
    let mut walk = Walk { types: &QMP, look, release, faults: Vec::new(), read: 0 };
    walk.value(value, of, "");
    (walk.faults, walk.read)
}

/// Reads `value` as `of`, and each value in it as the type that `release` has there. Members and branches that the release lacks
/// are not looked at. Tells what cannot be read.
pub(crate) fn unread(types: &Vocabulary, value: Value<'_>, of: Type, release: Release) -> Option<String> {
    let mut walk = Walk::of_unread(types, release);
    walk.value(value, of, "");
    walk.faults.into_iter().next()
}

/// The same of the members of an object without a type.
pub(crate) fn unread_members(
    types: &Vocabulary,
    value: Value<'_>,
    members: &'static [Member],
    release: Release,
) -> Option<String> {
    let mut walk = Walk::of_unread(types, release);
    walk.members(value, members.iter(), "");
    walk.faults.into_iter().next()
}

/// What is wrong with a value of the type with this name.
type Look = fn(&Vocabulary, &str, Value<'_>) -> Option<String>;

struct Walk<'v> {
    types: &'v Vocabulary,
    look: Look,
    release: Release,
    faults: Vec<String>,
    read: usize,
}

impl<'v> Walk<'v> {
    fn of_unread(types: &'v Vocabulary, release: Release) -> Self {
        let look = |types: &Vocabulary, name: &str, value: Value<'_>| {
            let again = types.decode_type(name, value).unwrap_or_else(|| panic!("no type {name}"));
            again.err().map(|error| error.to_string())
        };
        Self { types, look, release, faults: Vec::new(), read: 0 }
    }

    fn value(&mut self, value: Value<'_>, of: Type, path: &str) {
        if matches!(of, Type::Struct(_) | Type::Union(_) | Type::Alternate(_) | Type::Enum(_)) {
            self.read += 1;
            if let Some(fault) = (self.look)(self.types, of.name(), value) {
                self.faults.push(format!("{path}: {value} as {of}: {fault}"));
            }
        } else if !is_alike(value, of) {
            self.faults.push(format!("{path}: {value} is no {of}"));
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
            | (_, Type::Any)
    )
}

#[cfg(test)]
mod tests {
    use qmp_core::json::Payload;

    use super::QMP;

    /// What cannot be read of what a command returned.
    fn unread(command: &str, text: &str) -> Option<String> {
        let mut bytes = text.as_bytes().to_vec();
        let value = Payload::parse(&mut bytes).expect("JSON").into_value();
        QMP.decode_return(command, value).expect("a command").err().map(|error| error.to_string())
    }

    #[test]
    fn elements_and_nested_members_are_read() {
        let job = |kind: &str| {
            format!(r#"[{{"id": "j", "type": {kind}, "status": "ready", "current-progress": 0, "total-progress": 1}}]"#)
        };
        assert_eq!(unread("query-jobs", &job(r#""commit""#)), None);
        assert!(unread("query-jobs", &job("5")).is_some_and(|fault| fault.starts_with("[0]: ")));

        let image = |of: &str| {
            format!(
                r#"[{{"file": "f", "ro": false, "drv": "raw", "encrypted": false, "bps": 0, "bps_rd": 0, "bps_wr": 0,
                "iops": 0, "iops_rd": 0, "iops_wr": 0, "detect_zeroes": "off", "write_threshold": 0,
                "backing_file_depth": 1, "cache": {{"writeback": true, "direct": false, "no-flush": false}},
                "image": {{"filename": "f", "format": "qcow2", "virtual-size": 1, "backing-image":
                {{"filename": "b", "format": {of}, "virtual-size": 1}}}}}}]"#
            )
        };
        assert_eq!(unread("query-named-block-nodes", &image(r#""raw""#)), None);
        let fault = unread("query-named-block-nodes", &image("null"));
        assert!(fault.as_ref().is_some_and(|fault| fault.starts_with("[0].image.backing-image: ")), "{fault:?}");
    }
}

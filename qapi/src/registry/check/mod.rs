//! Whether a value is what a release takes or sends, and where it is not.
//!
//! Strict where reading is open: what is not known does not fit. The types are walked with the value, so no alternative is tried
//! twice and the work is the value's length times its depth at most.

mod object;
mod scalar;

use qmp_core::json::{Kind, Value};

use super::command::Arguments;
use super::definition::{Alternate, Form, Lists, Member, Type};
use super::misfit::{Misfit, Path, Reason};
use super::release::Release;
use object::{Others, Shape};

/// Who sends a value. Members that [vary](field@Member::vary) may be absent from what a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// A client sends it, in arguments.
    In,
    /// A server sends it, in replies and events.
    Out,
}

/// A check under way.
pub(super) struct Check<'r> {
    release: Release,
    direction: Direction,
    report: &'r mut dyn FnMut(&Misfit<'_>),
}

impl Type {
    /// Reports each place where `value`, which stands at `path`, is not of this type in `release`.
    pub fn check(
        self,
        value: Value<'_>,
        path: &Path<'_>,
        release: Release,
        direction: Direction,
        mut report: impl FnMut(&Misfit<'_>),
    ) {
        Check::new(release, direction, &mut report).value(value, self, path);
    }
}

impl<'r> Check<'r> {
    pub(super) fn new(release: Release, direction: Direction, report: &'r mut dyn FnMut(&Misfit<'_>)) -> Self {
        Self { release, direction, report }
    }

    pub(super) fn arguments(&mut self, given: Option<Value<'_>>, taken: Arguments, open: bool) {
        let path = Path::root("arguments");
        let shape = match taken {
            Arguments::Members(members) => Shape::of_members(members),
            Arguments::Union(union) => self.shape_of_union(union, given),
        };
        let shape = if open { shape.with(Others::Fit) } else { shape };
        self.optional_object(given, shape, &path);
    }

    pub(super) fn returned(&mut self, returned: Value<'_>, returns: Option<Type>) {
        let path = Path::root("return");
        match returns {
            Some(of) => self.value(returned, of, &path),
            None => self.optional_object(Some(returned), Shape::of_members(&[]), &path),
        }
    }

    pub(super) fn data(&mut self, data: Option<Value<'_>>, members: &'static [Member]) {
        self.optional_object(data, Shape::of_members(members), &Path::root("data"));
    }

    /// An object that may be left out if all of its members may.
    fn optional_object(&mut self, value: Option<Value<'_>>, shape: Shape, path: &Path<'_>) {
        match value {
            Some(value) if value.kind() != Kind::Object => self.mistyped(value, Type::Struct(&object::EMPTY), path),
            value => self.object(value, shape, path),
        }
    }

    fn value(&mut self, value: Value<'_>, of: Type, path: &Path<'_>) {
        if path.is_too_deep() {
            return self.misfit(path, Reason::TooDeep, Some(value));
        }
        match (of, value.kind()) {
            (Type::Any, _)
            | (Type::Str, Kind::String)
            | (Type::Bool, Kind::Bool)
            | (Type::Number, Kind::Number)
            | (Type::Null, Kind::Null) => {}
            (Type::Int(width), Kind::Number) => self.integer(value, width, path),
            (Type::Enum(of), _) => self.one_of(value, of, path),
            (Type::List(of), Kind::Array) => {
                for (index, element) in (0..).zip(value.elements()) {
                    self.value(element, *of, &path.element(index));
                }
            }
            (Type::Struct(of), Kind::Object) => {
                let mut lists = Lists::EMPTY;
                lists.push_struct(of);
                self.object(Some(value), Shape::of_lists(lists), path);
            }
            (Type::Union(of), Kind::Object) => match of.form_in(self.release) {
                Form::Simple => self.simple_union(value, of, path),
                Form::Flat | Form::Struct => {
                    let shape = self.shape_of_union(of, Some(value));
                    self.object(Some(value), shape, path);
                }
            },
            (Type::Alternate(of), kind) => self.alternate(value, of, kind, path),
            _ => self.mistyped(value, of, path),
        }
    }

    /// The JSON type tells which alternative it is.
    fn alternate(&mut self, value: Value<'_>, of: &'static Alternate, kind: Kind, path: &Path<'_>) {
        let fitting = |member: &&'static Member| kinds(member.type_in(self.release)).contains(&kind);
        let Some(chosen) = of.alternatives.iter().find(fitting) else {
            return self.mistyped(value, Type::Alternate(of), path);
        };
        match chosen.absence_in(self.release) {
            None => self.value(value, chosen.type_in(self.release), path),
            Some(absence) => self.misfit(path, Reason::Alternative { of: of.name, absence }, Some(value)),
        }
    }

    fn mistyped(&mut self, value: Value<'_>, expected: Type, path: &Path<'_>) {
        self.misfit(path, Reason::Mistyped { expected, found: value.kind() }, Some(value));
    }

    fn misfit(&mut self, path: &Path<'_>, reason: Reason, found: Option<Value<'_>>) {
        (self.report)(&Misfit { path, reason, found });
    }
}

/// The JSON types that values of a type have.
const fn kinds(of: Type) -> &'static [Kind] {
    match of {
        Type::Str | Type::Enum(_) => &[Kind::String],
        Type::Bool => &[Kind::Bool],
        Type::Int(_) | Type::Number => &[Kind::Number],
        Type::Null => &[Kind::Null],
        Type::List(_) => &[Kind::Array],
        Type::Struct(_) | Type::Union(_) => &[Kind::Object],
        Type::Any | Type::Alternate(_) => {
            &[Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object]
        }
    }
}

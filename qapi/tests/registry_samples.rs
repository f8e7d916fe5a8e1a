//! Values made by the facts of a release fit it, and stop doing so when they are spoilt.
#![cfg(all(feature = "registry", feature = "all"))]

use proptest::prelude::*;
use qmp_core::json::{Payload, Value};
use qmp_qapi::registry::{
    Arguments, Command, Direction, Event, Form, Integer, Member, Reason, Release, Type, Union, guest_agent, qmp,
};
use serde_json::{Map, Value as Json, json};

/// Makes values of a release, each choice by a number of its own.
struct Maker {
    release: Release,
    direction: Direction,
    seed: u64,
}

/// Where types refer to themselves, optional members end here.
const DEEP: u32 = 6;

impl Maker {
    fn choose(&mut self, count: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % count.max(1)
    }

    fn value(&mut self, of: Type, depth: u32) -> Option<Json> {
        Some(match of {
            Type::Str => json!("a \"string\" ❤"),
            Type::Bool => json!(self.choose(2) == 0),
            Type::Int(width) => self.integer(width),
            Type::Number => [json!(1), json!(-0.5), json!(1e300)][self.choose(3)].clone(),
            Type::Null => Json::Null,
            Type::Any => json!([{"anything": [1.5, null]}]),
            Type::List(of) => {
                let count = if depth > DEEP { 0 } else { self.choose(3) };
                (0..count).map(|_| self.value(*of, depth + 1)).collect::<Option<Vec<_>>>()?.into()
            }
            Type::Struct(of) => Json::Object(self.members(of.members(), depth)?),
            Type::Union(of) => Json::Object(self.union(of, depth)?),
            Type::Alternate(of) => {
                let here: Vec<_> = of.alternatives.iter().filter(|member| member.is_in(self.release)).collect();
                // The last ones are the simple ones.
                let chosen = if depth > DEEP { here.len().checked_sub(1)? } else { self.choose(here.len()) };
                let chosen = here.get(chosen)?;
                self.value(chosen.type_in(self.release), depth + 1)?
            }
            Type::Enum(of) => {
                let here: Vec<_> = of.values.iter().filter(|value| value.presence.includes(self.release)).collect();
                json!(here.get(self.choose(here.len()))?.name)
            }
        })
    }

    fn integer(&mut self, width: Integer) -> Json {
        let bounds = match width {
            Integer::Int8 => [json!(i8::MIN), json!(i8::MAX)],
            Integer::Int16 => [json!(i16::MIN), json!(i16::MAX)],
            Integer::Int32 => [json!(i32::MIN), json!(i32::MAX)],
            Integer::Int64 => [json!(i64::MIN), json!(i64::MAX)],
            Integer::Uint8 => [json!(0), json!(u8::MAX)],
            Integer::Uint16 => [json!(0), json!(u16::MAX)],
            Integer::Uint32 => [json!(0), json!(u32::MAX)],
            Integer::Uint64 | Integer::Size => [json!(0), json!(u64::MAX)],
            Integer::Any => [json!(i64::MIN), json!(u64::MAX)],
        };
        bounds[self.choose(2)].clone()
    }

    /// The members of an object. `None` where one that cannot be left out has no value in this release.
    fn members(&mut self, members: impl Iterator<Item = &'static Member>, depth: u32) -> Option<Map<String, Json>> {
        let mut object = Map::new();
        for member in members.filter(|member| member.is_in(self.release)).collect::<Vec<_>>() {
            let may_vary = member.vary && self.direction == Direction::Out;
            let absent = may_vary || member.is_optional_in(self.release);
            if absent && (depth > DEEP || self.choose(2) == 0) {
                continue;
            }
            match self.value(member.type_in(self.release), depth + 1) {
                Some(value) => _ = object.insert(member.name.into(), value),
                None if absent => {}
                None => return None,
            }
        }
        Some(object)
    }

    fn union(&mut self, union: &'static Union, depth: u32) -> Option<Map<String, Json>> {
        let form = union.form_in(self.release);
        if form == Form::Struct {
            return self.members(union.members().chain(union.struct_members), depth);
        }
        let mut object = self.members(union.members(), depth)?;
        let tag = union.discriminator_in(self.release);
        if tag != union.discriminator {
            return Some(object);
        }
        let branches: Vec<_> = union.branches.iter().filter(|branch| branch.presence.includes(self.release)).collect();
        let branch = branches.get(self.choose(branches.len()))?;
        if form == Form::Simple {
            object.insert("data".into(), self.value(branch.type_in(self.release), depth + 1)?);
        } else {
            match branch.type_in(self.release) {
                Type::Struct(of) => object.extend(self.members(of.members(), depth + 1)?),
                Type::Union(of) => object.extend(self.union(of, depth + 1)?),
                other => panic!("{other} beside a tag"),
            }
        }
        object.insert(tag.into(), json!(branch.tag));
        Some(object)
    }

    fn arguments(&mut self, command: &Command) -> Option<Map<String, Json>> {
        match command.arguments_in(self.release) {
            Arguments::Members(members) => self.members(members.iter(), 0),
            Arguments::Union(union) => self.union(union, 0),
        }
    }
}

fn with<T>(json: &Json, then: impl FnOnce(Value<'_>) -> T) -> T {
    let mut bytes = json.to_string().into_bytes();
    then(Payload::parse(&mut bytes).expect("JSON").into_value())
}

/// Checks, and gives all that is reported.
fn of_arguments(command: &Command, release: Release, arguments: &Json) -> Vec<(String, Reason)> {
    let mut found = Vec::new();
    with(arguments, |value| {
        command.check_arguments(Some(value), release, |misfit| found.push((misfit.path.to_string(), misfit.reason)));
    });
    found
}

fn check_command(command: &Command, release: Release, seed: u64) {
    let mut maker = Maker { release, direction: Direction::In, seed };
    let name = command.name;
    if let Some(arguments) = maker.arguments(command) {
        let whole = Json::Object(arguments.clone());
        assert_eq!(of_arguments(command, release, &whole), [], "{name} in {release}: {whole}");
        spoil(command, release, &arguments);
    }
    maker.direction = Direction::Out;
    let returned = match command.returns_in(release) {
        Some(of) => maker.value(of, 0),
        None => Some(json!({})),
    };
    if let Some(returned) = returned {
        let fits = with(&returned, |value| command.returns_such(value, release));
        assert_eq!(fits, Ok(()), "{name} in {release} returns {returned}");
    }
}

/// Each member left out, turned into another type, and one more.
fn spoil(command: &Command, release: Release, arguments: &Map<String, Json>) {
    let name = command.name;
    for (member, value) in arguments {
        let mut without = arguments.clone();
        without.remove(member);
        let path = format!("arguments.{member}");
        for (path_found, reason) in of_arguments(command, release, &Json::Object(without)) {
            // Without its tag a union's other members are not known.
            let about_tag =
                matches!(command.arguments_in(release), Arguments::Union(_)) && reason == Reason::UnknownMember;
            assert!(
                (path_found == path && reason == Reason::Missing) || about_tag,
                "{name} {path}: {path_found} {reason}"
            );
        }
        let mut other = arguments.clone();
        let is_any =
            matches!(value, Json::Array(elements) if elements.first().is_some_and(|it| it.get("anything").is_some()));
        other.insert(member.clone(), Json::Object([("no such thing".into(), json!(0))].into_iter().collect()));
        let misfits = of_arguments(command, release, &Json::Object(other));
        let open = command.is_open_in(release);
        assert!(
            is_any || open || misfits.iter().any(|(found, _)| found.starts_with(&path)),
            "{name} {member}: {misfits:?}"
        );
    }
    let mut more = arguments.clone();
    more.insert("no-such-member".into(), Json::Null);
    let misfits = of_arguments(command, release, &Json::Object(more));
    let expected = [("arguments.no-such-member".to_owned(), Reason::UnknownMember)];
    assert_eq!(misfits, if command.is_open_in(release) { &[][..] } else { &expected }, "{name} in {release}");
}

fn check_event(event: &Event, release: Release, seed: u64) {
    let mut maker = Maker { release, direction: Direction::Out, seed };
    if let Some(data) = maker.members(event.data.iter(), 0) {
        let data = Json::Object(data);
        let fits = with(&data, |value| event.brings(Some(value), release));
        assert_eq!(fits, Ok(()), "{} in {release}: {data}", event.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_a_release_says_fits_it(at in any::<prop::sample::Index>(), seed: u64) {
        for vocabulary in [qmp(), guest_agent()] {
            let release = *at.get(vocabulary.releases());
            for command in vocabulary.commands().filter(|command| command.presence.includes(release)) {
                check_command(command, release, seed);
            }
            for event in vocabulary.events().filter(|event| event.presence.includes(release)) {
                check_event(event, release, seed);
            }
        }
    }

    /// Whatever it is, it is looked at to its end.
    #[test]
    fn no_value_is_too_odd(json in json_value(), at in any::<prop::sample::Index>()) {
        let release = *at.get(qmp().releases());
        with(&json, |value| {
            for command in qmp().commands() {
                command.check_arguments(Some(value), release, |_| {});
                command.check_return(value, release, |_| {});
            }
            for event in qmp().events() {
                event.check_data(Some(value), release, |_| {});
            }
        });
    }
}

/// JSON with names that mean something, so that it gets somewhere.
fn json_value() -> impl Strategy<Value = Json> {
    let names = prop::sample::select(vec![
        "type", "data", "driver", "file", "id", "actions", "qom-type", "backing", "options", "?",
    ]);
    let strings =
        prop::sample::select(vec!["qcow2", "raw", "file", "inet", "abort", "user", "blockdev-backup", "iothread", ""]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        strings.prop_map(Json::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| Json::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

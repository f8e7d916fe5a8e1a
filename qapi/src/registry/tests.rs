//! What must hold for every table.

use std::collections::BTreeSet;
use std::string::{String, ToString};
use std::vec::Vec;

use super::definition::Lists;
use super::*;

/// Each vocabulary, with the chapters that are on.
fn vocabularies() -> [&'static Vocabulary; 2] {
    [qmp(), guest_agent()]
}

#[test]
fn names_are_unique_and_found() {
    for vocabulary in vocabularies() {
        let unique = |names: Vec<&str>| {
            let set: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(set.len(), names.len(), "{names:?}");
        };
        unique(vocabulary.chapters().map(|chapter| chapter.name).collect());
        unique(vocabulary.commands().map(|command| command.name).collect());
        unique(vocabulary.events().map(|event| event.name).collect());
        unique(vocabulary.definitions().map(Type::name).collect());
        for command in vocabulary.commands() {
            assert!(core::ptr::eq(vocabulary.command(command.name).unwrap(), command));
        }
        for event in vocabulary.events() {
            assert!(core::ptr::eq(vocabulary.event(event.name).unwrap(), event));
        }
        for definition in vocabulary.definitions() {
            assert_eq!(vocabulary.definition(definition.name()), Some(definition));
        }
        assert!(vocabulary.command("no-such-command").is_none() && vocabulary.definition("str").is_none());
        assert!(vocabulary.releases().is_sorted());
    }
}

#[test]
fn whatever_begins_does_so_before_it_ends() {
    let check = |name: &str, presence: Presence| {
        assert!(presence.until.is_none_or(|until| presence.since.series() <= until && until.micro == 0), "{name}");
        let within =
            |since: Option<Release>| since.is_none_or(|since| presence.until.is_none_or(|until| since <= until));
        assert!(within(presence.deprecated) && within(presence.unstable), "{name}");
    };
    let check_members = |members: &[Member]| {
        for member in members {
            check(member.name, member.presence);
            assert!(!(member.optional && member.vary), "{} may be absent anyway", member.name);
            assert!(in_order(member.changes.iter().filter_map(|change| match change {
                MemberChange::Type(since, _) => Some(*since),
                _ => None,
            })));
            assert!(in_order(member.changes.iter().filter_map(|change| match change {
                MemberChange::Optional(since, _) => Some(*since),
                _ => None,
            })));
        }
    };
    for vocabulary in vocabularies() {
        for command in vocabulary.commands() {
            check(command.name, command.presence);
            if let Arguments::Members(members) = command.arguments {
                check_members(members);
            }
        }
        for event in vocabulary.events() {
            check(event.name, event.presence);
            check_members(event.data);
        }
        for definition in vocabulary.definitions() {
            match definition {
                Type::Struct(it) => {
                    check(it.name, it.presence);
                    check_members(it.own);
                }
                Type::Union(it) => {
                    check(it.name, it.presence);
                    check_members(it.own);
                    for branch in it.branches {
                        check(branch.tag, branch.presence);
                        assert!(in_order(branch.types.iter().map(|(since, _)| *since)));
                    }
                }
                Type::Alternate(it) => check(it.name, it.presence),
                Type::Enum(it) => {
                    check(it.name, it.presence);
                    for value in it.values {
                        check(value.name, value.presence);
                    }
                }
                other => panic!("{other} is not defined by anybody"),
            }
        }
    }
}

fn in_order(mut releases: impl Iterator<Item = Release>) -> bool {
    let mut last = Presence::EVER;
    releases.all(|release| core::mem::replace(&mut last, release) < release)
}

#[test]
fn objects_are_as_large_as_a_check_can_take() {
    let check = |name: &str, lists: Lists| {
        assert!(!lists.is_full(), "{name}");
        // Members are marked in a `u128`.
        let names: Vec<String> = lists.members().map(|member| member.name.to_string()).collect();
        assert!(names.len() <= 128, "{name} has {} members", names.len());
        let unique: BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{name}: {names:?}");
    };
    for vocabulary in vocabularies() {
        for definition in vocabulary.definitions() {
            match definition {
                Type::Struct(it) => {
                    let mut lists = Lists::EMPTY;
                    lists.push_struct(it);
                    check(it.name, lists);
                }
                Type::Union(it) => shapes(it, Lists::EMPTY, &check),
                _ => {}
            }
        }
    }
}

/// All that the objects of a union can have, branch by branch.
fn shapes(union: &Union, mut lists: Lists, check: &impl Fn(&str, Lists)) {
    lists.push_base(union);
    let mut as_struct = lists;
    as_struct.push(union.struct_members);
    check(union.name, as_struct);
    if union.form == Form::Simple {
        assert_eq!(lists.members().count(), 0, "{}: a simple union has no more than its tag", union.name);
        return;
    }
    for branch in union.branches {
        for of in branch.types.iter().map(|(_, of)| *of).chain([branch.of]) {
            match of {
                Type::Struct(it) => {
                    let mut lists = lists;
                    lists.push_struct(it);
                    check(branch.tag, lists);
                }
                Type::Union(it) => shapes(it, lists, check),
                other => panic!("{other} cannot stand beside a tag"),
            }
        }
    }
}

#[test]
fn tags_are_members_and_values() {
    for vocabulary in vocabularies() {
        for definition in vocabulary.definitions() {
            let Type::Union(union) = definition else { continue };
            if union.form != Form::Simple {
                let names: Vec<&str> = union.members().map(|member| member.name).collect();
                assert!(names.contains(&union.discriminator), "{}", union.name);
            }
            for branch in union.branches {
                assert!(union.tags.value(branch.tag).is_some(), "{} of {}", branch.tag, union.name);
            }
        }
    }
}

#[test]
fn alternatives_differ_in_their_json_type() {
    for vocabulary in vocabularies() {
        for definition in vocabulary.definitions() {
            let Type::Alternate(alternate) = definition else { continue };
            let mut seen = Vec::new();
            for alternative in alternate.alternatives {
                assert!(!alternative.vary && alternative.changes.is_empty());
                let kind = match alternative.of {
                    Type::Str | Type::Enum(_) => 's',
                    Type::Int(_) | Type::Number => 'n',
                    Type::Struct(_) | Type::Union(_) => 'o',
                    Type::List(_) => 'a',
                    Type::Bool => 'b',
                    Type::Null => '0',
                    Type::Any | Type::Alternate(_) => '*',
                };
                assert!(kind != '*' && !seen.contains(&kind), "{}", alternate.name);
                seen.push(kind);
            }
        }
    }
}

#[test]
fn what_refers_in_circles_is_shown_by_name() {
    for vocabulary in vocabularies() {
        assert!(std::format!("{vocabulary:?}").len() < 1000);
        for definition in vocabulary.definitions() {
            let name = definition.name();
            assert_eq!(std::format!("{definition:?} {:?}", Type::Str), std::format!("{name} str"));
            if let Type::Struct(it) = definition {
                assert!(std::format!("{it:?}").contains(name));
            }
        }
    }
}

//! Questions to small schemas, in every order; to those of real QEMUs, see `tests/tests/qemu_vocabulary.rs`.

use std::format;
use std::string::String;
use std::vec::Vec;

use qmp_core::json::Payload;

use super::*;

const ENTITIES: [&str; 7] = [
    r#"{"name": "add", "meta-type": "command", "arg-type": "1", "ret-type": "[2]", "features": ["c"]}"#,
    r#"{"name": "1", "meta-type": "object", "tag": "driver", "features": ["o"],
        "members": [{"name": "driver", "type": "3"}, {"name": "old", "type": "str", "default": null, "features": ["m"]}],
        "variants": [{"case": "file", "type": "4"}, {"case": "null", "type": "0"}]}"#,
    r#"{"name": "[2]", "meta-type": "array", "element-type": "5"}"#,
    r#"{"name": "3", "meta-type": "enum", "members": [{"name": "file", "features": ["v"]}, {"name": "null"}],
        "values": ["file", "null"]}"#,
    r#"{"name": "4", "meta-type": "object", "features": ["b"], "members": [{"name": "below", "type": "5", "default": null}]}"#,
    r#"{"name": "5", "meta-type": "alternate", "members": [{"type": "1"}, {"type": "str"}]}"#,
    r#"{"name": "DONE", "meta-type": "event", "arg-type": "4", "features": ["e"]}"#,
];

fn asked(entities: &[&str], root: Root<'_>, steps: &[Step<'_>]) -> Result<bool, Trouble> {
    let mut text: Vec<u8> = format!("[{}]", entities.join(",")).into();
    let value = Payload::parse(&mut text).unwrap().into_value();
    Schema::new(value.decode().unwrap()).has(Question::<32>::new(root, steps))
}

/// Every order of `left`, behind `order`.
fn each_order(order: &mut Vec<&'static str>, left: &[&'static str], test: &mut impl FnMut(&[&str])) {
    if left.is_empty() {
        test(order);
    }
    for at in 0..left.len() {
        let mut rest = left.to_vec();
        order.push(rest.remove(at));
        each_order(order, &rest, test);
        order.pop();
    }
}

#[test]
fn answers_do_not_depend_on_the_order() {
    use Root::{Command, Event, Return};
    use Step::{Branch, Feature, Member, Value};
    let (add, below) = (Command("add"), Member("below"));
    let questions: &[(Root<'_>, &[Step<'_>], bool)] = &[
        (add, &[], true),
        (Command("DONE"), &[], false),
        (Command("1"), &[], false),
        (Event("DONE"), &[], true),
        (Event("add"), &[], false),
        (add, &[Feature("c")], true),
        (add, &[Feature("o")], true),
        (add, &[Feature("e")], false),
        (Event("DONE"), &[Feature("e")], true),
        (add, &[Member("old")], true),
        (add, &[Member("old"), Feature("m")], true),
        (add, &[Member("driver"), Feature("m")], false),
        (add, &[Member("new")], false),
        (add, &[Member("driver"), Value("null")], true),
        (add, &[Member("driver"), Value("qcow2")], false),
        (add, &[Member("driver"), Value("file"), Feature("v")], true),
        (add, &[Member("driver"), Value("null"), Feature("v")], false),
        (add, &[below], true),
        (add, &[Branch("file")], true),
        (add, &[Branch("file"), below], true),
        (add, &[Branch("file"), Feature("b")], true),
        (add, &[Branch("null"), below], false),
        (add, &[Branch("qcow2")], false),
        (add, &[below, below, below, Member("driver"), Value("null")], true),
        (add, &[below, below, below, Member("driver"), Value("qcow2")], false),
        (Return("add"), &[Member("old")], true),
        (Return("add"), &[Member("new")], false),
        (Event("DONE"), &[below, Member("driver"), Value("null")], true),
    ];
    let mut orders = 0;
    each_order(&mut Vec::new(), &ENTITIES, &mut |entities| {
        orders += 1;
        let mut text: Vec<u8> = format!("[{}]", entities.join(",")).into();
        let received: List<'_, SchemaInfo<'_>> = Payload::parse(&mut text).unwrap().decode().unwrap();
        let read: Vec<SchemaInfo<'_>> = received.iter().collect::<Result<_, _>>().unwrap();
        for (root, steps, answer) in questions {
            let answered = Schema::new(List::new(&read)).has(Question::<32>::new(*root, steps));
            assert_eq!(answered, Ok(*answer), "{root:?} {steps:?} {entities:?}");
        }
    });
    assert_eq!(orders, 5040);
}

#[test]
fn a_pass_is_enough_where_types_stand_behind_what_names_them() {
    let mut text: Vec<u8> = format!("[{}]", ENTITIES.join(",")).into();
    let schema = Schema::new(Payload::parse(&mut text).unwrap().decode().unwrap());
    let passes = |steps: &[Step<'_>]| {
        let mut question = Question::<8>::new(Root::Command("add"), steps);
        for pass in 1.. {
            for entity in schema.entities() {
                if question.feed(&entity.unwrap()) != Ok(Answer::Open) {
                    return pass;
                }
            }
            if question.end() != Answer::Open {
                return pass;
            }
        }
        unreachable!()
    };
    assert_eq!(passes(&[]), 1);
    assert_eq!(passes(&[Step::Member("driver"), Step::Value("null")]), 1);
    assert_eq!(passes(&[Step::Member("below"), Step::Member("old")]), 2);
    // The first pass comes to the alternate, which leads back to the beginning; in the third nothing new is seen. No real schema
    // names types that it does not have, as this does, so none needs that.
    assert_eq!(passes(&[Step::Member("below"), Step::Member("new")]), 3);
}

#[test]
fn circles_and_gaps_end() {
    let command = r#"{"name": "c", "meta-type": "command", "arg-type": "1", "ret-type": "gone"}"#;
    let circle = [command, r#"{"name": "1", "meta-type": "array", "element-type": "1"}"#];
    assert_eq!(asked(&circle, Root::Command("c"), &[Step::Member("m")]), Ok(false));
    assert_eq!(asked(&circle, Root::Return("c"), &[Step::Member("m")]), Ok(false));
    let to_itself = r#"{"name": "1", "meta-type": "object", "members": [{"name": "m", "type": "1"}], "tag": "m",
                        "variants": [{"case": "m", "type": "1"}]}"#;
    assert_eq!(asked(&[command, to_itself], Root::Command("c"), &[Step::Member("n")]), Ok(false));
    assert_eq!(asked(&[command, to_itself], Root::Command("c"), &[Step::Member("m"); 31]), Ok(true));
    assert_eq!(asked(&[command, to_itself], Root::Command("c"), &[Step::Member("m"); 34]), Err(Trouble::Full));
    assert_eq!(asked(&[], Root::Command("c"), &[]), Ok(false));
}

#[test]
fn what_there_is_no_room_for_is_told() {
    let named =
        |name: &str| format!(r#"{{"name": "c", "meta-type": "command", "arg-type": "{name}", "ret-type": "0"}}"#);
    let long: String = "1".repeat(Question::<1>::LONGEST + 1);
    let steps = [Step::Member("m")];
    assert_eq!(asked(&[&named(&long)], Root::Command("c"), &steps), Err(Trouble::Long));
    assert_eq!(asked(&[&named(&long[1..])], Root::Command("c"), &steps), Ok(false));
    // The name is not needed for this.
    assert_eq!(asked(&[&named(&long)], Root::Command("c"), &[]), Ok(true));
    let mut question = Question::<0>::new(Root::Command("c"), &steps);
    let text = named("1");
    let mut text: Vec<u8> = text.into();
    let entity = Payload::parse(&mut text).unwrap().decode().unwrap();
    assert_eq!(question.feed(&entity), Err(Trouble::Full));
    let unread = asked(&[r#"{"name": 1}"#], Root::Command("c"), &[]);
    assert!(matches!(unread, Err(Trouble::Unread(_))), "{unread:?}");
}

#[test]
fn entities_by_name() {
    let mut text: Vec<u8> = format!("[{}]", [ENTITIES[0], ENTITIES[6]].join(",")).into();
    let schema = Schema::new(Payload::parse(&mut text).unwrap().decode().unwrap());
    assert_eq!(schema.command("add").map(|command| command.ret_type), Some("[2]"));
    assert_eq!(schema.event("DONE").map(|event| event.arg_type), Some("4"));
    assert!(schema.command("DONE").is_none() && schema.event("add").is_none() && schema.entity("1").is_none());
    assert_eq!(size_of::<Question<'_, 64>>() / 64, 17);
}

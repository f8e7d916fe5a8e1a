use qmp_core::json::Payload;
use qmp_core::json::de::{Error, ErrorKind};
use serde::Deserialize;
use std::string::String;

use super::record;

record! {
    /// Members that must be there, and one that may.
    pub struct Known<'a> {
        /// First.
        pub first: u8 = "first",
        /// Second.
        pub second: Option<bool> = "second" optional,
        /// Third.
        pub third: &'a str = "third",
    }
}

record! {
    /// May be absent as a whole.
    pub struct Absent or null {
        /// A member.
        pub member: Option<u8> = "member" optional,
    }
}

record! {
    /// May be absent as a whole, which its member may not.
    pub struct Strict or null {
        /// A member.
        pub member: u8 = "member",
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Error> {
    let mut text = text.as_bytes().to_vec();
    Payload::parse(&mut text).unwrap().decode()
}

fn known(text: &str) -> Result<(u8, Option<bool>, String), (ErrorKind, String)> {
    let mut text = text.as_bytes().to_vec();
    match Payload::parse(&mut text).unwrap().decode::<Known<'_>>() {
        Ok(known) => Ok((known.first, known.second, known.third.into())),
        Err(error) => Err((error.kind(), error.name().unwrap_or_default().into())),
    }
}

#[test]
fn members_come_in_any_order_among_others() {
    let parts = [r#""first": 1"#, r#""second": true"#, r#""third": "t""#, r#""other": [{}]"#];
    let mut orders = 0;
    for a in 0..4 {
        for b in (0..4).filter(|it| *it != a) {
            for c in (0..4).filter(|it| ![a, b].contains(it)) {
                let text = [a, b, c, 6 - a - b - c].map(|index| parts[index]).join(", ");
                assert_eq!(known(&std::format!("{{{text}}}")), Ok((1, Some(true), "t".into())), "{text}");
                orders += 1;
            }
        }
    }
    assert_eq!(orders, 24);
}

#[test]
fn missing_members_and_members_that_come_twice_are_told_by_name() {
    let error = |kind, name: &str| Err((kind, name.into()));
    assert_eq!(known("{}"), error(ErrorKind::MissingMember, "first"));
    assert_eq!(known(r#"{"first": 1, "second": false}"#), error(ErrorKind::MissingMember, "third"));
    assert_eq!(known(r#"{"third": "t", "first": 1}"#), Ok((1, None, "t".into())));
    for twice in [r#""first": 2"#, r#""second": true"#, r#""third": "u""#] {
        let name = twice.split('"').nth(1).unwrap();
        let text = std::format!(r#"{{"first": 1, "second": false, "third": "t", {twice}}}"#);
        assert_eq!(known(&text), error(ErrorKind::DuplicateMember, name));
    }
}

#[test]
fn what_is_wrong_in_a_member_wins_over_what_is_missing() {
    assert_eq!(known(r#"{"third": 5}"#).unwrap_err().0, ErrorKind::ExpectedString);
    assert_eq!(known(r#"{"second": null, "first": 1, "third": ""}"#).unwrap_err().0, ErrorKind::ExpectedBool);
    assert_eq!(known("[1]").unwrap_err().0, ErrorKind::ExpectedObject);
    assert_eq!(known("null").unwrap_err().0, ErrorKind::ExpectedObject);
}

#[test]
fn null_is_an_object_without_members() {
    assert_eq!(read::<Absent>("null"), Ok(Absent { member: None }));
    assert_eq!(read::<Absent>("{}"), Ok(Absent { member: None }));
    assert_eq!(read::<Absent>(r#"{"member": 1}"#), Ok(Absent { member: Some(1) }));
    assert_eq!(read::<Strict>("null").unwrap_err().kind(), ErrorKind::MissingMember);
    assert_eq!(read::<Strict>(r#"{"member": 1}"#), Ok(Strict { member: 1 }));
}

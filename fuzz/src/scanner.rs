//! The scanner against serde_json: what is JSON, where it ends, what it says.
//!
//! Where they differ, on purpose: serde_json reads 127 levels, the scanner 1,024; a number beyond f64 is an error there and text here.
//! A reader of messages takes `inf` and `nan`, which QEMU sends.

use qmp_core::frame::Reading;
use qmp_core::json::Payload;
use qmp_core::json::scan::{self, Reason};
use qmp_core::reader::{Reader, Recorded};

use crate::oracle::{self, Verdict};

/// The bytes are one value, or several objects behind each other.
pub fn run(bytes: &[u8]) {
    one_value(bytes);
    objects(bytes);
}

fn one_value(bytes: &[u8]) {
    let ours = scan::check(bytes);
    match oracle::judge(bytes) {
        Verdict::Json(theirs) => {
            assert_eq!(ours, Ok(()));
            let mut text = bytes.to_vec();
            let value = Payload::parse(&mut text).expect("what is JSON can be read").into_value();
            let read = oracle::gather(value);
            assert!(oracle::same(&read, &theirs), "read {read}, it is {theirs}");
            let again = value.to_string();
            assert_eq!(scan::check(again.as_bytes()), Ok(()), "written as {again}");
            let mut again = again.into_bytes();
            assert_eq!(Payload::parse(&mut again).expect("JSON").into_value(), value);
        }
        Verdict::NotJson => assert!(ours.is_err()),
        Verdict::Unknown => {}
    }
    let Err(error) = ours else { return };
    // The byte that is named is the first that cannot be right: what stands before it could go on, what follows does not matter.
    assert!(error.at <= bytes.len());
    let before = scan::check(&bytes[..error.at]);
    match error.reason {
        Reason::UnexpectedEnd => assert_eq!(error.at, bytes.len()),
        Reason::TooDeep => {}
        Reason::TrailingText => assert_eq!(before, Ok(())),
        _ => {
            if let Err(before) = before {
                assert_eq!((before.at, before.reason), (error.at, Reason::UnexpectedEnd));
            }
            assert_eq!(scan::check(&bytes[..=error.at]), Err(error));
        }
    }
}

/// One object behind another, as both find their ends.
fn objects(bytes: &[u8]) {
    let mut memory = vec![0; bytes.len() + 1];
    let mut reader = Reader::of_both(memory.as_mut_slice(), Reading::DEFAULT);
    assert_eq!(reader.feed(bytes), Ok(bytes.len()));
    let mut theirs = serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>();
    loop {
        let theirs_began = theirs.byte_offset();
        let value = match theirs.next() {
            Some(Ok(value)) if value.is_object() => value,
            // From here on each goes its own way.
            _ => return,
        };
        let (message, origin) = reader.poll().expect("an object");
        let Recorded::Message(payload) = message else {
            // A sentinel or a bad byte cannot be part of what serde_json reads.
            panic!("{message:?} for {value}");
        };
        let read = oracle::gather(payload.into_value());
        assert!(oracle::same(&read, &value), "read {read}, it is {value}");
        assert_eq!(origin.offset + origin.bytes, theirs.byte_offset() as u64);
        assert!(origin.offset >= theirs_began as u64 && !origin.after_gap && !origin.not_finite);
    }
}

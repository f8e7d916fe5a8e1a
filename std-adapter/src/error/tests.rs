//! Each error says what happened and what to do, and keeps what the system said.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use qmp_core::client::{Client, Config, Storage};
use qmp_core::error::Misuse;

use super::*;

/// One of each kind, and words that its text must have: what it is about, and what to do.
fn all() -> Vec<(Error, &'static [&'static str])> {
    let source = || io::Error::from(ErrorKind::AddrInUse);
    let path = || PathBuf::from("/run/q");
    let at = || "tcp:h:1".to_owned();
    let after = Duration::from_millis(1500);
    let failure = || Failure { class: "GenericError".to_owned(), desc: "no".to_owned() };
    let program = || "qemu".to_owned();
    vec![
        (Error::NoSuchSocket { path: path(), source: source() }, &["/run/q", "-qmp unix:/run/q"]),
        (Error::PermissionDenied { path: path(), source: source() }, &["/run/q", "Become the user"]),
        (Error::PathTooLong { path: path(), length: 108, limit: 107 }, &["/run/q", "108", "107", "symbolic link"]),
        (Error::NobodyListens { at: at(), source: source() }, &["tcp:h:1", "Start the virtual machine"]),
        (Error::Unusable { at: at(), reason: "do this", source: Some(source()) }, &["tcp:h:1", "do this"]),
        (Error::Spawn { program: program(), source: source() }, &["qemu", "installed"]),
        (
            Error::Exited { program: program(), status: ExitStatus::default() },
            &["qemu", "exit status: 0", "standard error"],
        ),
        (
            Error::GaveUp { attempts: 7, after, last: Box::new(Error::NobodyListens { at: at(), source: source() }) },
            &["tcp:h:1", "7 attempts in 1.5s", "Start the virtual machine"],
        ),
        (Error::NoAddress, &["Make a new monitor"]),
        (Error::Connect { at: at(), source: source() }, &["tcp:h:1", "in use"]),
        (Error::NoGreeting { at: at(), after }, &["tcp:h:1", "1.5s", "end that client"]),
        (Error::NotReady { at: at(), after }, &["tcp:h:1", "1.5s", "Try again later"]),
        (Error::NotQmp { at: at(), received: b"QEMU 7 \xFF".to_vec() }, &["tcp:h:1", "QEMU 7 \\xff", "mode=control"]),
        (Error::NoAgent { at: at(), after }, &["tcp:h:1", "1.5s", "running", "end that client"]),
        (Error::NotAgent { at: at() }, &["tcp:h:1", "monitor", "virtserialport"]),
        (Error::NotInStep { after }, &["not sent", "1.5s", "Try again later"]),
        (Error::Unanswered { ticket: ticket() }, &["unknown", "Look before repeating"]),
        (Error::Refused { at: at(), failure: failure() }, &["tcp:h:1", "GenericError: no"]),
        (Error::Command(failure()), &["GenericError: no"]),
        (Error::Timeout { ticket: ticket() }, &["no reply in time to command", "wait for it again"]),
        (Error::QueueFull, &["not sent", "Wait for those"]),
        (Error::Descriptor { source: source() }, &["not sent", "in use"]),
        (Error::Unshareable { source: source() }, &["many threads", "in use"]),
        (Error::OutcomeUnknown { source: Some(source()) }, &["unknown", "look before repeating"]),
        (Error::Closed { source: Some(source()) }, &["Connect again"]),
        (Error::Oversize { bytes: 9, cause: Oversized::TooLong(8) }, &["9 bytes", "8", "rx_limit"]),
        (Error::Oversize { bytes: 9, cause: Oversized::TooDeep(8) }, &["9 bytes", "8 deep"]),
        (Error::OversizeElement { index: 3, bytes: 9, cause: Oversized::TooLong(8) }, &["element 3", "8", "rx_limit"]),
        (Error::OversizeElement { index: 3, bytes: 9, cause: Oversized::TooDeep(8) }, &["element 3", "8 deep"]),
        (Error::Retracted { count: 5, by: Retraction::Broken }, &["5 elements", "damaged", "Ask again"]),
        (Error::Retracted { count: 5, by: Retraction::Foreign }, &["5 elements", "another reply", "Forget them"]),
        (Error::Decode(misread()), &["does not fit the type"]),
        (Error::Misuse(Misuse::NotJson.into()), &["JSON"]),
    ]
}

/// Whether the system has said something that must not be lost. A new kind of error does not compile without its line here.
fn has_source(error: &Error) -> bool {
    match error {
        Error::NoSuchSocket { .. }
        | Error::PermissionDenied { .. }
        | Error::NobodyListens { .. }
        | Error::Unusable { .. }
        | Error::Spawn { .. }
        | Error::GaveUp { .. }
        | Error::Connect { .. }
        | Error::Descriptor { .. }
        | Error::Unshareable { .. }
        | Error::OutcomeUnknown { .. }
        | Error::Closed { .. } => true,
        Error::PathTooLong { .. }
        | Error::Exited { .. }
        | Error::NoAddress
        | Error::NoGreeting { .. }
        | Error::NotReady { .. }
        | Error::NotQmp { .. }
        | Error::NoAgent { .. }
        | Error::NotAgent { .. }
        | Error::NotInStep { .. }
        | Error::Unanswered { .. }
        | Error::Refused { .. }
        | Error::Command(_)
        | Error::Timeout { .. }
        | Error::QueueFull
        | Error::Oversize { .. }
        | Error::OversizeElement { .. }
        | Error::Retracted { .. }
        | Error::Decode(_)
        | Error::Misuse(_) => false,
    }
}

fn ticket() -> Ticket {
    let mut client = Client::new(Storage::growing(512, 512, 1), Config::DEFAULT);
    client.feed(b"{\"QMP\": {}}\n").unwrap();
    while client.poll().unwrap().is_some() {}
    client.commands().execute("stop", &()).unwrap()
}

fn misread() -> de::Error {
    let mut text = *b"[]";
    qmp_core::json::Payload::parse(&mut text).unwrap().decode::<bool>().unwrap_err()
}

#[test]
fn each_says_what_to_do_and_keeps_its_source() {
    for (error, words) in all() {
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{error:?} says {text:?}, without {word:?}");
        }
        assert!(!text.ends_with('.') && !text.contains("  "), "{text:?}");
        assert_eq!(error.source().is_some(), has_source(&error), "{error:?}");
    }
}

#[test]
fn each_kind_is_looked_at() {
    let mut kinds: Vec<_> = all().iter().map(|(error, _)| core::mem::discriminant(error)).collect();
    kinds.dedup();
    assert_eq!(kinds.len(), 30, "a new kind of error stands in `has_source`, and belongs into `all`");
}

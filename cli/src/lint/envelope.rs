//! What a message is besides the vocabulary.

use qmp_qapi::registry::{Integer, Member, Presence, Release, Struct, Type};

/// `{"execute": …}`
pub(super) static EXECUTE: Struct = object("command", &[member("execute", Type::Str), ARGUMENTS, ID]);
/// `{"exec-oob": …}`
pub(super) static EXEC_OOB: Struct = object("command", &[member("exec-oob", Type::Str), ARGUMENTS, ID]);
/// `{"return": …}`
pub(super) static RETURN: Struct = object("reply", &[member("return", Type::Any), ID]);
/// `{"error": …}`
pub(super) static ERROR: Struct = object("reply", &[member("error", Type::Struct(&FAILURE)), ID]);
/// `{"event": …}`. Every QEMU tells when; people who write an event down leave it out.
pub(super) static EVENT: Struct = object(
    "event",
    &[member("event", Type::Str), optional("data", Type::Any), optional("timestamp", Type::Struct(&TIMESTAMP))],
);
/// `{"QMP": …}`
pub(super) static GREETING: Struct = object("greeting", &[member("QMP", Type::Struct(&OFFER))]);

const ID: Member = optional("id", Type::Any);
/// An object or nothing, as the check of a command's arguments tells.
const ARGUMENTS: Member = optional("arguments", Type::Any);

static TIMESTAMP: Struct = object("timestamp", &[member("seconds", INT64), member("microseconds", INT64)]);
const INT64: Type = Type::Int(Integer::Int64);

static OFFER: Struct = object("offer", &[member("version", Type::Any), member("capabilities", Type::List(&Type::Str))]);

/// Since this release, errors have no data, and their classes are of a closed set.
pub(super) const ERROR_CLASSES: Release = Release::new(1, 2, 0);
static FAILURE: Struct = object(
    "error",
    &[
        member("class", Type::Str),
        member("desc", Type::Str),
        Member {
            presence: Presence { until: Some(Release::new(1, 1, 0)), ..Presence::ALWAYS },
            ..optional("data", Type::Any)
        },
    ],
);

const fn object(name: &'static str, own: &'static [Member]) -> Struct {
    Struct { name, presence: Presence::ALWAYS, base: None, own }
}

const fn member(name: &'static str, of: Type) -> Member {
    Member { name, of, presence: Presence::ALWAYS, optional: false, vary: false, condition: None, changes: &[] }
}

const fn optional(name: &'static str, of: Type) -> Member {
    Member { optional: true, ..member(name, of) }
}

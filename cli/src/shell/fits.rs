//! Whether arguments are what the server takes, told before they are sent.
//!
//! They are sent all the same: the server decides. Where it has told its schema, that is the judge of what is there, and the
//! vocabulary has the words.

use alloc::collections::BTreeMap;

use qmp_core::json::{Kind, Payload, Value};
use qmp_qapi::registry::{Path, Reason, qmp};

use super::catalogue::Catalogue;
use crate::schema::live::{self, Live};

/// Each thing that does not fit, a line each.
pub(super) fn warnings(catalogue: &Catalogue, name: &str, arguments: Option<&str>, oob: bool) -> Vec<String> {
    let Some(command) = catalogue.command(name) else {
        let absence = qmp().command(name).and_then(|it| it.presence.absence_in(catalogue.release));
        let why = absence.map_or_else(String::new, |absence| format!(" (it is there {absence})"));
        return vec![match catalogue.live {
            Some(_) => format!("this server has no command {name}{why}"),
            None => format!("QEMU {} has no command {name}{why}", catalogue.release),
        }];
    };
    let mut warnings = Vec::new();
    let may_oob = command.live.map_or_else(|| command.known.is_some_and(|known| known.oob), |live| live.oob);
    if oob && !may_oob {
        warnings.push(format!("{name} cannot be executed out of band"));
    }
    let mut bytes = arguments.unwrap_or("{}").as_bytes().to_vec();
    // It was checked, or put together, as JSON.
    let Ok(payload) = Payload::parse(&mut bytes) else { return warnings };
    let value = payload.into_value();
    let live = command.live.zip(catalogue.live.as_deref()).map(|(command, live)| {
        let mut found = BTreeMap::new();
        judge(live, &command.arguments, value, &Path::root("arguments"), &mut found);
        found
    });
    let mut told = Vec::new();
    if let Some(known) = command.known {
        known.check_arguments(Some(value), catalogue.release, |misfit| {
            let path = misfit.path.to_string();
            let found = live.as_ref().map(|live| live.get(&path));
            let holds = match (misfit.reason, found) {
                (_, None) => true,
                // How wide a number is, and what stands twice, no schema says.
                (Reason::NotWhole { .. } | Reason::OutOfRange { .. } | Reason::Twice | Reason::TooDeep, _) => true,
                (Reason::UnknownMember | Reason::Member(_), Some(found)) => found.is_some_and(|what| what == UNKNOWN),
                (_, Some(found)) => found.is_some(),
            };
            if holds {
                warnings.push(misfit.to_string());
                told.push(path);
            }
        });
    }
    let open = command.is_open(catalogue.release);
    for (path, what) in live.into_iter().flatten() {
        let may_be = open && what == UNKNOWN;
        if !may_be && !told.contains(&path) {
            warnings.push(format!("{path}: {what}, by this server's schema"));
        }
    }
    warnings
}

const UNKNOWN: &str = "unknown member";

/// Finds what does not fit the schema.
fn judge(live: &Live, of: &str, value: Value<'_>, path: &Path<'_>, found: &mut BTreeMap<String, String>) {
    let mut misfit = |what: &str| drop(found.insert(path.to_string(), what.to_owned()));
    match live.types.get(of) {
        Some(live::Type::Builtin) if !is_builtin(of, value.kind()) => misfit(&format!("not {of}")),
        Some(live::Type::Enum(values)) => match value.as_str() {
            Some(text) if values.iter().any(|value| value.name == text) => {}
            _ => misfit("none of the values"),
        },
        Some(live::Type::Array(_)) if value.kind() != Kind::Array => misfit("no list"),
        Some(live::Type::Array(element)) => {
            for (index, value) in value.elements().enumerate() {
                judge(live, element, value, &path.element(index), found);
            }
        }
        Some(live::Type::Object(_)) if value.kind() != Kind::Object => misfit("no object"),
        Some(live::Type::Object(object)) => {
            let members = members(live, object, value);
            for (name, value) in value.entries() {
                let path = path.member(name);
                match members.iter().find(|member| member.name == name) {
                    Some(member) => judge(live, &member.of, value, &path, found),
                    None => drop(found.insert(path.to_string(), UNKNOWN.into())),
                }
            }
            for member in members.iter().filter(|member| !member.optional && value.get(&member.name).is_none()) {
                found.insert(path.member(&member.name).to_string(), "missing".into());
            }
        }
        Some(live::Type::Alternate(types)) => match types.iter().find(|of| is_alike(live, of, value.kind())) {
            Some(of) => judge(live, of, value, path, found),
            None => misfit("none of the alternatives"),
        },
        Some(live::Type::Builtin) | None => {}
    }
}

/// The members that an object has with the tags that are in it.
fn members<'l>(live: &'l Live, object: &'l live::Object, value: Value<'_>) -> Vec<&'l live::Member> {
    let mut all: Vec<&live::Member> = Vec::new();
    let mut next = Some(object);
    for _ in 0..DEEPEST {
        let Some(object) = next else { break };
        all.extend(&object.members);
        let tag = object.tag.as_deref().and_then(|tag| value.get(tag)).and_then(Value::as_str);
        let variant = tag.and_then(|tag| object.variants.iter().find(|(case, _)| case == tag));
        next = variant.map(|(_, of)| live.object(of));
    }
    all
}

/// As deep branches of branches are looked into.
const DEEPEST: usize = 8;

fn is_builtin(of: &str, kind: Kind) -> bool {
    match of {
        "str" => kind == Kind::String,
        "bool" => kind == Kind::Bool,
        "int" | "number" => kind == Kind::Number,
        "null" => kind == Kind::Null,
        _ => true,
    }
}

fn is_alike(live: &Live, of: &str, kind: Kind) -> bool {
    match live.types.get(of) {
        Some(live::Type::Builtin) => is_builtin(of, kind),
        Some(live::Type::Enum(_)) => kind == Kind::String,
        Some(live::Type::Array(_)) => kind == Kind::Array,
        Some(live::Type::Object(_)) => kind == Kind::Object,
        Some(live::Type::Alternate(_)) | None => false,
    }
}

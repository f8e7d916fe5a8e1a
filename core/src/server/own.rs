//! The commands that a server answers by itself: `qmp_capabilities`, and an agent's `guest-sync` and `guest-sync-delimited`.

use crate::json::{Payload, Value};
use crate::message::{Refusal, RefusalKind};

pub(super) const NEGOTIATION: &str = "qmp_capabilities";
pub(super) const SYNC: &str = "guest-sync";
pub(super) const SYNC_DELIMITED: &str = "guest-sync-delimited";

/// The only capability that there is.
const OOB: &str = "oob";

/// Reads the arguments of `qmp_capabilities`: whether out-of-band execution is asked for. `Err` is the error that QEMU answers
/// with; of several the one that it finds first.
pub(super) fn negotiation<'m>(arguments: Option<Payload<'m>>, offers_oob: bool) -> Result<bool, Refusal<'m>> {
    let arguments = value(arguments);
    let mut enable_oob = false;
    if let Some(enable) = arguments.get("enable") {
        if enable.kind() != crate::json::Kind::Array {
            return Err(Refusal::new(RefusalKind::EnableNotArray));
        }
        for (index, capability) in (0..u32::MAX).zip(enable.elements()) {
            match capability.as_str() {
                Some(OOB) => enable_oob = true,
                Some(other) => return Err(Refusal::with(RefusalKind::CapabilityNotAvailable, other)),
                None => return Err(Refusal::numbered(RefusalKind::EnableNotString, index)),
            }
        }
    }
    only(arguments, "enable")?;
    if enable_oob && !offers_oob {
        return Err(Refusal::with(RefusalKind::CapabilityNotAvailable, OOB));
    }
    Ok(enable_oob)
}

/// Reads the arguments of a synchronisation: the number that is to be sent back.
pub(super) fn sync(arguments: Option<Payload<'_>>) -> Result<i64, Refusal<'_>> {
    let arguments = value(arguments);
    let id = arguments.get("id").ok_or(Refusal::new(RefusalKind::SyncIdMissing))?;
    let id = id.as_i64().ok_or(Refusal::new(RefusalKind::SyncIdNotInteger))?;
    only(arguments, "id")?;
    Ok(id)
}

fn value(arguments: Option<Payload<'_>>) -> Value<'_> {
    arguments.map_or(Value::NULL, Payload::into_value)
}

fn only<'m>(arguments: Value<'m>, name: &str) -> Result<(), Refusal<'m>> {
    match arguments.entries().find(|(key, _)| *key != name) {
        Some((key, _)) => Err(Refusal::with(RefusalKind::ParameterUnexpected, key)),
        None => Ok(()),
    }
}

//! What ties a typed vocabulary to the engine, which knows no command by name.

use serde::{Deserialize, Serialize};

/// A typed command. Serialized, it is its arguments: an object, or `null` (a unit struct) for none.
///
/// ```
/// use qmp_core::command::Command;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct QueryStatus;
///
/// #[derive(Deserialize)]
/// struct StatusInfo<'a> {
///     running: bool,
///     status: &'a str,
/// }
///
/// impl Command for QueryStatus {
///     const NAME: &'static str = "query-status";
///     type Return<'a> = StatusInfo<'a>;
/// }
/// ```
pub trait Command: Serialize {
    /// The name on the wire.
    const NAME: &'static str;
    /// Whether the server may execute it out of band.
    const OOB: bool = false;
    /// Whether it answers nothing when it succeeds, as an agent's `guest-shutdown`: `success-response: false`.
    const NO_REPLY: bool = false;
    /// What it returns. May borrow from the reply.
    type Return<'a>: Deserialize<'a>;
}

/// A typed event. Deserialized from the event's data, or from `null` where it has none.
pub trait Event<'a>: Deserialize<'a> {
    /// The name on the wire.
    const NAME: &'static str;
}

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

/// A list that a command returns, and so can be read [element by element](crate::client::Delivery::Elements).
pub trait Listing<'a>: Deserialize<'a> {
    /// What its elements are. May borrow from the reply.
    type Element: Deserialize<'a>;
}

/// A command that returns a [`Listing`].
pub trait ListCommand: Command {
    /// An element of what it returns.
    type Element<'a>: Deserialize<'a>;
}

impl<C> ListCommand for C
where
    C: Command,
    for<'a> C::Return<'a>: Listing<'a>,
{
    type Element<'a> = <C::Return<'a> as Listing<'a>>::Element;
}

#[cfg(feature = "alloc")]
impl<'a, T: Deserialize<'a>> Listing<'a> for alloc::vec::Vec<T> {
    type Element = T;
}

/// A typed event. Deserialized from the event's data, or from `null` where it has none.
pub trait Event<'a>: Deserialize<'a> {
    /// The name on the wire.
    const NAME: &'static str;
}

//! What a client sends: commands.

use super::{Malformed, member};
use crate::frame::{Frames, Outline, What};
use crate::json::scan::members::Members;

/// The slots of a client's message: the command's name; its arguments; a member that does not belong; its id.
const NAME: u8 = 0;
const ARGUMENTS: u8 = 1;
const UNEXPECTED: u8 = 2;
const ID: u8 = 3;

/// What a client's message is told by.
pub(crate) const CLIENT_MEMBERS: &Members = &Members::new(
    &[
        member("execute", NAME, true),
        member("exec-oob", NAME, true),
        member("arguments", ARGUMENTS, false),
        member("id", ID, true),
    ],
    Some(UNEXPECTED),
);

/// A message of a client, or what came in the place of one.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientMessage<'m> {
    /// Bytes that are no message.
    Malformed(Malformed<'m>),
    /// The stream ended inside a message.
    Incomplete,
}

/// The outlined message of a client.
pub(crate) fn client_message<'m>(frames: &'m mut Frames<'_>, outline: &Outline) -> ClientMessage<'m> {
    match outline.what {
        What::Malformed { at, reason } => ClientMessage::Malformed(Malformed { at, reason, text: frames.text() }),
        _ => ClientMessage::Incomplete,
    }
}

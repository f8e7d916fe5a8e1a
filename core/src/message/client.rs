//! What a client sends: commands.

use super::duplicates::{self, Fault};
use super::refusal::{Refusal, RefusalKind};
use super::{Malformed, NO_PAYLOAD, Parts, member};
use crate::frame::{Frames, Oversized, What};
use crate::json::scan::members::{Found, Member, Members};
use crate::json::scan::{Input, Reason, names};
use crate::json::{Payload, Strings, Value};

/// The slots of a client's message: the command's name; its arguments; the first member that does not belong; its id.
const NAME: u8 = 0;
const ARGUMENTS: u8 = 1;
const UNEXPECTED: u8 = 2;
pub(crate) const ID: u8 = 3;

/// The places of `execute` and `exec-oob` in the list.
const EXECUTE: u8 = 0;
const EXEC_OOB: u8 = 1;

/// What a client's message is told by.
pub(crate) const CLIENT_MEMBERS: &Members =
    &Members::new(LIST, &names::tree::<{ names::count(LIST) }>(LIST), Some(UNEXPECTED));
const LIST: &[Member] = &[
    member("execute", NAME, true),
    member("exec-oob", NAME, true),
    member("arguments", ARGUMENTS, false),
    member("id", ID, true),
];

/// A message of a client, or what came in the place of one. Borrows from the receive buffer until the next call that reads.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientMessage<'m> {
    /// A command, to be answered with its id if it has one.
    Command {
        /// Its name, decoded. Whether there is such a command is not known here.
        name: &'m str,
        /// Whether it is to be executed out of band: `exec-oob` instead of `execute`.
        oob: bool,
        /// Any JSON value, `null` included.
        id: Option<Value<'m>>,
        /// An object without duplicate members.
        arguments: Option<Payload<'m>>,
    },
    /// JSON that is no command.
    Refused {
        /// The id that the error is to bear.
        id: Option<Value<'m>>,
        /// What is wrong.
        refusal: Refusal<'m>,
    },
    /// A message that was passed over.
    Oversize(OversizeCommand<'m>),
    /// Bytes that are no message, or JSON with a mistake in it. Behind a mistake reading goes on where QEMU's does.
    Malformed(Malformed<'m>),
    /// The stream ended inside a message.
    Incomplete,
}

/// A client's message that was passed over. Its end was found, so that the stream stays in step.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OversizeCommand<'m> {
    /// The command's name, if it has one that fits three quarters of the buffer.
    pub name: Option<&'m str>,
    /// Whether it was to be executed out of band.
    pub oob: bool,
    /// Its id, likewise.
    pub id: Option<Value<'m>>,
    /// How long it was: the buffer that it would have taken.
    pub bytes: u64,
    /// What it was too much for.
    pub cause: Oversized,
}

impl OversizeCommand<'_> {
    /// The error that answers it. Messages that are too deep are answered without their id, as QEMU does.
    pub const fn refusal(&self) -> Refusal<'static> {
        Refusal::new(match self.cause {
            Oversized::TooLong(_) => RefusalKind::TooLong,
            Oversized::TooDeep(_) => RefusalKind::TooDeep,
        })
    }
}

/// Whether the client's message just outlined is to be answered out of band, where that is on.
pub(crate) const fn is_out_of_band(found: &Found) -> bool {
    found.has(EXEC_OOB) && !found.has(EXECUTE)
}

/// The outlined message of a client. Where out-of-band execution is off, `exec-oob` is a member like any that does not belong.
pub(crate) fn client_message<'m>(frames: &'m mut Frames<'_, Input>, what: What, oob: bool) -> ClientMessage<'m> {
    match what {
        What::Complete => complete(frames, oob),
        What::Oversize(passed) => {
            let cause = frames.oversized(passed);
            let oob = is_out_of_band(frames.found());
            let bytes = frames.outline(what).bytes;
            let (parts, _) = Parts::with(frames, NO_PAYLOAD, Strings::Input);
            let name = parts.value(NAME).and_then(Value::as_str);
            let id = parts.value(ID);
            ClientMessage::Oversize(OversizeCommand { name, oob, id, bytes, cause })
        }
        What::Malformed(reason) | What::Mistaken(reason) => {
            ClientMessage::Malformed(Malformed { at: frames.fault(what), reason, text: frames.text() })
        }
        // A client sends no sentinel, and nothing of it is taken apart.
        What::Incomplete | What::Sentinel | What::Piece(_) => ClientMessage::Incomplete,
    }
}

fn complete<'m>(frames: &'m mut Frames<'_, Input>, oob: bool) -> ClientMessage<'m> {
    if frames.text().first() != Some(&b'{') {
        return refused(None, Refusal::new(RefusalKind::NotAnObject));
    }
    match duplicate(frames) {
        Ok(()) => {}
        Err(Fault::Duplicate(at)) => {
            let at = frames.outline(What::Complete).offset.saturating_add(at as u64);
            return ClientMessage::Malformed(Malformed { at, reason: Reason::DuplicateMember, text: frames.text() });
        }
        Err(Fault::TooMany) => return refused(None, Refusal::new(RefusalKind::TooManyMembers)),
    }
    let (execute, exec_oob) = (frames.found().has(EXECUTE), frames.found().has(EXEC_OOB));
    let (parts, arguments) = Parts::with(frames, ARGUMENTS, Strings::Input);
    let id = parts.value(ID);
    // In this order QEMU looks, as far as it can be told: it goes by the hashes of the names.
    if exec_oob && !oob {
        return refused(id, Refusal::with(RefusalKind::UnexpectedMember, "exec-oob"));
    }
    if exec_oob && execute {
        return refused(id, Refusal::new(RefusalKind::Clash));
    }
    let name = parts.value(NAME);
    let text = name.and_then(Value::as_str);
    if name.is_some() && text.is_none() {
        let member = if exec_oob { "exec-oob" } else { "execute" };
        return refused(id, Refusal::with(RefusalKind::NameNotString, member));
    }
    if let Some(member) = parts.value(UNEXPECTED) {
        let member = member.as_str().unwrap_or_default();
        return refused(id, Refusal::with(RefusalKind::UnexpectedMember, member));
    }
    if arguments.as_ref().is_some_and(|arguments| arguments.raw().first() != Some(&b'{')) {
        return refused(id, Refusal::new(RefusalKind::ArgumentsNotObject));
    }
    match text {
        Some(name) => ClientMessage::Command { name, oob: exec_oob, id, arguments },
        None => refused(id, Refusal::new(RefusalKind::NoExecute)),
    }
}

const fn refused<'m>(id: Option<Value<'m>>, refusal: Refusal<'m>) -> ClientMessage<'m> {
    ClientMessage::Refused { id, refusal }
}

/// Looks for duplicates in the message and in its arguments. The scanner has looked for those of the members that it knows.
fn duplicate(frames: &mut Frames<'_, Input>) -> Result<(), Fault> {
    let unexpected = frames.found().span(UNEXPECTED);
    let arguments = frames.found().span(ARGUMENTS);
    let text = &*frames.text();
    if unexpected.is_some() {
        duplicates::check(text)?;
    }
    let Some(span) = arguments else { return Ok(()) };
    match text.get(span.range()) {
        Some(object @ [b'{', ..]) => duplicates::check(object).map_err(|fault| match fault {
            Fault::Duplicate(at) => Fault::Duplicate(at.saturating_add(span.start as usize)),
            Fault::TooMany => Fault::TooMany,
        }),
        _ => Ok(()),
    }
}

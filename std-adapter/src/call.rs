//! A command and what it came to, as far as it is the same for every kind of monitor.

use core::ops::ControlFlow;

use qmp_core::client::{Commands, Delivery, Message, Retraction, Ticket};
use qmp_core::error::{Error as Refusal, Misuse, Resource};
use qmp_core::json::{Payload, Value};
use qmp_core::message::{self, Kind};

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::Error;
use crate::inbox::Inbox;
use crate::kept::{self, Kept};

/// How a command ended.
pub(crate) enum End<R> {
    Ended(Result<R, Error>),
    /// With the connection.
    Lost,
}

impl Inbox {
    /// What the command came to, if that has been received. Else gives `read` back.
    pub(crate) fn conclude<R, F>(&mut self, ticket: Ticket, read: F) -> Result<End<R>, F>
    where
        F: FnOnce(Payload<'_>) -> Result<R, Error>,
    {
        Ok(match self.take(ticket) {
            Some(Kept::Returned(raw)) => End::Ended(kept::read(&raw, read)),
            Some(Kept::Failed(failure)) => End::Ended(Err(Error::Command(failure))),
            Some(Kept::Error(Error::OutcomeUnknown { .. })) => End::Lost,
            Some(Kept::Error(error)) => End::Ended(Err(error)),
            None => return Err(read),
        })
    }
}

/// Looks for the end of the command among messages.
pub(crate) fn looking<R>(
    ticket: Ticket,
    read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
) -> impl for<'m> FnMut(Message<'m>) -> ControlFlow<End<R>, Message<'m>> {
    let mut read = Some(read);
    let mut read = move |outcome: Result<Payload<'_>, message::Failure<'_>>| match (outcome, read.take()) {
        (Ok(payload), Some(read)) => read(payload),
        (Ok(_), None) => Err(Error::Misuse(Misuse::Ticket.into())),
        (Err(failure), _) => Err(Error::Command(failure.into())),
    };
    move |message| {
        ControlFlow::Break(match message {
            Message::Reply { ticket: other, outcome } if other == ticket => End::Ended(read(outcome)),
            Message::Late { ticket: other, outcome } if other == ticket => End::Ended(read(outcome)),
            Message::Oversize { ticket: Some(other), message } if other == ticket => {
                End::Ended(Err(Error::Oversize { bytes: message.bytes, cause: message.cause }))
            }
            Message::Oversize { ticket: None, message } if is_late_reply(&message, ticket) => {
                End::Ended(Err(Error::Oversize { bytes: message.bytes, cause: message.cause }))
            }
            Message::Lost { ticket: other } if other == ticket => End::Lost,
            other => return ControlFlow::Continue(other),
        })
    }
}

/// Whether what was passed over is the reply to this command, should its time have been up: then the core has no ticket for it.
pub(crate) fn is_late_reply(message: &message::Oversize<'_>, ticket: Ticket) -> bool {
    let reply = matches!(message.of, Kind::Return | Kind::Error);
    reply && message.id.and_then(Value::as_u64) == Some(ticket.id().into())
}

/// What comes of a command whose elements are wanted.
pub(crate) enum Walked<R> {
    /// An element, or what is wrong; more may come.
    Element(Result<R, Error>),
    /// It has ended.
    Over(Result<(), Error>),
    /// It has ended with the connection.
    Lost,
}

/// Looks for the next element of the command among messages.
pub(crate) fn walking<R, Expected: DeserializeOwned>(
    ticket: Ticket,
    mut read: impl FnMut(Payload<'_>) -> R,
) -> impl for<'m> FnMut(Message<'m>) -> ControlFlow<Walked<R>, Message<'m>> {
    move |message| {
        ControlFlow::Break(match message {
            Message::Element { ticket: of, index, element } if of == ticket => Walked::Element(match element {
                Ok(payload) => Ok(read(payload)),
                Err(passed) => Err(Error::OversizeElement { index, bytes: passed.bytes, cause: passed.cause }),
            }),
            Message::ElementsEnd { ticket: of, .. } if of == ticket => Walked::Over(Ok(())),
            // Of the command's own reply nothing more comes.
            Message::Retracted { ticket: of, count, by: by @ Retraction::Broken } if of == ticket => {
                Walked::Over(Err(Error::Retracted { count, by }))
            }
            Message::Retracted { ticket: of, count, by } if of == ticket => {
                Walked::Element(Err(Error::Retracted { count, by }))
            }
            Message::Reply { ticket: of, outcome } | Message::Late { ticket: of, outcome } if of == ticket => {
                Walked::Over(Err(match outcome {
                    // Not what was asked for, as its first byte says.
                    Ok(payload) => match payload.decode::<Expected>() {
                        Ok(_) => Error::Misuse(Misuse::Ticket.into()),
                        Err(error) => error.into(),
                    },
                    Err(failure) => Error::Command(failure.into()),
                }))
            }
            Message::Oversize { ticket: Some(of), message } if of == ticket => {
                Walked::Over(Err(Error::Oversize { bytes: message.bytes, cause: message.cause }))
            }
            Message::Oversize { ticket: None, message } if is_late_reply(&message, ticket) => {
                Walked::Over(Err(Error::Oversize { bytes: message.bytes, cause: message.cause }))
            }
            Message::Lost { ticket: of } if of == ticket => Walked::Lost,
            other => return ControlFlow::Continue(other),
        })
    }
}

/// The elements of a list are expected.
pub(crate) type List = Vec<IgnoredAny>;

/// Looks for the next piece of the text that the command returns among messages.
pub(crate) fn spelling(
    ticket: Ticket,
    mut look: impl FnMut(&str),
) -> impl for<'m> FnMut(Message<'m>) -> ControlFlow<Walked<()>, Message<'m>> {
    let mut others = walking::<(), String>(ticket, |_| ());
    move |message| match message {
        Message::Text { ticket: of, text } if of == ticket => {
            look(text);
            ControlFlow::Break(Walked::Element(Ok(())))
        }
        Message::TextEnd { ticket: of, .. } if of == ticket => ControlFlow::Break(Walked::Over(Ok(()))),
        other => others(other),
    }
}

/// Encodes a command whose reply is to come in pieces, or not if another one's is.
pub(crate) fn in_pieces(
    commands: &mut Commands<'static>,
    delivery: Delivery,
    encode: impl FnOnce(&mut Commands<'static>) -> Result<Ticket, Refusal>,
) -> Result<Ticket, Refusal> {
    if commands.delivers_in_pieces() {
        return Err(Resource::Delivery.into());
    }
    let ticket = encode(commands)?;
    commands.set_delivery(ticket, delivery)?;
    Ok(ticket)
}

/// A command that was encoded. `None`: there is no place for it at present.
pub(crate) fn placed(encoded: Result<Ticket, Refusal>) -> Result<Option<Ticket>, Error> {
    match encoded {
        Ok(ticket) => Ok(Some(ticket)),
        Err(Refusal::Resource(Resource::Credits { .. } | Resource::Slots { .. } | Resource::Delivery)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Encodes a command whose arguments are JSON text already.
pub(crate) fn raw(commands: &mut Commands<'static>, name: &str, arguments: Option<&str>) -> Result<Ticket, Refusal> {
    match arguments {
        Some(arguments) => commands.execute_raw(name, arguments),
        None => commands.execute(name, &()),
    }
}

/// [`raw`], out of band.
pub(crate) fn raw_oob(
    commands: &mut Commands<'static>,
    name: &str,
    arguments: Option<&str>,
) -> Result<Ticket, Refusal> {
    match arguments {
        Some(arguments) => commands.exec_oob_raw(name, arguments),
        None => commands.exec_oob(name, &()),
    }
}

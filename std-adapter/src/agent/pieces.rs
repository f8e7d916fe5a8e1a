//! What a command returns, element by element, piece by piece, or only some members of it.

use qmp_core::agent::Message;
use qmp_core::client::Delivery;
use qmp_core::error::Misuse;
use qmp_core::json::{Payload, Projection};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Agent, Came};
use crate::call::List;
use crate::error::Error;

/// Replies that are not delivered whole: memory for what is wanted of them, however long they are.
impl Agent {
    /// Executes the command `name` and hands the text that it returns to `look`, piece by piece as it arrives, decoded: memory for one
    /// piece, however long it is. `at` says where it is: `Delivery::Text(&["buf-b64"])` is what `guest-file-read` read.
    ///
    /// ```no_run
    /// # use qmp_std::Agent;
    /// use qmp_std::qmp_core::client::Delivery;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct FileRead {
    ///     handle: i64,
    ///     count: u32,
    /// }
    ///
    /// # let mut agent = Agent::unix("")?;
    /// let arguments = FileRead { handle: 1000, count: 48 << 20 };
    /// agent.text(Delivery::Text(&["buf-b64"]), "guest-file-read", &arguments, |base64| print!("{base64}"))?;
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`]. [`Error::Retracted`] where what was shown was not this command's, or not all of it came.
    pub fn text(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        mut look: impl FnMut(&str),
    ) -> Result<(), Error> {
        let look = |message: Message<'_>| {
            if let Message::Text { text, .. } = message {
                look(text);
            }
        };
        self.in_pieces::<String>(at, name, arguments, look).map(drop)
    }

    /// Executes the command `name` and hands the elements of the array that it returns to `look`, one by one as they arrive. `at` is
    /// [`Delivery::ELEMENTS`], or says which array. Gives their number.
    ///
    /// What is wrong with one element (it does not fit the buffer or the type) is told in its place, and the next one comes.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn each<T: DeserializeOwned>(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        mut look: impl FnMut(Result<T, Error>),
    ) -> Result<u32, Error> {
        let look = |message: Message<'_>| {
            if let Message::Element { index, element, .. } = message {
                look(match element {
                    Ok(payload) => payload.decode().map_err(Error::from),
                    Err(passed) => Err(Error::OversizeElement { index, bytes: passed.bytes, cause: passed.cause }),
                });
            }
        };
        self.in_pieces::<List>(at, name, arguments, look)
    }

    /// Executes the command `name` and reads a `T` of what it returns, of which only these members are kept: see
    /// [`Monitor::execute_members`](crate::Monitor::execute_members).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_members<T: DeserializeOwned>(
        &mut self,
        members: Projection,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let encode = |commands: &mut qmp_core::agent::Commands<'static>| commands.execute(name, arguments);
        match self.call_by(Delivery::Members(members), false, encode, |payload| Ok(payload.decode()?), |_| {})? {
            Came::Whole(value) => Ok(value),
            Came::Pieces(_) => Err(Error::Misuse(Misuse::Ticket.into())),
        }
    }

    /// A reply that comes whole is no `Expected`, as its first byte has said.
    fn in_pieces<Expected: DeserializeOwned>(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        look: impl FnMut(Message<'_>),
    ) -> Result<u32, Error> {
        let read = |payload: Payload<'_>| payload.decode::<Expected>().map(drop).map_err(Error::from);
        match self.call_by(at, false, |commands| commands.execute(name, arguments), read, look)? {
            Came::Pieces(count) => Ok(count),
            Came::Whole(()) => Err(Error::Misuse(Misuse::Ticket.into())),
        }
    }
}

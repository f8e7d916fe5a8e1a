//! What a command returns, element by element, piece by piece, or only some members of it.

use core::fmt;
use core::marker::PhantomData;
use core::ops::ControlFlow;

use embedded_io_async::{Read, Write};
use qmp_core::client::{Delivery, Message};
use qmp_core::command::ListCommand;
use qmp_core::json::{Payload, Projection};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Monitor;
use super::commands::Pending;
use crate::call::{self, Walked};
use crate::error::Error;

/// Replies that are not delivered whole: memory for what is wanted of them, however long they are. One at a time.
impl<R: Read, W: Write<Error = R::Error>> Monitor<R, W> {
    /// Executes the command `name` and gives the elements of the array that it returns, each as it arrives.
    ///
    /// ```no_run
    /// # #[cfg(feature = "tokio")] {
    /// # use serde::Deserialize;
    /// #
    /// # #[derive(Deserialize)]
    /// # struct Entity {
    /// #     name: String,
    /// # }
    /// # async fn walk(mut monitor: qmp_std::asynchronous::UnixMonitor) -> Result<(), qmp_std::Error> {
    /// let mut entities = monitor.elements::<Entity>("query-qmp-schema", &()).await?;
    /// while let Some(entity) = entities.next().await {
    ///     println!("{}", entity?.name);
    /// }
    /// # Ok(())
    /// # }
    /// # }
    /// ```
    ///
    /// # Errors
    /// Here, those of a command that was not sent; the others come of [`Elements::next`]. See [`Error`].
    pub async fn elements<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Elements<'_, R, W, T>, Error> {
        self.elements_at(Delivery::ELEMENTS, name, arguments).await
    }

    /// [`elements`](Self::elements) of an array that is not all of what the command returns; see
    /// [`crate::Monitor::elements_at`].
    ///
    /// # Errors
    /// As there.
    pub async fn elements_at<T: DeserializeOwned>(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Elements<'_, R, W, T>, Error> {
        let pending = self
            .dispatch(|commands| call::in_pieces(commands, at, |commands| commands.execute(name, arguments)))
            .await?;
        Ok(Elements { pending, element: PhantomData })
    }

    /// Executes a typed command that returns a list, and hands its elements, which may borrow from the receive buffer, to `look`, one
    /// by one as they arrive; see [`crate::Monitor::each`].
    ///
    /// # Errors
    /// As there.
    pub async fn each<C: ListCommand>(
        &mut self,
        command: &C,
        mut look: impl for<'a> FnMut(Result<C::Element<'a>, Error>),
    ) -> Result<u32, Error> {
        let mut pending = self
            .dispatch(|commands| call::in_pieces(commands, Delivery::ELEMENTS, |commands| commands.send(command)))
            .await?;
        let mut count: u32 = 0;
        while let Some(step) = pending.step(|payload| look(payload.decode().map_err(Error::from))).await {
            match step {
                Ok(()) => {}
                Err(error @ Error::OversizeElement { .. }) => look(Err(error)),
                Err(error) => return Err(error),
            }
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// Executes the command `name` and reads a `T` of what it returns, of which only these members are kept: see
    /// [`qmp_std::Monitor::execute_members`](crate::Monitor::execute_members).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute_members<T: DeserializeOwned>(
        &mut self,
        members: Projection,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let delivery = Delivery::Members(members);
        self.call(
            |commands| call::in_pieces(commands, delivery, |commands| commands.execute(name, arguments)),
            |payload| Ok(payload.decode()?),
        )
        .await
    }

    /// Executes the command `name` and hands the text that it returns to `look`, piece by piece as it arrives; see
    /// [`crate::Monitor::text`].
    ///
    /// # Errors
    /// As there.
    pub async fn text(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        mut look: impl FnMut(&str),
    ) -> Result<(), Error> {
        let mut pending = self
            .dispatch(|commands| call::in_pieces(commands, at, |commands| commands.execute(name, arguments)))
            .await?;
        while let Some(step) = pending.drive(call::spelling(pending.ticket, &mut look)).await {
            step?;
        }
        Ok(())
    }
}

/// The elements of what a command returns, as they arrive: see [`Monitor::elements`].
///
/// - An element that is no `T`, or that does not fit ([`Error::OversizeElement`]), is an error in its place: the next one comes.
/// - [`Error::Retracted`] takes back what was given: the reply was another one. If that is all, the command's own elements follow.
/// - Any other error is the last item.
///
/// Dropping it gives the rest up: what still comes of it is passed.
#[derive(Debug)]
pub struct Elements<'m, R: Read, W: Write<Error = R::Error>, T> {
    pending: Pending<'m, R, W>,
    element: PhantomData<fn() -> T>,
}

impl<R: Read, W: Write<Error = R::Error>, T: DeserializeOwned> Elements<'_, R, W, T> {
    /// The next element; `None` behind the last one. A future that is dropped takes none.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        let step = self.pending.step(|payload| Ok::<T, Error>(payload.decode()?)).await;
        step.map(|step| step?)
    }
}

impl<R: Read, W: Write<Error = R::Error>> Pending<'_, R, W> {
    /// What `read` makes of the next element.
    async fn step<T>(&mut self, read: impl FnMut(Payload<'_>) -> T) -> Option<Result<T, Error>> {
        self.drive(call::walking::<T, call::List>(self.ticket, read)).await
    }

    async fn drive<T>(
        &mut self,
        look: impl for<'m> FnMut(Message<'m>) -> ControlFlow<Walked<T>, Message<'m>>,
    ) -> Option<Result<T, Error>> {
        if self.settled {
            return None;
        }
        let walked = self.monitor.drive(look).await;
        let end = match walked {
            Ok(Walked::Element(element)) => {
                if let Err(Error::Retracted { count, by }) = element {
                    self.monitor.inbox.retracted(count, by);
                }
                return Some(element);
            }
            Ok(Walked::Over(end)) => end,
            Ok(Walked::Lost) => Err(Error::OutcomeUnknown { source: self.monitor.cause.take() }),
            Err(Error::Closed { source }) => Err(Error::OutcomeUnknown { source }),
            Err(error) => Err(error),
        };
        if matches!(end, Err(Error::Retracted { .. })) {
            // Its reply is gone, but the core waits for it.
            self.monitor.abandon(self.ticket);
        }
        self.settled = true;
        end.err().map(Err)
    }
}

impl<R: Read, W: Write<Error = R::Error>> fmt::Debug for Pending<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("ticket", &self.ticket).field("settled", &self.settled).finish_non_exhaustive()
    }
}

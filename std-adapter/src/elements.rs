//! What a command returns, element by element, piece by piece, or only some members of it.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::ops::ControlFlow;

use qmp_core::client::{Commands, Delivery, Message, Ticket};
use qmp_core::command::ListCommand;
use qmp_core::error::Error as Refusal;
use qmp_core::json::{Payload, Projection};
use qmp_core::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{self, Walked};
use crate::error::Error;
use crate::log;
use crate::monitor::Monitor;

/// Replies that are not delivered whole: memory for what is wanted of them, however long they are. One at a time.
impl Monitor {
    /// Executes the command `name` and gives the elements of the array that it returns, each as it arrives.
    ///
    /// ```no_run
    /// # use qmp_std::Monitor;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Entity {
    ///     name: String,
    ///     meta_type: String,
    /// }
    ///
    /// # let mut monitor = Monitor::unix("")?;
    /// for entity in monitor.elements::<Entity>("query-qmp-schema", &())? {
    ///     let entity = entity?;
    ///     println!("{} {}", entity.meta_type, entity.name);
    /// }
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// Here, those of a command that was not sent; the others come of the iterator. See [`Error`].
    pub fn elements<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Elements<'_, T>, Error> {
        self.elements_at(Delivery::ELEMENTS, name, arguments)
    }

    /// [`elements`](Self::elements) of an array that is not all of what the command returns:
    /// `Delivery::Elements(&["pools"])` is the member `pools` of it.
    ///
    /// # Errors
    /// As there.
    pub fn elements_at<T: DeserializeOwned>(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Elements<'_, T>, Error> {
        let walk = self.walk(|commands| call::in_pieces(commands, at, |commands| commands.execute(name, arguments)))?;
        Ok(Elements { walk, element: PhantomData })
    }

    /// Executes a typed command that returns a list, and hands its elements, which may borrow from the receive buffer, to `look`, one
    /// by one as they arrive. Gives their number.
    ///
    /// What is wrong with one element (it does not fit the buffer or the type) is told in its place, and the next one comes.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn each<C: ListCommand>(
        &mut self,
        command: &C,
        mut look: impl for<'a> FnMut(Result<C::Element<'a>, Error>),
    ) -> Result<u32, Error> {
        let mut walk =
            self.walk(|commands| call::in_pieces(commands, Delivery::ELEMENTS, |commands| commands.send(command)))?;
        let mut count: u32 = 0;
        while let Some(step) = walk.step(|payload| look(payload.decode().map_err(Error::from))) {
            match step {
                Ok(()) => {}
                Err(error @ Error::OversizeElement { .. }) => look(Err(error)),
                Err(error) => return Err(error),
            }
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// Executes the command `name` and hands the text that it returns to `look`, piece by piece as it arrives, decoded: memory for one
    /// piece, however long it is. `at` is [`Delivery::TEXT`], or says which member: `Delivery::Text(&["buf-b64"])`.
    ///
    /// ```no_run
    /// # use qmp_std::Monitor;
    /// use qmp_std::qmp_core::client::Delivery;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Line<'a> {
    ///     command_line: &'a str,
    /// }
    ///
    /// # let mut monitor = Monitor::unix("")?;
    /// let line = Line { command_line: "info mtree -f" };
    /// monitor.text(Delivery::TEXT, "human-monitor-command", &line, |piece| print!("{piece}"))?;
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Retracted`] the pieces given so far are to be forgotten.
    pub fn text(
        &mut self,
        at: Delivery,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        mut look: impl FnMut(&str),
    ) -> Result<(), Error> {
        let mut walk =
            self.walk(|commands| call::in_pieces(commands, at, |commands| commands.execute(name, arguments)))?;
        while let Some(step) = walk.drive(call::spelling(walk.ticket, &mut look)) {
            step?;
        }
        Ok(())
    }

    /// Executes the command `name` and reads a `T` of what it returns, of which only these members are kept: memory for them, however
    /// much more comes. [`Projection::probe`] asks a type for the members that it reads; generated types know theirs
    /// ([`Projection::of`]); others are named.
    ///
    /// ```no_run
    /// # use qmp_std::Monitor;
    /// use qmp_std::qmp_core::json::Projection;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Device {
    ///     device: String,
    ///     locked: bool,
    /// }
    ///
    /// # let mut monitor = Monitor::unix("")?;
    /// let devices: Vec<Device> = monitor.execute_members(Projection::probe::<Device>(), "query-block", &())?;
    /// println!("{} of {} are locked", devices.iter().filter(|device| device.locked).count(), devices.len());
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// [`elements_at`](Self::elements_at) takes members of each element, too:
    /// `Delivery::ElementMembers(&[], Projection::probe::<Device>())`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_members<T: DeserializeOwned>(
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
    }

    fn walk(
        &mut self,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Walk<'_>, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        let ticket = self.dispatch(deadline, None, encode)?;
        Ok(Walk { monitor: self, ticket, over: false })
    }
}

/// The elements of what a command returns, as they arrive: see [`Monitor::elements`].
///
/// Each call of `next` waits for the monitor's [timeout](Monitor::set_timeout) at most. Events and what else comes meanwhile are kept
/// as ever.
///
/// - An element that is no `T`, or that does not fit ([`Error::OversizeElement`]), is an error in its place: the next one comes.
/// - After [`Error::Timeout`], `next` waits once more.
/// - [`Error::Retracted`] takes back what was given: the reply was another one. If that is all, the command's own elements follow.
/// - Any other error is the last item.
///
/// Dropping it gives the rest up: what still comes of it is passed.
#[derive(Debug)]
pub struct Elements<'m, T> {
    walk: Walk<'m>,
    element: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Iterator for Elements<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.walk.step(|payload| Ok::<T, Error>(payload.decode()?)).map(|step| step?)
    }
}

impl<T: DeserializeOwned> FusedIterator for Elements<'_, T> {}

/// A command whose elements come.
struct Walk<'m> {
    monitor: &'m mut Monitor,
    ticket: Ticket,
    /// It has ended.
    over: bool,
}

impl Walk<'_> {
    /// What `read` makes of the next element.
    fn step<R>(&mut self, read: impl FnMut(Payload<'_>) -> R) -> Option<Result<R, Error>> {
        self.drive(call::walking::<R, call::List>(self.ticket, read))
    }

    fn drive<R>(
        &mut self,
        look: impl for<'m> FnMut(Message<'m>) -> ControlFlow<Walked<R>, Message<'m>>,
    ) -> Option<Result<R, Error>> {
        if self.over {
            return None;
        }
        let Monitor { driver, timeout, .. } = &mut *self.monitor;
        let deadline = driver.clock.deadline(*timeout);
        match driver.drive(deadline, look) {
            Ok(Some(Walked::Element(element))) => {
                if let Err(Error::Retracted { count, by }) = element {
                    driver.inbox.retracted(count, by);
                }
                Some(element)
            }
            Ok(None) => {
                log::timed_out(&driver.at, self.ticket.id());
                Some(Err(Error::Timeout { ticket: self.ticket }))
            }
            Ok(Some(Walked::Over(end))) => {
                match end {
                    // Its reply is gone, but the core waits for it.
                    Err(Error::Retracted { .. }) => self.give_up(),
                    _ => self.over = true,
                }
                end.err().map(Err)
            }
            Ok(Some(Walked::Lost)) => {
                self.over = true;
                Some(Err(Error::OutcomeUnknown { source: driver.take_cause() }))
            }
            Err(Error::Closed { source }) => {
                self.over = true;
                Some(Err(Error::OutcomeUnknown { source }))
            }
            Err(error) => {
                self.give_up();
                Some(Err(error))
            }
        }
    }

    /// Nobody waits for the rest any more.
    fn give_up(&mut self) {
        if !self.over {
            self.over = true;
            let driver = &mut self.monitor.driver;
            // Told that its time is up, the core knows what still comes from the replies to others.
            if driver.client.commands().set_deadline(self.ticket, Instant::ZERO).is_ok() {
                driver.client.handle_timeout(driver.clock.now());
            }
        }
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("ticket", &self.ticket).field("over", &self.over).finish_non_exhaustive()
    }
}

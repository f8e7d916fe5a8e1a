//! From an open stream to a monitor that is ready.

use core::ops::ControlFlow;

use embedded_io_async::{Read, Write};
use qmp_core::client::Message;

use super::Monitor;
use crate::error::{Error, Failure};
use crate::options::Options;

enum End {
    Ready { oob: bool },
    Refused(Failure),
    NotQmp(Vec<u8>),
}

impl Options {
    /// Speaks over `reader` and `writer`, which are connected to a monitor that nothing was read from yet, without blocking: greeting
    /// and negotiation. [`Options::deadline`] and [`Options::timeout`] are not looked at: deadlines are the runtime's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn over_async<R: Read, W: Write<Error = R::Error>>(
        &self,
        reader: R,
        writer: W,
    ) -> Result<Monitor<R, W>, Error> {
        let at = || "the stream".to_owned();
        let mut monitor = Monitor::new(reader, writer, self);
        let mut greeted = false;
        let end = monitor.drive(|message| {
            ControlFlow::Break(match message {
                Message::Ready { oob } => End::Ready { oob },
                Message::Refused(failure) => End::Refused(failure.into()),
                Message::Malformed(malformed) if !greeted => End::NotQmp(malformed.text.to_owned()),
                other => {
                    greeted |= matches!(other, Message::Greeting(_));
                    return ControlFlow::Continue(other);
                }
            })
        });
        match end.await? {
            End::Ready { oob } => {
                monitor.oob = oob;
                Ok(monitor)
            }
            End::Refused(failure) => Err(Error::Refused { at: at(), failure }),
            End::NotQmp(received) => Err(Error::NotQmp { at: at(), received }),
        }
    }
}

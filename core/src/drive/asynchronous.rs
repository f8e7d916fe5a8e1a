//! The drive over `embedded_io_async`: one implementation for embassy's devices and, by `embedded-io-adapters`, for tokio's.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embedded_io_async::{Read, Write};

use super::Error;
use crate::client::Client;

/// The two directions of a line to a monitor.
///
/// A client's loop is: [`step`](Self::step), and poll until there is nothing.
///
/// ```
/// # async fn watch<R: embedded_io_async::Read, W: embedded_io_async::Write<Error = R::Error>>(
/// #     reader: R, writer: W,
/// # ) -> Result<(), qmp_core::drive::Error<R::Error>> {
/// use qmp_core::client::{Client, Config, Message, StaticStorage};
/// use qmp_core::drive::{Line, Moved};
///
/// let mut storage = StaticStorage::<1024, 256, 4>::new();
/// let mut client = Client::new(storage.lend(), Config::DEFAULT);
/// let mut line = Line::new(reader, writer);
/// while line.step(&mut client).await? != Moved::End {
///     while let Ok(Some(incoming)) = client.poll() {
///         if let Message::Ready { .. } = incoming.message {
///             let _ticket = incoming.commands.execute("query-status", &());
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// A whole client with time, as a task of embassy's executor and as one of tokio's, is in the repository's `tests/tests/embassy.rs`.
#[derive(Debug)]
pub struct Line<R: Read, W> {
    reader: R,
    writer: W,
    /// What was written may still be in the writer.
    unflushed: bool,
    /// Why nothing can be written any more.
    failed: Option<R::Error>,
}

/// What a [`step`](Line::step) has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Moved {
    /// Bytes went.
    Sent,
    /// Bytes came: poll the client.
    Received,
    /// The stream has ended, and the client knows: poll it to the end.
    End,
}

impl<R: Read, W: Write<Error = R::Error>> Line<R, W> {
    /// A line that bytes come from by `reader`, and go to by `writer`.
    pub const fn new(reader: R, writer: W) -> Self {
        Self { reader, writer, unflushed: false, failed: None }
    }

    /// Waits until bytes can go or have come, and moves them. Both are tried at once: a peer that is blocked on its own output reads
    /// nothing. What is pending goes in one write, if the writer takes it.
    ///
    /// Cancel-safe, if `read`, `write` and `flush` are: those of sockets and of buffered UARTs take or give bytes only when they are
    /// ready. A future that is dropped has then moved nothing, and the next call goes on.
    ///
    /// # Errors
    /// [`Error::Full`]: poll first. [`Error::Io`]: the client was told that the stream has ended. Where it is the writer that failed,
    /// what the peer has sent is read to its end before that.
    pub async fn step(&mut self, client: &mut Client<'_>) -> Result<Moved, Error<R::Error>> {
        let Self { reader, writer, unflushed, failed } = self;
        loop {
            let (space, pending) = client.both_ways();
            if space.is_empty() {
                return Err(Error::Full);
            }
            let reading = reader.read(space);
            let moved = if failed.is_some() || (pending.is_empty() && !*unflushed) {
                Moving::Read(reading.await)
            } else {
                let writing = async {
                    match pending {
                        [] => writer.flush().await.map(|()| None),
                        pending => writer.write(pending).await.map(Some),
                    }
                };
                first(writing, reading).await
            };
            return match moved {
                Moving::Written(Ok(Some(0))) => Err(Error::Device),
                Moving::Written(Ok(Some(count))) => {
                    *unflushed = true;
                    client.tx_sent(count)?;
                    Ok(Moved::Sent)
                }
                Moving::Written(Ok(None)) => {
                    *unflushed = false;
                    Ok(Moved::Sent)
                }
                Moving::Written(Err(error)) => {
                    *failed = Some(error);
                    continue;
                }
                Moving::Read(Ok(0)) => {
                    client.rx_eof();
                    failed.take().map_or(Ok(Moved::End), |error| Err(Error::Io(error)))
                }
                Moving::Read(Ok(count)) => {
                    client.rx_commit(count)?;
                    Ok(Moved::Received)
                }
                Moving::Read(Err(error)) => {
                    client.rx_eof();
                    Err(Error::Io(failed.take().unwrap_or(error)))
                }
            };
        }
    }

    /// The reader, for what it has beside its bytes.
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader and the writer.
    pub fn into_parts(self) -> (R, W) {
        (self.reader, self.writer)
    }
}

/// What came first.
enum Moving<E> {
    /// As many bytes, or `None` for a flush.
    Written(Result<Option<usize>, E>),
    Read(Result<usize, E>),
}

/// Where both are ready, `writing`: what is pending ends some time, what comes need not.
async fn first<E>(
    writing: impl Future<Output = Result<Option<usize>, E>>,
    reading: impl Future<Output = Result<usize, E>>,
) -> Moving<E> {
    let (mut writing, mut reading) = (pin!(writing), pin!(reading));
    poll_fn(|context| {
        if let Poll::Ready(written) = writing.as_mut().poll(context) {
            return Poll::Ready(Moving::Written(written));
        }
        reading.as_mut().poll(context).map(Moving::Read)
    })
    .await
}

#[cfg(test)]
mod tests {
    use core::task::{Context, Waker};
    use std::collections::VecDeque;
    use std::vec::Vec;

    use embedded_io::{ErrorKind, ErrorType};

    use super::*;
    #[cfg(feature = "delivery")]
    use crate::client::Delivery;
    use crate::client::{Config, Handshake, Message, Session, StaticStorage};

    /// Gives what there is, three bytes at a time; waits where there is nothing.
    #[derive(Default)]
    struct Reader {
        incoming: VecDeque<u8>,
        ended: bool,
    }

    /// Takes as much as it may, of which a flush tells.
    #[derive(Default)]
    struct Writer {
        outgoing: Vec<u8>,
        room: usize,
        writes: usize,
        flushes: usize,
        broken: bool,
    }

    impl ErrorType for Reader {
        type Error = ErrorKind;
    }

    impl ErrorType for Writer {
        type Error = ErrorKind;
    }

    impl Read for Reader {
        async fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
            poll_fn(|_| {
                let count = self.incoming.len().min(space.len()).min(3);
                for (place, byte) in space.iter_mut().zip(self.incoming.drain(..count)) {
                    *place = byte;
                }
                if count > 0 || self.ended { Poll::Ready(Ok(count)) } else { Poll::Pending }
            })
            .await
        }
    }

    impl Write for Writer {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
            poll_fn(|_| {
                if self.broken {
                    return Poll::Ready(Err(ErrorKind::BrokenPipe));
                }
                let count = self.room.min(bytes.len());
                self.room -= count;
                self.outgoing.extend_from_slice(&bytes[..count]);
                self.writes += usize::from(count > 0);
                if count > 0 { Poll::Ready(Ok(count)) } else { Poll::Pending }
            })
            .await
        }

        async fn flush(&mut self) -> Result<(), ErrorKind> {
            self.flushes += 1;
            Ok(())
        }
    }

    const GREETING: &[u8] = b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
    const NEGOTIATION: &[u8] = b"{\"execute\":\"qmp_capabilities\",\"id\":511}\n";

    /// One step, dropped if it has to wait.
    fn step(line: &mut Line<Reader, Writer>, client: &mut Client<'_>) -> Option<Result<Moved, Error<ErrorKind>>> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(line.step(client)).poll(&mut context) {
            Poll::Ready(moved) => Some(moved),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_step_that_is_dropped_has_moved_nothing() {
        let mut storage = StaticStorage::<256, 256, 2>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        let mut line = Line::new(Reader::default(), Writer::default());
        // A byte at a time, with steps in vain between them.
        for byte in GREETING {
            assert_eq!(step(&mut line, &mut client), None);
            line.reader.incoming.push_back(*byte);
            assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::Received)));
            while client.poll().unwrap().is_some() {}
        }
        assert_eq!(client.session(), Session::Negotiating);
        for _ in NEGOTIATION {
            assert_eq!(step(&mut line, &mut client), None);
            line.writer.room = 1;
            assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::Sent)));
        }
        assert_eq!((line.writer.outgoing.as_slice(), line.writer.flushes), (NEGOTIATION, 0));
        assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::Sent)));
        assert_eq!((step(&mut line, &mut client), line.writer.flushes), (None, 1));
        let (reader, writer) = line.into_parts();
        assert!(reader.incoming.is_empty() && writer.outgoing.len() == NEGOTIATION.len());
    }

    #[test]
    fn what_is_pending_goes_in_one_write_while_bytes_come() {
        let mut storage = StaticStorage::<256, 256, 2>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        client.feed(GREETING).unwrap();
        while client.poll().unwrap().is_some() {}
        let mut line = Line::new(Reader::default(), Writer::default());
        // It takes nothing: what comes is read all the same.
        line.reader.incoming.extend(b"{\"event\": \"A\"}");
        let mut events = 0;
        while events == 0 {
            assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::Received)));
            while let Some(incoming) = client.poll().unwrap() {
                events += usize::from(matches!(incoming.message, Message::Event(_)));
            }
        }
        line.writer.room = 1000;
        // However much there is to read, writing comes first.
        line.reader.incoming.extend(b"      ");
        assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::Sent)));
        assert_eq!((line.writer.outgoing.as_slice(), line.writer.writes), (NEGOTIATION, 1));
    }

    #[test]
    fn where_nothing_can_be_written_the_rest_is_read() {
        let mut storage = StaticStorage::<256, 256, 2>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        client.feed(GREETING).unwrap();
        while client.poll().unwrap().is_some() {}
        let mut line = Line::new(Reader::default(), Writer { broken: true, ..Writer::default() });
        assert_eq!(step(&mut line, &mut client), None);
        line.reader.incoming.extend(b"{\"event\": \"B\"}");
        line.reader.ended = true;
        let mut events = 0;
        let end = loop {
            match step(&mut line, &mut client) {
                Some(Ok(_)) => {}
                end => break end,
            }
            while let Some(incoming) = client.poll().unwrap() {
                events += usize::from(matches!(incoming.message, Message::Event(_)));
            }
        };
        assert_eq!((end, events), (Some(Err(Error::Io(ErrorKind::BrokenPipe))), 1));
        assert!(client.poll().is_err());
    }

    /// As firmware does it: a list of any length, through a buffer for one element.
    #[test]
    #[cfg(feature = "delivery")]
    fn a_list_comes_element_by_element() {
        let mut storage = StaticStorage::<64, 256, 2>::new();
        let mut client = Client::new(storage.lend(), Config { handshake: Handshake::Blind, ..Config::DEFAULT });
        let mut line = Line::new(Reader::default(), Writer { room: 1000, ..Writer::default() });
        line.reader.incoming.extend(b"{\"return\": {}, \"id\": 511}\r\n{\"return\": [");
        for number in 0..100 {
            line.reader.incoming.extend(std::format!("{{\"name\": \"drive{number}\"}}, ").bytes());
        }
        line.reader.incoming.extend(b"{}], \"id\": 512}\r\n");
        let mut names = Vec::new();
        let end = loop {
            assert!(step(&mut line, &mut client).unwrap().is_ok());
            let mut end = None;
            while let Some(incoming) = client.poll().unwrap() {
                match incoming.message {
                    Message::Ready { .. } => {
                        let ticket = incoming.commands.execute("query-block", &()).unwrap();
                        incoming.commands.set_delivery(ticket, Delivery::ELEMENTS).unwrap();
                    }
                    Message::Element { element, .. } => {
                        let element = element.unwrap().into_value();
                        names.extend(
                            element.get("name").and_then(crate::json::Value::as_str).map(std::string::String::from),
                        );
                    }
                    Message::ElementsEnd { count, .. } => end = Some(count),
                    other => panic!("{other:?}"),
                }
            }
            if end.is_some() {
                break end;
            }
        };
        assert_eq!((end, names.len(), names[99].as_str()), (Some(101), 100, "drive99"));
        assert!(line.writer.outgoing.ends_with(b"{\"execute\":\"query-block\",\"id\":512}\n"));
    }

    #[test]
    fn a_full_buffer_is_polled_first() {
        let mut storage = StaticStorage::<16, 64, 1>::new();
        let mut client = Client::new(storage.lend(), Config::DEFAULT);
        client.feed(b"{\"event\": \"abc\"}").unwrap();
        let mut line = Line::new(Reader::default(), Writer::default());
        assert_eq!(step(&mut line, &mut client), Some(Err(Error::Full)));
        assert!(client.poll().unwrap().is_some());
        line.reader.ended = true;
        assert_eq!(step(&mut line, &mut client), Some(Ok(Moved::End)));
    }
}

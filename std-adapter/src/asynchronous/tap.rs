//! A direction of a stream, shown to the logger.

use alloc::sync::Arc;

use embedded_io_async::{ErrorType, Read, Write};

use crate::drive::keep_first;
use crate::log;

/// A reader or a writer that tells a logger what goes by. As long as a session is opening a reader keeps the first bytes: to show if
/// they are not what should come.
pub(super) struct Tap<S> {
    stream: S,
    at: Arc<str>,
    first: Option<Vec<u8>>,
}

impl<S> Tap<S> {
    pub(super) fn new(stream: S, at: &Arc<str>) -> Self {
        Self { stream, at: Arc::clone(at), first: Some(Vec::new()) }
    }

    /// The first bytes that came. No more are kept.
    pub(super) fn take_first(&mut self) -> Vec<u8> {
        self.first.take().unwrap_or_default()
    }
}

impl<S: ErrorType> ErrorType for Tap<S> {
    type Error = S::Error;
}

// Nothing is awaited behind the stream itself: a future that is dropped has moved no byte, if the stream's own have not.

impl<R: Read> Read for Tap<R> {
    async fn read(&mut self, space: &mut [u8]) -> Result<usize, R::Error> {
        let count = self.stream.read(space).await?;
        let bytes = space.get(..count).unwrap_or_default();
        if count > 0 {
            log::received(&self.at, bytes);
        }
        if let Some(first) = &mut self.first {
            keep_first(first, bytes);
        }
        Ok(count)
    }
}

impl<W: Write> Write for Tap<W> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, W::Error> {
        let count = self.stream.write(bytes).await?;
        log::sent(&self.at, bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), W::Error> {
        self.stream.flush().await
    }
}

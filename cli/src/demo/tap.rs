//! A stream that shows what goes over it.

use alloc::sync::Arc;
use core::time::Duration;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use qmp_std::Stream;

/// A socket, and what was sent and received over it.
#[derive(Debug)]
pub(super) struct Tap {
    stream: UnixStream,
    record: Record,
}

/// What went over a [`Tap`], line by line.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    whole: Vec<(Direction, String)>,
    /// The beginnings of lines, by direction.
    begun: [Vec<u8>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Sent,
    Received,
}

impl Tap {
    pub(super) fn new(stream: UnixStream, record: &Record) -> Self {
        Self { stream, record: record.clone() }
    }
}

impl Record {
    /// The lines that went over it since they were last taken.
    pub(super) fn take(&self) -> Vec<(Direction, String)> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        core::mem::take(&mut lines.whole)
    }

    fn add(&self, direction: Direction, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { whole, begun } = &mut *lines;
        let begun = &mut begun[direction as usize];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = String::from_utf8_lossy(begun).trim_end().to_owned();
                begun.clear();
                whole.push((direction, line));
            }
        }
    }
}

impl Stream for Tap {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        let count = self.stream.receive(space, timeout)?;
        self.record.add(Direction::Received, &space[..count]);
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.send(bytes)?;
        self.record.add(Direction::Sent, &bytes[..count]);
        Ok(count)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.wait(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.stream.close()
    }
}

//! `--log`: what the library under this program tells a logger, on standard error.

use std::io::{self, Write};
use std::time::Instant;

use clap::ValueEnum;
use log::{LevelFilter, Log, Metadata, Record, set_logger, set_max_level};

use crate::output::printable;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Events and messages that were dropped
    Warn,
    /// And which connections are ready, and how they ended
    Info,
    /// And each attempt to connect, the server's greeting, and what timed out
    Debug,
    /// And every byte that goes over the wire, passwords and keys among them
    Trace,
}

/// Tells from now on what is of this `level` or more important.
pub(crate) fn start(level: Level) {
    let most = match level {
        Level::Warn => LevelFilter::Warn,
        Level::Info => LevelFilter::Info,
        Level::Debug => LevelFilter::Debug,
        Level::Trace => LevelFilter::Trace,
    };
    if set_logger(Box::leak(Box::new(Lines { begun: Instant::now() }))).is_ok() {
        set_max_level(most);
    }
}

/// A line for each record, `[SECONDS LEVEL] TEXT`: seconds since the program began.
struct Lines {
    begun: Instant,
}

impl Log for Lines {
    /// Not what other libraries tell: the line editor would tell each key.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("qmp_std")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = record.args().to_string();
            let seconds = self.begun.elapsed().as_secs_f64();
            // What a server says of itself is in it, and must not speak to the terminal. In one write, so that threads do not mix.
            let line = format!("[{seconds:.6} {}] {}\n", record.level(), printable(&text));
            // There is nobody to tell that nobody reads.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

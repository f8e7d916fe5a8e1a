//! `qmp decode`: a recorded stream, message by message.

mod client;
mod server;
mod tally;

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use qmp_core::frame::{Oversized, Reading};
use qmp_core::message::{Malformed, Origin};
use qmp_core::reader::{Reader, Source};

use crate::output::{Line, Output};
use crate::transcript::{self, Side};
use tally::Tally;

/// Prints the messages of a recorded byte stream, one JSON object a line
///
/// Reads as a program built on this library would, so that a stream with which one had trouble can be looked at. Exit status 1
/// means that something in it was malformed or incomplete. A summary goes to standard error.
///
/// Of a transcript, which `qmp record` writes, it reads what the other side of --role said.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Who reads: a client what a server sent, a server what a client sent, or a client what a guest agent sent
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    /// Size of the receive buffer; a longer message is reported as oversize
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..))]
    buffer: u32,
    /// How many bytes to read at a time, at most
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 16, value_parser = clap::value_parser!(u32).range(1..))]
    chunk: u32,
    /// The recorded bytes; standard input if there is none or it is `-`
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Role {
    /// Reads what a QMP server sends
    #[default]
    Client,
    /// Reads what a client sends
    Server,
    /// Reads what a guest agent sends
    Agent,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut buffer = vec![0; options.buffer as usize];
    let buffer = buffer.as_mut_slice();
    let reading = Reading::DEFAULT;
    let tally = match options.role {
        Role::Client => decode(Reader::of_server(buffer, reading), options)?,
        Role::Agent => decode(Reader::of_agent(buffer, reading), options)?,
        Role::Server => decode(Reader::of_client(buffer, reading), options)?,
    };
    eprintln!("qmp: {tally}");
    Ok(if tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A source of messages that can be described in a line each.
trait Describe: Source {
    /// The message's kind, and its line.
    fn describe(message: Self::Message<'_>, origin: Origin) -> (&'static str, Line);
}

/// Reads to the end, and writes a line for each message.
fn decode<S: Describe>(mut reader: Reader<'_, S>, options: &Options) -> Result<Tally> {
    let (mut source, name) = transcript::open(options.file.as_deref(), options.role.reads())?;
    let mut output = Output::new();
    let mut tally = Tally::default();
    let mut chunk = vec![0; options.chunk as usize];
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {name}")),
        };
        tally.received(count);
        let mut bytes = &chunk[..count];
        while !bytes.is_empty() {
            let taken = reader.feed(bytes)?;
            ensure!(taken > 0, "the reader takes no more bytes");
            bytes = &bytes[taken..];
            report(&mut reader, &mut output, &mut tally)?;
        }
        // A pipe that gives less than asked for is one that somebody waits for.
        if count < chunk.len() {
            output.flush()?;
        }
    }
    reader.rx_eof();
    report(&mut reader, &mut output, &mut tally)?;
    output.flush()?;
    Ok(tally)
}

fn report<S: Describe>(reader: &mut Reader<'_, S>, output: &mut Output, tally: &mut Tally) -> Result<()> {
    while let Some((message, origin)) = reader.poll() {
        let (kind, line) = S::describe(message, origin);
        tally.count(kind);
        output.line(&line.finish())?;
    }
    Ok(())
}

impl Role {
    /// Whose words are read.
    const fn reads(self) -> Side {
        match self {
            Self::Client | Self::Agent => Side::Server,
            Self::Server => Side::Client,
        }
    }
}

/// A line of this kind.
fn line(kind: &'static str) -> Line {
    let mut line = Line::default();
    line.member("kind", kind);
    line
}

/// Where the message was found, which ends each line.
fn place(line: &mut Line, origin: Origin) {
    for (name, flag) in [("not_finite", origin.not_finite), ("after_gap", origin.after_gap)] {
        if flag {
            line.member(name, &true);
        }
    }
    line.member("offset", &origin.offset);
    line.member("bytes", &origin.bytes);
}

fn malformed(malformed: &Malformed<'_>, origin: Origin) -> (&'static str, Line) {
    let mut line = line("malformed");
    line.member("offset", &malformed.at);
    line.member("reason", malformed.reason.as_str());
    if origin.offset != malformed.at {
        line.member("start", &origin.offset);
    }
    ("malformed", line)
}

/// A line that says no more than where.
fn only(kind: &'static str, origin: Origin) -> (&'static str, Line) {
    let mut line = line(kind);
    line.member("offset", &origin.offset);
    (kind, line)
}

/// What a message was too much for.
fn cause(line: &mut Line, cause: Oversized) {
    line.member(
        "cause",
        match cause {
            Oversized::TooLong(_) => "too long",
            Oversized::TooDeep(_) => "too deep",
        },
    );
}

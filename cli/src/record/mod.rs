//! `qmp record`: a transcript of a session, taken between a client and QEMU.

mod pipe;
mod proxy;

use core::num::NonZeroU32;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::args::Address;
use crate::socket::{Listening, Signals};
use crate::transcript::Writer;
use proxy::Proxy;

/// Writes down what a client and QEMU say to each other, and when
///
/// Stands between them: connects to QEMU, listens at --listen, and passes every byte and every file descriptor on as it is. The
/// transcript has a JSON object a line, with a time and who spoke, written at once; decode, lint and replay read it. One client
/// after another is served, as QEMU does. Ends when QEMU does, at SIGINT and at SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Unix socket at which clients find QEMU meanwhile
    #[arg(long, value_name = "PATH")]
    listen: PathBuf,
    /// What is behind the socket is a guest agent
    #[arg(long)]
    agent: bool,
    /// The most bytes that a message may have to be written down as one; a longer one is written byte for byte
    #[arg(long, value_name = "BYTES", default_value = "67108864")]
    limit: NonZeroU32,
    /// Where to write, overwriting what is there; standard output if it is `-`
    file: PathBuf,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let signals = Signals::of_end().context("waiting for signals")?;
    // Before anybody says anything.
    let name = options.file.display();
    let to: Box<dyn Write> = if options.file.as_os_str() == "-" {
        Box::new(io::stdout().lock())
    } else {
        Box::new(File::create(&options.file).with_context(|| format!("creating {name}"))?)
    };
    let limit = options.limit.get() as usize;
    let (connecting, address) = address.chosen(&qmp_std::Options::new());
    let server = proxy::connect(&connecting, &address)?;
    let mut proxy = Proxy { address, signals, agent: options.agent, limit, writer: Writer::new(to) };
    let listening = Listening::at(&options.listen)?;
    eprintln!("qmp: listening at {}, recording to {name}", listening.path().display());
    let ended = proxy.run(server, &listening).with_context(|| format!("recording to {name}"))?;
    eprintln!("qmp: {ended}");
    Ok(ExitCode::SUCCESS)
}

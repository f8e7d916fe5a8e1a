//! `qmp-print PROGRAM.elf < BYTES`: the log lines in what a firmware wrote to its semihosting console.

use std::io::{Read, Write, stdin, stdout};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Table};

fn main() -> Result<()> {
    let program = env::args_os().nth(1).context("which program wrote it?")?;
    let program = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    let table = Table::parse(&program)?.context("this program logs nothing by defmt")?;
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 1024];
    loop {
        let count = stdin().read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        decoder.received(&bytes[..count]);
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    let level = frame.level().map_or("", |level| level.as_str());
                    writeln!(
                        stdout(),
                        "{} {level:<5} {}",
                        frame.display_timestamp().map_or_else(String::new, |it| it.to_string()),
                        frame.display_message()
                    )?;
                }
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => bail!("this is not what the program wrote"),
            }
        }
    }
}

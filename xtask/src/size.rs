//! `cargo xtask size`: what the vocabulary costs a firmware. Bare-metal programs with and without a part of it are linked and
//! compared (`tests/size`), for thumbv7em at `opt-level = "z"` with a `core` built the same and panics that abort at once.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::bare_metal::BareMetal;
use crate::elf::{self, Program};
use crate::steps::Steps;
use crate::tool;
use crate::workspace::Workspace;

// The limits, in bytes. A change that goes over one says why it must in the commit that raises it.

/// One record with five members more, as the average of [`RECORDS`].
const DECODE: u64 = 300;
const ENCODE: u64 = 220;
/// `query-status`, `stop` and `cont`, typed, beside the same client without types. About half of it is the reader, which the first
/// type of any firmware brings along.
const THREE_COMMANDS: u64 = 4_224;
/// On a target of 32 bits, in memory.
const TYPES: [(&str, u64); 4] =
    [("Event", 112), ("BlockInfo", 960), ("BlockdevOptions", 304), ("MigrationParameters", 512)];

/// How many records are measured in `tests/size/src/records.rs`.
const RECORDS: u64 = 6;
const TARGET: &str = "thumbv7em-none-eabihf";
/// Panics abort where they are; a compiler that runs us need not know this flag, the one with sources does.
const FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("size");
    add_to(&mut steps, &workspace);
    Ok(steps.finish())
}

pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace) {
    let mut found = None;
    steps.run("bare metal with sources", "a compiler that builds core as small as the rest", || {
        found = Some(BareMetal::with_sources(workspace)?);
        Ok(())
    });
    let Some(bare_metal) = found else { return };
    let link = |features: &str| link(&bare_metal, features);

    for (what, feature, limit) in [("decoding", "decode", DECODE), ("encoding", "encode", ENCODE)] {
        steps.run(format_args!("{what} one record"), "five members, what records share not counted", || {
            let shared = link(feature)?;
            let measured = link(&format!("{feature},measured"))?;
            no_floats(&measured)?;
            let constants = less(measured.size.rodata, shared.size.rodata)? / RECORDS;
            println!("constants: {constants} B");
            within(what, less(measured.size.text, shared.size.text)?.div_ceil(RECORDS), limit)
        });
    }

    let mut typed = None;
    steps.run("three commands", "a firmware that uses three pays for three", || {
        let (without, with) = (link("client")?, link("typed")?);
        println!("client alone: {}\nwith three commands: {}", without.size, with.size);
        no_floats(&with)?;
        let more = less(with.size.text + with.size.rodata, without.size.text + without.size.rodata)?;
        typed = Some(with.size);
        within("three typed commands, text and constants", more, THREE_COMMANDS)
    });
    for feature in ["registry", "all"] {
        steps.run(format_args!("feature {feature}"), "costs nothing where it is not used", || {
            let size = link(&format!("typed,{feature}"))?.size;
            match &typed {
                Some(without) if *without == size => Ok(()),
                Some(without) => bail!("{size} with it, {without} without"),
                None => bail!("there is nothing to compare it with"),
            }
        });
    }

    steps.run("types", "in memory, on a target of 32 bits", || {
        let program = link("types,all")?;
        TYPES.iter().try_for_each(|(name, limit)| {
            let symbol = format!("SIZE_OF_{name}");
            let found = program.symbols.iter().find(|(it, _)| *it == symbol);
            let (_, size) = found.with_context(|| format!("the program has no {symbol}"))?;
            within(name, *size, *limit)
        })
    });
}

fn link(bare_metal: &BareMetal, features: &str) -> Result<Program> {
    let mut cargo = tool::cargo(["build", "--quiet", "--release"]);
    // In its own folder, where cargo finds its link arguments.
    cargo.current_dir(bare_metal.root.join("tests/size"));
    bare_metal.configure(&mut cargo, TARGET, "core", features);
    with_flags(&mut cargo);
    tool::run(&mut cargo)?;
    elf::read(&bare_metal.program(TARGET, "qmp-size"))
}

/// Beside the flags that are in the folder's `.cargo/config.toml`.
fn with_flags(cargo: &mut Command) {
    let flags = FLAGS.split(' ').map(|flag| format!("{flag:?}")).collect::<Vec<_>>().join(", ");
    cargo.arg(format!("--config=target.{TARGET}.rustflags=[{flags}]"));
}

fn less(with: u64, without: u64) -> Result<u64> {
    with.checked_sub(without).with_context(|| format!("{with} B with it, {without} B without"))
}

fn within(what: &str, bytes: u64, limit: u64) -> Result<()> {
    println!("{what}: {bytes} B, limit {limit} B");
    if bytes > limit {
        bail!("{what}: {bytes} B, {} B over the limit", bytes - limit);
    }
    Ok(())
}

/// What reads or writes a float takes more than all the rest, so nothing else may reach it.
fn no_floats(program: &Program) -> Result<()> {
    if program.floats.is_empty() { Ok(()) } else { bail!("floats are linked in: {}", program.floats.join(", ")) }
}

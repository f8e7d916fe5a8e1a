//! `cargo xtask size`: what a firmware pays for the engine and the vocabulary. Bare-metal programs with and without a part of them are
//! linked and compared (`tests/size`), for thumbv7em at `opt-level = "z"` with a `core` built the same and panics that abort at once;
//! the table in `docs/footprint.md` is for other targets, too.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::bare_metal::BareMetal;
use crate::elf::{self, Program, Size};
use crate::footprint::{Gate, Part, Row};
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
const TYPES: [(&str, u64); 9] = [
    ("Event", 112),
    ("BlockInfo", 960),
    ("BlockdevOptions", 304),
    ("MigrationParameters", 512),
    ("Client", 320),
    ("Slot", 16),
    ("AgentClient", 352),
    ("Server", 336),
    ("Pending", 12),
];

/// The programs of the table: what each is, and the features that make it.
const PROGRAMS: [(&str, &str); 11] = [
    ("scanner and frames", "scanner"),
    ("four messages", "messages"),
    ("four messages by serde-json-core, not framed", "messages-serde-json-core"),
    ("four messages by picojson, not framed", "messages-picojson"),
    ("untyped client", "client"),
    ("untyped client, with replies in pieces", "delivery"),
    ("client with three typed commands", "typed"),
    ("server", "server"),
    ("guest agent", "agent"),
    ("a payload's number, as text", "no-float"),
    ("a payload's number, as f64", "float"),
];
/// Text and constants on thumbv7em at opt-level z, in bytes: where we want to be. What holds is the table.
const GOALS: [(&str, u64); 3] = [("scanner and frames", 3_584), ("four messages", 6_144), ("untyped client", 9_216)];
/// Programs that have a session's memory as their only variables: what each is, the feature that makes it, and the most that it may
/// take of RAM in bytes.
const RAM: [(&str, &str, u64); 2] = [
    ("a session: client, one slot, 64 B to send from, 96 B for what comes", "ram", 512),
    ("the same with replies by their members, 192 B for what is kept of one", "ram-delivery", 1024),
];
/// A client and as many slots may take so much.
const CLIENT_AND_SLOTS: (u64, u64) = (5, 400);
/// What they are built for, and how they are optimized.
const BUILDS: [(&str, &str); 4] =
    [(TARGET, "z"), ("thumbv6m-none-eabi", "z"), ("riscv32imac-unknown-none-elf", "z"), (TARGET, "s")];
/// What CI compares: one target. The others tell little more, and each takes as long.
const COMPARED: usize = 1;
/// Parts of the names of symbols that tell of formatting, which no program here needs.
const FORMATTING: &str = "4core3fmt";

/// How many records are measured in `tests/size/src/records.rs`.
const RECORDS: u64 = 6;
const TARGET: &str = "thumbv7em-none-eabihf";
/// Panics abort where they are; a compiler that runs us need not know this flag, the one with sources does.
const FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort";

pub(crate) fn run(gate: &Gate) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("size");
    add_to(&mut steps, &workspace, gate);
    Ok(steps.finish())
}

pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace, gate: &Gate) {
    let mut found = None;
    steps.run("bare metal with sources", "a compiler that builds core as small as the rest", || {
        found = Some(BareMetal::with_sources(workspace)?);
        Ok(())
    });
    let Some(bare_metal) = found else { return };
    steps.run("table", "what each kind of program takes, by target", || {
        let mut rows = Vec::new();
        for (target, optimized) in BUILDS.into_iter().take(if gate.check { COMPARED } else { BUILDS.len() }) {
            for (what, features) in PROGRAMS {
                let program = link_for(&bare_metal, target, optimized, features)?;
                rows.push(table_row(what, target, optimized, &program)?);
            }
        }
        gate.hold(workspace, &Part { name: "size", columns: COLUMNS, rows })
    });
    let link = |features: &str| link_for(&bare_metal, TARGET, "z", features);
    steps.run("RAM", "a session in the smallest memory that is of use", || {
        let mut rows = Vec::new();
        for (what, feature, limit) in RAM {
            let Size { data, bss, .. } = link(feature)?.size;
            within(what, data + bss, limit)?;
            rows.push(Row { key: what.into(), numbers: vec![data + bss, limit] });
        }
        gate.hold(workspace, &Part { name: "ram", columns: "| of | bytes of RAM | goal |", rows })
    });

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
        let size_of = |name: &str| {
            let symbol = format!("SIZE_OF_{name}");
            let found = program.symbols.iter().find(|(it, _)| *it == symbol);
            found.map(|(_, size)| *size).with_context(|| format!("the program has no {symbol}"))
        };
        TYPES.iter().try_for_each(|(name, limit)| within(name, size_of(name)?, *limit))?;
        let (slots, limit) = CLIENT_AND_SLOTS;
        within(&format!("client and {slots} slots"), size_of("Client")? + slots * size_of("Slot")?, limit)
    });
}

const COLUMNS: &str = "| program | target | opt-level | .text | .rodata | .data | .bss |";

fn table_row(what: &str, target: &str, optimized: &str, program: &Program) -> Result<Row> {
    let Size { text, rodata, data, bss } = program.size;
    if let Some(formats) = program.symbols.iter().find(|(name, _)| name.contains(FORMATTING)) {
        // Those of others may.
        if !what.contains(" by ") {
            bail!("{what} formats: {} is linked in", formats.0);
        }
    }
    if data > 0 {
        bail!("{what} has {data} B of variables that are not zero, which take flash and RAM");
    }
    println!("{what}, {target}, {optimized}: {}", program.size);
    if let Some((_, goal)) = GOALS.iter().find(|(of, _)| *of == what && target == TARGET && optimized == "z") {
        println!("{what}: {} B, the goal is {goal} B", text + rodata);
    }
    Ok(Row { key: format!("{what} | {target} | {optimized}"), numbers: vec![text, rodata, data, bss] })
}

fn link_for(bare_metal: &BareMetal, target: &str, optimized: &str, features: &str) -> Result<Program> {
    let mut cargo = tool::cargo(["build", "--quiet", "--release"]);
    // In its own folder, where cargo finds its link arguments.
    cargo.current_dir(bare_metal.root.join("tests/size"));
    bare_metal.configure(&mut cargo, target, "core", features);
    with_flags(&mut cargo, target);
    cargo.arg(format!("--config=profile.release.opt-level={optimized:?}"));
    tool::run(&mut cargo)?;
    elf::read(&bare_metal.program(target, "qmp-size"))
}

/// Beside the flags that are in the folder's `.cargo/config.toml`.
fn with_flags(cargo: &mut Command, target: &str) {
    let flags = FLAGS.split(' ').map(|flag| format!("{flag:?}")).collect::<Vec<_>>().join(", ");
    cargo.arg(format!("--config=target.{target}.rustflags=[{flags}]"));
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

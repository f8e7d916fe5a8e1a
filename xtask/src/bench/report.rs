//! `docs/performance.md`, of what the stages left.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::cortex_m;
use super::stage::Stage;
use crate::tool;
use crate::workspace::Workspace;

const FILE: &str = "docs/performance.md";

/// A row of the first table: the work, its words, and the goal.
const WORK: [(&str, &str, &str); 11] = [
    ("session", "whole session: framed, validated, classified; pieces of 1,460 B", "5.0"),
    ("small-chunks", "the same, pieces of 64 B", "9.0"),
    ("pretty", "the same, pretty mode", "5.0"),
    ("newer", "the same, QEMU 11.1", "5.0"),
    ("schema", "the reply to `query-qmp-schema`, 207 KB, validated", "4.0"),
    ("event", "an event: copied, framed, polled, typed, with timestamp (an event)", "350"),
    ("event-with-data", "the same, with data (an event)", ""),
    ("typed-read", "its data and timestamp read, nothing else (an event)", "150"),
    ("block-statistics", "block statistics, typed, framing included", "< serde_json"),
    ("named-nodes", "named nodes, likewise", "< serde_json"),
    ("cpu-definitions", "CPU definitions, likewise", "< serde_json"),
];
const SUBJECTS: [&str; 9] = [
    "qmp",
    "qmp, derived types",
    "serde_json",
    "serde-json-core",
    "picojson",
    "simd-json",
    "sonic-rs",
    "jiter",
    "qapi",
];
const PLOTS: [(&str, &str); 5] = [
    ("connections", "Connections in one thread, fed in turns: a client and its buffers each, nothing else."),
    ("sockets", "As many Unix sockets, events eight at a time from another process; the rate is that of both."),
    ("messages", "One message, from 84 B to 100 MB."),
    ("depths", "A megabyte of brackets, down to QEMU's limit of 1,024 levels."),
    ("chunks", "The session, in pieces of one byte to 64 KB."),
];

pub(super) fn write(workspace: &Workspace) -> Result<ExitCode> {
    let mut text = include_str!("intro.txt").to_owned();
    let counts = Table::of("counts", workspace)?;
    let rustc = tool::read(&mut tool::tool("rustc", ["--version"]))?;
    text += &format!(
        "\n## Instructions\n\nBy callgrind, {}, by the byte or by the event. Ours is built for any x86-64, ",
        rustc.trim()
    );
    text += "the others for x86-64-v3 (AVX2), which sonic-rs and simd-json ask for.\n\n";
    text += &head(&["work", "goal"], &SUBJECTS);
    for (work, title, goal) in WORK {
        let cell = |subject: &&str| {
            let build = if subject.starts_with("qmp") { "x86-64" } else { "x86-64-v3" };
            let row = counts.find(&[build, work], 4, subject);
            row.map_or("—".into(), |row| per_unit(&row[5], &row[3]))
        };
        text += &line(&[title.into(), goal.into()], &SUBJECTS.iter().map(cell).collect::<Vec<_>>());
    }

    text += &on_cortex_m(&Table::of("cortex-m", workspace)?);

    if let Ok(time) = Table::of("time", workspace) {
        text += "\n## Time\n\nNanoseconds a byte or an event, and in brackets the median of the ratios to serde_json in the same round.\n\n";
        text += &head(&["work"], &SUBJECTS);
        for (work, title, _) in WORK {
            let cell = |subject: &&str| {
                let row = time.find(&[work], 1, subject);
                row.map_or("—".into(), |row| {
                    format!("{} ({:.2})", short(&row[2]), row[3].parse().unwrap_or(f64::NAN))
                })
            };
            text += &line(&[title.into()], &SUBJECTS.iter().map(cell).collect::<Vec<_>>());
        }
    }

    let heap = Table::of("heap", workspace)?;
    text += "\n## Heap\n\nAllocations and the most bytes at one time, when the work is done for the first time; buffers that lines ";
    text += "are gathered in are counted, the input is not. Ours takes none: its buffer is the caller's, and here as long as ";
    text +=
        "the longest message. Streamed by elements, a reply of any length takes the buffer of its longest element.\n\n";
    text += &head(&["work"], &SUBJECTS);
    for (work, title, _) in WORK {
        let cell = |subject: &&str| {
            heap.find(&[work], 1, subject).map_or("—".into(), |row| format!("{}, {} B", row[2], row[3]))
        };
        text += &line(&[title.into()], &SUBJECTS.iter().map(cell).collect::<Vec<_>>());
    }
    text += "\nThe reply to `query-qmp-schema` element by element, in bytes on a 64-bit machine; there is no heap:\n\n";
    text += "| receive buffer | buffers, slot and client | delivered | told to be too long |\n|---:|---:|---:|---:|\n";
    for row in heap.rows.iter().filter(|row| row[0] == "streamed") {
        text += &format!("| {} |\n", row[1..5].join(" | "));
    }
    text += "\n## What is validated\n\nOf texts that are no JSON, each by one mistake, so many are refused, where a value is skipped:\n\n";
    text += &head(&["of"], &SUBJECTS);
    let refuses = |subject: &&str| heap.find(&["refuses"], 1, subject).map_or("—".into(), |row| row[2].clone());
    let of = heap.rows.iter().find(|row| row[0] == "refuses").map_or("—".into(), |row| row[3].clone());
    text += &line(&[of], &SUBJECTS.iter().map(refuses).collect::<Vec<_>>());

    text += "\n## As the work grows\n\nBy the clock, the least of several runs; both axes by powers of ten.\n";
    let grow = Table::of("grow", workspace)?;
    for (plot, title) in PLOTS {
        let points = grow.rows.iter().filter(|row| row[0] == plot);
        let points = points.map(|row| format!("{}: {}", row[1], short(&row[2]))).collect::<Vec<_>>().join(", ");
        text += &format!("\n{title}\n\n![{plot}](plots/{plot}.svg)\n\n{points}\n");
    }

    if let Ok(live) = Table::of("live", workspace) {
        text += "\n## Round trips\n\n`query-status` to a real QEMU, 300 rounds of 100 in turns; ratio to a bare write and read of as many bytes.\n\n";
        text += "```text\n";
        for row in &live.rows {
            text += &format!("{:<8}{}\n", row[0], row[1..].join("\t"));
        }
        text += "```\n";
    }
    text += include_str!("outro.txt");
    fs::write(workspace.root.join(FILE), text).with_context(|| format!("cannot write {FILE}"))?;
    println!("wrote {FILE}");
    Ok(ExitCode::SUCCESS)
}

/// The part about the small machine.
fn on_cortex_m(table: &Table) -> String {
    let mut text = "\n## On a Cortex-M\n\nInstructions by the byte or by the event, as QEMU's mps2-an386 counts them with `-icount shift=0`, where one takes a ".to_owned();
    text += "nanosecond: the timer that is read ticks once in 40. Two runs give the same number. `qmp` has feature `fast`, the smaller scanner ";
    text += "is the one without. The others get lines as above, in a buffer that is never moved but for what is left of a line; with lists of typed ";
    text += "replies they would need an allocator. Built by ";
    text += table.rows.first().map_or("—", |row| row[0].split(" (built").next().unwrap_or_default());
    text += ", `core` too, once for a Cortex-M4 and once for a Cortex-M0, whose code the same machine runs.\n\n";
    text += &head(&["work", "code", "opt-level"], &cortex_m::SUBJECTS.map(|subject| subject.name));
    for (work, title, _) in WORK {
        for (target, optimized) in cortex_m::BUILDS {
            let cell = |subject: &cortex_m::Subject| {
                let row = table.rows.iter().find(|row| row[1..5] == [target, optimized, work, subject.name]);
                row.map(|row| per_unit(&row[7], &row[6]))
            };
            let cells = cortex_m::SUBJECTS.iter().map(cell).collect::<Vec<_>>();
            if cells.iter().any(Option::is_some) {
                let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "—".into())).collect::<Vec<_>>();
                let (code, _) = target.split_once('-').unwrap_or((target, ""));
                text += &line(&[title.into(), code.into(), optimized.into()], &cells);
            }
        }
    }
    text
}

/// What a stage left, a row a line.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn of(stage: &str, workspace: &Workspace) -> Result<Self> {
        let text = Stage::measured(stage, workspace)?;
        Ok(Self { rows: text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect() })
    }

    /// The row that begins so, and has `subject` in this column.
    fn find(&self, begin: &[&str], column: usize, subject: &str) -> Option<&Vec<String>> {
        let is =
            |row: &&Vec<String>| row.iter().zip(begin).all(|(cell, begin)| cell == begin) && row[column] == subject;
        self.rows.iter().find(is)
    }
}

fn head(names: &[&str], subjects: &[&str]) -> String {
    let columns = [names, subjects].concat();
    let rule =
        columns.iter().enumerate().map(|(column, _)| if column == 0 { "---|" } else { "---:|" }).collect::<String>();
    format!("| {} |\n|{rule}\n", columns.join(" | "))
}

fn line(names: &[String], cells: &[String]) -> String {
    format!("| {} |\n", [names, cells].concat().join(" | "))
}

fn per_unit(instructions: &str, amount: &str) -> String {
    let ratio = instructions.parse::<f64>().unwrap_or(f64::NAN) / amount.parse::<f64>().unwrap_or(f64::NAN);
    short(&ratio.to_string())
}

/// A number with three digits or so.
fn short(number: &str) -> String {
    let number = number.parse::<f64>().unwrap_or(f64::NAN);
    if number < 10.0 {
        format!("{number:.2}")
    } else if number < 1000.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

//! `docs/footprint.md`: what was measured, in parts that commands write, and that the same commands hold what they measure against.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::tree;
use crate::workspace::Workspace;

const FILE: &str = "docs/footprint.md";

/// What becomes of what was measured.
#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// Fails where more was measured than `docs/footprint.md` says, instead of writing it there
    #[arg(long)]
    pub(crate) check: bool,
}

impl Gate {
    pub(crate) const CHECK: Self = Self { check: true };
}

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Part {
    /// Names its place in the file.
    pub(crate) name: &'static str,
    /// The heads of its columns, as Markdown.
    pub(crate) columns: &'static str,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The first cells, with bars between them.
    pub(crate) key: String,
    pub(crate) numbers: Vec<u64>,
}

impl Gate {
    /// Writes the part, or compares with what is written there.
    pub(crate) fn hold(&self, workspace: &Workspace, part: &Part) -> Result<()> {
        let file = workspace.root.join(FILE);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {FILE}"))?;
        if self.check { compare(&text, part) } else { write(&file, &text, part) }
    }
}

fn compare(text: &str, part: &Part) -> Result<()> {
    let (_, written, _) = split(text, part.name)?;
    let written = written.lines().filter_map(row).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for Row { key, numbers } in &part.rows {
        let Some(old) = written.iter().find(|row| row.key == *key) else {
            wrong.push(format!("{FILE} has no row {key}"));
            continue;
        };
        for (new, old) in numbers.iter().zip(&old.numbers).filter(|(new, old)| **new > **old + slack(**old)) {
            wrong.push(format!("{key}: {new} B, and {old} B in {FILE}"));
        }
    }
    tree::fail_if_any(&wrong)
}

/// What another compiler may make of the same, in bytes.
const fn slack(bytes: u64) -> u64 {
    if bytes == 0 { 0 } else { 16 + bytes / 200 }
}

fn write(file: &Path, text: &str, part: &Part) -> Result<()> {
    let (before, _, behind) = split(text, part.name)?;
    let count = part.columns.matches('|').count() - 1;
    let names = part.rows.first().map_or(1, |row| count - row.numbers.len());
    let line = (0..count).map(|column| if column < names { "---|" } else { "---:|" }).collect::<String>();
    let mut table = format!("\n{}\n|{line}\n", part.columns);
    for Row { key, numbers } in &part.rows {
        let numbers = numbers.iter().map(|number| format!(" {number} |")).collect::<String>();
        table.push_str(&format!("| {key} |{numbers}\n"));
    }
    fs::write(file, [before, &table, behind].concat()).with_context(|| format!("cannot write {FILE}"))
}

/// The file before the part, the part, and the file behind it.
fn split<'t>(text: &'t str, name: &str) -> Result<(&'t str, &'t str, &'t str)> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).map(|at| at + open.len());
    let end = text.find(&close);
    match (start, end) {
        (Some(start), Some(end)) if start <= end => Ok((&text[..start], &text[start..end], &text[end..])),
        _ => bail!("{FILE} has no place for {name:?}: {} … {close}", open.trim()),
    }
}

/// A line of a table, but for its head.
fn row(line: &str) -> Option<Row> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect::<Vec<_>>();
    let numbers = cells.iter().filter_map(|cell| cell.parse().ok()).collect::<Vec<_>>();
    let names = cells.len().checked_sub(numbers.len())?;
    (!numbers.is_empty()).then(|| Row { key: cells[..names].join(" | "), numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Head\n<!-- a -->\n\n| what | where | x | y |\n|---|---|---:|---:|\n| one | here | 1000 | 0 |\n<!-- /a -->\nfoot\n";

    fn part(numbers: [u64; 2]) -> Part {
        let rows = vec![Row { key: "one | here".into(), numbers: numbers.to_vec() }];
        Part { name: "a", columns: "| what | where | x | y |", rows }
    }

    #[test]
    fn what_grows_is_told() {
        compare(TEXT, &part([1000, 0])).unwrap();
        compare(TEXT, &part([900, 0])).unwrap();
        compare(TEXT, &part([1021, 0])).unwrap();
        assert!(compare(TEXT, &part([1022, 0])).is_err());
        assert!(compare(TEXT, &part([1000, 1])).is_err());
        let other = Part { rows: vec![Row { key: "two".into(), numbers: vec![1] }], ..part([0, 0]) };
        assert!(compare(TEXT, &other).is_err());
        assert!(compare("", &other).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = std::env::temp_dir().join(format!("qmp-footprint-{}", std::process::id()));
        write(&folder, TEXT, &part([7, 8])).unwrap();
        let text = fs::read_to_string(&folder).unwrap();
        fs::remove_file(&folder).unwrap();
        assert_eq!(text, TEXT.replace("1000 | 0", "7 | 8"));
        assert!(compare(&text, &part([1000, 0])).is_err());
    }
}

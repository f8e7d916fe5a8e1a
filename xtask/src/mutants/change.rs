//! A change, as cargo-mutants lists it.

use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::tool;

/// One place, and what is to stand there.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    /// From 1 up; 0 is no change.
    #[serde(skip)]
    pub(crate) number: usize,
    /// File, line, column, what and where.
    pub(crate) name: String,
    pub(crate) file: String,
    /// None of a constant.
    pub(crate) function: Option<Function>,
    pub(crate) replacement: String,
    pub(crate) span: Span,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) function_name: String,
    pub(crate) span: Span,
}

/// From a place up to another one.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: Place,
    pub(crate) end: Place,
}

/// A line and a character of it, from 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Change {
    /// The name without the place, which moves with every edit.
    pub(crate) fn lasting_name(&self) -> String {
        let place = format!(":{}:{}", self.span.start.line, self.span.start.column);
        self.name.replacen(&place, "", 1)
    }
}

/// The changes that this call of cargo-mutants would make.
pub(crate) fn list(mutants: &mut Command) -> Result<Vec<Change>> {
    let text = tool::read(mutants.args(["--list", "--json"]))?;
    let mut changes =
        serde_json::from_str::<Vec<Change>>(&text).context("cargo-mutants lists its changes in another way")?;
    for (index, change) in changes.iter_mut().enumerate() {
        change.number = index + 1;
    }
    Ok(changes)
}

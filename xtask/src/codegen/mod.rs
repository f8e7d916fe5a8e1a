//! `cargo xtask codegen`: makes the vocabulary's Rust from its schema and its documentation.
//!
//! [`model`] is the schema as it is written; every other file here makes one kind of text from it. What is generated is
//! committed, so that a user builds without this; `--check` tells whether it is what the schema says.

mod by_name;
mod chapter;
mod choices;
mod count;
mod docs;
mod files;
mod model;
mod names;
mod objects;
mod registry;
mod shape;
mod vocabulary;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use files::Files;
use model::Schema;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only tell whether what is committed is what the schema says
    #[arg(long)]
    check: bool,
}

impl Options {
    pub(crate) const CHECK: Self = Self { check: true };
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let package = workspace.root.join("qapi");
    let (qmp, agent) = Schema::load(&package.join("schema"))?;

    let mut files = Files::new();
    vocabulary::generate(&qmp, &agent, &package.join("docs"), &mut files)?;
    registry::generate(&qmp, &agent, &mut files)?;
    count::check("QMP", &qmp, &files)?;
    count::check("guest agent", &agent, &files)?;
    let mut tables = Files::new();
    by_name::generate(&qmp, &agent, &mut tables)?;

    for (files, package) in [(files, package), (tables, workspace.root.join("tests"))] {
        if options.check {
            files.compare(&package)?;
        } else {
            files.write(&package)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

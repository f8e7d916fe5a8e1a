//! Every developer's command, so that nobody has to remember flags, and CI calls nothing else.
//!
//! `cargo xtask test` is what a user runs, `cargo xtask ci` what holds beyond the tests. A new command is a file of its
//! own here and a variant of [`Command`].

extern crate alloc;

mod bare_metal;
mod build_time;
mod ci;
mod codegen;
mod elf;
mod no_std;
mod packages;
mod python;
mod qemu;
mod readme;
mod round_trip;
mod size;
mod steps;
mod test;
mod tool;
mod tree;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

fn main() -> ExitCode {
    let outcome = match Xtask::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Ci(options) => ci::run(&options),
        Command::NoStd => no_std::run(),
        Command::Size => size::run(),
        Command::BuildTime => build_time::run(),
        Command::RoundTrip => round_trip::run(),
        Command::Codegen(options) => codegen::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tests and checks this project
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sets up and runs every test, those against a real QEMU included
    Test(test::Options),
    /// Checks what tests do not: format, lints, documentation, the no_std proof, the tree itself
    Ci(ci::Options),
    /// Proves on bare metal that core and vocabulary need no std, no allocator and no panic, and prints their size
    NoStd,
    /// Measures what the vocabulary costs a firmware, and fails beyond the limits
    Size,
    /// Measures how long the vocabulary takes to build, and fails beyond the limits
    BuildTime,
    /// Measures what a command costs on a live monitor, beside a bare write and read and beside other clients
    RoundTrip,
    /// Makes the vocabulary's Rust from `qapi/schema` and `qapi/docs`
    Codegen(codegen::Options),
}

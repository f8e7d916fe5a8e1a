//! Every developer's command, so that nobody has to remember flags, and CI calls nothing else.
//!
//! `cargo xtask test` is what a user runs, `cargo xtask ci` what holds beyond the tests. A new command is a file of its
//! own here and a variant of [`Command`].

extern crate alloc;

mod bare_metal;
mod bench;
mod build_time;
mod calls;
mod ci;
mod codegen;
mod elf;
mod exhaust;
mod firmware;
mod footprint;
mod fuzz;
mod installed;
mod mutants;
mod no_std;
mod packages;
mod python;
mod qemu;
mod readme;
mod release;
mod round_trip;
mod size;
mod soak;
mod stack;
mod states;
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
        Command::Panic(gate) => no_std::run(&gate),
        Command::Size(gate) => size::run(&gate),
        Command::Stack(gate) => stack::run(&gate),
        Command::Firmware => firmware::run(),
        Command::States => states::run(),
        Command::Exhaust => exhaust::run(),
        Command::Soak(options) => soak::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Mutants(options) => mutants::run(&options),
        Command::Release(options) => release::run(&options),
        Command::BuildTime => build_time::run(),
        Command::Bench(options) => bench::run(&options),
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
    #[command(visible_alias = "no-std")]
    Panic(no_std::Options),
    /// Measures what a firmware pays in flash and RAM, and fails beyond the limits; writes `docs/footprint.md`
    Size(footprint::Gate),
    /// Measures the deepest stack below each public function of the core, and fails beyond the limits; writes `docs/footprint.md`
    Stack(footprint::Gate),
    /// Builds the firmware and runs it in QEMU: a pilot that drives its own hypervisor and others, and a guest agent
    Firmware,
    /// Writes `docs/states.md`: the states of clients and server, and what leads from one to another
    States,
    /// Scans every text of seven bytes of a few alphabets in every way of cutting it, against serde_json
    Exhaust,
    /// Exchanges ten million messages over a bad line, or meets hostile peers, or has real QEMUs at work for long
    Soak(soak::Options),
    /// Runs the fuzz targets, each for a while
    Fuzz(fuzz::Options),
    /// Breaks the code that reads a peer's bytes, a place at a time, and tells what no test has seen
    Mutants(mutants::Options),
    /// Checks what is released: what it depends on, what of the API has changed, and whether the version says so
    Release(release::Options),
    /// Measures how long the vocabulary takes to build, and fails beyond the limits
    BuildTime,
    /// Counts and times what the engine does, alone and beside other parsers; writes `docs/performance.md`
    Bench(bench::Options),
    /// Measures what a command costs on a live monitor, beside a bare write and read and beside other clients
    RoundTrip,
    /// Makes the vocabulary's Rust from `qapi/schema` and `qapi/docs`
    Codegen(codegen::Options),
}

//! Makes the program's input of the same recordings, by the same code, as `benches` has it; and puts the memory layout where the linker
//! looks for it.

#[path = "../src/fixtures.rs"]
mod fixtures;
#[allow(dead_code, reason = "the program tallies by its own")]
#[path = "../src/work.rs"]
mod work;

use std::{env, fs, path::PathBuf};

use work::Work;

/// What is done here: not what needs lists of a length that nobody knows, since the others have nothing to put them in.
const WORK: [Work; 6] =
    [Work::Session, Work::SmallChunks, Work::Pretty, Work::Schema, Work::Event, Work::EventWithData];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=../src/fixtures.rs");
    println!("cargo::rerun-if-changed=../src/work.rs");
    println!("cargo::rerun-if-changed=../fixtures");
    let input = WORK.map(literal).concat();
    fs::write(out.join("input.rs"), format!("&[\n{input}]\n")).expect("a folder to write to");
    fs::copy("memory.x", out.join("memory.x")).expect("a file to be copied");
    println!("cargo::rustc-link-search={}", out.display());
}

/// The work and its pieces, as Rust.
fn literal(work: Work) -> String {
    let input = work.input();
    let pieces = input.pieces.iter().map(|piece| format!("b\"{}\",\n", piece.escape_ascii())).collect::<String>();
    let (name, unit, amount) = (work.name(), work.unit(), input.amount);
    format!(
        "Work {{ kind: Kind::{work:?}, name: {name:?}, unit: {unit:?}, amount: {amount}, pieces: &[\n{pieces}] }},\n"
    )
}

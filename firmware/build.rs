//! Puts the memory layout of the board where the linker looks for it.

use std::{env, fs, path::PathBuf};

fn main() {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo says it");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it"));
    let layout = PathBuf::from("memory").join(arch).with_extension("x");
    println!("cargo::rerun-if-changed=memory");
    // The lints are run for the host, too, which has none.
    if layout.exists() {
        fs::copy(layout, out.join("memory.x")).expect("a file to be copied");
        println!("cargo::rustc-link-search={}", out.display());
    }
}

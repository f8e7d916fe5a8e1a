//! The committed corpora of the fuzz targets, run again: what fuzzing once found worth keeping still breaks nothing.

use std::fs;
use std::path::Path;
use std::thread;

use qmp_fuzz::TARGETS;

/// What a target runs on, in its own program.
const STACK: usize = 8 << 20;

/// The inputs of a file: each behind its length, four bytes, the lowest first.
fn inputs(packed: &[u8]) -> Vec<&[u8]> {
    let mut rest = packed;
    let mut inputs = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (input, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        inputs.push(input);
        rest = behind;
    }
    assert!(rest.is_empty(), "half a length");
    inputs
}

#[test]
fn nothing_in_the_corpora_breaks_a_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut seen = Vec::new();
    for target in TARGETS {
        let packed = fs::read(folder.join(target.name)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let count = inputs(&packed).len();
        println!("{}: {count} inputs, {} bytes", target.name, packed.len());
        assert!(count > 20, "{} has next to nothing", target.name);
        let run = move || inputs(&packed).into_iter().for_each(target.run);
        let thread = thread::Builder::new().name(target.name.into()).stack_size(STACK).spawn(run);
        thread.expect("a thread").join().unwrap_or_else(|_| panic!("{} has found something", target.name));
        seen.push(target.name);
    }
    // A file that no target reads is one that is not run.
    for entry in fs::read_dir(&folder).expect("corpora") {
        let name = entry.expect("a file").file_name();
        assert!(seen.iter().any(|target| name == *target), "{} is no target's", name.display());
    }
}

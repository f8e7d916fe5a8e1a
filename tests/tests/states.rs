//! `docs/states.md` says what the code does.

use std::fs;
use std::path::Path;

use qmp_tests::states;

#[test]
fn the_documented_states_are_those_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/states.md");
    let written = fs::read_to_string(file).expect("docs/states.md");
    assert!(written == states::document(), "docs/states.md is old: `cargo xtask states` writes it anew");
}

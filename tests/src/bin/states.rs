//! Prints `docs/states.md`: `cargo xtask states`.

use qmp_tests::states;

fn main() {
    print!("{}", states::document());
}

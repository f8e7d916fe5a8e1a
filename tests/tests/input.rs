//! The list of odd inputs that real QEMUs are given too, to our server alone: its answers must not depend on how the bytes arrive.

use qmp_tests::input::{self, ours};

#[test]
fn answers_do_not_depend_on_how_the_input_is_cut() {
    for input in input::all() {
        let bytes = input.bytes();
        let whole = ours(&bytes, usize::MAX);
        for most in [1, 2, 3, 7, 20] {
            assert_eq!(ours(&bytes, most), whole, "{}, pieces of {most}", input.name);
        }
        // Each way to cut it once; long ones here and there.
        for at in (1..bytes.len()).step_by(1 + bytes.len() / 200) {
            assert_eq!(input::ours_cut(&bytes, at), whole, "{}, cut at {at}", input.name);
        }
    }
}

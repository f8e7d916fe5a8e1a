//! How much room the largest types take that everybody meets. Where a pointer has 64 bits.
#![cfg(all(feature = "all", target_pointer_width = "64"))]

use qmp_qapi::{Any, Event, List, Nested, Pairs};

#[test]
fn sizes() {
    println!("Event: {} bytes", size_of::<Event<'_>>());
    assert!(size_of::<Event<'_>>() <= 192, "{}", size_of::<Event<'_>>());
    assert_eq!(size_of::<List<'_, u8>>(), 24);
    assert_eq!(size_of::<Nested<'_, u8>>(), 16);
    assert_eq!(size_of::<Pairs<'_>>(), 32);
    assert_eq!(size_of::<Any<'_>>(), 24);
}

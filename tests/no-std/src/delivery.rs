//! Replies that are not delivered whole.

use core::hint::black_box;

use qmp_core::client::Delivery;
use qmp_core::json::Projection;
use qmp_qapi::types::BlockInfo;

/// One of all kinds; which, the compiler does not know.
pub(crate) fn any() -> Delivery {
    let all = black_box([
        Delivery::Whole,
        Delivery::Elements(&["pools", "x"]),
        Delivery::Text(&["x"]),
        Delivery::Members(Projection::Named(&["x", "a.b", "**.c"])),
        Delivery::elements_of::<BlockInfo<'_>>(),
    ]);
    all.into_iter().nth(black_box(1)).unwrap_or_default()
}

//! What a type's fields hold before they are read.

use qmp_core::json::Value;

use crate::{Any, List, Pairs};

/// A value to begin with. A field that must be read and is not is an error, so nobody gets to see it.
pub(crate) trait Blank: Sized {
    const BLANK: Self;
}

macro_rules! blank {
    ($($type:ty = $blank:expr;)*) => {$(
        impl Blank for $type {
            const BLANK: Self = $blank;
        }
    )*};
}
blank! {
    () = ();
    bool = false;
    i8 = 0; i16 = 0; i32 = 0; i64 = 0; i128 = 0;
    u8 = 0; u16 = 0; u32 = 0; u64 = 0;
    f64 = 0.0;
    &str = "";
    Value<'_> = Value::NULL;
    Any<'_> = Any::Null;
    Pairs<'_> = Pairs::NONE;
}

impl<T> Blank for Option<T> {
    const BLANK: Self = None;
}

impl<T> Blank for List<'_, T> {
    const BLANK: Self = Self::EMPTY;
}

//! Whole numbers as decimal digits, without `core::fmt`.

macro_rules! decimal {
    ($(#[$doc:meta])* $name:ident: $number:ty, $digits:literal) => {
        $(#[$doc])*
        pub(crate) fn $name(mut number: $number, digits: &mut [u8; $digits]) -> &[u8] {
            let mut first = 0;
            for (at, digit) in digits.iter_mut().enumerate().rev() {
                *digit = b'0' | (number % 10) as u8;
                number /= 10;
                first = at;
                if number == 0 {
                    break;
                }
            }
            digits.get(first..).unwrap_or_default()
        }
    };
}

decimal! {
    /// The digits of `number`, which go to the end of `digits`. 32-bit machines divide it by one instruction.
    decimal32: u32, 10
}
decimal! {
    /// The digits of `number`, which go to the end of `digits`.
    decimal64: u64, 20
}
decimal! {
    /// The digits of `number`, which go to the end of `digits`.
    decimal128: u128, 39
}

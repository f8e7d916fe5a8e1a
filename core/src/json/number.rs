//! Numbers from their text.
//!
//! Whole numbers are read by hand and apart from the others: whatever can reach the float parser of `core` costs 22 KB
//! of a Cortex-M's flash, and nothing but [`float`] may.

#[cfg(feature = "fast")]
use super::scan::fast;

/// What a number's text says as a whole number of type `M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole<M> {
    Number {
        negative: bool,
        magnitude: M,
    },
    /// A whole number whose magnitude does not fit `M`.
    TooLarge,
    /// A number with a fraction or an exponent, `inf`, `nan`, or no number.
    No,
}

macro_rules! whole {
    ($(#[$doc:meta])* $name:ident: $magnitude:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(text: &str) -> Whole<$magnitude> {
            let (negative, digits) = match text.strip_prefix('-') {
                Some(digits) => (true, digits),
                None => (false, text),
            };
            let mut magnitude: Option<$magnitude> = Some(0);
            for byte in digits.bytes() {
                if !byte.is_ascii_digit() {
                    return Whole::No;
                }
                let digit = <$magnitude>::from(byte & 0x0F);
                magnitude = magnitude.and_then(|most| {
                    // Not `checked_mul`, which multiplies twice as wide.
                    if most > <$magnitude>::MAX / 10 { None } else { most.wrapping_mul(10).checked_add(digit) }
                });
            }
            match magnitude {
                _ if digits.is_empty() => Whole::No,
                Some(magnitude) => Whole::Number { negative: negative && magnitude != 0, magnitude },
                None => Whole::TooLarge,
            }
        }
    };
}

whole! {
    /// `text` as a whole number of up to 64 bits and a sign. `-0` is 0.
    whole64: u64
}
whole! {
    /// `text` as a whole number of up to 128 bits and a sign. `-0` is 0.
    whole128: u128
}

/// The number of the one to 18 digits that stand at `start`, and where they end.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn digits(text: &[u8], start: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    let mut end = start;
    while let Some(digit) = text.get(end).map(|byte| byte.wrapping_sub(b'0'))
        && digit <= 9
    {
        // Of more than 18 digits nothing is told. By words it takes no less where numbers are short, and end where the text does.
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        end = end.wrapping_add(1);
    }
    matches!(end.wrapping_sub(start), 1..=18).then_some((number, end))
}

/// The same by words, if they are at most 15, with whole words behind where they begin.
#[cfg(feature = "fast")]
#[inline(always)]
pub(crate) fn digits_by_words(text: &[u8], start: usize) -> Option<(u64, usize)> {
    let (first, count) = eight_digits(text, start)?;
    if count < 8 {
        return (count > 0).then_some((first, start.wrapping_add(count)));
    }
    let (more, count) = eight_digits(text, start.wrapping_add(8))?;
    let scale = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000].get(count)?;
    Some((first.wrapping_mul(*scale).wrapping_add(more), start.wrapping_add(8).wrapping_add(count)))
}

/// The number of the digits that eight bytes begin with, and how many they are.
#[cfg(feature = "fast")]
#[inline(always)]
fn eight_digits(text: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = fast::word(text, at)?;
    let count = fast::digits(word);
    // Digits to the upper end, as if zeroes stood in front. Then pairs, fours and the eight of them are put together, all in one
    // multiplication each: of two neighbours the lower one is worth more.
    let digits = word.unbounded_shl(64_u32.wrapping_sub((count as u32).wrapping_mul(8))) & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000 << 32 | 1) >> 32, count))
}

impl Whole<u64> {
    pub(crate) fn as_i64(self) -> Option<i64> {
        match self {
            Self::Number { negative: true, magnitude } => 0_i64.checked_sub_unsigned(magnitude),
            Self::Number { negative: false, magnitude } => i64::try_from(magnitude).ok(),
            _ => None,
        }
    }

    pub(crate) fn as_u64(self) -> Option<u64> {
        match self {
            Self::Number { negative: false, magnitude } => Some(magnitude),
            _ => None,
        }
    }
}

impl Whole<u128> {
    pub(crate) fn as_i128(self) -> Option<i128> {
        match self {
            Self::Number { negative: true, magnitude } => 0_i128.checked_sub_unsigned(magnitude),
            Self::Number { negative: false, magnitude } => i128::try_from(magnitude).ok(),
            _ => None,
        }
    }

    pub(crate) fn as_u128(self) -> Option<u128> {
        match self {
            Self::Number { negative: false, magnitude } => Some(magnitude),
            _ => None,
        }
    }
}

/// The `f64` nearest to the number of `text`, infinite where it is too large. QEMU writes `inf`, `-inf`, `nan` and
/// `-nan` too.
pub(crate) fn float(text: &str) -> Option<f64> {
    if !is_number(text) {
        return None;
    }
    text.parse().ok()
}

/// True where a scalar is a number or begins like one; what is forged shows when it is read.
pub(crate) fn is_number(text: &str) -> bool {
    match text.as_bytes() {
        [b'0'..=b'9' | b'-', ..] => true,
        _ => matches!(text, "inf" | "nan"),
    }
}

/// True for `inf`, `-inf`, `nan` and `-nan`, which JSON lacks.
pub(crate) fn is_not_finite(text: &str) -> bool {
    matches!(text.strip_prefix('-').unwrap_or(text), "inf" | "nan")
}

/// True for exactly the numbers of the JSON grammar.
pub(crate) fn is_json(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let (whole, rest) = split_digits(unsigned);
    let rest = match rest {
        [b'.', rest @ ..] => match split_digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        rest => rest,
    };
    let leads = matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
    let ends = match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            matches!(split_digits(exponent), ([_, ..], []))
        }
        _ => false,
    };
    leads && ends
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(len).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn whole_numbers_keep_all_of_both_types() {
        assert_eq!(whole64("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(whole64("9223372036854775807").as_i64(), Some(i64::MAX));
        assert_eq!(whole64("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(whole64("18446744073709551616"), Whole::TooLarge);
        assert_eq!(whole64("9223372036854775808").as_i64(), None);
        assert_eq!(whole64("-9223372036854775809").as_i64(), None);
        assert_eq!(whole64("-1").as_u64(), None);
        assert_eq!(whole64("-0").as_u64(), Some(0));
        for text in ["", "-", "1.0", "1e3", "inf", "nan", "true", "--1", "+1", " 1", "0x1"] {
            assert_eq!(whole64(text), Whole::No, "{text}");
        }
    }

    #[test]
    fn floats_read_what_qemu_writes() {
        assert_eq!(float("0.10000000000000001"), Some(0.1));
        assert_eq!(float("inf"), Some(f64::INFINITY));
        assert_eq!(float("-inf"), Some(f64::NEG_INFINITY));
        assert!(float("nan").is_some_and(|nan| nan.is_nan() && nan.is_sign_positive()));
        assert!(float("-nan").is_some_and(|nan| nan.is_nan() && nan.is_sign_negative()));
        assert_eq!(float("1e999"), Some(f64::INFINITY));
        assert!(float("-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
        for text in ["", "true", "infinity", "+1", ".5", "-"] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_grammar_is_that_of_serde_json(text in "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?") {
            prop_assert_eq!(is_json(&text), serde_json::from_str::<f64>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn digits_end_where_they_end(before in "[ 0-9]{0,9}", number in "[0-9]{0,21}", behind in "([^0-9][ -~]{0,20})?") {
            let text = format!("{before}{number}{behind}");
            let expected = number.parse::<u64>().ok().filter(|_| number.len() <= 18);
            let expected = expected.map(|value| (value, before.len() + number.len()));
            prop_assert_eq!(digits(text.as_bytes(), before.len()), expected, "{}", text);
            prop_assert_eq!(digits(text.as_bytes(), text.len() + 1), None);
            #[cfg(feature = "fast")]
            {
                let by_words = digits_by_words(text.as_bytes(), before.len());
                prop_assert!(by_words.is_none() || by_words == expected, "{}", text);
                prop_assert!(by_words.is_some() || !(1..16).contains(&number.len()) || behind.len() < 16, "{}", text);
            }
        }

        #[test]
        fn whole_numbers_agree_with_core(number in any::<i128>(), shift in 0u32..128) {
            let number = number >> shift;
            let text = format!("{number}");
            prop_assert_eq!(whole64(&text).as_i64(), i64::try_from(number).ok());
            prop_assert_eq!(whole64(&text).as_u64(), u64::try_from(number).ok());
            prop_assert_eq!(whole128(&text).as_i128(), Some(number));
            prop_assert_eq!(whole128(&text).as_u128(), u128::try_from(number).ok());
        }
    }
}

//! Members that stand twice in one object, which QEMU refuses. No table of names is kept: bounded work in constant memory.

use crate::json::text::words::{equal, find};

/// The most members that are looked at.
pub(crate) const MOST: usize = 1024;
/// How many members one pass remembers.
const BLOCK: usize = 64;

/// What is wrong with an object's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The key at this index of the text stood in it before.
    Duplicate(usize),
    /// There are more than [`MOST`].
    TooMany,
}

/// Checks the members of one object, not those of objects inside it. `object` is JSON in the dialect that QEMU reads, not decoded
/// yet. Keys are compared decoded.
///
/// Reads the text once for each 64 members. Keys are told apart by 64-bit hashes: two that differ and hash alike would be refused,
/// which happens to no one who does not look for such a pair.
pub(crate) fn check(object: &[u8]) -> Result<(), Fault> {
    let mut first = 0_usize;
    loop {
        let mut block = [0_u64; BLOCK];
        let mut held = 0_usize;
        let mut more = false;
        let mut keys = 0_usize;
        for (at, key) in Keys::of(object) {
            let index = keys;
            keys = keys.wrapping_add(1);
            if index >= MOST {
                return Err(Fault::TooMany);
            }
            if index < first {
                continue;
            }
            let hash = hash(key);
            if block.iter().take(held).any(|other| *other == hash) {
                return Err(Fault::Duplicate(at));
            }
            match block.get_mut(held) {
                Some(place) => {
                    *place = hash;
                    held = held.wrapping_add(1);
                }
                None => more = true,
            }
        }
        if !more {
            return Ok(());
        }
        first = first.saturating_add(BLOCK);
    }
}

/// The keys of an object, without their quotes, and the index of each.
struct Keys<'t> {
    text: &'t [u8],
    at: usize,
    depth: u32,
    expected: bool,
}

impl<'t> Keys<'t> {
    const fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0, depth: 0, expected: false }
    }
}

impl<'t> Iterator for Keys<'t> {
    type Item = (usize, &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(&byte) = self.text.get(self.at) {
            let at = self.at;
            self.at = at.saturating_add(1);
            match byte {
                b'{' | b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    self.expected = self.depth == 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' => self.expected = self.depth == 1,
                b'"' | b'\'' => {
                    let close = string_end(self.text, self.at, byte);
                    let content = self.text.get(self.at..close).unwrap_or_default();
                    self.at = close.saturating_add(1);
                    if core::mem::take(&mut self.expected) {
                        return Some((at, content));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The index of the quote that closes the string whose content begins at `from`.
fn string_end(text: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    loop {
        at = find(text, at, |word| equal(word, quote) | equal(word, b'\\'));
        match text.get(at) {
            Some(b'\\') => at = at.saturating_add(2),
            _ => return at.min(text.len()),
        }
    }
}

/// FNV-1a over the UTF-8 of the decoded key.
fn hash(key: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let mut rest = key;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\\' => {
                let (char, behind) = unescape(rest);
                char.encode_utf8(&mut [0; 4]).bytes().for_each(&mut mix);
                rest = behind;
            }
            // C0 80, the only use of this byte, is U+0000.
            0xC0 => {
                mix(0);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => mix(byte),
        }
    }
    hash
}

/// The character of an escape whose backslash was read, and what follows.
fn unescape(text: &[u8]) -> (char, &[u8]) {
    let Some((&letter, rest)) = text.split_first() else { return ('\\', text) };
    let char = match letter {
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let (unit, rest) = unit(rest);
            if let [b'\\', b'u', low @ ..] = rest
                && let 0xD800..=0xDBFF = unit
            {
                let (low, rest) = self::unit(low);
                let scalar = ((unit & 0x3FF) << 10 | low & 0x3FF).wrapping_add(0x1_0000);
                return (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), rest);
            }
            return (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), rest);
        }
        other => char::from(other),
    };
    (char, rest)
}

/// The UTF-16 unit of four digits, and what follows.
fn unit(text: &[u8]) -> (u32, &[u8]) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or((text, &[]));
    let unit = digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0));
    (unit, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    #[test]
    fn keys_compare_decoded() {
        assert_eq!(check(b"{}"), Ok(()));
        assert_eq!(check(br#"{"a":{"b":1,"b":2},"b":[{"a":"a","b":"\",\"a\":1"}],"c":"a"}"#), Ok(()));
        assert_eq!(check(br#"{"a":1, "b":2,"a":3}"#), Err(Fault::Duplicate(14)));
        assert_eq!(check(br#"{"a":1,"\u0061":3}"#), Err(Fault::Duplicate(7)));
        assert_eq!(check(b"{\"a\":1,'a':3}"), Err(Fault::Duplicate(7)));
        assert_eq!(check("{\"\\ud83d\\uDE00\":1,\"\u{1F600}\":2}".as_bytes()), Err(Fault::Duplicate(18)));
        assert_eq!(check(b"{\"\\u0000\":1,'\xC0\x80':2}"), Err(Fault::Duplicate(12)));
        assert_eq!(check(br#"{"\n":1,"n":2,"\\n":3,"\/":4}"#), Ok(()));
        assert_eq!(check(br#"{"\/":1,"/":2}"#), Err(Fault::Duplicate(8)));
        assert_eq!(check(b"{'it\\'s':1,\"it's\":2}"), Err(Fault::Duplicate(11)));
    }

    #[test]
    fn found_wherever_the_two_stand() {
        for count in [2, 63, 64, 65, 128, 129, 300, 1023] {
            let object = |twice: Option<(usize, usize)>| {
                let keys = (0..count).map(|n| match twice {
                    Some((one, other)) if n == other => format!("\"k{one}\":[{n}]"),
                    _ => format!("\"k{n}\":[{n}]"),
                });
                format!("{{{}}}", keys.collect::<std::vec::Vec<String>>().join(","))
            };
            assert_eq!(check(object(None).as_bytes()), Ok(()), "{count}");
            for (one, other) in [(0, count - 1), (0, 1), (count - 2, count - 1), (count / 2, count - 1)] {
                if one < other {
                    let outcome = check(object(Some((one, other))).as_bytes());
                    assert!(matches!(outcome, Err(Fault::Duplicate(_))), "{count} {one} {other}");
                }
            }
        }
    }

    #[test]
    fn too_many() {
        let object = |count: usize| {
            let keys: std::vec::Vec<String> = (0..count).map(|n| format!("\"{n}\":0")).collect();
            format!("{{{}}}", keys.join(","))
        };
        assert_eq!(check(object(MOST).as_bytes()), Ok(()));
        assert_eq!(check(object(MOST + 1).as_bytes()), Err(Fault::TooMany));
    }

    #[test]
    fn total_on_anything() {
        for text in [&b""[..], b"{", b"{\"", b"{\"\\", b"{\"\\u12", b"{\"a\\ud800\\u", b"}}}{\"a\xC0", b"{'a"] {
            let _ = check(text);
        }
    }
}

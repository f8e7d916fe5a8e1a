//! The payload of a message: first JSON as it was received, then a value.

use core::fmt;
use core::str::Utf8Error;

use serde::Deserialize;

use super::scan::members::Members;
use super::scan::{self, Options, Scanner};
use super::text::{decode_strings, decode_strings_of_input};
use super::{Value, de};

/// The JSON of one member of a message, in the buffer it was received in.
///
/// The message owns the buffer and lends this piece of it for `'m`. Up to [`into_value`](Self::into_value) or
/// [`decode`](Self::decode) the bytes are what the peer sent. Those two decode escaped strings in place, so they take
/// the payload, and what they give borrows from the buffer. Payloads without escapes, most of them, stay as they are.
pub struct Payload<'m> {
    text: &'m mut [u8],
    strings: Strings,
}

/// What there is to decode in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Strings {
    /// No string has an escape.
    Plain,
    /// Some have.
    Escaped,
    /// Strings as only QEMU reads them: in `'`, or with `C0 80`.
    Input,
}

impl<'m> Payload<'m> {
    /// `text` is one JSON value that the scanner has passed, without blanks around it; `strings` is what it saw there.
    pub(crate) const fn new(text: &'m mut [u8], strings: Strings) -> Self {
        Self { text, strings }
    }

    /// JSON of the caller's own, as if it had come in a message: one value with white space around it or not, at most
    /// [`MAX_DEPTH`](super::scan::MAX_DEPTH) levels deep, of [what QEMU sends](super::scan::Dialect::Output).
    ///
    /// # Errors
    ///
    /// Where and why `text` is no JSON.
    pub fn parse(text: &'m mut [u8]) -> Result<Self, scan::Error> {
        let options = Options { dialect: scan::Dialect::Output, ..Options::STRICT };
        let range = scan::scan_value(text, &mut Scanner::new(options, Members::NONE))?;
        // Nobody watched for escapes; where there are none, decoding finds none.
        Ok(Self::new(text.get_mut(range).unwrap_or_default(), Strings::Escaped))
    }

    /// The JSON exactly as it was received, blanks and all.
    ///
    /// A command received in the server's role may use what QEMU reads beyond JSON: strings in `'`, and the bytes
    /// `C0 80` for U+0000.
    pub fn raw(&self) -> &[u8] {
        self.text
    }

    /// [`raw`](Self::raw) as a string, for one more pass over its bytes.
    ///
    /// # Errors
    ///
    /// Only the bytes `C0 80` in a command received are not UTF-8.
    pub fn raw_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(self.text)
    }

    /// The payload as a value that borrows from the message. Decodes escaped strings in place.
    pub fn into_value(mut self) -> Value<'m> {
        self.decode_in_place();
        decoded(self.text, self.strings != Strings::Plain)
    }

    /// Decodes the strings that need it, once.
    #[inline]
    pub(crate) fn decode_in_place(&mut self) {
        decode_in_place(self.text, self.strings);
    }

    /// Reads a `T`, which may borrow from the message. Decodes escaped strings in place.
    ///
    /// # Errors
    ///
    /// See [`Value::decode`].
    pub fn decode<T: Deserialize<'m>>(self) -> Result<T, de::Error> {
        self.into_value().decode()
    }

    #[cfg(feature = "serde-json-core")]
    pub(crate) fn into_raw(self) -> (&'m mut [u8], Strings) {
        (self.text, self.strings)
    }
}

/// Decodes the strings of `text` that need it.
#[inline]
pub(crate) fn decode_in_place(text: &mut [u8], strings: Strings) {
    match strings {
        Strings::Plain => {}
        Strings::Escaped => decode_strings(text),
        Strings::Input => decode_strings_of_input(text),
    }
}

/// The value that `text` is, whose strings are decoded if there were any that had to be.
#[cfg_attr(feature = "fast", inline)]
#[cfg_attr(not(feature = "fast"), inline(never))]
pub(crate) fn decoded(text: &[u8], escaped: bool) -> Value<'_> {
    // The scanner has passed each byte, and decoding keeps UTF-8 what it is: there is no other outcome to tell.
    match core::str::from_utf8(text) {
        Ok(text) if escaped => Value::from_decoded(text),
        Ok(text) => Value::whole(text),
        Err(_) => Value::NULL,
    }
}

/// The JSON as it was received.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({})", self.text.escape_ascii())
    }
}

/// The JSON as it was received.
#[cfg(feature = "defmt")]
impl defmt::Format for Payload<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Payload({=[u8]:a})", self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    #[test]
    fn a_payload_stays_raw_until_it_is_a_value() {
        let mut text = *br#"{"a" : "x\ny", "b": [1, "\u20ac"]}"#;
        let payload = Payload::new(&mut text, Strings::Escaped);
        assert_eq!(payload.raw_str(), Ok(r#"{"a" : "x\ny", "b": [1, "\u20ac"]}"#));
        assert_eq!(payload.raw().len(), 34);
        assert!(format!("{payload:?}").contains(r"x\\ny"));
        let value = payload.into_value();
        assert_eq!(value.get("a").and_then(Value::as_str), Some("x\ny"));
        assert_eq!(value.get("b").and_then(|b| b.elements().nth(1)).and_then(Value::as_str), Some("\u{20ac}"));
    }

    #[test]
    fn input_may_be_no_utf8_until_it_is_decoded() {
        let mut text = *b"{'a': \"x\xC0\x80y\", 'b': '\"'}";
        let payload = Payload::new(&mut text, Strings::Input);
        assert!(payload.raw_str().is_err());
        let value = payload.into_value();
        assert_eq!(value.get("a").and_then(Value::as_str), Some("x\0y"));
        assert_eq!(value.get("b").and_then(Value::as_str), Some("\""));
    }

    #[test]
    fn decode_borrows_from_the_message() {
        #[derive(Deserialize)]
        struct Both<'a> {
            a: &'a str,
            b: String,
        }
        let mut text = *br#"{"a": "\"", "b": "\\"}"#;
        let both: Both<'_> = Payload::new(&mut text, Strings::Escaped).decode().unwrap();
        assert_eq!((both.a, both.b.as_str()), ("\"", "\\"));
    }

    #[test]
    fn json_of_the_callers_own_is_checked() {
        let mut text = *b" {\"a\": \"\\n\"} \n";
        let payload = Payload::parse(&mut text).unwrap();
        assert_eq!(payload.raw(), b"{\"a\": \"\\n\"}");
        assert_eq!(payload.into_value().get("a").and_then(Value::as_str), Some("\n"));
        for (text, at) in [("", 0), ("{", 1), ("1 2", 2), ("[1,]", 3)] {
            assert_eq!(Payload::parse(&mut text.as_bytes().to_vec()).unwrap_err().at, at, "{text}");
        }
        assert_eq!(Payload::parse(&mut *b"-12".to_vec().leak()).unwrap().into_value().as_i64(), Some(-12));
        assert_eq!(Payload::parse(&mut *b"[inf]".to_vec().leak()).unwrap().raw(), b"[inf]");
    }

    #[test]
    fn what_no_scanner_passed_is_null() {
        let mut text = *b"\"\xFF\"";
        assert!(Payload::new(&mut text, Strings::Plain).into_value().is_null());
    }
}

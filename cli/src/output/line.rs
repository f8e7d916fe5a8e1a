//! A JSON object on one line, member by member.

use qmp_core::json::Value;
use qmp_core::json::ser::{Full, Serializer, Sink};
use qmp_core::json::squeeze::squeeze;
use serde::Serialize;

use super::finite;

/// A JSON object on one line, written with the core's own writer.
#[derive(Debug, Default)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    /// A member that is a string, a whole number, a flag, or a list of those.
    pub(crate) fn member<T: Serialize + ?Sized>(&mut self, name: &str, plain: &T) {
        self.name(name);
        self.write(plain);
    }

    /// A member that holds the JSON `text`, to the letter but for its white space. `not_finite`: numbers in it may be
    /// `inf` or `nan`.
    pub(crate) fn raw(&mut self, name: &str, text: &[u8], not_finite: bool) {
        self.name(name);
        let start = self.0.len();
        squeeze(text, self).expect(GROWS);
        self.mend(start, not_finite);
    }

    /// A member that holds `value`. `not_finite`: numbers in it may be `inf` or `nan`.
    pub(crate) fn value(&mut self, name: &str, value: Value<'_>, not_finite: bool) {
        self.name(name);
        let start = self.0.len();
        // The core's writer of values refuses what is no JSON; this shows it, to be mended.
        self.0.extend_from_slice(value.to_string().as_bytes());
        self.mend(start, not_finite);
    }

    /// The object's JSON.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.write(name);
        self.0.push(b':');
    }

    fn write<T: Serialize + ?Sized>(&mut self, plain: &T) {
        plain.serialize(&mut Serializer::new(self)).expect("strings, whole numbers and flags are JSON");
    }

    fn mend(&mut self, start: usize, not_finite: bool) {
        if not_finite {
            let mended = finite::with_nulls(&self.0[start..]);
            self.0.truncate(start);
            self.0.extend(mended);
        }
    }
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> String {
    let mut line = Line::default();
    line.write(text);
    // What it is made of is a string.
    String::from_utf8_lossy(&line.0).into_owned()
}

/// The JSON `text` as it came, but without its white space, and with `null` for numbers that are not finite.
pub(crate) fn compact(text: &str) -> Vec<u8> {
    let mut squeezed = Line::default();
    squeeze(text.as_bytes(), &mut squeezed).expect(GROWS);
    finite::with_nulls(&squeezed.0)
}

const GROWS: &str = "memory is there to grow";

impl Sink for Line {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_their_order() {
        let mut line = Line::default();
        line.member("name", "a\"\u{1}é");
        line.member("list", &[1, -2]);
        line.raw("raw", b"{ \"x\\u00e9\" : [ 1.50, -inf ] }", true);
        line.value("value", Value::NULL, false);
        let expected = r#"{"name":"a\"\u0001é","list":[1,-2],"raw":{"x\u00e9":[1.50,null]},"value":null}"#;
        assert_eq!(String::from_utf8(line.finish()).unwrap(), expected);
        assert_eq!(Line::default().finish(), b"{}");
    }
}

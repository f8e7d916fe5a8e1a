//! JSON without its white space, for one-line output.

use super::scan::is_blank;
use super::ser::{Full, Sink};

/// Writes the JSON `text` to `sink` without the white space between its tokens; all else stays to the letter.
///
/// `text` is valid JSON; of other text the blanks outside of quotes are left out.
///
/// # Errors
/// The sink is full. What was written up to there stays.
pub fn squeeze<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), Full> {
    let mut rest = text;
    while !rest.is_empty() {
        let blanks = rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len());
        rest = rest.get(blanks..).unwrap_or_default();
        let length = if rest.first() == Some(&b'"') { string(rest) } else { other(rest) };
        let (piece, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        sink.push(piece)?;
        rest = behind;
    }
    Ok(())
}

/// The length of the string that `text` begins with, quotes included.
fn string(text: &[u8]) -> usize {
    let mut at = 1_usize;
    while let Some(byte) = text.get(at) {
        at = at.wrapping_add(match byte {
            b'\\' => 2,
            b'"' => return at.wrapping_add(1),
            _ => 1,
        });
    }
    text.len()
}

/// The length of what precedes the next string or blank.
fn other(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'"' || is_blank(*byte)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::ser::SliceSink;

    #[test]
    fn blanks_go_and_all_else_stays() {
        let mut memory = [0; 64];
        let mut sink = SliceSink::new(&mut memory);
        squeeze(b" {\r\n    \"a b\\\" \": [ 1, 2.50 ,\ttrue ],\n\"\": \"\\\\\" } ", &mut sink).unwrap();
        assert_eq!(sink.written(), br#"{"a b\" ":[1,2.50,true],"":"\\"}"#);
        assert_eq!(squeeze(b"[1]", &mut SliceSink::new(&mut [0; 2])), Err(Full));
    }
}

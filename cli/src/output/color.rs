//! Colours, for a terminal that shows them.

use alloc::borrow::Cow;
use core::fmt::Write as _;
use std::io;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::{Args, ColorChoice};

/// The option that says whether to colour.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Coloring {
    /// Whether to colour the output; auto is where a terminal shows it and NO_COLOR is not set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: ColorChoice,
}

impl Coloring {
    /// What it comes to for standard output.
    pub(crate) fn paint(self) -> Paint {
        Paint(match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        })
    }
}

/// Colours what it is given, or does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

const KEY: Style = AnsiColor::Blue.on_default();
const STRING: Style = AnsiColor::Green.on_default();
const NUMBER: Style = AnsiColor::Cyan.on_default();
const LITERAL: Style = AnsiColor::Magenta.on_default();
/// How words are told apart.
pub(crate) mod style {
    use anstyle::{AnsiColor, Style};

    /// What is wrong.
    pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// What may be wrong.
    pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
    /// Names that stand out.
    pub(crate) const NAME: Style = AnsiColor::Yellow.on_default().bold();
    /// What stands back.
    pub(crate) const ASIDE: Style = Style::new().dimmed();
}

impl Paint {
    /// The text in this style.
    pub(crate) fn styled(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The JSON `text` with its tokens coloured, and characters escaped that would steer a terminal.
    pub(crate) fn json(self, text: Vec<u8>) -> Vec<u8> {
        if !self.0 {
            if let Cow::Owned(escaped) = harmless(&text) {
                return escaped;
            }
            return text;
        }
        let mut painted = Vec::with_capacity(text.len() * 2);
        let mut rest = text.as_slice();
        while let Some(first) = rest.first() {
            let (length, style) = match first {
                b'"' => {
                    let length = super::finite::string(rest);
                    let behind = rest[length..].iter().find(|byte| !byte.is_ascii_whitespace());
                    (length, Some(if behind == Some(&b':') { KEY } else { STRING }))
                }
                b'-' | b'0'..=b'9' => (token(rest), Some(NUMBER)),
                b'a'..=b'z' => (token(rest), Some(LITERAL)),
                _ => (1, None),
            };
            let (piece, behind) = rest.split_at(length);
            match style {
                Some(style) => {
                    let piece = harmless(piece);
                    painted.extend_from_slice(self.styled(style, &String::from_utf8_lossy(&piece)).as_bytes());
                }
                None => painted.extend_from_slice(piece),
            }
            rest = behind;
        }
        painted
    }
}

/// The length of the number or word that `text` begins with.
fn token(text: &[u8]) -> usize {
    let ends = |byte: &u8| matches!(byte, b',' | b':' | b']' | b'}') || byte.is_ascii_whitespace();
    text.iter().position(ends).unwrap_or(text.len())
}

/// Text of a peer's for a terminal: characters that could steer it as escapes.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    // Line ends and tabs are how a longer description is laid out.
    escaped(text, |char| steers(char) && !matches!(char, '\n' | '\t'))
}

/// The same of JSON, whose strings have no characters below a space, and to which escapes make no difference.
pub(super) fn harmless(json: &[u8]) -> Cow<'_, [u8]> {
    // Colours and line ends stay: in JSON, nothing that a peer has sent can be one of these.
    match core::str::from_utf8(json).map(|text| escaped(text, |char| char > ' ' && steers(char))) {
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        _ => Cow::Borrowed(json),
    }
}

/// Whether a terminal does something at it, other than to show it: controls, and what turns the direction of writing, so that a text
/// reads as another than it is.
fn steers(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns
}

fn escaped(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&wanted) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if wanted(char) {
            let _ = write!(shown, "\\u{:04x}", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(text: &str) -> String {
        String::from_utf8(Paint(true).json(text.into())).unwrap()
    }

    #[test]
    fn tokens_by_their_kind() {
        let text = r#"{"a\": ": [-1.5e3, "b", true,null],"c" :{}}"#;
        let shown = painted(text);
        let kinds = [(KEY, r#""a\": ""#), (NUMBER, "-1.5e3"), (STRING, r#""b""#), (LITERAL, "true"), (LITERAL, "null")];
        for (style, token) in kinds.into_iter().chain([(KEY, "\"c\"")]) {
            assert!(shown.contains(&format!("{style}{token}{style:#}")), "{token}: {shown:?}");
        }
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), text);
        assert_eq!(Paint(false).json(text.into()), text.as_bytes());
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            anstream::adapter::strip_str(&painted("\"a\u{9b}31m\u{7f}é\u{202e}\"")).to_string(),
            r#""a\u009b31m\u007fé\u202e""#
        );
        assert_eq!(Paint(false).json("[\n\t\"a\u{9b}31m\u{7f}é\"]".into()), "[\n\t\"a\\u009b31m\\u007fé\"]".as_bytes());
        assert_eq!(printable("no \u{1b}[31mred\r\nline\tx"), "no \\u001b[31mred\\u000d\nline\tx");
        assert_eq!(printable("plain é"), "plain é");
        assert_eq!(printable("a\u{2066}b"), "a\\u2066b");
    }
}

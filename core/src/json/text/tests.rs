use super::*;
use crate::json::documents::{all_enclosing, character, document, spell};
use crate::json::token::{Token, Tokens};
use proptest::collection::vec;
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

fn decoded(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    decode_strings(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn decoded_input(text: &[u8]) -> String {
    let mut bytes = text.to_vec();
    decode_strings_of_input(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// What one string decodes to.
fn content(text: &str) -> String {
    match Tokens::new(&decoded(text)).collect::<Vec<_>>()[..] {
        [Token::String(content)] => content.into(),
        ref others => panic!("{text:?} became {others:?}"),
    }
}

#[test]
fn only_strings_with_escapes_change() {
    assert_eq!(decoded(r#"{"a":"b", "c": ["d"]}"#), r#"{"a":"b", "c": ["d"]}"#);
    assert_eq!(decoded(r#"["a","b\"c","d"]"#), "[\"a\",\u{1}b\"c\u{1} ,\"d\"]");
    assert_eq!(decoded(r#"{"\u0069d":"\\"}"#), "{\u{1}id\u{1}     :\u{1}\\\u{1} }");
}

#[test]
fn every_escape_is_decoded() {
    assert_eq!(content(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(content(r#""\u0000\u007f\u0080\u07FF\u0800\uffff""#), "\0\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}");
    assert_eq!(content(r#""\ud800\udc00\uDBFF\uDFFF\ud83D\ude00""#), "\u{10000}\u{10ffff}\u{1f600}");
}

#[test]
fn the_enclosing_byte_is_one_the_content_lacks() {
    let escaped: String = ('\u{1}'..='\u{1f}').filter(|&c| c != '\u{c}').map(|c| spell(c, 1)).collect();
    let text = format!("[\"x{escaped}\", 1]");
    assert!(decoded(&text).starts_with("[\u{c}x"), "form feed is the only one left");
    assert_eq!(Tokens::new(&decoded(&text)).count(), 5);
}

#[test]
fn a_string_with_every_control_character_is_counted() {
    let all = all_enclosing();
    for padding in [0, 1, 127, 128, 20_000] {
        let plain = "x".repeat(padding);
        let escaped: String = all.chars().map(|c| spell(c, 3)).collect();
        assert_eq!(content(&format!("\"{plain}{escaped}\"")), format!("{plain}{all}"));
        assert_eq!(content(&format!("\"{escaped}{plain}\"")), format!("{all}{plain}"));
        let pair = decoded(&format!("[\"{escaped}{plain}\",\"{escaped}\"]"));
        assert_eq!(Tokens::new(&pair).filter(|t| matches!(t, Token::String(_))).count(), 2);
    }
}

#[test]
fn input_has_strings_of_its_own() {
    assert_eq!(decoded_input(b"{'a':\"b\"}"), "{\u{1}a\u{1}:\"b\"}");
    assert_eq!(
        decoded_input(br#"['"', "'", "\'", '\'', '\"']"#),
        "[\u{1}\"\u{1}, \"'\", \u{1}'\u{1} , \u{1}'\u{1} , \u{1}\"\u{1} ]"
    );
    assert_eq!(decoded_input(b"[\"\xC0\x80\", '\xC0\x80x']"), "[\u{1}\0\u{1} , \u{1}\0x\u{1} ]");
}

proptest! {
    #[test]
    fn strings_decode_to_what_serde_json_reads(characters in vec((character(), 0u8..4), 0..60)) {
        let text = format!("\"{}\"", characters.iter().map(|&(c, how)| spell(c, how)).collect::<String>());
        let expected: String = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(content(&text), expected);
    }

    #[test]
    fn the_dialect_reads_json_alike(text in document()) {
        prop_assert_eq!(decoded_input(text.as_bytes()), decoded(&text));
    }

    #[test]
    fn the_dialect_reads_either_quote(characters in vec((character(), 0u8..4), 0..60), nul in any::<bool>()) {
        let expected: String = characters.iter().map(|&(c, _)| c).collect();
        for quote in ['"', '\''] {
            let mut text = Vec::from(format!("[{quote}"));
            for &(c, how) in &characters {
                if nul && c == '\0' {
                    text.extend(b"\xC0\x80");
                } else if c == quote {
                    text.extend([b'\\', quote as u8]);
                } else if c == '"' && how == 0 {
                    text.push(b'"');
                } else {
                    text.extend(spell(c, how).bytes());
                }
            }
            text.extend(format!("{quote}]").bytes());
            let decoded = decoded_input(&text);
            prop_assert_eq!(Tokens::new(&decoded).nth(1), Some(Token::String(&expected)), "{:?}", decoded);
        }
    }

    #[test]
    fn any_bytes_are_survived(
        pieces in vec(prop_oneof![
            proptest::sample::select(&["\"", "'", "\\", "\\u", "\\ud83d", "\\ude00", "\\u12", "\\\"", "x", "  "][..])
                .prop_map(|piece| piece.as_bytes().to_vec()),
            vec(any::<u8>(), 0..9),
            Just(b"\xC0\x80".to_vec()),
        ], 0..30),
    ) {
        let text = pieces.concat();
        let (mut strict, mut input) = (text.clone(), text);
        decode_strings(&mut strict);
        decode_strings_of_input(&mut input);
    }
}

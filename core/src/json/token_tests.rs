use super::*;
use crate::json::documents::{Buffer, all_enclosing, document, spell};
use proptest::collection::vec;
use proptest::prelude::*;
use std::format;
use std::string::String;

#[test]
fn tokens_are_cut_where_they_end() {
    let text = "{\"a\" : [1,true ,\"\"],\r\n \u{c}\"\\\u{c}  :-1.5e3}";
    let tokens: std::vec::Vec<_> = Tokens::new(text).collect();
    use Token::*;
    let expected = [
        ObjectStart,
        String("a"),
        Colon,
        ArrayStart,
        Scalar("1"),
        Comma,
        Scalar("true"),
        Comma,
        String(""),
        ArrayEnd,
        Comma,
        String("\"\\"),
        Colon,
        Scalar("-1.5e3"),
        ObjectEnd,
    ];
    assert_eq!(tokens, expected);
}

#[test]
fn a_value_ends_with_its_last_byte() {
    assert_eq!(split_value("[1]]"), Some(("[1]", "]")));
    assert_eq!(split_value("{\"}\":\u{1}\"]}\u{1}   },"), Some(("{\"}\":\u{1}\"]}\u{1}   }", ",")));
    assert_eq!(split_value("12,3"), Some(("12", ",3")));
    assert_eq!(split_value("\u{1}x\u{1}  ,"), Some(("\u{1}x\u{1}", "  ,")));
    assert_eq!(split_value(""), None);
    assert_eq!(split_value("]"), None);
}

#[test]
fn a_counted_string_ends_where_its_length_says() {
    let all: String = all_enclosing().chars().map(|c| spell(c, 1)).collect();
    // The content ends in what looks like blanks, and like the end of the array.
    let mut buffer = Buffer::new(&format!("[[\"{all} ]\"], 1]"));
    let value = buffer.value();
    assert_eq!(value.elements().count(), 2);
    let string = value.elements().next().and_then(|inner| inner.elements().next()).unwrap();
    assert_eq!(string.as_str(), Some(&*format!("{} ]", all_enclosing())));
}

#[test]
fn depth_costs_no_stack() {
    let text = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert_eq!(split_value(&text), Some((&*text, "")));
}

proptest! {
    #[test]
    fn a_value_is_found_whole(text in document(), rest in "[],}: ][{\"0a]{0,9}") {
        let mut buffer = Buffer::new(&text);
        let value = buffer.value().text();
        let longer = format!("{value},{rest}");
        let (found, behind) = split_value(&longer).unwrap();
        prop_assert_eq!(found, value);
        prop_assert_eq!(behind, format!(",{rest}"));
    }

    #[test]
    fn any_text_ends(pieces in vec(prop_oneof![
        proptest::sample::select(&["{", "}", "[", "]", ",", ":", "\"", "\0", "\u{1}", "\u{c}", " ", "\r\n", "é", "\0\u{3}\0\0\0\0\0\0\0\0\0é"][..]).prop_map(String::from),
        "\\PC{0,3}",
    ], 0..20)) {
        let text = pieces.concat();
        prop_assert!(Tokens::new(&text).count() <= text.len());
        for from in (0..text.len()).filter(|&at| text.is_char_boundary(at)) {
            if let Some((value, rest)) = split_value(&text[from..]) {
                prop_assert!(!value.is_empty() && value.len() + rest.len() == text.len() - from);
            }
        }
    }
}

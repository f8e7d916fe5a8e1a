use super::members::{Member, Members, Span};
use super::*;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const LIST: &[Member] = &[
    Member { name: "return", slot: 0, keep: false },
    Member { name: "id", slot: 1, keep: true },
    Member { name: "timestamp", slot: 2, keep: false },
];
const MEMBERS: &Members = &Members::new(LIST, &names::tree::<{ names::count(LIST) }>(LIST), Some(3));

/// Everything that a scan says.
#[derive(Debug, PartialEq)]
struct Outcome {
    progress: Progress,
    spans: Vec<Option<Span>>,
    escaped: Vec<bool>,
    too_deep: bool,
    not_finite: bool,
    mistake: Option<(u32, Reason)>,
}

/// Scans `text`, showing it to the scanner up to each of `cuts` in turn, with a NUL behind what is there if `spare`.
fn scan(text: &[u8], cuts: &[usize], options: Options, spare: bool) -> Outcome {
    if options.dialect == Dialect::Input {
        scan_by(Scanner::<Input>::new(options, MEMBERS), text, cuts, spare)
    } else {
        scan_by(Scanner::<Output>::new(options, MEMBERS), text, cuts, spare)
    }
}

fn scan_by<G: Grammar>(mut scanner: Scanner<G>, text: &[u8], cuts: &[usize], spare: bool) -> Outcome {
    let mut from = 0;
    let mut progress = Progress::More;
    for &cut in cuts.iter().chain([&text.len()]) {
        if cut < from {
            continue;
        }
        let mut buffer = text[..cut].to_vec();
        if spare {
            // The sentinel, and what an earlier message left behind it: as much as is looked at at once.
            buffer.push(0);
            buffer.extend_from_slice(&b"\",\"id\": 1234567}]}, {\"a\": 0123456789 ".repeat(3));
        }
        progress = scanner.scan(&buffer, from, cut);
        if progress != Progress::More {
            break;
        }
        from = cut;
    }
    assert!(scanner.work <= 2 * text.len() as u64 + cuts.len() as u64 + 1, "{} steps for {}", scanner.work, text.len());
    // An open span ends wherever it will.
    Outcome {
        progress,
        spans: (0..4).map(|slot| scanner.found.span(slot)).collect(),
        escaped: (0..4).map(|slot| scanner.found.is_escaped(slot)).collect(),
        too_deep: scanner.is_too_deep(),
        not_finite: scanner.has_not_finite(),
        mistake: scanner.mistake(0),
    }
}

fn options(dialect: Dialect, fast: bool) -> Options {
    Options { dialect, fast, ..Options::STRICT }
}

/// The outcome, the same for every way of cutting the text, with and without the fast path and the spare byte.
fn same_outcome(text: &[u8], dialect: Dialect) -> Outcome {
    let whole = scan(text, &[], options(dialect, false), false);
    let each_byte: Vec<usize> = (0..text.len()).collect();
    for fast in [false, true] {
        for spare in [false, true] {
            let options = options(dialect, fast);
            assert_eq!(
                scan(text, &[], options, spare),
                whole,
                "whole, fast {fast}, spare {spare}: {}",
                text.escape_ascii()
            );
            assert_eq!(scan(text, &each_byte, options, spare), whole, "bytes, fast {fast}, spare {spare}");
            if text.len() < 400 {
                for cut in 0..=text.len() {
                    assert_eq!(scan(text, &[cut], options, spare), whole, "cut {cut}, fast {fast}, spare {spare}");
                }
            }
        }
    }
    whole
}

fn valid(text: &[u8]) -> bool {
    check(text).is_ok()
}

const MESSAGES: &[&str] = &[
    r#"{"return": {}, "id": 7}"#,
    r#"{"id":"x","return":[1,2.5,-0,1e9,true,false,null,"a\n\u00e9",{},[]]}"#,
    "{\r\n    \"return\": {\r\n        \"a\": [\r\n            1,\r\n            -22\r\n        ]\r\n    },\r\n    \"id\": 1\r\n}",
    r#"{"\u0069d": 5, "r\u0065turn": {"a": "\ud83d\ude00"}, "xx": 1}"#,
    r#"{"timestamp": {"seconds": 1267020223, "microseconds": 435656}, "event": "POWERDOWN", "data": {"k": "żółć"}}"#,
    r#"{"return": {"a": [[[]], [{}, {"b": {"c": [1, {"d": "e"}]}}]]}}"#,
];

#[test]
fn one_outcome_for_every_cut() {
    for message in MESSAGES {
        let outcome = same_outcome(message.as_bytes(), Dialect::Strict);
        assert_eq!(outcome.progress, Progress::Complete(message.len()), "{message}");
        // The byte after the message is not looked at.
        let more = std::format!("{message}{{");
        assert_eq!(scan(more.as_bytes(), &[], Options::STRICT, true).progress, outcome.progress);
    }
}

#[test]
fn a_timestamp_is_taken_whole_or_looked_at_by_tokens() {
    let event = |seconds: &str, micro: &str| {
        std::format!(r#"{{"timestamp": {{"seconds": {seconds}, "microseconds": {micro}}}, "event": "STOP"}}"#)
    };
    let good = ["0", "7", "435656", "99999999", "999999999", "1267020223", "123456789012345678", "-1", "1.5", "2e3"];
    for seconds in good {
        for micro in good {
            let text = event(seconds, micro);
            let outcome = same_outcome(text.as_bytes(), Dialect::Output);
            assert_eq!(outcome.progress, Progress::Complete(text.len()), "{text}");
            let end = text.find("}, ").unwrap() + 1;
            assert_eq!(outcome.spans[2], Some(Span { start: 14, end: end as u32 }), "{text}");
        }
    }
    for bad in ["", "-", "01", "00", "1 1", "x", "1.", "0x1"] {
        for text in [event(bad, "1"), event("1", bad)] {
            let outcome = same_outcome(text.as_bytes(), Dialect::Output);
            assert!(matches!(outcome.progress, Progress::Fault(..)), "{text}");
        }
    }
    // What differs in one byte is something else, and mostly nothing.
    let text = event("1267020223", "435656").into_bytes();
    for place in 0..text.len() {
        for byte in *b"\0 \",:{}[]\\0a\x80" {
            let mut text = text.clone();
            text[place] = byte;
            same_outcome(&text, Dialect::Output);
            text.remove(place);
            same_outcome(&text, Dialect::Output);
        }
    }
}

#[test]
fn finds_members_by_their_decoded_names() {
    let text = MESSAGES[3];
    // A key of no member is a command's to have refused.
    for (dialect, unlisted) in [(Dialect::Strict, None), (Dialect::Output, None), (Dialect::Input, Some(r#""xx""#))] {
        let outcome = same_outcome(text.as_bytes(), dialect);
        let found: Vec<_> = outcome.spans.iter().map(|span| span.map(|span| &text[span.range()])).collect();
        assert_eq!(found, [Some(r#"{"a": "\ud83d\ude00"}"#), Some("5"), None, unlisted]);
        assert_eq!(outcome.escaped, [true, false, false, unlisted.is_some()]);
    }
}

#[test]
fn a_member_seen_twice_is_a_fault() {
    for text in [r#"{"id": 1, "id": 2}"#, r#"{"id": 1, "i\u0064": 2}"#] {
        let outcome = same_outcome(text.as_bytes(), Dialect::Output);
        assert_eq!(outcome.progress, Progress::Fault(text.rfind('"').unwrap(), Reason::DuplicateMember));
        let outcome = same_outcome(text.as_bytes(), Dialect::Input);
        assert_eq!(outcome.progress, Progress::Complete(text.len()));
        assert_eq!(outcome.mistake, Some((text.rfind('"').unwrap() as u32, Reason::DuplicateMember)));
    }
    // Members that are not looked for, and members further in, may stand twice.
    assert!(valid(br#"{"a": 1, "a": 2, "b": {"id": 1, "id": 2}}"#));
}

#[test]
fn the_depth_limit_is_exact() {
    for limit in [1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024] {
        for depth in [limit - 1, limit, limit + 1] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let text = open.repeat(depth) + "1" + &close.repeat(depth);
                for dialect in [Dialect::Strict, Dialect::Input] {
                    for (fast, spare) in [(true, true), (false, false)] {
                        let options = Options { max_depth: limit as u16, ..options(dialect, fast) };
                        let outcome = scan(text.as_bytes(), &[], options, spare);
                        if depth > 0 {
                            assert_eq!(outcome.progress, Progress::Complete(text.len()), "{limit} {depth}");
                        }
                        assert_eq!(outcome.too_deep, depth > limit);
                        assert_eq!(outcome.mistake, None);
                    }
                }
            }
        }
    }
    assert!(valid(("[".repeat(1024) + &"]".repeat(1024)).as_bytes()));
    let deep = "[".repeat(1025) + &"]".repeat(1025);
    assert_eq!(check(deep.as_bytes()), Err(Error { at: 0, reason: Reason::TooDeep }));
}

#[test]
fn what_is_too_deep_is_followed_to_its_end() {
    for inner in ["[{}]", r#"{"a": "}]\"", "b": [1, nul, "é", -5.5e3]}"#, "[,:]"] {
        let text = std::format!(r#"{{"return": {inner}, "id": 4}}"#);
        let limit = Options { max_depth: 1, ..options(Dialect::Output, true) };
        let outcome = scan(text.as_bytes(), &[], limit, true);
        assert_eq!(outcome.progress, Progress::Complete(text.len()), "{text}");
        assert!(outcome.too_deep);
        assert_eq!(&text[outcome.spans[1].unwrap().range()], "4");
    }
    let text = r#"{"return": [}, "id": 4}"#;
    let limit = Options { max_depth: 1, ..options(Dialect::Output, true) };
    assert_eq!(scan(text.as_bytes(), &[], limit, true).progress, Progress::Fault(12, Reason::UnmatchedBracket));
}

#[test]
fn faults_have_their_place_and_reason() {
    for (text, at, reason) in [
        ("{\"a\" 1}", 5, Reason::UnexpectedByte),
        ("{\"a\": 1,}", 8, Reason::UnexpectedByte),
        ("[1,]", 3, Reason::UnexpectedByte),
        ("[1}", 2, Reason::UnmatchedBracket),
        ("{\"a\": 1]", 7, Reason::UnmatchedBracket),
        ("[01]", 2, Reason::BadNumber),
        ("[-]", 2, Reason::BadNumber),
        ("[1.]", 3, Reason::BadNumber),
        ("[1e]", 3, Reason::BadNumber),
        ("[+1]", 1, Reason::UnexpectedByte),
        ("[nul]", 4, Reason::BadWord),
        ("[nan]", 2, Reason::BadWord),
        ("[truee]", 5, Reason::BadWord),
        ("[\"\\x\"]", 3, Reason::BadEscape),
        ("[\"\\u12g4\"]", 6, Reason::BadEscape),
        ("[\"\\'\"]", 3, Reason::BadEscape),
        ("['a']", 1, Reason::UnexpectedByte),
        ("{'a':1}", 1, Reason::UnexpectedByte),
        ("{\"a\":1,'b':1}", 7, Reason::UnexpectedByte),
        ("[\"a\nb\"]", 3, Reason::ControlCharacter),
        ("[\"\\ud800\"]", 8, Reason::LoneSurrogate),
        ("[\"\\ud800\\n\"]", 9, Reason::LoneSurrogate),
        ("[\"\\ud800\\u0041\"]", 13, Reason::LoneSurrogate),
        ("[\"\\udc00\"]", 7, Reason::LoneSurrogate),
        ("[\0]", 1, Reason::UnexpectedByte),
        ("\u{feff}[]", 0, Reason::UnexpectedByte),
    ] {
        let outcome = same_outcome(text.as_bytes(), Dialect::Strict);
        assert_eq!(outcome.progress, Progress::Fault(at, reason), "{text:?}");
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
    }
    for (bytes, at, reason) in [
        (&b"[\"\xC0\x80\"]"[..], 2, Reason::BadUtf8),
        (b"[\"\xED\xA0\x80\"]", 3, Reason::BadUtf8),
        (b"[\"\xF4\x90\x80\x80\"]", 3, Reason::BadUtf8),
        (b"[\"\xE2\x82\"]", 4, Reason::BadUtf8),
        (b"[\"\x80\"]", 2, Reason::BadUtf8),
        (b"[\"\xFF\"]", 2, Reason::Interrupted),
        (b"[\xFF", 1, Reason::Interrupted),
    ] {
        assert_eq!(same_outcome(bytes, Dialect::Strict).progress, Progress::Fault(at, reason), "{bytes:?}");
    }
}

/// Where much follows, words are compared at once, and each letter counts all the same.
#[test]
fn words_are_compared_to_their_last_letter() {
    let padding = "\"padding\",".repeat(20);
    for word in ["falsx", "falsE", "fals", "falsee", "truE", "trux", "tru", "truee", "nulL", "nulx", "nul", "nulll"] {
        for (before, behind) in [("{\"return\":", ",\"x\":["), ("{\"return\":[1,", ",")] {
            let text = format!("{before}{word}{behind}{padding}1]}}");
            let outcome = same_outcome(text.as_bytes(), Dialect::Strict);
            assert!(
                matches!(outcome.progress, Progress::Fault(at, _) if at >= before.len() && at <= before.len() + 5),
                "{text}"
            );
        }
    }
}

#[test]
fn an_error_says_what_and_where() {
    assert_eq!(check(b"[1,]").unwrap_err().to_string(), format!("{} at byte 3", Reason::UnexpectedByte));
    assert_eq!(check(b"[").unwrap_err().to_string(), format!("{} at byte 1", Reason::UnexpectedEnd));
}

#[test]
fn not_finite_numbers_are_tokens_of_what_qemu_sends() {
    let text = r#"{"return": [inf, -inf, nan, -nan], "id": inf}"#;
    let outcome = same_outcome(text.as_bytes(), Dialect::Output);
    assert_eq!(outcome.progress, Progress::Complete(text.len()));
    assert!(outcome.not_finite);
    assert!(!valid(text.as_bytes()));
}

#[test]
fn input_takes_what_qemu_takes() {
    for (text, mistake) in [
        (&br#"{'execute': "a'b", "x": 'c"d\'e'}"#[..], None),
        (b"{\"a\": \"\xC0\x80\"}", None),
        (br#"{"a": [0e1]}"#, Some((8, Reason::UnexpectedByte))),
        (br#"{"a": foo, "b" 1 , []}"#, Some((7, Reason::BadWord))),
        (br#"{"a": "\x", "b": 1}"#, Some((8, Reason::BadEscape))),
        (br#"{"a": "\ud800", "b": 1}"#, Some((13, Reason::LoneSurrogate))),
        ("{\"a\": \"\u{fffe}\"}".as_bytes(), Some((9, Reason::Noncharacter))),
        (br#"{"a": "\ufdd0"}"#, Some((12, Reason::Noncharacter))),
        (b"{\"a\": \"\xED\xA0\x80\"}", Some((8, Reason::BadUtf8))),
        (b"{]", Some((1, Reason::UnexpectedByte))),
        (b"[}", Some((1, Reason::UnexpectedByte))),
        (br#"{"a":[}}"#, Some((6, Reason::UnexpectedByte))),
        (b",", Some((0, Reason::UnexpectedByte))),
        (b"}", Some((0, Reason::UnexpectedByte))),
    ] {
        let outcome = same_outcome(text, Dialect::Input);
        assert_eq!(outcome.progress, Progress::Complete(text.len()), "{:?}", String::from_utf8_lossy(text));
        assert_eq!(outcome.mistake, mistake, "{:?}", String::from_utf8_lossy(text));
    }
    // Brackets of two kinds that close each other's keep the message open, in every QEMU seen.
    assert_eq!(same_outcome(br#"{"a":[}"#, Dialect::Input).progress, Progress::More);
    // Bytes that begin no token end it at once.
    for text in [&br#"{"a": @"#[..], b"[1e{", b"\"a\n", b"\x01", b"[\"\xFE", b"-x"] {
        let outcome = same_outcome(text, Dialect::Input);
        assert!(matches!(outcome.progress, Progress::Fault(at, _) if at == text.len() - 1), "{text:?} {outcome:?}");
    }
}

#[test]
fn a_line_ends_any_message_where_asked() {
    for fast in [false, true] {
        let lines = Options { lines: true, ..options(Dialect::Output, fast) };
        for (text, at) in
            [("{\r\n    \"id\": 1}", 2), ("{\"a\": [\n1]}", 7), ("{\"a\": [1,\n1]}", 9), ("{\"a\":\n1}", 5)]
        {
            assert_eq!(
                scan(text.as_bytes(), &[], lines, true).progress,
                Progress::Fault(at, Reason::LineEnd),
                "{text}"
            );
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[ -~\\n\\r\"\\\\]{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_json_passes(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let outcome = same_outcome(text.as_bytes(), Dialect::Strict);
        if value.is_object() || value.is_array() || value.is_string() {
            prop_assert_eq!(outcome.progress, Progress::Complete(text.len()));
        }
        prop_assert!(valid(text.as_bytes()));
        prop_assert_eq!(outcome.mistake, None);
    }

    #[test]
    fn damaged_json_is_judged_as_serde_json_does(
        value in json(), at: prop::sample::Index, byte: u8, cut: bool, others in vec![prop::sample::select(b"{}[]\",:\\0e-tn\n \xC3".to_vec()); 2]
    ) {
        let mut text = value.to_string().into_bytes();
        let at = at.index(text.len());
        match others[0] % 4 {
            0 => text[at] = byte,
            1 => text[at] = others[1],
            2 => text.insert(at, others[1]),
            _ => { text.remove(at); }
        }
        if cut {
            text.truncate(at);
        }
        let oracle = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok() && std::str::from_utf8(&text).is_ok()
            && serde_json::from_slice::<serde_json::Value>(&text).map_or_else(|error| error.to_string().contains("out of range"), |_| true);
        prop_assert_eq!(valid(&text), oracle, "{:?}", String::from_utf8_lossy(&text));
        same_outcome(&text, Dialect::Output);
        same_outcome(&text, Dialect::Input);
    }

    #[test]
    fn bytes_never_upset_it(text in prop::collection::vec(prop_oneof![
        4 => prop::sample::select(b"{}[]\",:\\'0123456789.eE+-truefalsnl \n\r\tu".to_vec()), 1 => any::<u8>()], 0..60)) {
        for dialect in [Dialect::Strict, Dialect::Output, Dialect::Input] {
            same_outcome(&text, dialect);
        }
    }
}

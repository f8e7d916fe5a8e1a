//! JSON for people: indented.

/// The JSON `text`, which has no white space, with line ends and indentation. Empty arrays and objects stay on their line.
pub(crate) fn pretty(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let mut length = 1;
        match first {
            b'{' | b'[' if matches!(behind, [b'}' | b']', ..]) => {
                length = 2;
                shown.extend_from_slice(&rest[..length]);
            }
            b'{' | b'[' => {
                shown.push(*first);
                depth += 1;
                new_line(&mut shown, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut shown, depth);
                shown.push(*first);
            }
            b',' => {
                shown.push(b',');
                new_line(&mut shown, depth);
            }
            b':' => shown.extend_from_slice(b": "),
            b'"' => {
                length = super::finite::string(rest);
                shown.extend_from_slice(&rest[..length]);
            }
            _ => shown.push(*first),
        }
        rest = &rest[length..];
    }
    shown
}

fn new_line(shown: &mut Vec<u8>, depth: usize) {
    shown.push(b'\n');
    shown.resize(shown.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn indented_by_structure() {
        let shown = pretty(br#"{"a":[1,{"b, {":"\"}"}],"c":{},"d":[]}"#);
        let expected =
            "{\n  \"a\": [\n    1,\n    {\n      \"b, {\": \"\\\"}\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}

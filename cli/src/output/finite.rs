//! The numbers that QEMU writes and JSON lacks.

/// What QEMU can write in a number's place.
const NOT_FINITE: [&[u8]; 4] = [b"inf", b"-inf", b"nan", b"-nan"];

/// The JSON `text`, which has no white space, with `null` for every number that is not finite.
pub(super) fn with_nulls(text: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        // Outside of strings no other token has a letter that one of these begins with, but `null`, which is none of them.
        let token = NOT_FINITE.iter().find(|token| rest.starts_with(token));
        let taken = match token {
            Some(token) => {
                mended.extend_from_slice(b"null");
                token.len()
            }
            None => {
                let length = if rest[0] == b'"' { string(rest) } else { 1 };
                mended.extend_from_slice(&rest[..length]);
                length
            }
        };
        rest = &rest[taken..];
    }
    mended
}

/// The length of the string that `text` begins with, quotes included.
pub(super) fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::with_nulls;

    #[test]
    fn only_tokens_are_mended() {
        let text = br#"[inf,-inf,nan,-nan,null,-1,"inf","\"nan\\",{"inf":nan}]"#;
        let mended = br#"[null,null,null,null,null,-1,"inf","\"nan\\",{"inf":null}]"#;
        assert_eq!(with_nulls(text), mended);
    }
}

//! A typed line in words.
//!
//! As in other shells white space divides and quotes hold together: `'…'` to the letter, in `"…"` a backslash escapes quotes and
//! itself, outside of quotes any character. JSON is one word, whatever is in it: an object, and what stands behind `:=`.

/// A word, and where it stands in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// It is not in the line as `text` has it.
    pub(super) quoted: bool,
}

/// What is missing at a line's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The end of a quotation.
    Quote(char),
    /// The end of an object, a list or a string.
    Json,
}

/// The line's words; those of an unfinished line as they are.
pub(super) fn split(line: &str) -> (Vec<Word>, Option<Missing>) {
    let mut words = Vec::new();
    let mut rest = Rest { line, at: 0, missing: None };
    loop {
        while rest.take_if(char::is_whitespace).is_some() {}
        let start = rest.at;
        let Some(first) = rest.peek() else { return (words, rest.missing) };
        let mut word = Word { text: String::new(), start, end: start, quoted: false };
        if first == '{' {
            word.text.push_str(rest.json());
        } else {
            rest.word(&mut word);
        }
        word.end = rest.at;
        words.push(word);
    }
}

struct Rest<'l> {
    line: &'l str,
    at: usize,
    missing: Option<Missing>,
}

impl<'l> Rest<'l> {
    fn peek(&self) -> Option<char> {
        self.line[self.at..].chars().next()
    }

    fn take_if(&mut self, wanted: impl FnOnce(char) -> bool) -> Option<char> {
        let char = self.peek().filter(|char| wanted(*char))?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn word(&mut self, word: &mut Word) {
        let mut has_value = false;
        while let Some(char) = self.take_if(|char| !char.is_whitespace()) {
            match char {
                '\'' | '"' => {
                    word.quoted = true;
                    self.quotation(char, &mut word.text);
                }
                '\\' => {
                    word.quoted = true;
                    word.text.extend(self.take_if(|_| true));
                }
                '=' if !has_value && !word.quoted && word.text.ends_with(':') => {
                    word.text.push('=');
                    word.text.push_str(self.json());
                    has_value = true;
                }
                _ => {
                    has_value |= char == '=';
                    word.text.push(char);
                }
            }
        }
    }

    fn quotation(&mut self, quote: char, text: &mut String) {
        while let Some(char) = self.take_if(|char| char != quote) {
            let escaped =
                (char == '\\' && quote == '"').then(|| self.take_if(|next| matches!(next, '"' | '\\'))).flatten();
            text.push(escaped.unwrap_or(char));
        }
        if self.take_if(|char| char == quote).is_none() {
            self.missing = Some(Missing::Quote(quote));
        }
    }

    /// A value as JSON has them, up to white space that is not in it. Whether it is JSON, others find out.
    fn json(&mut self) -> &'l str {
        let start = self.at;
        let (mut depth, mut in_string) = (0_usize, false);
        while let Some(char) = self.take_if(|char| in_string || depth > 0 || !char.is_whitespace()) {
            match char {
                '\\' if in_string => drop(self.take_if(|_| true)),
                '"' => in_string = !in_string,
                '{' | '[' if !in_string => depth += 1,
                '}' | ']' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if in_string || depth > 0 {
            self.missing = Some(Missing::Json);
        }
        &self.line[start..self.at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let (words, missing) = split(line);
        assert_eq!(missing, None, "{line}");
        for word in &words {
            assert!(word.quoted || line[word.start..word.end] == word.text, "{word:?}");
        }
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn white_space_divides_and_quotes_hold_together() {
        assert_eq!(texts("  query-status \t"), ["query-status"]);
        assert_eq!(texts(""), [""; 0]);
        assert_eq!(
            texts(r#"a "b c"=d 'e "f\' "g \" \\ \n" h\ i j='é k'l"#),
            ["a", "b c=d", "e \"f\\", "g \" \\ \\n", "h i", "j=é kl"]
        );
        assert_eq!(texts("a='' b"), ["a=", "b"]);
    }

    #[test]
    fn json_is_one_word() {
        assert_eq!(
            texts(r#"x a:={"b": [1, "c } \" d"]} e:=[ 2 ] f:=3 g=:= "#),
            ["x", r#"a:={"b": [1, "c } \" d"]}"#, "e:=[ 2 ]", "f:=3", "g=:="]
        );
        assert_eq!(texts("x {\"a\": 1}\n{\n}"), ["x", "{\"a\": 1}", "{\n}"]);
        assert_eq!(texts("'a:=[1, 2]'"), ["a:=[1, 2]"]);
    }

    #[test]
    fn what_is_missing_at_the_end() {
        for (line, missing) in [
            ("a 'b c", Missing::Quote('\'')),
            ("a \"b\\\" c", Missing::Quote('"')),
            ("{\"a\": 1", Missing::Json),
            ("a b:=[1,", Missing::Json),
            ("a b:=\"c\\\"", Missing::Json),
        ] {
            assert_eq!(split(line).1, Some(missing), "{line}");
        }
        // Not inside of anything.
        assert_eq!(split("{}}").1, None);
    }
}

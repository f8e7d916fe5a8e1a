//! Changes that change nothing: `same.txt`, by class.

use alloc::collections::BTreeMap;

use anyhow::{Context, Result};

use super::change::Change;

/// How many changes of each name are known. Lines `COUNT NAME`; those that are empty or begin with `#` are for readers.
#[derive(Debug)]
pub(crate) struct Known<'t>(BTreeMap<&'t str, usize>);

/// What the list and a run do not agree about.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Those that survived and are not in the list, with their places.
    pub(crate) survivors: Vec<String>,
    /// Those in the list that did not survive.
    pub(crate) seen: Vec<String>,
}

impl<'t> Known<'t> {
    pub(crate) fn read(text: &'t str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &'t str| {
            let (count, name) = line.split_once(' ')?;
            Some((name, count.parse().ok()?))
        };
        let entries = lines.map(|line| entry(line).with_context(|| format!("same.txt: no count and name: {line}")));
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    pub(crate) fn compared(mut self, survived: &[&Change]) -> Difference {
        let mut survivors = Vec::new();
        for change in survived {
            match self.0.get_mut(change.lasting_name().as_str()) {
                Some(left) if *left > 0 => *left -= 1,
                _ => survivors.push(change.name.clone()),
            }
        }
        let seen = self.0.iter().filter(|(_, left)| **left > 0).map(|(name, left)| format!("{left} {name}")).collect();
        Difference { survivors, seen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_survivors_of_a_name_are_known_as_the_list_says() -> Result<()> {
        let known = || Known::read("# a class\n\n1 f.rs: replace | with ^ in f\n2 f.rs: delete ! in g\n");
        let change = |line: usize, what: &str| -> Result<Change> {
            let place = serde_json::json!({ "line": line, "column": 9 });
            let name = format!("f.rs:{line}:9: {what}");
            let span = serde_json::json!({ "start": place, "end": place });
            let change =
                serde_json::json!({ "name": name, "file": "f.rs", "function": null, "replacement": "", "span": span });
            Ok(serde_json::from_value(change)?)
        };
        let (one, other) = (change(1, "replace | with ^ in f")?, change(2, "replace | with ^ in f")?);
        let Difference { survivors, seen } = known()?.compared(&[&one, &other]);
        assert_eq!((survivors, seen), (vec![other.name], vec!["2 f.rs: delete ! in g".into()]));
        assert!(Known::read("f.rs: without a count").is_err());
        Ok(())
    }
}

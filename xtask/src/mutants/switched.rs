//! Every change in one build: each function has a copy of its body for each change of it, and a number says which copy runs.

use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::Range;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::change::{Change, Place};
use crate::tool;
use crate::workspace::{CORE, Workspace};

/// The variable with the number of the change that is made.
pub(crate) const NUMBER: &str = "QMP_TEST_MUTANT";
/// Where a copy of a body begins, and where it ends, each in a line of its own.
const COPY: &str = "//@";
const END: &str = "//@end";
/// What is told of by `rustc` goes away within a few rounds, as a change is left out for each error.
const ROUNDS: usize = 12;

/// The tests that have the changes.
#[derive(Debug)]
pub(crate) struct Switched {
    pub(crate) tests: PathBuf,
    /// Where they are run.
    pub(crate) package: PathBuf,
    /// The changes that they have.
    pub(crate) numbers: BTreeSet<usize>,
    /// The changes that do not compile. Others are missing, too: see [`Copy::alone`].
    pub(crate) unbuilt: BTreeSet<usize>,
}

/// A copy of the workspace, and what cannot be in it.
#[derive(Debug, Default)]
struct Copy {
    unbuilt: BTreeSet<usize>,
    /// What a switch gets in the way of: constants, what makes them, and types that only their own body has.
    alone: BTreeSet<usize>,
    /// Functions that constants are made by.
    constant: BTreeSet<String>,
}

impl Switched {
    pub(crate) fn build(workspace: &Workspace, folder: &Path, changes: &[Change]) -> Result<Self> {
        let tree = folder.join("tree");
        let mut copy = Copy::default();
        copy.alone.extend(changes.iter().filter(|change| change.function.is_none()).map(|change| change.number));
        for round in 1.. {
            copy.write(workspace, &tree, changes)?;
            println!(
                "round {round}: {} do not compile, {} are for cargo-mutants",
                copy.unbuilt.len(),
                copy.alone.len()
            );
            let messages = compile(workspace, folder, &tree, &["check", "--profile=test"])?;
            if !copy.learn(&tree, &messages, changes)? {
                break;
            }
            if round == ROUNDS {
                bail!("after {ROUNDS} rounds there are still changes that do not compile");
            }
        }
        let messages = compile(workspace, folder, &tree, &["test", "--no-run"])?;
        let tests = messages.iter().rev().find_map(|message| message["executable"].as_str());
        let tests = tests.context("cargo built no tests")?.into();
        let is_in = |number: &usize| !copy.unbuilt.contains(number) && !copy.alone.contains(number);
        let numbers = changes.iter().map(|change| change.number).filter(is_in).collect();
        Ok(Self { tests, package: tree.join("core"), numbers, unbuilt: copy.unbuilt })
    }
}

impl Copy {
    /// Writes the tree anew.
    fn write(&mut self, workspace: &Workspace, tree: &Path, changes: &[Change]) -> Result<()> {
        if tree.exists() {
            fs::remove_dir_all(tree)?;
        }
        let files = tool::read(
            tool::tool("git", ["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&workspace.root),
        )?;
        for file in files.lines() {
            let (from, to) = (workspace.root.join(file), tree.join(file));
            // One that is deleted and not committed is still in that list.
            if !from.is_file() {
                continue;
            }
            fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
            if !(file.starts_with("core/src/") && file.ends_with(".rs")) {
                fs::copy(&from, &to)?;
                continue;
            }
            let source = fs::read_to_string(&from)?;
            let of_file = changes.iter().filter(|change| change.file == file).collect::<Vec<_>>();
            let mut text = self.switch(&source, &of_file);
            if file == "core/src/lib.rs" {
                text += &SWITCH.replace("NUMBER", NUMBER);
            }
            fs::write(&to, text)?;
        }
        Ok(())
    }

    /// A file with its changes.
    fn switch(&mut self, source: &str, changes: &[&Change]) -> String {
        let lines = Lines::of(source);
        let mut functions = BTreeMap::<_, Function<'_>>::new();
        for change in changes {
            let Some(function) = &change.function else { continue };
            let range = lines.range(function.span.start, function.span.end);
            let entry = functions.entry((range.start, range.end));
            let function = entry.or_insert_with(|| Function::of(source, range, &function.function_name));
            if function.is_const && self.constant.contains(function.name) {
                self.alone.insert(change.number);
            } else if !self.unbuilt.contains(&change.number) && !self.alone.contains(&change.number) {
                function.changes.push((change, lines.range(change.span.start, change.span.end)));
            }
        }
        let functions = functions.into_values().collect::<Vec<_>>();
        // A switch is not known when the program is compiled, so what has one is no constant function, nor what calls it.
        let mut text = String::new();
        for part in rewritten(source, 0..source.len(), &functions).split_inclusive("const fn ") {
            let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            let is_constant = |rest: &str| self.constant.contains(&name(rest));
            if let Some(head) = text.strip_suffix("const fn ").filter(|_| !is_constant(part)).map(str::len) {
                text.truncate(head);
                text += "fn ";
            }
            text += part;
        }
        text
    }

    /// Notes what does not compile. Whether there was something.
    fn learn(&mut self, tree: &Path, messages: &[Value], changes: &[Change]) -> Result<bool> {
        let mut copies = BTreeMap::new();
        let mut strangers = Vec::new();
        let mut some = false;
        for message in messages.iter().map(|message| &message["message"]).filter(|message| message["level"] == "error")
        {
            let (text, no_spans) = (message["message"].as_str().unwrap_or_default(), Vec::new());
            let spans = message["spans"].as_array().unwrap_or(&no_spans);
            if let Some(called) = text.strip_prefix("cannot call non-const ") {
                // A function or method `path::name::<T>`.
                let path = called.split('`').nth(1).unwrap_or_default();
                some |= self
                    .constant
                    .insert(path.rsplit("::").find(|part| !part.starts_with('<')).unwrap_or_default().into());
                continue;
            }
            // Of a type that only its body has, as that of a closure, no two copies are: the error is in the last of them.
            let is_switch = text == "`match` arms have incompatible types";
            let mut numbers = BTreeSet::new();
            for span in spans.iter().filter(|span| is_switch || span["is_primary"] == true) {
                let (Some(file), Some(line)) = (span["file_name"].as_str(), span["line_start"].as_u64()) else {
                    continue;
                };
                if !copies.contains_key(file) {
                    copies.insert(file.to_owned(), copies_of(&fs::read_to_string(tree.join(file))?));
                }
                numbers.extend(copies.get(file).and_then(|copies| *copies.get(line as usize - 1)?));
            }
            if numbers.is_empty() && !spans.is_empty() {
                strangers.push(message["rendered"].as_str().unwrap_or(text));
            }
            some |= !numbers.is_empty();
            if is_switch {
                let is_in = |change: &&Change| numbers.contains(&change.number);
                let of = |change: &Change| Some((change.file.clone(), change.function.as_ref()?.span));
                let functions = changes.iter().filter(is_in).map(of).collect::<BTreeSet<_>>();
                self.alone.extend(
                    changes.iter().filter(|change| functions.contains(&of(change))).map(|change| change.number),
                );
            } else {
                self.unbuilt.extend(numbers);
            }
        }
        if !some && !strangers.is_empty() {
            bail!("the changes together do not compile:\n{}", strangers.join("\n"));
        }
        Ok(some)
    }
}

/// A function with changes.
#[derive(Debug)]
struct Function<'t> {
    name: &'t str,
    range: Range<usize>,
    /// Between its braces.
    body: Range<usize>,
    is_const: bool,
    changes: Vec<(&'t Change, Range<usize>)>,
}

impl<'t> Function<'t> {
    fn of(source: &str, range: Range<usize>, path: &'t str) -> Self {
        let open = opening_brace(source, range.start);
        Self {
            name: path.rsplit("::").next().unwrap_or(path),
            is_const: source[range.start..open].contains("const fn "),
            body: open + 1..range.end - 1,
            range,
            changes: Vec::new(),
        }
    }

    /// The function with a copy of its body for each change.
    fn switched(&self, source: &str, all: &[Self]) -> String {
        let head = &source[self.range.start..self.body.start];
        let as_it_is = rewritten(source, self.body.clone(), all);
        if self.changes.is_empty() {
            return format!("{head}{as_it_is}}}");
        }
        // Copies within copies would be a great many.
        let head = head.replace("inline(always)", "inline(never)").replace("#[inline]", "#[inline(never)]");
        let mut text = format!("{head} match crate::mutant_number() {{");
        for (change, place) in &self.changes {
            let (before, behind) = (&source[self.body.start..place.start], &source[place.end..self.body.end]);
            let (number, replacement) = (change.number, &change.replacement);
            text += &format!("\n{COPY}{number}\n{number} => {{ {before}{replacement}{behind} }}\n{END}");
        }
        format!("{text}\n_ => {{ {as_it_is} }} }} }}")
    }
}

/// A part of a source, with the functions in it switched.
fn rewritten(source: &str, part: Range<usize>, functions: &[Function<'_>]) -> String {
    let (mut text, mut at) = (String::new(), part.start);
    // They stand in the order of their places: the first behind this one is in no other.
    while let Some(function) = functions.iter().find(|of| of.range.start >= at && of.range.end <= part.end) {
        text += &source[at..function.range.start];
        text += &function.switched(source, functions);
        at = function.range.end;
    }
    text + &source[at..part.end]
}

/// Where the body of a function begins, of which what stands in front, comments and all, begins at `from`.
fn opening_brace(source: &str, from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    for line in source[from..].split_inclusive('\n') {
        if !line.trim_start().starts_with("//") {
            for (index, byte) in line.bytes().enumerate() {
                match byte {
                    b'(' | b'[' => depth += 1,
                    b')' | b']' => depth = depth.saturating_sub(1),
                    b'{' if depth == 0 => return at + index,
                    _ => {}
                }
            }
        }
        at += line.len();
    }
    at
}

/// Of each line, the change in whose copy of a body it is.
fn copies_of(text: &str) -> Vec<Option<usize>> {
    let mut within = None;
    let of = |line: &str| {
        if line == END {
            within = None;
        } else if let Some(number) = line.strip_prefix(COPY) {
            within = number.parse().ok();
        }
        within
    };
    text.lines().map(of).collect()
}

/// Where each line of a text begins.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: [0].into_iter().chain(ends).collect() }
    }

    fn range(&self, start: Place, end: Place) -> Range<usize> {
        self.at(start)..self.at(end)
    }

    fn at(&self, place: Place) -> usize {
        let start = self.starts[place.line - 1];
        let mut characters = self.text[start..].char_indices();
        start + characters.nth(place.column - 1).map_or(self.text.len() - start, |(at, _)| at)
    }
}

/// What cargo says of the engine's tests in the copy, a message a line.
fn compile(workspace: &Workspace, folder: &Path, tree: &Path, how: &[&str]) -> Result<Vec<Value>> {
    let features = workspace.package(CORE)?.features_without(&["defmt"]);
    let mut cargo = tool::cargo(how);
    cargo.args(["--package", CORE, "--lib", "--message-format=json", "--features", &features]).current_dir(tree);
    cargo.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    // What is unused in a copy is of no interest.
    cargo.env("RUSTFLAGS", "--cap-lints=allow").stderr(Stdio::inherit());
    let output = String::from_utf8(tool::output(&mut cargo)?.stdout)?;
    output
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("cargo printed no JSON: {line}")))
        .collect()
}

/// Added to the engine. The first test that panics ends the run, with the status of one that failed.
const SWITCH: &str = r#"
#[cfg(test)]
#[inline(always)]
pub(crate) fn mutant_number() -> u32 {
    static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let number = std::env::var("NUMBER").map_or(0, |number| number.parse().expect("a number"));
        if number != 0 {
            std::panic::set_hook(std::boxed::Box::new(|_| std::process::exit(101)));
        }
        number
    })
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::change::Span;

    fn change(
        number: usize,
        function: (usize, usize),
        line: usize,
        columns: Range<usize>,
        replacement: &str,
    ) -> Change {
        let place = |line, column| Place { line, column };
        let (first, last) = function;
        Change {
            number,
            name: String::new(),
            file: String::new(),
            function: Some(super::super::change::Function {
                function_name: "f".into(),
                span: Span { start: place(first, 1), end: place(last, 2) },
            }),
            replacement: replacement.into(),
            span: Span { start: place(line, columns.start), end: place(line, columns.end) },
        }
    }

    #[test]
    fn a_function_has_a_body_for_each_change() {
        let source = "/// Not {.\n#[inline]\nconst fn f(a: [u8; { 1 }]) -> u32 {\n    'é' as u32 + 2\n}\n";
        let changes = [change(7, (1, 5), 4, 16..17, "-"), change(8, (1, 5), 4, 5..19, "0")];
        let text = Copy::default().switch(source, &[&changes[0], &changes[1]]);
        let expected = concat!(
            "/// Not {.\n#[inline(never)]\nfn f(a: [u8; { 1 }]) -> u32 { match crate::mutant_number() {",
            "\n//@7\n7 => { \n    'é' as u32 - 2\n }\n//@end",
            "\n//@8\n8 => { \n    0\n }\n//@end",
            "\n_ => { \n    'é' as u32 + 2\n } } }\n",
        );
        assert_eq!(text, expected);
        assert_eq!(copies_of(&text)[3..9], [Some(7), Some(7), Some(7), Some(7), None, Some(8)]);
    }

    #[test]
    fn what_makes_constants_stays_as_it_is() {
        let source = "const fn f() -> u32 {\n    1\n}\n";
        let mut copy = Copy { constant: ["f".into()].into(), ..Copy::default() };
        assert_eq!(copy.switch(source, &[&change(1, (1, 3), 2, 5..6, "0")]), source);
    }
}

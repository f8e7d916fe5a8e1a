//! The messages that the vocabulary's documentation shows, `qapi/docs`: each is read as its type, loses nothing, fits the newest
//! release that has its command or event, and stands in the documentation that rustdoc makes.

use core::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use qmp_core::json::{Payload, Value};
use qmp_qapi::registry::{self, Misfit, Presence, Release};
use qmp_tests::vocabulary::{GUEST_AGENT, QMP, Vocabulary, fault};

/// The chapter that is a vocabulary of its own.
const AGENT: &str = "guest-agent";

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("qapi")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// What is shown for one definition.
struct Example {
    /// The file without its extension.
    chapter: String,
    /// Its command or event.
    about: String,
    /// Each with its number.
    lines: Vec<(usize, String)>,
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for file in files(&package().join("docs")) {
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let chapter = stem.split('.').next().unwrap_or_default().to_owned();
        let (mut about, mut lines) = (String::new(), None::<Vec<_>>);
        for (number, line) in (1..).zip(read(&file).lines()) {
            match &mut lines {
                Some(_) if line == "```" => {
                    let lines = lines.take().unwrap_or_default();
                    examples.push(Example { chapter: chapter.clone(), about: about.clone(), lines });
                }
                Some(lines) => lines.push((number, line.to_owned())),
                None if line.starts_with("```") => {
                    assert_eq!(line, "```qmp", "{stem}.md:{number}: an example is QMP");
                    lines = Some(Vec::new());
                }
                None => {
                    if let Some(name) = line.strip_prefix("## ") {
                        name.clone_into(&mut about);
                    }
                }
            }
        }
    }
    examples
}

#[test]
fn examples_are_what_they_show() {
    let examples = examples();
    let (mut messages, mut faults) = (0, String::new());
    for example in &examples {
        let mut reader = Reader::of(example);
        for (number, line) in &example.lines {
            messages += 1;
            for fault in reader.faults(line) {
                let _ =
                    writeln!(faults, "{} in {}, line {number}: {fault}\n    {line}", example.about, example.chapter);
            }
        }
        if !reader.seen {
            let _ = writeln!(faults, "{} in {}: its example does not show it", example.about, example.chapter);
        }
    }
    println!("{} examples, {messages} messages", examples.len());
    assert!(examples.len() > 300 && faults.is_empty(), "{faults}");
}

/// Follows one example.
struct Reader<'e> {
    about: &'e str,
    types: &'static Vocabulary,
    facts: &'static registry::Vocabulary,
    /// The command that waits for a reply.
    command: Option<String>,
    /// Whether what the example is about came up.
    seen: bool,
}

impl<'e> Reader<'e> {
    fn of(example: &'e Example) -> Self {
        let (types, facts) = match &*example.chapter {
            AGENT => (&GUEST_AGENT, registry::guest_agent()),
            _ => (&QMP, registry::qmp()),
        };
        Self { about: &example.about, types, facts, command: None, seen: false }
    }

    fn faults(&mut self, line: &str) -> Vec<String> {
        let (from_client, json) = match line.split_at_checked(3) {
            Some(("-> ", json)) => (true, json),
            Some(("<- ", json)) => (false, json),
            _ => return vec!["neither -> nor <-".into()],
        };
        let mut bytes = json.as_bytes().to_vec();
        match Payload::parse(&mut bytes) {
            Ok(payload) if from_client => self.command(payload.into_value()),
            Ok(payload) => self.answer(payload.into_value()),
            Err(error) => vec![format!("no JSON: {error}")],
        }
    }

    fn command(&mut self, message: Value<'_>) -> Vec<String> {
        let mut faults = unknown(message, &["execute", "exec-oob", "arguments", "id"]);
        let name = message.get("execute").or(message.get("exec-oob")).and_then(Value::as_str).unwrap_or_default();
        self.seen |= name == self.about;
        self.command = Some(name.into());
        let Some(command) = self.facts.command(name) else {
            faults.push("unknown command".into());
            return faults;
        };
        if message.get("exec-oob").is_some() && !command.oob {
            faults.push("not to be executed out of band".into());
        }
        let arguments = message.get("arguments");
        let value = arguments.unwrap_or(Value::NULL);
        faults.extend(fault(self.types.decode_arguments(name, value), value));
        let newest = self.newest(&command.presence);
        command.check_arguments(arguments, newest, |misfit| faults.push(told(misfit, newest)));
        faults
    }

    fn answer(&mut self, message: Value<'_>) -> Vec<String> {
        if let Some(name) = message.get("event").and_then(Value::as_str) {
            return self.event(name, message);
        }
        let mut faults = unknown(message, &["return", "error", "id"]);
        let Some(name) = self.command.take() else {
            faults.push("a reply to no command".into());
            return faults;
        };
        let Some(command) = self.facts.command(&name) else { return faults };
        if let Some(returned) = message.get("return") {
            faults.extend(fault(self.types.decode_return(&name, returned), returned));
            let newest = self.newest(&command.presence);
            command.check_return(returned, newest, |misfit| faults.push(told(misfit, newest)));
            if command.no_reply {
                faults.push("the command does not answer".into());
            }
        } else {
            let error = message.get("error");
            let is_there = |member| error.and_then(|error| error.get(member)).and_then(Value::as_str).is_some();
            if !is_there("class") || !is_there("desc") {
                faults.push("neither what it returns nor why it failed".into());
            }
        }
        faults
    }

    fn event(&mut self, name: &str, message: Value<'_>) -> Vec<String> {
        let mut faults = unknown(message, &["event", "data", "timestamp"]);
        self.seen |= name == self.about;
        let Some(event) = self.facts.event(name) else {
            faults.push("unknown event".into());
            return faults;
        };
        let data = message.get("data");
        let value = data.unwrap_or(Value::NULL);
        faults.extend(fault(self.types.decode_event(name, value), value));
        let newest = self.newest(&event.presence);
        event.check_data(data, newest, |misfit| faults.push(told(misfit, newest)));
        let time = |part| message.get("timestamp").and_then(|time| time.get(part)).and_then(Value::as_i64);
        match (time("seconds"), time("microseconds")) {
            (Some(1_400_000_000..), Some(0..1_000_000)) => {}
            _ => faults.push("no time".into()),
        }
        faults
    }

    fn newest(&self, presence: &Presence) -> Release {
        self.facts.newest_that(|release| presence.includes(release)).expect("a release that has it")
    }
}

fn told(misfit: &Misfit<'_>, release: Release) -> String {
    format!("{release}: {misfit}")
}

/// Members of a message that it does not have.
fn unknown(message: Value<'_>, known: &[&str]) -> Vec<String> {
    let others = message.entries().map(|(name, _)| name).filter(|name| !known.contains(name));
    others.map(|name| format!("unknown member {name}")).collect()
}

#[test]
fn rustdoc_shows_the_examples() {
    for example in examples() {
        let folder = package().join("src/chapter").join(example.chapter.replace('-', "_"));
        let mut wanted = String::from("```text\n");
        for (_, line) in &example.lines {
            wanted.push_str(line);
            wanted.push('\n');
        }
        wanted.push_str("```\n");
        let shown = files(&folder).iter().any(|file| comments(&read(file)).contains(&wanted));
        assert!(shown, "{} of {} is not shown:\n{wanted}", example.about, example.chapter);
    }
}

/// The documentation in a Rust file.
fn comments(rust: &str) -> String {
    let comment = |line: &str| {
        let line = line.trim_start().strip_prefix("///")?;
        Some(format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
    };
    rust.lines().filter_map(comment).collect()
}

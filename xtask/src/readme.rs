//! What the Markdown files promise: the commands in them exist, and so do the files and tests that they link to.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use clap::Parser;

use crate::workspace::Workspace;
use crate::{Xtask, tool, tree};

/// The two commands that README owes a newcomer.
const OWED: [&str; 2] = ["cargo run", "cargo xtask test"];

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    let program = Program::of(workspace)?;
    for file in
        tree::files(workspace)?.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md"))
    {
        let text = fs::read_to_string(workspace.root.join(file))?;
        let folder = workspace.root.join(file).parent().map(Path::to_path_buf).unwrap_or_default();
        let commands = commands(&text);
        if file == Path::new("README.md") {
            wrong.extend(
                OWED.iter().filter(|owed| !commands.contains(*owed)).map(|owed| format!("README.md lacks {owed}")),
            );
        }
        let missing = commands.iter().filter(|command| !program.knows(command));
        wrong.extend(missing.map(|command| format!("{}: there is no `{command}`", file.display())));
        let dead = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        wrong.extend(dead.map(|link| format!("{}: nothing is at {link}", file.display())));
        let gone = functions(&text).into_iter().filter(|(name, path)| {
            fs::read_to_string(folder.join(path)).is_ok_and(|code| !code.contains(&format!("fn {name}(")))
        });
        wrong.extend(gone.map(|(name, path)| format!("{}: {path} has no {name}", file.display())));
    }
    if !workspace.root.join("README.md").is_file() {
        bail!("there is no README.md");
    }
    tree::fail_if_any(&wrong)
}

/// The `qmp` program, as far as its own help tells of it.
struct Program {
    help: String,
}

impl Program {
    fn of(workspace: &Workspace) -> Result<Self> {
        let mut run = tool::cargo(["run", "--quiet", "--package", "qmp-cli", "--", "--help"]);
        Ok(Self { help: tool::read(run.current_dir(&workspace.root))? })
    }

    /// Whether a command line is one of ours that exists, or none of ours.
    fn knows(&self, command: &str) -> bool {
        let words = command.split_whitespace().collect::<Vec<_>>();
        match words[..] {
            ["cargo", "xtask", ..] => parses(&words[1..]),
            ["cargo", "run", "--", ref rest @ ..] | ["qmp", ref rest @ ..] => rest.is_empty() || self.has_command(rest),
            _ => true,
        }
    }

    fn has_command(&self, words: &[&str]) -> bool {
        let (_, commands) = self.help.split_once("Commands:").unwrap_or_default();
        let listed = commands.lines().skip(1).take_while(|line| !line.trim().is_empty());
        let names = listed.filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>();
        words.iter().all(|word| word.starts_with('-')) || words.iter().any(|word| names.contains(word))
    }
}

fn parses(words: &[&str]) -> bool {
    Xtask::try_parse_from(words).map_or_else(|error| !error.use_stderr(), |_| true)
}

/// The command lines in fenced blocks, without prompt, comment and what they are piped to.
fn commands(text: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    let mut in_block = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let command = line.strip_prefix("$ ").unwrap_or(line);
            let end = [" #", " |", " &", " >", " <"].iter().filter_map(|mark| command.find(mark)).min();
            commands.extend(command.get(..end.unwrap_or(command.len())).map(str::trim));
        }
    }
    commands
}

/// The targets of links within the tree, without what they name inside a file.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let paths = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    paths.filter_map(|target| target.split('#').next()).filter(|path| !path.is_empty()).collect()
}

/// The functions that links to Rust files name, as `` [`name`](path.rs) ``, and the files.
fn functions(text: &str) -> Vec<(&str, &str)> {
    let links = text.split("[`").skip(1).filter_map(|rest| rest.split_once("`]("));
    let targets = links.filter_map(|(name, rest)| Some((name, rest.split_once(')')?.0)));
    targets.filter(|(name, path)| path.ends_with(".rs") && !name.contains(['.', '/', ' '])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "See [this](docs/a.md#part), [that](#here), [other](https://example.org/x).\n\
        ```sh\n$ cargo xtask test --no-qemu   # quick\ncargo run\nqmp --socket /tmp/s exec query-status | head\n```\ncargo xtask nonsense\n";

    #[test]
    fn commands_stand_in_blocks() {
        assert_eq!(
            commands(TEXT),
            ["cargo xtask test --no-qemu", "cargo run", "qmp --socket /tmp/s exec query-status"]
        );
    }

    #[test]
    fn links_within_the_tree_are_followed() {
        assert_eq!(links(TEXT), ["docs/a.md"]);
    }

    #[test]
    fn functions_are_named_by_links_to_their_files() {
        let text = "[`one`](a/b.rs), [`two`](c.md), [three](d.rs), `four`, [`e/f.rs`](f.rs), [`five`](g.rs)";
        assert_eq!(functions(text), [("one", "a/b.rs"), ("five", "g.rs")]);
    }

    #[test]
    fn a_command_must_exist() {
        let program =
            Program { help: "Usage\n\nCommands:\n  exec    Runs one\n  events  Waits\n\nOptions:\n  --socket".into() };
        for known in [
            "cargo run",
            "cargo xtask ci",
            "cargo xtask --help",
            "qmp",
            "qmp --tcp h:1 exec stop",
            "qmp --help",
            "ls -l",
        ] {
            assert!(program.knows(known), "{known}");
        }
        for unknown in ["cargo xtask nonsense", "cargo xtask test --what", "qmp watch", "cargo run -- watch"] {
            assert!(!program.knows(unknown), "{unknown}");
        }
    }
}

//! `qmp completions` and `qmp man`: what is generated from the options names them all.

mod program;

use std::fs;

use program::run;

/// The subcommands that the help lists.
fn subcommands() -> Vec<String> {
    let help = run(&["--help"]).stdout;
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let names: Vec<String> = listed.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    for known in ["exec", "serve", "record", "replay", "wait", "completions", "man"] {
        assert!(names.iter().any(|name| name == known), "{known}: {names:?}");
    }
    names
}

#[test]
fn completions_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = run(&["completions", shell]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{shell}");
        for name in subcommands() {
            assert!(outcome.stdout.contains(&name), "{shell}: {name}");
        }
        for option in ["socket", "timeout", "speed"] {
            assert!(outcome.stdout.contains(option), "{shell}: {option}");
        }
    }
    assert_eq!(run(&["completions", "no-such-shell"]).status, Some(2));
    assert_eq!(run(&["--socket", "s", "completions", "bash"]).status, Some(2));
}

#[test]
fn the_manual_knows_every_subcommand() {
    let outcome = run(&["man"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert!(outcome.stdout.contains(".TH qmp 1"));
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(run(&["man", pages.to_str().unwrap()]).status, Some(0));
    assert!(fs::read_to_string(pages.join("qmp.1")).unwrap().contains(".TH qmp 1"));
    for name in subcommands().iter().filter(|name| *name != "help") {
        assert!(outcome.stdout.contains(&format!("qmp\\-{name}(1)")), "{name}");
        let page =
            fs::read_to_string(pages.join(format!("qmp-{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains("SYNOPSIS"), "{name}");
    }
    assert!(pages.join("qmp-wait-job.1").exists());
}

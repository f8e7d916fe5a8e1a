//! `qmp top --once`: a sample of one or many monitors.

mod program;

use program::run;
use program::served::Served;
use program::terminal::Terminal;
use serde_json::{Value, json};

#[test]
fn machines_and_lost_ones() {
    let (first, second) = (Served::start(&[]), Served::start(&[]));
    let paths = [first.path(), second.path(), first.path().with_extension("none")];
    let [first_path, second_path, none] = paths.each_ref().map(|path| path.to_str().unwrap());
    assert_eq!(run(&["--socket", second_path, "exec", "stop"]).status, Some(0));
    let once = ["--socket", first_path, "top", second_path, "--once", "--interval", "0.05"];

    let outcome = run(&[&once[..], &["--json"]].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let told: Vec<Value> = outcome.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let view = |socket: &str, status: &str| json!({"monitor": socket, "status": status, "cpus": [], "disks": [], "jobs": [], "events": []});
    assert_eq!(told, [view(first_path, "running"), view(second_path, "paused")]);

    let outcome = run(&[&once[..], &[none]].concat());
    assert_eq!(outcome.status, Some(1), "one of them is lost");
    assert_eq!(
        outcome.lines()[..3],
        [format!("{first_path}  running"), format!("{second_path}  paused"), format!("{none}  lost")]
    );
    assert!(outcome.lines()[3].contains("no such socket"), "{outcome:?}");
}

#[test]
fn at_a_terminal() {
    let machine = Served::start(&[]);
    let path = machine.path();
    let path = path.to_str().unwrap();
    let home = tempfile::tempdir().unwrap();
    let connect = format!("unix:{path}");
    let arguments = ["--connect", &connect, "top", "--interval", "0.05"];
    let mut terminal = Terminal::run(env!("CARGO_BIN_EXE_qmp"), &arguments, home.path());
    terminal.shows(&format!("{path}  running"));
    terminal.shows(" q ends it ");
    assert_eq!(terminal.colour("running"), vt100::Color::Idx(2));
    terminal.press("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn what_cannot_be() {
    assert_eq!(run(&["top", "--once"]).status, Some(2));
    assert_eq!(run(&["top", "s", "--json"]).status, Some(2));
    assert_eq!(run(&["top", "tcp:localhost", "--once"]).status, Some(2));
    assert_eq!(run(&["--socket", "s", "--tcp", "localhost:1", "top", "--once"]).status, Some(2));
    let outcome = run(&["top", "s"]);
    assert!(outcome.status == Some(2) && outcome.stderr.contains("no terminal"), "{outcome:?}");
}

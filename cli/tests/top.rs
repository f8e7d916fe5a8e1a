//! `qmp top --once`: a sample of one or many monitors.

mod program;

use program::run;
use program::served::Served;
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
    let view = |socket: &str, status: &str| json!({"socket": socket, "status": status, "cpus": [], "disks": [], "jobs": [], "events": []});
    assert_eq!(told, [view(first_path, "running"), view(second_path, "paused")]);

    let outcome = run(&[&once[..], &[none]].concat());
    assert_eq!(outcome.status, Some(1), "one of them is lost");
    assert_eq!(
        outcome.lines()[..3],
        [format!("{first_path}  running"), format!("{second_path}  paused"), format!("{none}  lost")]
    );
    assert!(outcome.lines()[3].contains("cannot connect"), "{outcome:?}");
}

#[test]
fn what_cannot_be() {
    assert_eq!(run(&["top", "--once"]).status, Some(2));
    assert_eq!(run(&["top", "s", "--json"]).status, Some(2));
    assert_eq!(run(&["--tcp", "localhost:1", "top", "--once"]).status, Some(2));
    let outcome = run(&["top", "s"]);
    assert!(outcome.status == Some(2) && outcome.stderr.contains("no terminal"), "{outcome:?}");
}

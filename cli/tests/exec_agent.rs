//! `qmp exec --agent`: the same to a guest agent, which may answer nothing.

mod program;

use core::time::Duration;
use std::os::unix::net::UnixListener;
use std::path::Path;

use program::agent::Agent;
use program::canned::Canned;
use program::{Outcome, run};

fn exec(path: &Path, arguments: &[&str]) -> Outcome {
    let mut all = vec!["--socket", path.to_str().unwrap(), "exec", "--agent"];
    all.extend_from_slice(arguments);
    run(&all)
}

#[test]
fn what_it_returns_is_one_line_of_json() {
    let agent = Agent::start();
    let outcome = exec(&agent.path(), &["guest-exec", "path=/bin/ls", "arg:=[\"-l\", \"/\"]", "capture-output:=true"]);
    assert_eq!(outcome.stdout, "{\"path\":\"/bin/ls\",\"arg\":[\"-l\",\"/\"],\"capture-output\":true}\n");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(agent.commands(), ["guest-exec {\"path\":\"/bin/ls\",\"arg\":[\"-l\",\"/\"],\"capture-output\":true}"]);

    let agent = Agent::start();
    let connect = format!("unix:{}", agent.path().display());
    let outcome = run(&["exec", "--connect", &connect, "--agent", "--pretty", "guest-info", "{\"a\": [1]}"]);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("{\n  \"a\": [\n    1\n  ]\n}\n", Some(0)), "{outcome:?}");
    let agent = Agent::start();
    assert_eq!(exec(&agent.path(), &["guest-ping"]).stdout, "{}\n");
    assert_eq!(agent.commands(), ["guest-ping null"]);
}

#[test]
fn what_never_answers_ends_well() {
    for (arguments, received) in [
        (&["guest-shutdown"][..], "guest-shutdown null"),
        (&["guest-shutdown", "mode=reboot"], "guest-shutdown {\"mode\":\"reboot\"}"),
        (&["guest-suspend-disk", "--timeout", "30"], "guest-suspend-disk null"),
    ] {
        let agent = Agent::start();
        let outcome = exec(&agent.path(), arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(0), "", ""));
        assert_eq!(agent.commands(), [received]);
    }
}

#[test]
fn a_failure_is_the_agents_own_words() {
    // Though nothing is answered to the first when it succeeds.
    for command in ["guest-suspend-ram", "refuse"] {
        let agent = Agent::start();
        let outcome = exec(&agent.path(), &[command]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
        assert_eq!(outcome.stderr, "GenericError: no\n");
    }
}

#[test]
fn a_deadline_ends_the_wait() {
    let agent = Agent::start();
    let outcome = exec(&agent.path(), &["--timeout", "1", "hang"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
    assert!(outcome.stderr.contains("no answer in time"), "{outcome:?}");
    assert_eq!(agent.commands(), ["hang null"]);

    // Takes connections, and has no agent behind them.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qga");
    let _listener = UnixListener::bind(&path).unwrap();
    let outcome = exec(&path, &["--timeout", "0.2", "guest-ping"]);
    assert!(outcome.stderr.contains("no guest agent answered"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn one_that_is_just_starting_is_waited_for() {
    let agent = Agent::start_after(Duration::from_millis(200));
    let outcome = exec(&agent.path(), &["--wait", "60", "guest-ping"]);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("{}\n", Some(0)), "{outcome:?}");
}

#[test]
fn what_is_no_agent_is_told() {
    let monitor = Canned::after_negotiation("[]", |_| {});
    let outcome = exec(&monitor.path(), &["guest-ping"]);
    assert!(outcome.stderr.contains("is a QMP monitor, not a guest agent"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));

    let outcome = exec(Path::new("/no/such"), &["guest-ping"]);
    assert!(outcome.stderr.contains("for its guest agent, -chardev socket"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn misuse_is_told_before_anything_is_sent() {
    for arguments in [
        &["exec", "--agent", "guest-ping"][..],
        &["--socket", "/no/such", "exec", "--agent"],
        &["--socket", "/no/such", "exec", "--agent", "--oob", "guest-ping"],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
    }
    assert!(run(&["exec", "--agent", "guest-ping"]).stderr.contains("where is the guest agent?"));
}

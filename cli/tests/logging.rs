//! `--log`: what goes on, on standard error, and nothing of it elsewhere.

mod program;

use program::agent::Agent;
use program::canned::Canned;
use program::{Outcome, run};

/// The texts of this level, each said to be of a time and of `at`.
fn of(outcome: &Outcome, level: &str, at: &str) -> Vec<String> {
    let head = format!(" {level}] {at}");
    let lines = outcome.stderr.lines().filter_map(|line| line.split_once(&head));
    lines
        .map(|(time, text)| {
            let seconds: f64 = time.strip_prefix('[').expect(time).parse().expect(time);
            assert!((0.0..600.0).contains(&seconds), "{time}");
            text.to_owned()
        })
        .collect()
}

#[test]
fn as_much_as_was_asked_for() {
    let at_level = |level: &str| {
        let server = Canned::after_negotiation("[]", |wire| {
            wire.send("{\"event\": \"STOP\", \"data\": {\"\u{e9}\": \"a\\n\"}}\r\n");
            wire.answer("\"return\": \"it's\"");
        });
        let path = server.path();
        let outcome =
            run(&["--log", level, "--socket", path.to_str().unwrap(), "exec", "set_password", "password=secret"]);
        (outcome, path.display().to_string())
    };

    let (outcome, at) = at_level("trace");
    let wire = of(&outcome, "TRACE", &at);
    let all = |direction: &str| wire.iter().filter_map(|text| text.strip_prefix(direction)).collect::<String>();
    let (sent, received) = (all(" -> "), all(" <- "));
    assert!(sent.contains(r#"{"execute":"set_password","arguments":{"password":"secret"},"id":"#), "{sent}");
    assert!(received.contains(r#"{"event": "STOP", "data": {"\xc3\xa9": "a\\n"}}\r\n"#), "{received}");
    assert_eq!(of(&outcome, "INFO", &at)[0], ": ready, out-of-band execution off");

    let (outcome, at) = at_level("debug");
    let debug = of(&outcome, "DEBUG", &at);
    assert_eq!(debug[0], ": connected");
    assert!(debug[1].contains("greeted by QEMU 8.2.0"), "{debug:?}");
    for secret in ["secret", "TRACE"] {
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }

    let (outcome, at) = at_level("info");
    assert_eq!(of(&outcome, "INFO", &at)[0], ": ready, out-of-band execution off");
    assert!(!outcome.stderr.contains("DEBUG"), "{outcome:?}");
}

#[test]
fn what_a_command_returns_is_where_it_was() {
    let server = Canned::after_negotiation("[]", |wire| wire.answer("\"return\": {\"a\": 1}"));
    let path = server.path();
    // Behind the subcommand, too.
    let outcome = run(&["exec", "--socket", path.to_str().unwrap(), "query-status", "--log", "trace"]);
    assert_eq!((outcome.stdout.as_str(), outcome.status), ("{\"a\":1}\n", Some(0)), "{outcome:?}");
}

#[test]
fn a_guest_agents_wire_as_well() {
    let agent = Agent::start();
    let path = agent.path();
    let outcome = run(&["--log", "trace", "--socket", path.to_str().unwrap(), "exec", "--agent", "guest-ping"]);
    let at = path.display().to_string();
    assert!(of(&outcome, "INFO", &at)[0].contains("the agent is in step"), "{outcome:?}");
    let wire = of(&outcome, "TRACE", &at).concat();
    assert!(wire.starts_with(r#" -> \xff{"execute":"guest-sync-delimited""#), "{wire}");
    assert!(wire.contains(r#"{"execute":"guest-ping","id":"#), "{wire}");
}

/// What a server says of itself does not speak to the terminal.
#[test]
fn text_and_nothing_else() {
    let server = Canned::from_the_beginning(|wire| {
        wire.send("{\"QMP\": {\"version\": {\"package\": \"\\u001b[31mred\\u0007\"}, \"capabilities\": []}}\r\n");
        wire.answer("\"error\": {\"class\": \"\\u001b]0;x\\u0007\", \"desc\": \"no\"}");
    });
    let path = server.path();
    let outcome = run(&["--log", "debug", "--socket", path.to_str().unwrap(), "exec", "query-status"]);
    let told: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with('[')).collect();
    assert!(told.iter().any(|line| line.contains("\\u001b[31mred\\u0007")), "{outcome:?}");
    assert!(outcome.stderr.contains("refuses the negotiation: \\u001b]0;x\\u0007: no"), "{outcome:?}");
    assert!(outcome.stderr.chars().all(|char| char == '\n' || !char.is_control()), "{outcome:?}");

    let server = Canned::after_negotiation("[]", |wire| {
        wire.answer("\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[2J\"}");
    });
    let path = server.path();
    let outcome = run(&["--socket", path.to_str().unwrap(), "exec", "query-status"]);
    assert_eq!(outcome.stderr, "GenericError: no \\u001b[2J\n");
}

#[test]
fn there_are_four_levels() {
    for level in ["verbose", ""] {
        let outcome = run(&["--log", level, "--socket", "/no/such", "exec", "stop"]);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains("warn, info, debug, trace"), "{outcome:?}");
    }
}

//! `qmp wait`, with servers that do what a test needs. With real QEMUs: `tests/tests/qemu_wait.rs`.

mod program;

use program::canned::{Canned, Wire};
use program::{Outcome, run};

fn wait(server: &Canned, arguments: &[&str]) -> Outcome {
    let path = server.path();
    run(&[&["--socket", path.to_str().unwrap(), "wait"], arguments].concat())
}

fn served(session: impl FnOnce(&mut Wire) + Send + 'static) -> Canned {
    Canned::after_negotiation("[]", session)
}

fn job(status: &str, current: u64, error: &str) -> String {
    format!(
        "\"return\": [{{\"id\": \"other\", \"type\": \"backup\", \"status\": \"concluded\", \"current-progress\": 1, \
         \"total-progress\": 1}}, {{\"id\": \"j\", \"type\": \"backup\", \"status\": \"{status}\", \
         \"current-progress\": {current}, \"total-progress\": 200{error}}}]"
    )
}

fn changed(status: &str) -> String {
    format!(
        "{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": \"JOB_STATUS_CHANGE\", \
         \"data\": {{\"id\": \"j\", \"status\": \"{status}\"}}}}\r\n"
    )
}

#[test]
fn a_job_that_stays_to_be_dismissed() {
    for (error, status) in [("", Some(0)), (", \"error\": \"No space left\"", Some(1))] {
        let server = served(move |wire| {
            wire.answer(&job("running", 50, ""));
            wire.send(&changed("pending"));
            wire.answer(&job("pending", 200, ""));
            wire.send(&changed("concluded"));
            wire.answer(&job("concluded", 200, error));
            wire.wait_for_end();
        });
        let outcome = wait(&server, &["job", "j"]);
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert!(outcome.stderr.starts_with("qmp: job j: running, 25 %\nqmp: job j: pending, 100 %\n"), "{outcome:?}");
        assert_eq!(outcome.stderr.ends_with("qmp: job j: No space left\n"), !error.is_empty());
        assert_eq!(outcome.stdout, "");
        assert_eq!(server.commands()[1..], ["{\"execute\":\"query-jobs\"}"; 3]);
    }
}

/// What QEMU forgets at once told how it ended before, and in no reply.
#[test]
fn a_job_that_is_forgotten_at_once() {
    let ended = |event: &str, error: &str| {
        format!(
            "{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": \"{event}\", \"data\": {{\"type\": \
             \"backup\", \"device\": \"j\", \"len\": 2, \"offset\": 1, \"speed\": 0{error}}}}}\r\n"
        )
    };
    for (aborting, event, status, reason) in [
        (false, ended("BLOCK_JOB_COMPLETED", ""), Some(0), ""),
        (true, ended("BLOCK_JOB_COMPLETED", ", \"error\": \"I/O\""), Some(1), "qmp: job j: I/O\n"),
        (true, ended("BLOCK_JOB_CANCELLED", ""), Some(1), "qmp: job j: cancelled\n"),
        (true, String::new(), Some(1), "qmp: job j: failed, and QEMU does not say why\n"),
    ] {
        let server = served(move |wire| {
            wire.answer(&job("running", 50, ""));
            if aborting {
                wire.send(&changed("aborting"));
            }
            wire.send(&event);
            wire.send(&changed("concluded"));
            wire.send(&changed("null"));
            wire.answer("\"return\": []");
            wire.wait_for_end();
        });
        let outcome = wait(&server, &["job", "j", "--json"]);
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert_eq!(outcome.stderr, reason);
        let first = r#"{"wait":"job","id":"j","status":"running","current":50,"total":200}"#;
        assert_eq!(outcome.lines()[0], first);
        assert!(outcome.lines().last().unwrap().contains(r#""ended":true"#));
        assert_eq!(outcome.stdout.contains("\"error\":"), status == Some(1));
    }
}

#[test]
fn a_job_that_is_not_there_or_ready_or_late() {
    let server = served(|wire| {
        wire.answer("\"return\": []");
        wire.wait_for_end();
    });
    let outcome = wait(&server, &["job", "j"]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("no job j"), "{outcome:?}");

    let server = served(|wire| {
        wire.answer(&job("ready", 200, ""));
        wire.wait_for_end();
    });
    assert_eq!(wait(&server, &["job", "j", "--ready"]).status, Some(0));

    // Before 3.0.
    let server = served(|wire| {
        wire.answer("\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no query-jobs\"}");
        wire.answer(
            "\"return\": [{\"type\": \"stream\", \"device\": \"j\", \"len\": 4, \"offset\": 2, \"busy\": true, \
             \"paused\": false, \"speed\": 0, \"io-status\": \"ok\", \"ready\": false}]",
        );
        wire.wait_for_end();
    });
    let outcome = wait(&server, &["job", "j", "--timeout", "0.3"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr, "qmp: job j: running, 50 %\nqmp: time is up, and job j is running\n");
}

#[test]
fn an_event_with_what_it_is_to_say() {
    let event = |name: &str, data: &str| {
        format!("{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": \"{name}\"{data}}}\r\n")
    };
    let server = served(move |wire| {
        wire.send(&event("STOP", ""));
        wire.send(&event("DEVICE_DELETED", ", \"data\": {\"path\": \"/a\"}"));
        wire.send(&event("DEVICE_DELETED", ", \"data\": {\"device\": \"b\", \"path\": \"/b\"}"));
        wire.wait_for_end();
    });
    let outcome = wait(&server, &["event", "DEVICE_DELETED", "RESUME", "--where", "device=b"]);
    let line =
        r#"{"timestamp":{"seconds":1,"microseconds":2},"event":"DEVICE_DELETED","data":{"device":"b","path":"/b"}}"#;
    assert_eq!((outcome.lines(), outcome.status), (vec![line], Some(0)));

    let server = served(Wire::wait_for_end);
    let outcome = wait(&server, &["event", "RESUME", "--timeout", "0.1"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), "qmp: time is up, and no RESUME came\n"));
    assert_eq!(run(&["--socket", "s", "wait", "event", "A", "--where", "x"]).status, Some(2));
    assert_eq!(run(&["--socket", "s", "wait"]).status, Some(2));
}

#[test]
fn a_status_and_the_end() {
    let status = |status: &str| format!("\"return\": {{\"status\": \"{status}\", \"running\": false}}");
    let server = served(move |wire| {
        wire.answer(&status("paused"));
        wire.send("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESUME\"}\r\n");
        wire.answer(&status("running"));
        wire.wait_for_end();
    });
    let outcome = wait(&server, &["status", "running", "--json"]);
    let lines = [r#"{"wait":"status","status":"paused"}"#, r#"{"wait":"status","status":"running"}"#];
    assert_eq!(outcome.lines()[..2], lines);
    assert_eq!(outcome.status, Some(0));

    for (event, code) in [("SHUTDOWN", Some(0)), ("STOP", Some(1))] {
        let server = served(move |wire| {
            wire.answer(&status("running"));
            wire.send(&format!(
                "{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": \"{event}\"}}\r\n"
            ));
        });
        let outcome = wait(&server, &["status", "shutdown"]);
        assert_eq!(outcome.status, code, "{outcome:?}");
    }
}

#[test]
fn a_migration() {
    let told = |status: &str, more: &str| format!("\"return\": {{\"status\": \"{status}\"{more}}}");
    let ram = ", \"ram\": {\"transferred\": 1, \"remaining\": 25, \"total\": 100}";
    for (last, more, code, reason) in [
        ("completed", ram, Some(0), ""),
        ("failed", ", \"error-desc\": \"no route\"", Some(1), "qmp: migration: no route\n"),
        ("cancelled", "", Some(1), "qmp: migration: cancelled\n"),
    ] {
        let server = served(move |wire| {
            wire.answer(&told("active", ram));
            wire.send("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"MIGRATION\", \"data\": {\"status\": \"x\"}}\r\n");
            wire.answer(&told(last, more));
            wire.wait_for_end();
        });
        let outcome = wait(&server, &["migration"]);
        assert_eq!(outcome.status, code, "{outcome:?}");
        assert!(
            outcome.stderr.starts_with("qmp: migration: active, 75 %\n") && outcome.stderr.ends_with(reason),
            "{outcome:?}"
        );
    }
    let server = served(|wire| {
        wire.answer("\"return\": {}");
        wire.wait_for_end();
    });
    let outcome = wait(&server, &["migration"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), "qmp: no migration has begun\n"));
}

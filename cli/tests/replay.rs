//! `qmp replay`: a transcript answers as what was recorded did.

mod program;

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use program::run;
use program::served::{Client, Served};
use serde_json::Value;
use tempfile::TempDir;

/// A transcript of what `talk` and the server at `path` say.
fn record(path: &Path, folder: &TempDir, name: &str, talk: impl Fn(&mut Client, usize)) -> PathBuf {
    let (listen, file) = (folder.path().join("listen"), folder.path().join(name));
    let (socket, listens, to) = (path.to_str().unwrap(), listen.to_str().unwrap(), file.to_str().unwrap());
    let mut recorder = Served::spawn(&["--socket", socket, "record", "--listen", listens, to], &listen);
    for round in 0..2 {
        let mut client = recorder.connect();
        client.line();
        talk(&mut client, round);
    }
    // The last client tells the server to quit.
    assert_eq!(recorder.wait(), Some(0));
    file
}

fn replay(file: &Path, more: &[&str]) -> Served {
    let path = file.with_extension("replay");
    let (socket, file) = (path.to_str().unwrap(), file.to_str().unwrap());
    Served::spawn(&[&["--socket", socket, "replay"], more, &[file]].concat(), &path)
}

/// What is in a transcript, but for times and ids.
fn told(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["time"].take();
        if let Some(message) = line.get_mut("message").and_then(Value::as_object_mut) {
            message.remove("id");
        }
        line
    };
    text.lines().map(line).collect()
}

/// What `qmp decode` makes of one side, but for ids and places.
fn decoded(file: &Path, role: &str) -> Vec<Value> {
    let outcome = run(&["decode", "--role", role, file.to_str().unwrap()]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let line = |line: &&str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let members = line.as_object_mut().unwrap();
        members.retain(|name, _| !["id", "offset", "bytes"].contains(&name.as_str()));
        line
    };
    outcome.lines().iter().map(line).collect()
}

#[test]
fn recorded_replayed_and_recorded_again() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Served::start(&[]);
    let talk = |prefix: &'static str| {
        move |client: &mut Client, round: usize| {
            client.send(&format!("{{'execute':'qmp_capabilities','arguments':{{'enable':['oob']}},'id':'{prefix}0'}}"));
            client.line();
            for (number, (command, lines)) in [
                ("'execute':'query-status'", 1),
                ("'execute':'stop'", 2),
                ("'execute':'query-block'", 1),
                ("'execute':'query-qmp-schema'", 1),
                ("'exec-oob':'query-yank'", 1),
                ("'execute':'x-demo-nap','arguments':{'milliseconds':1}", 1),
                ("'execute':'x-demo-nap','arguments':{'x':1,'milliseconds':2}", 1),
                ("'execute':'no-such'", 1),
                ("'execute':'no-such','unexpected':1", 1),
                ("'execute':'cont','arguments':{}", 2),
            ]
            .into_iter()
            .enumerate()
            {
                client.send(&format!("{{{command},'id':'{prefix}{number}'}}").replace('\'', "\""));
                for _ in 0..lines {
                    assert!(client.line().starts_with('{'));
                }
            }
            if round == 1 {
                client.send("{'execute':'quit'}");
                assert_eq!(client.rest().lines().count(), 2);
            }
        }
    };
    let first = record(&machine.path(), &folder, "first", talk("a"));
    let mut again = replay(&first, &[]);
    let second = record(&again.path(), &folder, "second", talk("a much longer id "));
    assert_eq!(again.wait(), Some(0));
    let (one, other) = (told(&first), told(&second));
    assert_eq!(one.len(), 2 * (2 + 2 + 10 + 12 + 1) + 3);
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
    for role in ["client", "server"] {
        let commands = decoded(&first, role);
        assert_eq!(commands, decoded(&second, role));
        assert!(commands.len() > 20);
    }
}

const LOG: &str = r#"{"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 9}, "package": "p\u00e9"}, "capabilities": []}}
{"execute": "qmp_capabilities"} {"return": {}}
{"execute": "query-status"}
{"return": {"status": "paused", "x": inf}}
{"event": "EARLY", "timestamp": {"seconds": 5, "microseconds": 6}, "data": {"a": [1.50]}}
{"execute": "device_del", "arguments": {"id": "d", "n": 1e2}, "id": 1}
{"id": 1, "error": {"class": "DeviceNotFound", "desc": "gone"}}
{"execute": "stop", "id": 2}
{"event": "STOP", "timestamp": {"seconds": 7, "microseconds": 8}}
{"return": {}, "id": 2}
{"execute": "quit", "id": 3}
{"event": "SHUTDOWN", "timestamp": {"seconds": 9, "microseconds": 9}}
"#;

fn log(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn a_plain_log_is_a_script_too() {
    let (_folder, file) = log(LOG);
    let mut replayed = replay(&file, &[]);
    // Who only knocks takes nothing of it.
    drop(replayed.connect());
    let mut client = replayed.connect();
    assert!(client.line().contains(r#"{"micro":1,"minor":2,"major":9},"package":"p\u00E9"},"capabilities":[]"#));
    client.send("{'execute':'qmp_capabilities','id':'n'}{'execute':'query-status','arguments':{},'id':[1]}");
    assert_eq!(client.line(), r#"{"return":{},"id":"n"}"#);
    assert_eq!(client.line(), r#"{"return":{"status":"paused","x":null},"id":[1]}"#);
    let event = r#"{"timestamp":{"seconds":5,"microseconds":6},"event":"EARLY","data":{"a":[1.50]}}"#;
    assert_eq!(client.line(), event);
    // Numbers and the order of members may be written otherwise.
    client.send("{'execute':'device_del','arguments':{'n':100.0,'id':'d'}}");
    assert_eq!(client.line(), r#"{"error":{"class":"DeviceNotFound","desc":"gone"}}"#);
    // The event waits for the command that brought it about.
    client.is_silent();
    client.send("{'execute':'stop','id':null}");
    assert!(client.line().contains(r#""event":"STOP""#));
    assert_eq!(client.line(), r#"{"return":{},"id":null}"#);
    client.is_silent();
    client.send("{'execute':'quit'}");
    assert!(client.line().contains(r#""event":"SHUTDOWN""#));
    drop(client);
    assert_eq!(replayed.wait(), Some(0));
}

#[test]
fn another_command_is_refused_and_told() {
    let (_folder, file) = log(LOG);
    let mut replayed = replay(&file, &[]);
    let mut client = replayed.connect();
    client.line();
    client
        .send("{'execute':'qmp_capabilities'}{'execute':'stop','id':1}{'execute':'query-status','arguments':{'x':1}}");
    assert_eq!(client.line(), r#"{"return":{}}"#);
    let refused = "{\"error\":{\"class\":\"GenericError\",\"desc\":\"The transcript has query-status next, and not ";
    assert_eq!(client.line(), format!("{refused}stop\"}},\"id\":1}}"));
    assert_eq!(client.line(), format!("{refused}query-status with {{\\\"x\\\":1,}}\"}}}}"));
    // The one that is next can still come.
    client.send("{'execute':'query-status'}");
    assert!(client.line().contains("paused"));
    drop(client);
    assert_eq!(replayed.wait(), Some(1));

    let mut replayed = replay(&file, &["--repeat"]);
    for _ in 0..3 {
        let mut client = replayed.connect();
        client.line();
        client.send("{'execute':'qmp_capabilities'}{'execute':'query-status'}");
        client.line();
        assert!(client.line().contains("paused"));
    }
    replayed.signal("TERM");
    assert_eq!(replayed.wait(), Some(1), "nobody asked for the rest");
}

#[test]
fn the_time_that_it_took_is_kept_where_that_is_asked_for() {
    let lines = [
        r#"{"time":100.0,"from":"server","message":{"QMP":{"version":{},"capabilities":[]}}}"#,
        r#"{"time":100.1,"from":"client","message":{"execute":"qmp_capabilities"}}"#,
        r#"{"time":100.1,"from":"server","message":{"return":{}}}"#,
        r#"{"time":100.2,"from":"client","message":{"execute":"stop"}}"#,
        r#"{"time":1100.2,"from":"server","message":{"return":{}}}"#,
        r#"{"time":1101.2,"from":"server","message":{"event":"STOP"}}"#,
        r#"{"time":1101.3,"from":"server","connection":"closed"}"#,
    ];
    let (_folder, file) = log(&lines.join("\n"));
    for (more, least) in [(&["--speed", "2000"][..], 0.5), (&[], 0.0)] {
        let mut replayed = replay(&file, more);
        let mut client = replayed.connect();
        client.line();
        client.send("{'execute':'qmp_capabilities'}{'execute':'stop'}");
        assert_eq!(client.line(), r#"{"return":{}}"#);
        let began = Instant::now();
        assert_eq!(client.line(), r#"{"return":{}}"#);
        assert!(began.elapsed() + Duration::from_millis(20) >= Duration::from_secs_f64(least));
        assert!(client.line().contains("STOP"));
        // The server ended the connection then, and does now.
        assert_eq!(client.rest(), "");
        assert_eq!(replayed.wait(), Some(0));
    }
}

#[test]
fn a_guest_agent() {
    let (_folder, file) = log(
        "\u{20}{\"execute\":\"guest-ping\"}\n{\"return\": {}}\n{\"execute\":\"guest-shutdown\"}\n{\"execute\":\"guest-ping\"}\n{\"return\":{\"again\":1}}",
    );
    let mut replayed = replay(&file, &["--agent"]);
    let mut client = replayed.connect();
    client.send_bytes(
        b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":7}}\n{\"execute\":\"guest-ping\",\"id\":1}\n",
    );
    client.send("{\"execute\":\"guest-shutdown\"}{\"execute\":\"guest-ping\",\"id\":2}");
    client.end_of_input();
    let mut rest = Vec::new();
    client.rest_bytes(&mut rest);
    let rest = rest.escape_ascii().to_string();
    assert!(
        rest.ends_with(r#"\xff{\"return\":7}\n{\"return\":{},\"id\":1}\n{\"return\":{\"again\":1},\"id\":2}\n"#),
        "{rest}"
    );
    assert_eq!(replayed.wait(), Some(0));
}

#[test]
fn what_is_no_transcript_is_refused() {
    for (text, reason) in [
        ("", "has no messages"),
        ("{\"time\":1}\n", "at byte 0: no line of a transcript, and no message"),
        ("{\"return\":{}}{@", "at byte 13: no JSON"),
        ("{\"return\"", "at byte 0: a line that is cut off"),
    ] {
        let (folder, file) = log(text);
        let path = folder.path().join("s");
        let outcome = run(&["--socket", path.to_str().unwrap(), "replay", file.to_str().unwrap()]);
        assert_eq!(outcome.status, Some(1), "{text}");
        assert!(outcome.stderr.contains(reason), "{text}: {outcome:?}");
    }
    for speed in ["0", "-1", "nan", "inf", "x"] {
        assert_eq!(run(&["--socket", "s", "replay", "--speed", speed, "-"]).status, Some(2), "{speed}");
    }
}

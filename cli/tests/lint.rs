//! `qmp lint`: what of a recorded session does not fit a release.

mod program;

use std::io::Write;
use std::process::Stdio;

use program::{Outcome, command, run, run_with};

fn lint(arguments: &[&str], stream: &str) -> Outcome {
    let mut all = vec!["lint"];
    all.extend_from_slice(arguments);
    run_with(&all, stream.as_bytes())
}

const GREETING: &str = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \
                        \"package\": \"Debian 1:7.2\"}, \"capabilities\": [\"oob\"]}}\n";

fn greeting(major: u8, minor: u8, micro: u8) -> String {
    let qemu = format!("\"micro\": {micro}, \"minor\": {minor}, \"major\": {major}");
    format!("{{\"QMP\": {{\"version\": {{\"qemu\": {{{qemu}}}, \"package\": \"\"}}, \"capabilities\": []}}}}\n")
}

/// Each document of a session with 7.2.22 and what is said of it, without file and line.
const SESSION: &[(&str, &[&str])] = &[
    (GREETING, &[]),
    (r#"{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 1}"#, &[]),
    (r#"{"return": {}, "id": 1}"#, &[]),
    // Names.
    (r#"{"execute": "query-no-such", "id": 2}"#, &["query-no-such: unknown command"]),
    (r#"{"execute": "query-cpus", "id": 3}"#, &["query-cpus: command only until 5.2"]),
    (r#"{"execute": "qom-list-get", "id": 4}"#, &["qom-list-get: command only since 10.1"]),
    (r#"{"event": "NO_SUCH"}"#, &["NO_SUCH: unknown event"]),
    (r#"{"event": "MEM_UNPLUG_ERROR", "data": {"device": "a", "msg": "b"}}"#, &[]),
    (
        r#"{"event": "VFU_CLIENT_HANGUP"}"#,
        &[
            "VFU_CLIENT_HANGUP: data.vfu-id: missing",
            "VFU_CLIENT_HANGUP: data.vfu-qom-path: missing",
            "VFU_CLIENT_HANGUP: data.dev-id: missing",
            "VFU_CLIENT_HANGUP: data.dev-qom-path: missing",
        ],
    ),
    (r#"{"event": "GUEST_PVSHUTDOWN"}"#, &["GUEST_PVSHUTDOWN: event only since 9.1"]),
    // Arguments.
    (
        r#"{"execute": "block_resize", "arguments": {"node-name": "a", "size": "1G"}, "id": 5}"#,
        &["block_resize: arguments.size: a string in place of int64"],
    ),
    (
        r#"{"execute": "block_resize", "arguments": {"size": 1.0}, "id": 6}"#,
        &["block_resize: arguments.size: no whole number, as int64 is: 1.0"],
    ),
    (r#"{"execute": "block_resize", "id": 7}"#, &["block_resize: arguments.size: missing"]),
    (r#"{"execute": "stop", "arguments": {"now": true}, "id": 8}"#, &["stop: arguments.now: unknown member"]),
    (r#"{"execute": "stop", "arguments": null, "id": 9}"#, &["stop: arguments: null in place of object"]),
    (
        r#"{"execute": "migrate", "arguments": {"uri": "a", "resume": null}, "id": 10}"#,
        &["migrate: arguments.resume: null in place of bool"],
    ),
    (
        r#"{"execute": "migrate", "arguments": {"channels": []}, "id": 11}"#,
        &["migrate: arguments.channels: member only since 8.2", "migrate: arguments.uri: missing"],
    ),
    (
        r#"{"execute": "migrate-set-parameters", "arguments": {"max-cpu-throttle": 300}, "id": 12}"#,
        &["migrate-set-parameters: arguments.max-cpu-throttle: beyond uint8: 300"],
    ),
    (
        r#"{"execute": "transaction", "arguments": {"actions": [{"type": "abort", "data": {}}, {"type": "explode", "data": {}}]}, "id": 13}"#,
        &["transaction: arguments.actions[1].type: no value of TransactionActionKind: \"explode\""],
    ),
    (
        r#"{"execute": "blockdev-add", "arguments": {"driver": "raw", "file": {"driver": "file", "name": "f"}}, "id": 14}"#,
        &["blockdev-add: arguments.file.name: unknown member", "blockdev-add: arguments.file.filename: missing"],
    ),
    (r#"{"exec-oob": "stop", "id": 15}"#, &["stop: cannot be executed out of band"]),
    (r#"{"exec-oob": "migrate-pause", "id": 16}"#, &[]),
    // Replies.
    (r#"{"execute": "query-status", "id": 17}"#, &[]),
    (
        r#"{"return": {"running": 1, "status": "sleeping", "more": {}}, "id": 17}"#,
        &[
            "query-status: return.running: a number in place of bool",
            "query-status: return.status: no value of RunState: \"sleeping\"",
            "query-status: return.more: unknown member",
        ],
    ),
    (r#"{"error": {"class": "GenericError", "desc": "a"}, "id": 16}"#, &[]),
    (
        r#"{"error": {"class": "NoSuchError", "desc": 1, "data": {}}, "id": 15}"#,
        &[
            "stop: error.desc: a number in place of str",
            "stop: error.data: member only until 1.1",
            "stop: error.class: no value of QapiErrorClass: \"NoSuchError\"",
        ],
    ),
    (r#"{"error": {}}"#, &["message: error.class: missing", "message: error.desc: missing"]),
    (r#"{"return": {}, "id": 14, "more": 1}"#, &["blockdev-add: more: unknown member"]),
    // What is around them.
    (r#"{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}"#, &[]),
    (
        r#"{"event": "STOP", "timestamp": {"seconds": 1.5}, "id": 1}"#,
        &[
            "STOP: timestamp.seconds: no whole number, as int64 is: 1.5",
            "STOP: timestamp.microseconds: missing",
            "STOP: id: unknown member",
        ],
    ),
    (r#"{"execute": "stop", "argument": {}}"#, &["stop: argument: unknown member"]),
    (r#"{"execute": 5}"#, &["message: execute: a number in place of str"]),
    (r#"{"execute": "a\nb"}"#, &["\"a\\nb\": unknown command"]),
    (r#"{"hello": 1}"#, &["message: no message of QMP"]),
    (r#"{"execute": "stop", "exec-oob": "stop"}"#, &["message: no message of QMP"]),
    (
        r#"{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}}, "capabilities": ["fast"], "x": 1}}"#,
        &[
            "greeting: QMP.x: unknown member",
            "greeting: QMP.version.package: missing",
            "greeting: QMP.capabilities[0]: no value of QMPCapability: \"fast\"",
        ],
    ),
    (r#"{"return": "#, &["message: the file ends inside of it"]),
];

#[test]
fn one_of_each() {
    let mut stream = String::new();
    let mut expected = Vec::new();
    for (line, (document, misfits)) in (1..).zip(SESSION) {
        stream += document.trim_end();
        stream += "\n";
        expected.extend(misfits.iter().map(|misfit| format!("-:{line}: {misfit}")));
    }
    let outcome = lint(&[], &stream);
    assert_eq!(outcome.lines(), expected);
    assert_eq!(outcome.status, Some(1));
    let (documents, misfits) = (SESSION.len(), SESSION.iter().filter(|(_, misfits)| !misfits.is_empty()).count());
    let fit = documents - misfits;
    let summary = format!(
        "qmp: {documents} documents: {fit} fit, {misfits} do not; against QEMU 7.2.22 (which greets in line 1)\n"
    );
    assert_eq!(outcome.stderr, summary);

    // Back to back, or pretty, it is the same.
    let said = |outcome: &Outcome| -> Vec<String> {
        outcome.lines().iter().map(|line| line.splitn(3, ':').nth(2).unwrap_or_default().to_owned()).collect()
    };
    for between in ["", " ", "\r\n\r\n\t", "\n    "] {
        let stream: String = SESSION.iter().map(|(document, _)| document.trim_end().to_owned() + between).collect();
        assert_eq!(said(&lint(&[], &stream)), said(&outcome), "{between:?}");
    }
    assert_eq!(said(&lint(&[], &stream.replace(": ", ":\r\n  "))), said(&outcome));
}

#[test]
fn a_file_is_named() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\n\n{\"execute\":\n\"a\"}").unwrap();
    let path = file.path().to_str().unwrap();
    let outcome = run(&["lint", path]);
    assert_eq!(outcome.lines(), [format!("{path}:3: a: unknown command")]);
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn json_for_scripts() {
    let outcome =
        lint(&["--qemu", "5.2", "--json"], "{\"execute\": \"a\\u0022\\n\"}\n{\"event\": \"B\", \"timestamp\": 1}");
    let lines: Vec<serde_json::Value> =
        outcome.lines().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        lines[0],
        serde_json::json!({"file": "-", "line": 1, "name": "a\"\n", "misfit": "unknown command"}),
        "{outcome:?}"
    );
    assert!(lines[1..].iter().all(|line| line["line"] == 2 && line["name"] == "B") && lines.len() > 1, "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn nothing_wrong_is_nothing_said() {
    let outcome = lint(&["--qemu", "5.2"], "{\"execute\": \"stop\"} {\"return\": {}}");
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), ""));
    assert_eq!(outcome.stderr, "qmp: 2 documents: 2 fit, 0 do not; against QEMU 5.2 (as asked)\n");
    assert_eq!(lint(&[], "").status, Some(0));
}

#[test]
fn the_release_decides() {
    let command = "{\"execute\": \"query-cpus\"}\n";
    for (arguments, greeted, status) in [
        (&["--qemu", "5.2"][..], "", 0),
        (&["--qemu", "6.0"], "", 1),
        (&["--qemu", "7.2.22 (Debian 1:7.2+dfsg-7)"], "", 1),
        (&[], &greeting(5, 2, 0), 0),
        (&[], &greeting(6, 0, 0), 1),
        // What was asked for is what counts.
        (&["--qemu", "6.0"], &greeting(5, 2, 0), 1),
        (&["--qemu", "5.2"], &greeting(6, 0, 0), 0),
        // The newest, where none greets.
        (&[], "", 1),
    ] {
        assert_eq!(lint(arguments, &format!("{greeted}{command}")).status, Some(status), "{arguments:?} {greeted}");
    }
    let upgraded = format!("{}{command}{}{command}", greeting(5, 2, 0), greeting(6, 0, 0));
    let outcome = lint(&[], &upgraded);
    assert_eq!(outcome.lines(), ["-:4: query-cpus: command only until 5.2"]);
    assert!(outcome.stderr.ends_with("against QEMU 5.2 (which greets in line 1), then 6.0 (which greets in line 3)\n"));
}

/// Which of the replies is that of `query-status`, by what is said of it.
fn replies_of(stream: &str) -> (Vec<String>, String) {
    let outcome = lint(&["--qemu", "7.2"], stream);
    let said = outcome.lines().iter().map(|line| line.replacen("-:", "", 1)).collect();
    (said, outcome.stderr)
}

const STATUS: &str = "query-status: return.running: missing";

#[test]
fn replies_belong_to_commands_by_id() {
    let stream = r#"{"execute": "query-status", "id": {"b": [1.0], "a": "\u00e9"}}
        {"execute": "query-name", "id": 1e2}
        {"return": {"name": "a"}, "id": 100}
        {"return": {"status": "paused"}, "id": {"a": "é", "b": [1]}}"#;
    assert_eq!(replies_of(stream).0, [format!("4: {STATUS}")]);
    // An id that is used again is the id of the later one.
    let stream = r#"{"execute": "query-status", "id": 1}
        {"execute": "query-name", "id": 1}
        {"return": {}, "id": 1}
        {"return": {}, "id": 1}"#;
    let (said, summary) = replies_of(stream);
    assert!(said.is_empty());
    assert!(summary.contains("1 reply was not checked, as its command is not known;"), "{summary}");
}

#[test]
fn replies_without_an_id_belong_to_commands_by_their_order() {
    let stream = r#"{"execute": "query-name"}
        {"execute": "query-status", "id": 1}
        {"execute": "no-such-command"}
        {"execute": "query-status"}
        {"return": {}}
        {"event": "STOP"}
        {"error": {"class": "CommandNotFound", "desc": ""}}
        {"return": {"status": "paused"}}
        {"return": {}, "id": 1}"#;
    let expected = [
        "3: no-such-command: unknown command",
        &format!("8: {STATUS}"),
        "9: query-status: return.running: missing",
        "9: query-status: return.status: missing",
    ];
    assert_eq!(replies_of(stream).0, expected);
    // One that went out of band without an id makes order worthless; a new connection ends that.
    let stream = format!(
        "{{\"exec-oob\": \"migrate-pause\"}} {{\"execute\": \"query-status\"}} {{\"return\": {{}}}} {}\
         {{\"execute\": \"query-status\"}} {{\"return\": {{\"status\": \"paused\"}}}}",
        greeting(7, 2, 0)
    );
    assert_eq!(replies_of(&stream).0, [format!("2: {STATUS}")]);
}

#[test]
fn a_new_connection_forgets_the_old_one() {
    let stream = format!("{{\"execute\": \"query-status\"}}\n{}{{\"return\": {{}}}}\n", greeting(7, 2, 0));
    let (said, summary) = replies_of(&stream);
    assert!(said.is_empty() && summary.contains("1 reply was not checked"), "{summary}");
}

#[test]
fn damage_is_one_misfit_and_the_check_goes_on() {
    let stream = "{\"execute\": \"query-status\"}\nnoise\n{\"return\": @}\n{\"execute\": \"no-such\"}\n[1]\n{\"execute\": \"stop\"}\n";
    let (said, summary) = replies_of(stream);
    let expected = [
        "2: message: no JSON: text between messages",
        "3: message: no JSON: unexpected byte",
        "4: no-such: unknown command",
        "5: message: no JSON: text between messages",
    ];
    assert_eq!(said, expected);
    assert!(summary.starts_with("qmp: 6 documents: 2 fit, 4 do not; "), "{summary}");
}

#[test]
fn what_is_too_large_is_not_passed_over_in_silence() {
    let stream =
        format!("{{\"execute\": \"stop\"}}\n{{\"return\": \"{}\"}}\n{{\"execute\": \"cont\"}}\n", "x".repeat(300));
    let outcome = lint(&["--limit", "128"], &stream);
    assert_eq!(outcome.lines(), ["-:2: message: not looked at: longer than 128 bytes"]);
    let stream = format!("{{\"return\": {}{}}}", "[".repeat(1024), "]".repeat(1024));
    assert_eq!(lint(&[], &stream).lines(), ["-:1: message: not looked at: deeper than 1024 levels"]);
}

#[test]
fn an_agent_has_a_vocabulary_of_its_own() {
    let stream = "{\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": 5}}\n\u{0}{\"return\": 5}\n\
        {\"execute\": \"guest-get-load\"}\n{\"execute\": \"query-status\"}\n{\"event\": \"STOP\"}\n";
    let stream: Vec<u8> = stream.bytes().map(|byte| if byte == 0 { 0xFF } else { byte }).collect();
    let outcome = run_with(&["lint", "--agent", "--qemu", "7.2"], &stream);
    let expected = [
        "-:3: guest-get-load: command only since 10.0",
        "-:4: query-status: unknown command",
        "-:5: STOP: unknown event",
    ];
    assert_eq!(outcome.lines(), expected);
    assert!(outcome.stderr.starts_with("qmp: 5 documents: 2 fit, 3 do not; against QEMU 7.2 "), "{outcome:?}");
    assert_eq!(lint(&["--agent"], GREETING).lines(), ["-:1: greeting: a guest agent does not greet"]);
    assert_eq!(lint(&["--agent"], "{}").lines(), ["-:1: message: no message of a guest agent"]);
    // An answer may be missing on purpose.
    let stream = "{\"execute\": \"guest-shutdown\"} {\"execute\": \"guest-ping\"} {\"return\": []}";
    assert_eq!(lint(&["--agent"], stream).lines(), ["-:1: guest-ping: return: an array in place of object"]);
}

#[test]
fn misuse_is_told_from_what_does_not_fit() {
    for arguments in [
        &["lint", "--qemu", "eight"][..],
        &["lint", "--qemu"],
        &["lint", "--limit", "0"],
        &["lint", "a", "b"],
        &["--socket", "/tmp/x", "lint"],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
    let outcome = run(&["lint", "/no/such/file"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr, "qmp: opening /no/such/file\n     because: No such file or directory (os error 2)\n");
}

#[test]
fn who_has_read_enough_may_go() {
    let mut child = command(&["lint"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("it is piped");
    // It goes when what it says is not taken.
    let _ = stdin.write_all(&b"{\"execute\": \"no-such\"}\n".repeat(50_000));
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

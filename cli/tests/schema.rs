//! `qmp schema`: what a QEMU has, and how that differs from a release. With real QEMUs: `tests/tests/qemu_vocabulary.rs`.

mod program;

use program::canned::Canned;
use program::{Outcome, run};

/// A schema of two commands, one of which is as that of QEMU 8.2 but for a few things, and two events.
const SCHEMA: &str = r#"[
    {"name": "block_resize", "meta-type": "command", "arg-type": "0", "ret-type": "1", "features": ["unstable"]},
    {"name": "x-new", "meta-type": "command", "arg-type": "1", "ret-type": "[4]", "allow-oob": true},
    {"name": "query-status", "meta-type": "command", "arg-type": "1", "ret-type": "2"},
    {"name": "query-yank", "meta-type": "command", "arg-type": "1", "ret-type": "[6]"},
    {"name": "DEVICE_DELETED", "meta-type": "event", "arg-type": "5"},
    {"name": "NOVELTY", "meta-type": "event", "arg-type": "1"},
    {"name": "0", "meta-type": "object", "members": [
        {"name": "device", "type": "str"},
        {"name": "size", "type": "str"},
        {"name": "force", "type": "bool", "default": null}]},
    {"name": "1", "meta-type": "object", "members": []},
    {"name": "2", "meta-type": "object", "members": [
        {"name": "running", "type": "bool"},
        {"name": "singlestep", "type": "bool", "features": ["deprecated"]},
        {"name": "status", "type": "3"}]},
    {"name": "3", "meta-type": "enum", "members": [{"name": "running"}, {"name": "asleep", "features": ["unstable"]}],
        "values": ["running", "asleep"]},
    {"name": "[4]", "meta-type": "array", "element-type": "4"},
    {"name": "4", "meta-type": "alternate", "members": [{"type": "str"}, {"type": "int"}]},
    {"name": "5", "meta-type": "object", "members": [
        {"name": "device", "type": "str", "default": null}, {"name": "path", "type": "str"}]},
    {"name": "[6]", "meta-type": "array", "element-type": "6"},
    {"name": "6", "meta-type": "object", "tag": "type", "members": [{"name": "type", "type": "7"}],
        "variants": [{"case": "block-node", "type": "8"}, {"case": "chardev", "type": "9"}, {"case": "migration", "type": "1"}]},
    {"name": "7", "meta-type": "enum", "values": ["block-node", "chardev", "migration"]},
    {"name": "8", "meta-type": "object", "members": [{"name": "node-name", "type": "int"}]},
    {"name": "9", "meta-type": "object", "members": [{"name": "id", "type": "str"}, {"name": "also", "type": "any"}]},
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "int", "meta-type": "builtin", "json-type": "int"},
    {"name": "any", "meta-type": "builtin", "json-type": "value"},
    {"name": "bool", "meta-type": "builtin", "json-type": "boolean"}]"#;

fn schema(schema: &str, arguments: &[&str]) -> Outcome {
    let member = format!("\"return\": {}", schema.replace('\n', ""));
    let server = Canned::after_negotiation("[]", move |wire| {
        wire.answer(&member);
        wire.wait_for_end();
    });
    let path = server.path();
    let outcome = run(&[&["--socket", path.to_str().unwrap(), "schema"], arguments].concat());
    assert_eq!(server.commands().last().unwrap(), r#"{"execute":"query-qmp-schema"}"#);
    outcome
}

#[test]
fn a_line_for_each_command_event_and_type() {
    let outcome = schema(SCHEMA, &[]);
    let expected = [
        "command block_resize(device: str, size: str, force?: bool) -> {} [unstable]",
        "command query-status() -> StatusInfo",
        "command query-yank() -> [YankInstance]",
        "command x-new() -> [4] [oob]",
        "event DEVICE_DELETED(device?: str, path: str)",
        "event NOVELTY()",
        "alternate 4 = str | int",
        "enum RunState = running | asleep [unstable]",
        "object StatusInfo = {running: bool, singlestep: bool [deprecated], status: RunState}",
        "object YankInstance = {type: YankInstanceType} by type block-node: YankInstanceBlockNode | chardev: YankInstanceChardev",
        "object YankInstanceBlockNode = {node-name: int}",
        "object YankInstanceChardev = {id: str, also: any}",
        "enum YankInstanceType = block-node | chardev | migration",
    ];
    assert_eq!((outcome.lines(), outcome.status), (expected.to_vec(), Some(0)), "{}", outcome.stderr);

    let outcome = schema(SCHEMA, &["NOVELTY", "RunState"]);
    assert_eq!((outcome.lines(), outcome.status), (vec![expected[5], expected[7]], Some(0)));
    let outcome = schema(SCHEMA, &["NOVELTY", "novelty"]);
    assert_eq!((outcome.lines(), outcome.status), (vec![expected[5]], Some(1)));
    assert!(outcome.stderr.contains("this QEMU has no novelty"), "{}", outcome.stderr);
}

#[test]
fn each_difference_from_a_release() {
    let differences = |names: &[&str]| {
        let outcome = schema(SCHEMA, &[&["--diff", "8.2"], names].concat());
        let lines: Vec<String> = outcome.lines().into_iter().map(str::to_owned).collect();
        assert_eq!(outcome.status, Some(i32::from(lines.iter().any(|line| !line.contains(" (if ")))), "{lines:?}");
        lines
    };
    assert_eq!(
        differences(&["block_resize", "x-new", "NOVELTY", "DEVICE_DELETED"]),
        [
            "~ block_resize: unstable",
            "~ block_resize: arguments.device: mandatory, not optional",
            "~ block_resize: arguments.size: str, not int64",
            "+ block_resize: arguments.force?: bool",
            "- block_resize: arguments.node-name?: str",
            "+ command x-new() -> [4] [oob]",
            "+ event NOVELTY()",
        ]
    );
    let status = differences(&["query-status"]);
    assert_eq!(status[0], "+ query-status: return.status = asleep [RunState]");
    assert!(status.contains(&"- query-status: return.status = paused [RunState]".into()), "{status:?}");
    assert_eq!(
        differences(&["query-yank"]),
        [
            "~ query-yank: may not be executed out of band; may in the release",
            "~ query-yank: return[]{type=block-node}.node-name: int, not str [YankInstanceBlockNode]",
            "+ query-yank: return[]{type=chardev}.also: any [YankInstanceChardev]",
        ]
    );
    assert_eq!(differences(&["dump-skeys"]), ["- command dump-skeys (if TARGET_S390X)"]);
    assert_eq!(differences(&["query-kvm"]), ["- command query-kvm"]);
    assert_eq!(differences(&["DEVICE_DELETED"]), [""; 0]);
}

#[test]
fn json_for_scripts() {
    let lines = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let outcome = schema(SCHEMA, &[&["--json"], arguments].concat());
        outcome.lines().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    assert_eq!(
        lines(&["--diff", "8.2", "dump-skeys", "NOVELTY"]),
        [
            serde_json::json!({"mark": "-", "name": "dump-skeys", "line": "command dump-skeys", "if": "TARGET_S390X"}),
            serde_json::json!({"mark": "+", "name": "NOVELTY", "line": "event NOVELTY()"}),
        ]
    );
    assert_eq!(lines(&["NOVELTY"]), [serde_json::json!({"name": "NOVELTY", "line": "event NOVELTY()"})]);
}

#[test]
fn what_a_release_does_not_have_yet() {
    let outcome = schema(SCHEMA, &["--diff", "5.2", "query-yank"]);
    let expected = "+ command query-yank() -> [6]: only since 6.0";
    assert_eq!((outcome.lines(), outcome.status), (vec![expected], Some(1)));
    let outcome = schema(SCHEMA, &["--diff", "99.0", "DEVICE_DELETED"]);
    assert_eq!((outcome.lines(), outcome.status), (vec![], Some(0)));
    assert!(outcome.stderr.contains("99.0, of which nothing is known yet"), "{}", outcome.stderr);
}

/// Types that contain themselves in all ways, and names that lead nowhere: the program ends.
#[test]
fn a_schema_that_is_none() {
    let circles = r#"[
        {"name": "query-block", "meta-type": "command", "arg-type": "gone", "ret-type": "a"},
        {"name": "query-status", "meta-type": "command", "arg-type": "a", "ret-type": "o"},
        {"name": "a", "meta-type": "array", "element-type": "a"},
        {"name": "o", "meta-type": "object", "tag": "t", "members": [{"name": "status", "type": "o"}],
            "variants": [{"case": "x", "type": "o"}]}]"#;
    for arguments in [&[][..], &["--diff", "8.2"]] {
        let outcome = schema(circles, arguments);
        assert!(outcome.lines().len() >= 3 && outcome.status.is_some(), "{outcome:?}");
    }
    let outcome = schema(r#"[{"name": 1}]"#, &[]);
    assert_eq!((outcome.lines(), outcome.status), (vec![], Some(1)));
    assert!(outcome.stderr.contains("the schema is not as a schema is"), "{}", outcome.stderr);
}

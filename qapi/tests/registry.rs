//! What fits which release: for each kind of change, a value on both sides of it.
#![cfg(all(feature = "registry", feature = "all"))]

use qmp_core::json::{Payload, Value};
use qmp_qapi::registry::{
    self, Arguments, Direction, Member, Misfit, Path, Reason, Release, Type, Vocabulary, guest_agent, qmp,
};

/// Reads `text`, and gives what is reported of it.
fn misfits(text: &str, check: impl FnOnce(Value<'_>, &mut dyn FnMut(&Misfit<'_>))) -> Vec<String> {
    let mut bytes = text.as_bytes().to_vec();
    let value = Payload::parse(&mut bytes).unwrap_or_else(|error| panic!("{error}: {text}")).into_value();
    let mut found = Vec::new();
    check(value, &mut |misfit| found.push(misfit.to_string()));
    found
}

fn release(text: &str) -> Release {
    text.parse().expect("a release")
}

fn arguments_of(vocabulary: &Vocabulary, command: &str, in_release: &str, text: &str) -> Vec<String> {
    let command = vocabulary.command(command).expect("a command");
    misfits(text, |value, report| command.check_arguments(Some(value), release(in_release), report))
}

fn arguments(command: &str, in_release: &str, text: &str) -> Vec<String> {
    arguments_of(qmp(), command, in_release, text)
}

fn returned(command: &str, in_release: &str, text: &str) -> Vec<String> {
    let command = qmp().command(command).or_else(|| guest_agent().command(command)).expect("a command");
    misfits(text, |value, report| command.check_return(value, release(in_release), report))
}

fn data(event: &str, in_release: &str, text: &str) -> Vec<String> {
    let event = qmp().event(event).expect("an event");
    misfits(text, |value, report| event.check_data(Some(value), release(in_release), report))
}

/// A value of a type that is defined, as a server sends it.
fn sent(definition: &str, in_release: &str, text: &str) -> Vec<String> {
    of_type(definition, in_release, Direction::Out, text)
}

fn of_type(definition: &str, in_release: &str, direction: Direction, text: &str) -> Vec<String> {
    let definition = qmp().definition(definition).expect("a definition");
    let root = Path::root("x");
    misfits(text, |value, report| definition.check(value, &root, release(in_release), direction, report))
}

const NONE: [&str; 0] = [];

#[test]
fn members_come_and_go() {
    let resize = r#"{"node-name": "a", "size": 1}"#;
    assert_eq!(
        arguments("block_resize", "1.7.2", resize),
        ["arguments.node-name: member only since 2.0", "arguments.device: missing"]
    );
    assert_eq!(arguments("block_resize", "2.0", resize), NONE);

    // The last series that has it has it in its stable updates, too.
    let status = r#"{"running": true, "singlestep": false, "status": "running"}"#;
    assert_eq!(returned("query-status", "8.2.6", status), NONE);
    assert_eq!(returned("query-status", "9.0", status), ["return.singlestep: member only until 8.2"]);

    let delay = r#"{"event": "none", "delay-ns": 1}"#;
    let inject = |in_release| of_type("BlkdebugInjectErrorOptions", in_release, Direction::In, delay);
    assert_eq!(inject("10.0.12"), ["x.delay-ns: member only since 10.0.13"]);
    assert_eq!(inject("10.0.13"), NONE);
    for lacking in ["10.2", "10.2.2"] {
        assert_eq!(inject(lacking), [format!("x.delay-ns: member not in {lacking}")]);
    }
    assert_eq!(inject("11.1.2"), NONE);

    // What only old documents tell of is as any other.
    let memsave = r#"{"val": 1, "size": 1, "filename": "a", "cpu": 0}"#;
    assert_eq!(arguments("memsave", "2.0", memsave), NONE);
    assert_eq!(arguments("memsave", "2.1", r#"{"val": 1, "size": 1, "filename": "a", "cpu": 0}"#).len(), 1);
}

#[test]
fn types_change() {
    let merge = |bitmaps| format!(r#"{{"node": "n", "target": "t", "bitmaps": [{bitmaps}]}}"#);
    let external = merge(r#"{"node": "n", "name": "a"}"#);
    assert_eq!(
        arguments("block-dirty-bitmap-merge", "4.0", &external),
        ["arguments.bitmaps[0]: an object in place of str"]
    );
    assert_eq!(arguments("block-dirty-bitmap-merge", "4.1", &external), NONE);
    for either in ["4.0", "4.1"] {
        assert_eq!(arguments("block-dirty-bitmap-merge", either, &merge(r#""a""#)), NONE);
    }

    let throttle = r#"{"max-cpu-throttle": 300}"#;
    assert_eq!(arguments("migrate-set-parameters", "5.2", throttle), NONE);
    assert_eq!(arguments("migrate-set-parameters", "6.0", throttle), ["arguments.max-cpu-throttle: beyond uint8: 300"]);

    let address = r#"{"type": "fd", "str": "7"}"#;
    assert_eq!(sent("SocketAddress", "8.2", address), NONE);
    let options = r#"{"driver": "qcow", "encrypt": {"format": "aes"}, "file": "f"}"#;
    let add = |in_release| of_type("BlockdevOptions", in_release, Direction::In, options);
    assert_eq!(add("2.9"), ["x.encrypt: unknown member"]);
    assert_eq!(add("2.10"), NONE);
}

#[test]
fn what_may_be_left_out_changes() {
    assert_eq!(arguments("eject", "2.7", r#"{"id": "a"}"#).len(), 2);
    assert_eq!(arguments("eject", "2.8", r#"{"id": "a"}"#), NONE);
    assert_eq!(arguments("migrate", "8.2.1", "{}"), ["arguments.uri: missing"]);
    assert_eq!(arguments("migrate", "8.2.2", "{}"), NONE);

    let nodes = |in_release| {
        let misfits = returned("query-named-block-nodes", in_release, r#"[{"file": "f"}]"#);
        misfits.contains(&"return[0].node-name: missing".to_owned())
    };
    assert!(!nodes("10.0.13") && nodes("10.2"));
}

#[test]
fn what_varies_may_be_absent_from_replies_alone() {
    assert_eq!(returned("query-status", "7.2", r#"{"running": true, "status": "running"}"#), NONE);
    assert_eq!(data("SHUTDOWN", "7.2", "{}"), NONE);
    assert_eq!(data("WATCHDOG", "7.2", "{}"), ["data.action: missing"]);
    let merge = r#"{"node": "n", "target": "t", "bitmaps": [], "dst_name": "d"}"#;
    assert_eq!(arguments("block-dirty-bitmap-merge", "4.0", merge), ["arguments.dst_name: member only until 3.1"]);
    let merge = r#"{"node": "n", "dst_name": "d"}"#;
    assert_eq!(arguments("x-block-dirty-bitmap-merge", "3.1", merge), ["arguments.src_name: missing"]);
}

#[test]
fn what_depends_on_the_build_may_be_absent() {
    let expansion = r#"{"model": {"name": "max"}}"#;
    assert_eq!(returned("query-cpu-model-expansion", "9.1", expansion), NONE);
    let command = qmp().command("query-sev").unwrap();
    let conditions = ["2.12", "4.0", "10.2"].map(|in_release| command.condition_in(release(in_release)));
    assert_eq!(conditions, [None, Some("TARGET_I386"), None]);
    let event = qmp().event("RTC_CHANGE").unwrap();
    assert!(event.condition_in(release("6.2")).is_some_and(|condition| condition.contains("TARGET_ARM")));
    assert_eq!(event.condition_in(release("7.0")), None);
}

#[test]
fn structs_become_unions() {
    let old = r#"[{"type": "mirror", "device": "d", "len": 1, "offset": 0, "speed": 0}]"#;
    assert_eq!(returned("query-block-jobs", "8.1.5", old), NONE);
    assert_eq!(returned("query-block-jobs", "8.2", old), NONE);
    let synced = old.replace("}]", ", \"actively-synced\": true}]");
    assert_eq!(returned("query-block-jobs", "8.1.5", &synced), ["return[0].actively-synced: unknown member"]);
    assert_eq!(returned("query-block-jobs", "8.2", &synced), NONE);
    let made_up = r#"[{"type": "made up", "device": "d", "len": 1, "offset": 0, "speed": 0}]"#;
    assert_eq!(returned("query-block-jobs", "8.1.5", made_up), NONE);
    assert_eq!(returned("query-block-jobs", "8.2", made_up), ["return[0].type: no value of JobType: \"made up\""]);

    // At the top level, and then in one branch.
    let sev = r#"{"enabled": true, "api-major": 1, "api-minor": 1, "build-id": 1, "state": "running", "policy": 1, "handle": 1"#;
    assert_eq!(returned("query-sev", "9.0", &format!("{sev}}}")), NONE);
    assert_eq!(
        returned("query-sev", "9.0", &format!("{sev}, \"sev-type\": \"sev\"}}")),
        ["return.sev-type: member only since 9.1"]
    );
    assert_eq!(returned("query-sev", "9.1", &format!("{sev}, \"sev-type\": \"sev\"}}")), NONE);
    // Without its tag it has no branch.
    assert_eq!(
        returned("query-sev", "9.1", &format!("{sev}}}")),
        ["return.policy: unknown member", "return.handle: unknown member"]
    );

    let cpu = r#"[{"CPU": 0, "current": true, "halted": false, "thread_id": 1, "pc": 4096}]"#;
    assert_eq!(returned("query-cpus", "2.5", cpu), NONE);
    assert_eq!(returned("query-cpus", "2.6", cpu), ["return[0].pc: unknown member"]);
    let cpu = r#"[{"CPU": 0, "current": true, "halted": false, "thread_id": 1, "arch": "x86", "pc": 4096}]"#;
    assert_eq!(returned("query-cpus", "2.6", cpu), NONE);
}

#[test]
fn simple_unions_become_flat() {
    let simple = r#"{"type": "dist", "data": {"src": 0, "dst": 1, "val": 20}}"#;
    let flat = r#"{"type": "dist", "src": 0, "dst": 1, "val": 20}"#;
    let node = r#"{"type": "node", "data": {}}"#;
    assert_eq!(sent("NumaOptions", "2.8", node), NONE);
    assert_eq!(sent("NumaOptions", "2.8", simple), ["x.type: value of NumaOptionsType only since 2.10: \"dist\""]);
    assert_eq!(sent("NumaOptions", "2.9", node), ["x.data: unknown member"]);
    assert_eq!(sent("NumaOptions", "2.10", flat), NONE);
    assert_eq!(sent("NumaOptions", "2.8", r#"{"type": "node"}"#), ["x.data: missing"]);
}

#[test]
fn simple_unions_have_their_members_in_data() {
    let keys = |keys: &str| arguments("send-key", "7.2", &format!(r#"{{"keys": [{keys}]}}"#));
    assert_eq!(keys(r#"{"type": "qcode", "data": "ctrl"}, {"data": 30, "type": "number"}"#), NONE);
    for (key, misfit) in [
        (r#"{"type": "qcode", "data": 30}"#, "data: a number in place of QKeyCode"),
        (r#"{"type": "number", "data": "ctrl"}"#, "data: a string in place of int64"),
        (r#"{"type": "qcode"}"#, "data: missing"),
        (r#"{"data": 30}"#, "type: missing"),
        (r#"{"type": "other", "data": 30}"#, "type: no value of KeyValueKind: \"other\""),
        (r#"{"type": 1, "data": 30}"#, "type: a number in place of KeyValueKind"),
        (r#"{"type": "number", "data": 30, "more": 1}"#, "more: unknown member"),
        (r#"{"type": "number", "data": 30, "data": 30}"#, "data: member stands twice"),
    ] {
        assert_eq!(keys(key), [format!("arguments.keys[0].{misfit}")], "{key}");
    }
    // The tags are older than the enum of this name.
    let server = r#"{"addr": {"type": "inet", "data": {"host": "h", "port": "1"}}}"#;
    assert_eq!(arguments("nbd-server-start", "1.3", server), NONE);
    let server = r#"{"addr": {"type": "vsock", "data": {"cid": "h", "port": "1"}}}"#;
    assert_eq!(
        arguments("nbd-server-start", "2.7", server),
        ["arguments.addr.type: value of SocketAddressType only since 2.8: \"vsock\""]
    );
}

#[test]
fn flat_unions_have_the_members_of_the_branch_that_their_tag_names() {
    let add = |in_release, text| arguments("blockdev-add", in_release, text);
    assert_eq!(add("5.2", r#"{"filename": "f", "driver": "file"}"#), NONE);
    for (text, misfits) in [
        (r#"{"driver": "null-co", "filename": "f"}"#, &["arguments.filename: unknown member"][..]),
        (r#"{"driver": "file"}"#, &["arguments.filename: missing"]),
        (r#"{"filename": "f"}"#, &["arguments.filename: unknown member", "arguments.driver: missing"]),
        // Of what comes with an unknown tag nothing is known.
        (r#"{"driver": "new", "other": 1}"#, &["arguments.driver: no value of BlockdevDriver: \"new\""]),
        (r#"{"driver": true, "other": 1}"#, &["arguments.driver: a flag in place of BlockdevDriver"]),
        (
            r#"{"driver": "io_uring", "filename": "f"}"#,
            &["arguments.driver: value of BlockdevDriver only since 7.2: \"io_uring\""],
        ),
    ] {
        assert_eq!(add("5.2", text), misfits, "{text}");
    }
    assert_eq!(
        add("7.0", r#"{"driver": "sheepdog", "vdi": "v", "server": {"type": "unix", "path": "p"}}"#),
        ["arguments.driver: value of BlockdevDriver only until 6.0: \"sheepdog\""]
    );
    // A tag that had no members yet.
    assert_eq!(sent("DisplayOptions", "5.2", r#"{"type": "cocoa"}"#), NONE);
    assert_eq!(sent("DisplayOptions", "7.0", r#"{"type": "cocoa", "left-command-key": true}"#), NONE);
    // A branch that is a union.
    let socket = r#"{"transport": "socket", "type": "inet", "host": "h", "port": "1"}"#;
    assert_eq!(sent("MigrationAddress", "8.2", socket), NONE);
    let socket = r#"{"transport": "socket", "type": "unix", "host": "h"}"#;
    assert_eq!(sent("MigrationAddress", "8.2", socket), ["x.host: unknown member", "x.path: missing"]);
}

#[test]
fn tags_change_and_may_be_absent() {
    let cpu = |more: &str| format!(r#"[{{"cpu-index": 0, "qom-path": "p", "thread-id": 1{more}}}]"#);
    let fast = |in_release, more: &str| returned("query-cpus-fast", in_release, &cpu(more));
    assert_eq!(fast("2.12", r#", "arch": "s390", "cpu-state": "operating""#), NONE);
    assert_eq!(fast("2.12", r#", "target": "s390x""#), ["return[0].target: member only since 3.0"]);
    assert_eq!(fast("3.0", r#", "arch": "s390", "target": "s390x", "cpu-state": "operating""#), NONE);
    assert_eq!(
        fast("3.0", r#", "target": "x86_64", "cpu-state": "operating""#),
        ["return[0].cpu-state: unknown member"]
    );
    assert_eq!(fast("3.0", ""), NONE);
    assert_eq!(fast("6.0", r#", "arch": "x86", "target": "x86_64""#), ["return[0].arch: member only until 5.2"]);
}

#[test]
fn members_move_between_base_and_branches() {
    let aio = |in_release, driver| {
        let text = format!(r#"{{"driver": {driver}, "aio": "native"}}"#);
        of_type("BlockdevOptions", in_release, Direction::In, &text)
    };
    let (null, file) = (r#""null-co""#, r#""file", "filename": "f""#);
    assert_eq!((aio("2.7", null), aio("2.7", file)), (vec![], vec![]));
    assert_eq!((aio("2.8", null), aio("2.8", file)), (vec!["x.aio: unknown member".into()], vec![]));
    let wrong = r#"{"driver": "null-co", "aio": "other"}"#;
    assert_eq!(
        of_type("BlockdevOptions", "2.7", Direction::In, wrong),
        ["x.aio: no value of BlockdevAioOptions: \"other\""]
    );
    let features = r#"{"name": "a", "meta-type": "array", "element-type": "b", "features": ["c"]}"#;
    assert_eq!(sent("SchemaInfo", "9.0", features), NONE);
}

#[test]
fn arguments_take_other_forms() {
    let (wrapped, plain) =
        (r#"{"options": {"driver": "null-co", "id": "a"}}"#, r#"{"driver": "null-co", "node-name": "a"}"#);
    assert_eq!(arguments("blockdev-add", "2.7", wrapped), NONE);
    assert_eq!(arguments("blockdev-add", "2.8", plain), NONE);
    assert_eq!(arguments("blockdev-add", "2.7", plain).len(), 3);
    assert_eq!(arguments("blockdev-add", "2.8", wrapped).len(), 2);

    // A plain list, open, and then a union.
    let iothread = r#"{"qom-type": "iothread", "id": "a", "poll-max-ns": 1}"#;
    assert_eq!(arguments("object-add", "4.2", iothread), ["arguments.poll-max-ns: unknown member"]);
    assert_eq!(arguments("object-add", "5.0", iothread), NONE);
    assert_eq!(arguments("object-add", "6.0", iothread), NONE);
    let props = r#"{"qom-type": "iothread", "id": "a", "props": {"poll-max-ns": 1}}"#;
    assert_eq!(arguments("object-add", "5.2", props), NONE);
    assert_eq!(arguments("object-add", "6.0", props), ["arguments.props: unknown member"]);
    let made_up = r#"{"qom-type": "made-up", "id": "a", "b": 1}"#;
    assert_eq!(arguments("object-add", "5.2", made_up), NONE);
    assert_eq!(arguments("object-add", "6.0", made_up), ["arguments.qom-type: no value of ObjectType: \"made-up\""]);

    let user = r#"{"type": "user", "id": "a", "made-up": 1}"#;
    assert_eq!(arguments("netdev_add", "4.2", user), NONE);
    assert_eq!(arguments("netdev_add", "5.0", user), ["arguments.made-up: unknown member"]);
    assert_eq!(arguments("device_add", "9.0", r#"{"driver": "e1000", "anything": [1]}"#), NONE);

    let password = r#"{"protocol": "vnc", "password": "p", "connected": "keep", "display": "d"}"#;
    assert_eq!(arguments("set_password", "6.2", password), ["arguments.display: unknown member"]);
    assert_eq!(arguments("set_password", "7.0", password), NONE);
}

#[test]
fn returns_change() {
    let trimmed = r#"{"paths": []}"#;
    assert_eq!(returned("guest-fstrim", "2.3", trimmed), ["return.paths: unknown member"]);
    assert_eq!(returned("guest-fstrim", "2.3", "{}"), NONE);
    assert_eq!(returned("guest-fstrim", "2.4", trimmed), NONE);
    assert_eq!(returned("guest-ping", "2.4", "[]"), ["return: an array in place of object"]);
}

#[test]
fn flags_become_enums() {
    let whence = |in_release, whence| {
        let text = format!(r#"{{"handle": 1, "offset": 0, "whence": {whence}}}"#);
        arguments_of(guest_agent(), "guest-file-seek", in_release, &text)
    };
    assert_eq!((whence("2.5", "0"), whence("2.6", "0"), whence("2.6", "\"set\"")), (vec![], vec![], vec![]));
    assert_eq!(whence("2.5", "\"set\""), ["arguments.whence: a string in place of int"]);

    let gl = |in_release, gl| sent("DisplayOptions", in_release, &format!(r#"{{"type": "none", "gl": {gl}}}"#));
    assert_eq!((gl("2.12", "true"), gl("3.0", "\"on\"")), (vec![], vec![]));
    assert_eq!(gl("3.0", "true"), ["x.gl: a flag in place of DisplayGLMode"]);
    assert_eq!(gl("2.12", "\"on\""), ["x.gl: a string in place of bool"]);
    assert_eq!(sent("DisplayGLMode", "2.12.1", "true"), NONE);
    assert_eq!(sent("DisplayGLMode", "3.0", "true"), ["x: a flag in place of DisplayGLMode"]);
}

#[test]
fn values_come_and_go() {
    let capability = |in_release, name| {
        let text = format!(r#"{{"capabilities": [{{"capability": "{name}", "state": true}}]}}"#);
        arguments("migrate-set-capabilities", in_release, &text)
    };
    assert_eq!(capability("9.0", "block"), NONE);
    assert_eq!(
        capability("9.1", "block"),
        ["arguments.capabilities[0].capability: value of MigrationCapability only until 9.0: \"block\""]
    );
    assert_eq!(
        capability("8.1", "mapped-ram"),
        ["arguments.capabilities[0].capability: value of MigrationCapability only since 9.0: \"mapped-ram\""]
    );
}

#[test]
fn alternates_are_told_by_their_json_type() {
    let backing = |in_release, backing| {
        let text = format!(r#"{{"driver": "qcow2", "file": "f", "backing": {backing}}}"#);
        arguments("blockdev-add", in_release, &text)
    };
    assert_eq!(backing("2.10", "null"), NONE);
    assert_eq!(backing("2.9", "null"), ["arguments.backing: null in place of BlockdevRef"]);
    assert_eq!(
        backing("2.10", r#"{"driver": "null-co", "size": "1"}"#),
        ["arguments.backing.size: a string in place of int64"]
    );
    assert_eq!(backing("2.10", "[]"), ["arguments.backing: an array in place of BlockdevRefOrNull"]);
    assert_eq!(sent("BlockdevRefOrNull", "2.9", "null"), ["x: in place of BlockdevRefOrNull only since 2.10: null"]);
    for value in ["1", "true", "[1, 2]"] {
        assert_eq!(sent("StatsValue", "7.1", value), NONE);
    }
    assert_eq!(sent("StatsValue", "7.1", "[true]"), ["x[0]: a flag in place of uint64"]);
    assert_eq!(sent("StatsValue", "7.1", "\"a\""), ["x: a string in place of StatsValue"]);
}

#[test]
fn numbers_are_as_wide_as_their_type() {
    use registry::Integer::{Any, Int8, Int16, Int32, Int64, Size, Uint8, Uint16, Uint32, Uint64};
    let check = |width, in_release: &str, direction, text: &str| {
        let root = Path::root("x");
        let mut reason = None;
        misfits(text, |value, _| {
            Type::Int(width).check(value, &root, release(in_release), direction, |misfit| reason = Some(misfit.reason));
        });
        reason
    };
    let most = [
        (Int8, "-128", "127", "128"),
        (Int16, "-32768", "32767", "-32769"),
        (Int32, "-2147483648", "2147483647", "2147483648"),
        (Int64, "-9223372036854775808", "9223372036854775807", "9223372036854775808"),
        (Uint8, "0", "255", "256"),
        (Uint16, "-0", "65535", "-1"),
        (Uint32, "0", "4294967295", "4294967296"),
        (Uint64, "0", "18446744073709551615", "18446744073709551616"),
        (Size, "0", "18446744073709551615", "-1"),
        (Any, "-9223372036854775808", "18446744073709551615", "18446744073709551616"),
    ];
    for (width, least, most, beyond) in most {
        let expected = Type::Int(width);
        for direction in [Direction::In, Direction::Out] {
            for fitting in [least, most] {
                assert_eq!(check(width, "7.2", direction, fitting), None, "{fitting} as {expected}");
            }
            assert_eq!(check(width, "7.2", direction, beyond), Some(Reason::OutOfRange { expected }), "{beyond}");
            for fraction in ["1.0", "1e2", "0.5", "-1.5E-3"] {
                assert_eq!(check(width, "7.2", direction, fraction), Some(Reason::NotWhole { expected }), "{fraction}");
            }
        }
    }
    // Old servers wrote large numbers as negative ones.
    assert_eq!(check(Uint64, "2.9", Direction::Out, "-1"), None);
    assert_eq!(check(Uint64, "2.9", Direction::In, "-1"), Some(Reason::OutOfRange { expected: Type::Int(Uint64) }));
    assert_eq!(check(Uint64, "2.10", Direction::Out, "-1"), Some(Reason::OutOfRange { expected: Type::Int(Uint64) }));

    assert_eq!(arguments("migrate_set_downtime", "5.2", r#"{"value": 1}"#), NONE);
    assert_eq!(arguments("migrate_set_downtime", "5.2", r#"{"value": 1.5e-1}"#), NONE);
}

#[test]
fn nothing_stands_for_a_member_that_is_left_out() {
    let eject = |text| arguments("eject", "7.2", text);
    assert_eq!(eject(r#"{"id": null}"#), ["arguments.id: null in place of str"]);
    assert_eq!(eject(r#"{"id": "a", "id": "a"}"#), ["arguments.id: member stands twice"]);
    assert_eq!(eject("[]"), ["arguments: an array in place of object"]);
    assert_eq!(
        eject(r#"{"": 1, "a b": 2}"#),
        ["arguments[\"\"]: unknown member", "arguments[\"a b\"]: unknown member"]
    );

    let value = r#"{"path": "p", "property": "q", "value": [{"any": [1.5, null]}]}"#;
    assert_eq!(arguments("qom-set", "7.2", value), NONE);

    // What is absent is as an empty object.
    let newest = *qmp().releases().last().unwrap();
    assert_eq!(qmp().command("stop").unwrap().takes(None, newest), Ok(()));
    assert_eq!(qmp().command("device_del").unwrap().takes(None, newest), Err(Reason::Missing));
    assert_eq!(qmp().event("STOP").unwrap().brings(None, newest), Ok(()));
    assert_eq!(qmp().event("WATCHDOG").unwrap().brings(None, newest), Err(Reason::Missing));
    assert_eq!(qmp().command("stop").unwrap().returns_such(Value::NULL, newest).map_err(|_| ()), Err(()));
}

#[test]
fn depth_has_an_end() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"driver": "raw", "file": "#.repeat(depth), "}".repeat(depth));
        format!("{open}\"f\"{close}")
    };
    assert_eq!(arguments("blockdev-add", "7.2", &nested(127)), NONE);
    // The two members of the one object that is too deep; what is deeper is not looked at.
    for too_deep in [128, 129, 900] {
        let misfits = arguments("blockdev-add", "7.2", &nested(too_deep));
        assert_eq!(misfits.len(), 2);
        assert!(misfits[1].ends_with(".file.file: too deep to be looked at"), "{misfits:?}");
    }
}

#[test]
fn a_value_is_of_the_newest_release_that_takes_it() {
    let newest = |command: &str, text: &str| {
        let command = qmp().command(command).unwrap();
        let mut bytes = text.as_bytes().to_vec();
        let value = Payload::parse(&mut bytes).unwrap().into_value();
        qmp().newest_that(|release| command.presence.includes(release) && command.takes(Some(value), release).is_ok())
    };
    let found = newest("migrate", r#"{"uri": "tcp:h:1", "blk": true}"#);
    assert_eq!(found.map(Release::series), Some(release("9.0")));
    assert_eq!(newest("migrate", r#"{"uri": 1}"#), None);
    assert_eq!(newest("stop", "{}"), qmp().releases().last().copied());
}

/// What a live schema can be compared with: for any release, the members of arguments, their types, and which may be left out.
#[test]
fn the_vocabulary_of_a_release_can_be_listed() {
    let counts = [("2.12", 167, 39), ("5.2", 196, 48), ("7.2", 220, 52), ("10.0", 240, 56), ("11.1", 243, 57)];
    for (in_release, commands, events) in counts {
        let release = release(in_release);
        let count = |included: usize, counted: usize| assert_eq!(included, counted, "{in_release}");
        count(qmp().commands().filter(|command| command.presence.includes(release)).count(), commands);
        count(qmp().events().filter(|event| event.presence.includes(release)).count(), events);
    }
    let describe = |command: &str, in_release: &str| {
        let release = release(in_release);
        let arguments = qmp().command(command).unwrap().arguments_in(release);
        let written = |member: &Member| {
            let optional = if member.is_optional_in(release) { "?" } else { "" };
            format!("{}{optional}: {}", member.name, member.type_in(release))
        };
        let members: Vec<_> = arguments.members().filter(|member| member.is_in(release)).map(written).collect();
        let union = matches!(arguments, Arguments::Union(_));
        (members.join(", "), union)
    };
    assert_eq!(describe("set_password", "6.2"), ("protocol: str, password: str, connected?: str".into(), false));
    let newer = "protocol: DisplayProtocol, password: str, connected?: SetPasswordAction";
    assert_eq!(describe("set_password", "7.0"), (newer.into(), true));
    assert_eq!(describe("block_resize", "1.7").0, "device: str, size: int64");
    assert_eq!(describe("block-dirty-bitmap-merge", "4.0").0, "node: str, target: str, bitmaps: [str]");
}

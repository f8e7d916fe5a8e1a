//! What is known of a server decides how arguments are read, completed and judged.

use alloc::sync::Arc;

use qmp_core::json::Payload;
use qmp_qapi::commands::QueryQmpSchema;
use qmp_qapi::registry::Release;
use qmp_std::qmp_core::command::Command as _;

use super::catalogue::Catalogue;
use super::line::{self, Asked, Given};
use super::{complete, fits, help};
use crate::arguments::{self, Tree};
use crate::output::Paint;
use crate::schema::live::Live;

fn release(major: u8, minor: u8) -> Catalogue {
    Catalogue { release: Release::new(major, minor, 0), live: None }
}

/// A server of release 10.0 with a schema of its own.
fn downstream() -> Catalogue {
    let mut schema = br#"[
        {"meta-type": "builtin", "name": "str", "json-type": "string"},
        {"meta-type": "builtin", "name": "int", "json-type": "int"},
        {"meta-type": "builtin", "name": "bool", "json-type": "boolean"},
        {"meta-type": "object", "name": "0", "members": []},
        {"meta-type": "command", "name": "query-status", "arg-type": "0", "ret-type": "0"},
        {"meta-type": "command", "name": "block_resize", "arg-type": "1", "ret-type": "0"},
        {"meta-type": "object", "name": "1", "members": [
            {"name": "node-name", "type": "str"},
            {"name": "size", "type": "int"},
            {"name": "__com.redhat_force", "type": "bool", "default": null}]},
        {"meta-type": "command", "name": "__com.redhat_drive", "arg-type": "2", "ret-type": "0", "allow-oob": true},
        {"meta-type": "object", "name": "2", "members": [
            {"name": "kind", "type": "3"}, {"name": "ports", "type": "[int]", "default": null}],
            "tag": "kind", "variants": [{"case": "fast", "type": "4"}, {"case": "slow", "type": "0"}]},
        {"meta-type": "enum", "name": "3", "members": [{"name": "fast"}, {"name": "slow"}], "values": ["fast", "slow"]},
        {"meta-type": "object", "name": "4", "members": [{"name": "speed", "type": "int"}]},
        {"meta-type": "array", "name": "[int]", "element-type": "int"},
        {"meta-type": "event", "name": "__com.redhat_EVENT", "arg-type": "0"}]"#
        .to_vec();
    let payload = Payload::parse(&mut schema).unwrap();
    let live =
        Live::read(payload.decode::<<QueryQmpSchema as qmp_core::command::Command>::Return<'_>>().unwrap()).unwrap();
    assert_eq!(QueryQmpSchema::NAME, "query-qmp-schema");
    Catalogue { release: Release::new(10, 0, 0), live: Some(Arc::new(live)) }
}

/// The arguments that a line sends, and what is said of them.
fn sent(catalogue: &Catalogue, line: &str) -> (String, Vec<String>) {
    let Ok(Asked::Command(command)) = line::parse(line) else { panic!("{line}") };
    let Given::Arguments(given) = command.given else { panic!("{line}") };
    let typing = catalogue.command(&command.name).map_or_else(|| catalogue.unknown(), |it| catalogue.arguments(it));
    let arguments = arguments::object(&given, &typing).unwrap();
    let warnings = fits::warnings(catalogue, &command.name, arguments.as_deref(), command.oob);
    (arguments.unwrap_or_default(), warnings)
}

#[track_caller]
fn fits(catalogue: &Catalogue, line: &str, arguments: &str) {
    assert_eq!(sent(catalogue, line), (arguments.to_owned(), Vec::new()), "{line}");
}

#[track_caller]
fn misfits(catalogue: &Catalogue, line: &str, arguments: &str, warnings: &[&str]) {
    let (sent, said) = sent(catalogue, line);
    assert_eq!(
        (sent.as_str(), said.iter().map(String::as_str).collect::<Vec<_>>()),
        (arguments, warnings.to_vec()),
        "{line}"
    );
}

#[test]
fn values_are_read_by_their_types() {
    let of = release(10, 0);
    fits(&of, "block_resize node-name=1 size=1024", r#"{"node-name":"1","size":1024}"#);
    fits(&of, "block_resize size=0x10 node-name='a b'", r#"{"size":16,"node-name":"a b"}"#);
    fits(&of, "set_link name=net0 up=off", r#"{"name":"net0","up":false}"#);
    fits(&of, "qom-set path=/a property=b value=5", r#"{"path":"/a","property":"b","value":5}"#);
    fits(&of, "qom-set path=/a property=b value=five", r#"{"path":"/a","property":"b","value":"five"}"#);
    // What a device has, nobody knows but QEMU: an address must stay as it is written.
    fits(&of, "device_add driver=e1000 id=n addr=5.1", r#"{"driver":"e1000","id":"n","addr":"5.1"}"#);
    fits(&of, r#"blockdev-add {"driver": "null-co", "node-name": "d"}"#, r#"{"driver": "null-co", "node-name": "d"}"#);
}

#[test]
fn members_of_members_are_read_by_their_types() {
    let of = release(10, 0);
    // The tag may stand behind what it explains.
    fits(
        &of,
        "blockdev-add file.filename=/d file.driver=file lazy-refcounts=on driver=qcow2 read-only=true",
        r#"{"file":{"filename":"/d","driver":"file"},"lazy-refcounts":true,"driver":"qcow2","read-only":true}"#,
    );
    // An alternate of a string and an object.
    fits(&of, "blockdev-add driver=raw file=node0 offset=512", r#"{"driver":"raw","file":"node0","offset":512}"#);
    fits(&of, "blockdev-add driver=qcow2 file=a backing=null", r#"{"driver":"qcow2","file":"a","backing":null}"#);
    fits(
        &of,
        "migrate-set-capabilities capabilities.0.capability=events capabilities.0.state=on",
        r#"{"capabilities":[{"capability":"events","state":true}]}"#,
    );
    fits(&of, "transaction actions.0.type=abort actions.0.data:={}", r#"{"actions":[{"type":"abort","data":{}}]}"#);
}

#[test]
fn the_release_decides() {
    // A flag first, an enum with those names later.
    let line = "drive-mirror device=d target=t sync=full copy-mode=background";
    assert_eq!(sent(&release(3, 0), line).1, [""; 0]);
    assert_eq!(sent(&release(2, 9), line).1, ["arguments.copy-mode: member only since 3.0"]);
    misfits(&release(5, 2), "yank", "", &["QEMU 5.2 has no command yank (it is there only since 6.0)"]);
    misfits(&release(10, 0), "make-coffee milk=1", r#"{"milk":"1"}"#, &["QEMU 10.0 has no command make-coffee"]);
}

#[test]
fn what_does_not_fit_is_told_and_sent() {
    misfits(
        &release(10, 0),
        "block_resize size=10G mode=fast",
        r#"{"size":"10G","mode":"fast"}"#,
        &["arguments.size: a string in place of int64", "arguments.mode: unknown member"],
    );
    misfits(&release(10, 0), "oob stop", "", &["stop cannot be executed out of band"]);
    misfits(&release(10, 0), "oob migrate-pause", "", &[]);
}

#[test]
fn the_servers_schema_is_the_judge() {
    let of = downstream();
    fits(
        &of,
        "block_resize node-name=d size=1 __com.redhat_force=on",
        r#"{"node-name":"d","size":1,"__com.redhat_force":true}"#,
    );
    misfits(
        &of,
        "block_resize device=d size=1 __com.redhat_force=maybe",
        r#"{"device":"d","size":1,"__com.redhat_force":"maybe"}"#,
        &[
            "arguments.device: unknown member, by this server's schema",
            "arguments.node-name: missing, by this server's schema",
            "arguments[\"__com.redhat_force\"]: not bool, by this server's schema",
        ],
    );
    fits(&of, "__com.redhat_drive speed=7 kind=fast ports.0=1", r#"{"speed":7,"kind":"fast","ports":[1]}"#);
    misfits(
        &of,
        "__com.redhat_drive kind=quick ports:=[true]",
        r#"{"kind":"quick","ports":[true]}"#,
        &[
            "arguments.kind: none of the values, by this server's schema",
            "arguments.ports[0]: not int, by this server's schema",
        ],
    );
    misfits(&of, "stop", "", &["this server has no command stop"]);
}

#[track_caller]
fn completes(catalogue: &Catalogue, line: &str, expected: &[&str]) {
    let (at, found) = complete::complete(catalogue, line);
    let whole: Vec<String> = found.iter().map(|it| format!("{}{it}", &line[..at])).collect();
    assert_eq!(whole, expected, "{line}");
}

#[test]
fn commands_are_completed() {
    completes(&release(10, 0), "query-yan", &["query-yank "]);
    completes(&release(5, 2), "query-yan", &[]);
    completes(&release(5, 2), "query-eve", &["query-events "]);
    completes(&release(10, 0), "  rec", &["  reconnect "]);
    completes(&release(10, 0), "help block_res", &["help block_resize "]);
    completes(&release(10, 0), "oob migr", &["oob migrate-pause ", "oob migrate-recover "]);
    completes(&downstream(), "__", &["__com.redhat_drive "]);
    completes(&downstream(), "sto", &[]);
    completes(&release(10, 0), "events of", &["events off "]);
    completes(&release(10, 0), "events off SHUT", &["events off SHUTDOWN "]);
    completes(&release(10, 0), "'qu", &[]);
}

#[test]
fn arguments_are_completed() {
    let of = release(10, 0);
    completes(&of, "block_resize ", &["block_resize size=", "block_resize device=", "block_resize node-name="]);
    completes(&of, "block_resize size=1 ", &["block_resize size=1 device=", "block_resize size=1 node-name="]);
    completes(&of, "block_resize no", &["block_resize node-name="]);
    completes(&of, "help block_resize no", &["help block_resize node-name="]);
    completes(&of, "oob yank ", &["oob yank instances.0."]);
    // Those of a branch, when that is chosen, wherever.
    completes(&of, "blockdev-add lazy", &[]);
    completes(&of, "blockdev-add driver=qcow2 lazy", &["blockdev-add driver=qcow2 lazy-refcounts="]);
    completes(&of, "blockdev-add driver=raw fi", &["blockdev-add driver=raw file.", "blockdev-add driver=raw file="]);
    completes(&of, "blockdev-add file.driver=file file.filen", &[]);
    completes(
        &of,
        "blockdev-add driver=raw file.driver=file file.filen",
        &["blockdev-add driver=raw file.driver=file file.filename="],
    );
    let begun = "migrate-set-capabilities capabilities.0.capability=events";
    completes(&of, &format!("{begun} capabilities.0."), &[&format!("{begun} capabilities.0.state=")]);
    completes(&of, &format!("{begun} cap"), &[&format!("{begun} capabilities.1.")]);
    completes(&of, &format!("{begun} capabilities."), &[&format!("{begun} capabilities.1.")]);
    completes(&of, "stop ", &[]);
    completes(&of, "make-coffee m", &[]);
}

#[test]
fn values_are_completed() {
    let of = release(10, 0);
    completes(&of, "blockdev-add driver=qc", &["blockdev-add driver=qcow ", "blockdev-add driver=qcow2 "]);
    completes(&of, "set_link name=a up=", &["set_link name=a up=true ", "set_link name=a up=false "]);
    completes(&of, "block_resize node-name=", &[]);
    completes(&of, "block_resize size:=", &[]);
    completes(
        &of,
        "migrate-set-capabilities capabilities.0.capability=postcopy-r",
        &["migrate-set-capabilities capabilities.0.capability=postcopy-ram "],
    );
    completes(&release(10, 0), "drive-mirror copy-mode=wr", &["drive-mirror copy-mode=write-blocking "]);
    completes(&downstream(), "__com.redhat_drive kind=f", &["__com.redhat_drive kind=fast "]);
    completes(&downstream(), "__com.redhat_drive kind=fast sp", &["__com.redhat_drive kind=fast speed="]);
    completes(&downstream(), "block_resize __c", &["block_resize __com.redhat_force="]);
}

fn about(catalogue: &Catalogue, line: &str) -> String {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let given: Vec<_> = words.map(|word| word.parse().unwrap()).collect();
    help::about(catalogue, name, &arguments::tree(&given).unwrap(), Paint(false)).unwrap_or_else(|error| error)
}

#[test]
fn help_lists_by_chapters() {
    let text = help::all(&release(5, 2), Paint(false));
    assert!(
        text.contains("\nMonitor control\n  qmp_capabilities  query-commands  query-events  query-version"),
        "{text}"
    );
    assert!(text.contains("query-events") && !text.contains("yank") && !text.contains("\nOthers"), "{text}");
    assert!(help::all(&downstream(), Paint(false)).ends_with("\nOthers\n  __com.redhat_drive\n"));
}

#[test]
fn help_about_what_there_is() {
    let of = release(10, 0);
    let text = about(&of, "block_resize");
    assert!(text.starts_with("block_resize, "), "{text}");
    for line in ["\n  size: int64, since 0.14\n", "\n  node-name?: str, since 2.0\n", "\n  returns nothing\n"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(about(&of, "migrate-pause").contains("out of band"));
    assert!(about(&of, "drive-mirror").contains("copy-mode?: MirrorCopyMode (background | write-blocking), since 3.0"));
    let add = about(&of, "blockdev-add");
    assert!(add.contains("and more by driver") && !add.contains("lazy-refcounts"), "{add}");
    let add = about(&of, "blockdev-add driver=qcow2");
    assert!(add.contains("lazy-refcounts?: bool") && !add.contains("and more by"), "{add}");
    assert!(about(&of, "SHUTDOWN").contains("guest: bool"), "{}", about(&of, "SHUTDOWN"));
    assert!(about(&of, "RunState").contains("RunState ("), "{}", about(&of, "RunState"));
    assert!(about(&release(5, 2), "yank").contains("only since 6.0"));
    assert!(about(&of, "coffee").contains("no command, event or type"));
    assert!(about(&downstream(), "block_resize").contains("__com.redhat_force?: bool\n"));
    let tree = Tree::Object(Vec::new());
    assert!(help::about(&of, "quit", &tree, Paint(true)).unwrap().contains('\u{1b}'));
}

//! The catalogue beside what real QEMUs say of themselves, and questions to their schemas.

extern crate alloc;

use alloc::collections::BTreeSet;
use std::process::Command;

use qmp_core::client::{Config, Message, Slot, Storage};
use qmp_qapi::List;
use qmp_qapi::registry::Release;
use qmp_qapi::schema::{Answer, Question, Root, Schema, Step};
use qmp_qapi::types::{SchemaInfo, SchemaInfoBranch};
use qmp_tests::qemu::{self, Machine, Qemu, named};
use qmp_tests::session::Session;

/// Names the program: `cargo` tells no package where another one's programs are.
const PROGRAM: &str = "QMP_TEST_PROGRAM";

/// What `qmp schema --diff` has to tell of a QEMU and its own release: the first and the last release, the line, and why. Each has
/// to be told; what is not here must not.
const EXPLAINED: &[(Release, Release, &str, &str)] = &[(
    Release::new(5, 0, 0),
    Release::new(5, 2, 0),
    "~ object-add: arguments.props: not deprecated",
    "these releases deprecate it in their documentation only; the feature came when it was no longer there",
)];

/// What every QEMU for x86 on Linux is built with, so that it explains nothing.
const BUILT_IN: [&str; 5] = ["TARGET_I386", "TARGET_X86_64", "CONFIG_POSIX", "CONFIG_LINUX", "CONFIG_TCG"];

fn release(qemu: &Qemu) -> Release {
    qemu.version.parse().expect("a release")
}

fn schema(machine: &Machine, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let mut program = Command::new(named(PROGRAM, "the program `qmp`"));
    let output = program.arg("--socket").arg(machine.socket()).arg("schema").args(arguments).output().expect("it runs");
    println!("{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code(), text.lines().map(str::to_owned).collect())
}

/// Names, types, whether something may be left out, values, branches, alternatives, `deprecated`, `unstable`, `allow-oob`: of all
/// commands and events, down to the last type.
#[test]
fn the_registry_agrees_with_each_live_query_qmp_schema() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let (status, lines) = schema(&machine, &["--diff", &qemu.version]);
        let (by_build, rest): (Vec<&String>, Vec<&String>) = lines.iter().partition(|line| line.contains(" (if "));
        let expected: Vec<&str> = EXPLAINED
            .iter()
            .filter(|(first, last, ..)| (*first..=*last).contains(&release(qemu).series()))
            .map(|(_, _, line, why)| {
                println!("QEMU {}: {line}: {why}", qemu.version);
                *line
            })
            .collect();
        assert_eq!(rest, expected);
        assert_eq!(status, Some(i32::from(!expected.is_empty())));
        let conditions: BTreeSet<&str> = by_build.iter().filter_map(|line| line.rsplit(" (if ").next()).collect();
        println!("QEMU {}: {} differences by {conditions:?}", qemu.version, by_build.len());
        for condition in conditions {
            let words: Vec<&str> = condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
            let alone = words.iter().filter(|word| !word.is_empty()).count() == 1;
            assert!(!(alone && BUILT_IN.contains(&words[0])), "{condition} explains nothing");
        }
    });
}

/// Shown is what there is: each command and event once.
#[test]
fn a_schema_is_shown_a_line_a_command() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let (status, lines) = schema(&machine, &[]);
        assert_eq!(status, Some(0));
        let count = |word: &str| lines.iter().filter(|line| line.split(' ').next() == Some(word)).count();
        with_schema(&machine, |schema| {
            let kinds = |is: fn(&SchemaInfoBranch<'_>) -> bool| {
                schema.entities().iter().filter(|it| is(&it.expect("an entity").meta_type)).count()
            };
            assert_eq!(count("command"), kinds(|it| matches!(it, SchemaInfoBranch::Command(_))));
            assert_eq!(count("event"), kinds(|it| matches!(it, SchemaInfoBranch::Event(_))));
            assert_eq!(count("enum"), kinds(|it| matches!(it, SchemaInfoBranch::Enum(_))));
            assert_eq!(count("alternate"), kinds(|it| matches!(it, SchemaInfoBranch::Alternate(_))));
        });
        let resize = "command block_resize(device?: str, node-name?: str, size: int) -> {}".to_owned();
        assert_eq!(schema_of(&machine, &["block_resize"]), (Some(0), vec![resize]));
        assert_eq!(schema_of(&machine, &["no-such-command"]), (Some(1), vec![]));
        let deleted = "event DEVICE_DELETED(device?: str, path: str)".to_owned();
        assert_eq!(schema_of(&machine, &["DEVICE_DELETED"]), (Some(0), vec![deleted]));
    });
}

fn schema_of(machine: &Machine, names: &[&str]) -> (Option<i32>, Vec<String>) {
    schema(machine, names)
}

/// Shows `look` the schema where it lies.
fn with_schema<T>(machine: &Machine, look: impl FnOnce(Schema<'_>) -> T) -> T {
    let (mut rx, mut tx, mut slots) = (vec![0; 512 << 10], [0; 512], [Slot::FREE; 8]);
    let storage = Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut slots);
    let mut session = Session::new(machine.connect(), storage, Config::DEFAULT);
    session.handshake();
    session.execute("query-qmp-schema", &serde_json::Value::Null);
    session.look(|message| {
        let Message::Reply { outcome: Ok(payload), .. } = message else { panic!("no schema: {message:?}") };
        let entities: List<'_, SchemaInfo<'_>> = payload.decode().expect("a schema");
        look(Schema::new(entities))
    })
}

/// The answer, and how many passes and names of types it took.
fn asked(schema: Schema<'_>, root: Root<'_>, steps: &[Step<'_>]) -> (bool, usize, usize) {
    let mut question = Question::<64>::new(root, steps);
    for pass in 1.. {
        for entity in schema.entities() {
            if question.feed(&entity.expect("an entity")).expect("room") == Answer::Yes {
                return (true, pass, question.room_used());
            }
        }
        match question.end() {
            Answer::Open => {}
            answer => return (answer == Answer::Yes, pass, question.room_used()),
        }
    }
    unreachable!()
}

#[test]
fn questions_are_answered_in_few_passes() {
    use Root::{Command, Event, Return};
    use Step::{Branch, Feature, Member, Value};
    qemu::each(|qemu| {
        let since = |major, minor| qemu.is_at_least(major, minor);
        let add = Command("blockdev-add");
        let questions: &[(Root<'_>, &[Step<'_>], bool)] = &[
            (add, &[], true),
            (Command("blockdev-multiply"), &[], false),
            (Command("DEVICE_DELETED"), &[], false),
            (Event("DEVICE_DELETED"), &[], true),
            (Event("DEVICE_UNPLUG_GUEST_ERROR"), &[], since(6, 2)),
            (Event("DEVICE_DELETED"), &[Member("path")], true),
            (Command("block_passwd"), &[], !since(6, 0)),
            (Command("block_resize"), &[Member("node-name")], true),
            (Command("block_resize"), &[Member("qom-path")], false),
            (Command("query-block"), &[Member("flat")], since(11, 0)),
            (Command("block-commit"), &[Member("top"), Feature("deprecated")], true),
            (Command("drive-backup"), &[Feature("deprecated")], since(6, 2)),
            (Command("blockdev-snapshot"), &[Feature("allow-write-only-overlay")], true),
            (add, &[Member("node-name")], true),
            (add, &[Member("lazy-refcounts")], true),
            (add, &[Branch("qcow2"), Member("lazy-refcounts")], true),
            (add, &[Branch("raw"), Member("lazy-refcounts")], false),
            (add, &[Member("no-such-member")], false),
            (add, &[Member("driver"), Value("qcow2")], true),
            (add, &[Member("driver"), Value("qcow9")], false),
            (add, &[Branch("file"), Feature("dynamic-auto-read-only")], true),
            (add, &[Branch("file"), Member("aio"), Value("threads")], true),
            // Through an alternate and back.
            (add, &[Branch("qcow2"), Member("file"), Branch("file"), Member("locking"), Value("auto")], true),
            (
                Command("transaction"),
                &[Member("actions"), Branch("blockdev-backup"), Member("data"), Member("sync")],
                true,
            ),
            (Command("chardev-add"), &[Member("backend"), Branch("socket"), Member("data"), Member("addr")], true),
            (Return("query-block"), &[Member("inserted"), Member("backing_file_depth")], true),
            (Return("query-status"), &[Member("singlestep")], !since(9, 0)),
        ];
        let machine = Machine::start(qemu);
        with_schema(&machine, |schema| {
            for (root, steps, answer) in questions {
                let (got, passes, room) = asked(schema, *root, steps);
                println!("QEMU {}: {root:?} {steps:?}: {got} in {passes} passes with {room} names", qemu.version);
                assert_eq!(got, *answer, "QEMU {} {root:?} {steps:?}", qemu.version);
                assert!(passes <= 1 + steps.len(), "{root:?} {steps:?}: {passes} passes");
            }
        });
    });
}

/// Commands and events stand before all types, so that whatever is asked of their own members takes one pass.
#[test]
fn what_a_command_takes_is_known_after_one_pass() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        with_schema(&machine, |schema| {
            // Read once: there are a thousand questions.
            let entities: Vec<SchemaInfo<'_>> = schema.entities().iter().collect::<Result<_, _>>().expect("a schema");
            let schema = Schema::new(List::new(&entities));
            let mut asked_for = 0;
            for entity in schema.entities() {
                let entity = entity.expect("an entity");
                let (root, data) = match entity.meta_type {
                    SchemaInfoBranch::Command(it) => (Root::Command(entity.name), it.arg_type),
                    SchemaInfoBranch::Event(it) => (Root::Event(entity.name), it.arg_type),
                    _ => continue,
                };
                assert_eq!(asked(schema, root, &[]), (true, 1, 0));
                let Some(SchemaInfoBranch::Object(object)) = schema.entity(data).map(|it| it.meta_type) else {
                    panic!("{data} is no object")
                };
                for member in object.members {
                    let name = member.expect("a member").name;
                    assert_eq!(asked(schema, root, &[Step::Member(name)]), (true, 1, 1), "{root:?} {name}");
                    asked_for += 1;
                }
                if object.variants.is_none() {
                    assert_eq!(asked(schema, root, &[Step::Member("no-such-member")]), (false, 1, 1), "{root:?}");
                }
            }
            println!("QEMU {}: {asked_for} members", qemu.version);
            assert!(asked_for > 300);
        });
    });
}

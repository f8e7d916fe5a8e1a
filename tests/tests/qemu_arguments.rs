//! Every command sent to real QEMUs, with the arguments that it must have and with all that it may have, through the typed command:
//! none is refused as unexpected, missing or mistyped.

extern crate alloc;

use alloc::collections::BTreeSet;
use std::process;

use qmp_core::client::{Config, Storage};
use qmp_qapi::registry::{Command, Release, qmp};
use qmp_qapi::schema::{Question, Root, Schema, Step};
use qmp_tests::qemu::{self, Machine, Qemu, named};
use qmp_tests::said::{Failed, Outcome, Said};
use qmp_tests::sample::{Maker, Sample};
use qmp_tests::session::Session;
use qmp_tests::vocabulary::{QMP, fault};
use serde_json::Value;

/// Names the program: `cargo` tells no package where another one's programs are.
const PROGRAM: &str = "QMP_TEST_PROGRAM";

/// How QEMU says that arguments are not of the form that it wants.
const OF_FORM: [&str; 6] =
    ["' is unexpected", "' is missing", "Invalid parameter", "' does not accept value '", "' expects ", "QMP input"];

/// What is told of samples as if their form were at fault, and is not.
struct Explained {
    command: &'static str,
    /// What QEMU says, in part.
    says: &'static str,
    /// The series with which it is seen, of [`SEEN`]: there it must be. With others it may be.
    with: &'static [&'static str],
    why: &'static str,
}

/// The series that [`EXPLAINED`] is complete for.
const SEEN: &[&str] = &["5.2", "7.2", "10.0", "11.1"];

/// What is told of a machine that ends.
const GONE: &str = "the machine is gone";

const EXPLAINED: &[Explained] = &[
    explained(
        "qmp_capabilities",
        "negotiation is already complete",
        SEEN,
        "refused as a command unknown, once negotiated",
    ),
    explained("memsave", "expects a CPU number", SEEN, "no such CPU"),
    explained("human-monitor-command", "expects a CPU number", SEEN, "no such CPU"),
    explained("client_migrate_info", "'protocol' expects ", SEEN, "a string, of which one is known"),
    explained(
        "dump-guest-memory",
        "Invalid parameter 'protocol'",
        &["5.2", "7.2"],
        "a string, of which some are known",
    ),
    explained("migrate", "expects a valid migration protocol", &["5.2", "7.2"], "a string, of which some are known"),
    explained(
        "migrate-set-parameters",
        "'xbzrle_cache_size' expects",
        &["5.2", "7.2", "10.0"],
        "not every size will do",
    ),
    explained("migrate-set-cache-size", "'xbzrle_cache_size' expects", &["5.2"], "not every size will do"),
    explained(
        "netdev_add",
        "'type' expects a netdev backend type",
        &["5.2"],
        "backends that this build has not, or are none",
    ),
    explained("set_password", "Invalid parameter 'protocol'", &["5.2"], "a string, of which some are known"),
    explained("set_password", "Invalid parameter 'connected'", &["5.2"], "a string, of which some are known"),
    explained("expire_password", "Invalid parameter 'protocol'", &["5.2"], "a string, of which some are known"),
    explained("object-add", "expected: thread-context", &["7.2", "10.0", "11.1"], "no object of this name"),
    explained("object-add", "expected: iothread", &["11.1"], "no object of this name"),
    explained("object-add", "expected: can-bus", &["11.1"], "no object of this name"),
    // QEMU's own mistakes, all behind the arguments.
    explained("object-add", GONE, &["7.2", "10.0"], "aborts, undoing a colo-compare or x-remote-object that failed"),
    explained("netdev_add", GONE, &["5.2"], "aborts, for want of vhost-vdpa's vhostdev"),
    explained("system_reset", GONE, &["11.1"], "ends: an acpi-generic-initiator of no device was added before"),
    explained("xen-load-devices-state", GONE, &["7.2", "10.0", "11.1"], "ends where the file holds no state"),
];

const fn explained(
    command: &'static str,
    says: &'static str,
    with: &'static [&'static str],
    why: &'static str,
) -> Explained {
    Explained { command, says, with, why }
}

/// What QEMU says before it aborts where the modules that it finds are another one's. Then this machine has been set up badly.
const FOREIGN_MODULES: &str = "module_load_dso: Assertion";

/// Executed after all others: they end the machine, or change what others do.
const LAST: [&str; 8] =
    ["stop", "cont", "system_powerdown", "system_reset", "system_wakeup", "inject-nmi", "x-exit-preconfig", "quit"];

/// Those that end the machine, or its monitor.
const ENDS: [&str; 1] = ["quit"];

#[test]
fn no_command_is_refused_for_the_form_of_its_arguments() {
    qemu::each(|qemu| {
        let release: Release = qemu.version.parse().expect("a release");
        let mut machines = Machines { qemu, running: None, complaints: String::new() };
        let (schema, absent) = what_is_built(qemu);
        let lacks = |_: &str, condition: &str| absent.contains(condition);
        let (mut sent, mut executed, mut left_out, mut told) = (0, 0, Vec::new(), Vec::new());
        let mut commands: Vec<_> = qmp().commands().filter(|it| it.presence.includes(release)).collect();
        commands.sort_by_key(|command| LAST.iter().position(|last| *last == command.name));
        for command in commands {
            if !has(&schema, Root::Command(command.name), &[]) {
                let condition =
                    command.condition_in(release).expect("only a build option explains that it is not there");
                left_out.push(format!("{} (if {condition})", command.name));
                continue;
            }
            for sample in (Maker { release, lacks: &lacks }).samples(command) {
                sent += 1;
                let mut tell = |what: String| told.push((command.name, what, sample.arguments.to_string()));
                match machines.execute(command, &sample) {
                    Ok(Some(Ok(_))) => executed += 1,
                    Ok(Some(Err(failed))) if is_of_form(&failed) => tell(failed.desc),
                    Ok(Some(Err(_))) => {}
                    Ok(None) if ENDS.contains(&command.name) => {}
                    Ok(None) if machines.complaints.contains(FOREIGN_MODULES) => {
                        left_out.push(format!("{} (QEMU aborts, as its modules are missing)", command.name));
                    }
                    Ok(None) => tell(format!("{GONE}: {}", machines.complaints.trim())),
                    Err(fault) => tell(fault),
                }
            }
        }
        println!(
            "QEMU {}: {sent} sent, {executed} executed; left out: {left_out:#?}, and where {absent:?}",
            qemu.version
        );
        assert!(sent > 400);
        check(release, &told);
    });
}

/// Exactly what is explained was told.
fn check(release: Release, told: &[(&'static str, String, String)]) {
    let series = release.series().to_string();
    let is_of = |it: &Explained, name: &str, what: &str| it.command == name && what.contains(it.says);
    let may_be = |it: &Explained| it.with.contains(&&*series) || !SEEN.contains(&&*series);
    let mut wrong = Vec::new();
    for (name, what, arguments) in told {
        if !EXPLAINED.iter().any(|it| may_be(it) && is_of(it, name, what)) {
            wrong.push(format!("{name} {arguments}: {what}"));
        }
    }
    for it in EXPLAINED.iter().filter(|it| it.with.contains(&&*series)) {
        match told.iter().any(|(name, what, _)| is_of(it, name, what)) {
            true => println!("QEMU {release}: {}: {}: {}", it.command, it.says, it.why),
            false => wrong.push(format!("{}: {} is no more", it.command, it.says)),
        }
    }
    assert!(wrong.is_empty(), "QEMU {release}:\n{}", wrong.join("\n"));
}

/// The words by which the test above judges are those of every release.
#[test]
fn arguments_of_another_form_are_noticed() {
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut session = Session::ready(machine.connect(), Config::DEFAULT);
        for (name, arguments) in [
            ("block_resize", r#"{"device": "x"}"#),
            ("block_resize", r#"{"device": "x", "size": "1"}"#),
            ("block_resize", r#"{"device": "x", "size": 1.5}"#),
            ("block_resize", r#"{"device": "x", "size": 1, "qmp-none": 1}"#),
            ("blockdev-add", r#"{"driver": "qmp-none", "node-name": "x"}"#),
            ("blockdev-add", r#"{"node-name": "x"}"#),
            ("blockdev-add", r#"{"driver": "null-co", "node-name": "x", "filename": "x"}"#),
            ("blockdev-add", r#"{"driver": "raw", "node-name": "x", "file": 1}"#),
            ("transaction", r#"{"actions": {}}"#),
            ("migrate-set-capabilities", r#"{"capabilities": [{"capability": "qmp-none", "state": true}]}"#),
            ("input-send-event", r#"{"events": [{"type": "btn", "data": {"button": "left", "down": 1}}]}"#),
        ] {
            let outcome = session.ask_with(name, &serde_json::from_str(arguments).expect("JSON"));
            let failed = outcome.expect_err(arguments);
            assert!(is_of_form(&failed), "{name} {arguments}: {failed}");
        }
    });
}

fn is_of_form(failed: &Failed) -> bool {
    OF_FORM.iter().any(|words| failed.desc.contains(words)) || failed.class == "CommandNotFound"
}

/// A machine, and the next one where that has gone.
struct Machines<'q> {
    qemu: &'q Qemu,
    running: Option<(Session<'static>, Machine)>,
    /// What the last that has gone wrote to its standard error.
    complaints: String,
}

impl Machines<'_> {
    fn session(&mut self) -> &mut Session<'static> {
        let start = || {
            let machine = Machine::with(self.qemu, false, &["-M", "q35"]);
            (large_session(&machine), machine)
        };
        &mut self.running.get_or_insert_with(start).0
    }

    fn gone(&mut self) {
        if let Some((_, mut machine)) = self.running.take() {
            machine.wait();
            self.complaints = machine.complaints();
        }
    }

    /// Sends what the typed command makes of the sample. `None`: the machine is gone.
    fn execute(&mut self, command: &Command, sample: &Sample) -> Result<Option<Outcome>, String> {
        let mut text = sample.arguments.to_string().into_bytes();
        let value = qmp_core::json::Payload::parse(&mut text).map_err(|error| error.to_string())?.into_value();
        let again = || QMP.decode_arguments(command.name, value);
        if let Some(fault) = fault(again(), value) {
            return Err(format!("as a typed command {fault}"));
        }
        let arguments = again().and_then(Result::ok).ok_or("no arguments")?;
        let arguments: Value = serde_json::from_str(&arguments).map_err(|error| error.to_string())?;
        let session = self.session();
        let ticket = session.execute(command.name, &arguments);
        loop {
            match session.next_within(qmp_tests::LIMIT) {
                Some(Some(Said::Lost(lost))) if lost == ticket => {}
                Some(Some(said)) if said.ended() == Some(ticket) => match said {
                    Said::Reply(_, outcome) => return Ok(Some(outcome)),
                    other => return Err(format!("{other:?}")),
                },
                Some(Some(_)) => {}
                Some(None) => {
                    self.gone();
                    return Ok(None);
                }
                None => {
                    self.running = None;
                    return Err("no answer in time".into());
                }
            }
        }
    }
}

/// A session that takes a schema.
fn large_session(machine: &Machine) -> Session<'static> {
    let mut session = Session::new(machine.connect(), Storage::growing(1 << 20, 16 << 10, 16), Config::DEFAULT);
    session.handshake();
    session
}

/// The schema, and the conditions that this build does not meet: those by which `qmp schema --diff` explains what is not there.
fn what_is_built(qemu: &Qemu) -> (Vec<u8>, BTreeSet<String>) {
    let machine = Machine::with(qemu, false, &["-M", "q35"]);
    let mut session = large_session(&machine);
    let schema = session.ask("query-qmp-schema").expect("a schema").into_bytes();
    // A monitor serves one at a time.
    drop(session);
    let mut program = process::Command::new(named(PROGRAM, "the program `qmp`"));
    let program = program.arg("--socket").arg(machine.socket()).args(["schema", "--diff", &qemu.version]);
    let text = String::from_utf8(program.output().expect("it runs").stdout).expect("UTF-8");
    let condition = |line: &str| Some(line.rsplit_once(" (if ")?.1.trim_end_matches(')').to_owned());
    (schema, text.lines().filter_map(condition).collect())
}

fn has(schema: &[u8], root: Root<'_>, steps: &[Step<'_>]) -> bool {
    let mut text = schema.to_vec();
    let entities = qmp_core::json::Payload::parse(&mut text).expect("JSON").decode().expect("a schema");
    Schema::new(entities).has(Question::<64>::new(root, steps)).expect("an answer")
}

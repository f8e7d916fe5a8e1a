//! Every command sent to real QEMUs, with the arguments that it must have and with all that it may have, through the typed command:
//! none is refused as unexpected, missing or mistyped.

use std::collections::BTreeSet;
use std::process;

use qmp_core::client::{Config, Storage};
use qmp_qapi::registry::{Command, Release, qmp};
use qmp_qapi::schema::{Question, Root, Schema, Step};
use qmp_tests::qemu::{self, Machine, Qemu, named};
use qmp_tests::said::{Outcome, Said};
use qmp_tests::sample::{Maker, Sample};
use qmp_tests::session::Session;
use qmp_tests::vocabulary::{QMP, fault};
use serde_json::Value;

/// Names the program: `cargo` tells no package where another one's programs are.
const PROGRAM: &str = "QMP_TEST_PROGRAM";

/// How QEMU says that arguments are not of the form that it wants.
const OF_FORM: [&str; 6] =
    ["' is unexpected", "' is missing", "Invalid parameter", "' does not accept value '", "' expects ", "QMP input"];

/// Refusals that sound like those of form and are not: command, the words, why.
const EXPLAINED: &[(&str, &str, &str)] = &[];

/// Executed after all others: they end the machine, or change what others do.
const LAST: [&str; 8] =
    ["stop", "cont", "system_powerdown", "system_reset", "system_wakeup", "inject-nmi", "x-exit-preconfig", "quit"];

/// Those that end the machine, or its monitor.
const ENDS: [&str; 1] = ["quit"];

#[test]
fn no_command_is_refused_for_the_form_of_its_arguments() {
    qemu::each(|qemu| {
        let release: Release = qemu.version.parse().expect("a release");
        let mut machines = Machines::new(qemu);
        let (schema, absent) = what_is_built(qemu);
        let lacking = |command: &Command| !has(&schema, Root::Command(command.name), &[]);
        let lacks = |_: &str, condition: &str| absent.contains(condition);
        let (mut sent, mut left_out, mut faults) = (0, Vec::new(), Vec::new());
        let mut used = BTreeSet::new();
        let mut commands: Vec<_> = qmp().commands().filter(|it| it.presence.includes(release)).collect();
        commands.sort_by_key(|command| LAST.iter().position(|last| *last == command.name));
        for command in commands {
            if lacking(command) {
                left_out.push(format!("{} (if {:?})", command.name, command.condition_in(release)));
                assert!(command.condition_in(release).is_some(), "{}", command.name);
                continue;
            }
            for sample in (Maker { release, lacks: &lacks }).samples(command) {
                sent += 1;
                match machines.execute(command, &sample) {
                    Ok(Some(Err(failed)))
                        if OF_FORM.iter().any(|words| failed.desc.contains(words))
                            || failed.class == "CommandNotFound" =>
                    {
                        let explained = EXPLAINED
                            .iter()
                            .find(|(name, words, _)| *name == command.name && failed.desc.contains(words));
                        match explained {
                            Some(entry) => _ = used.insert(entry),
                            None => faults.push(format!("{} {}: {}", command.name, sample.arguments, failed.desc)),
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) if ENDS.contains(&command.name) => {}
                    Ok(None) => faults.push(format!("{} {}: the machine is gone", command.name, sample.arguments)),
                    Err(fault) => faults.push(format!("{} {}: {fault}", command.name, sample.arguments)),
                }
            }
        }
        println!(
            "QEMU {}: {sent} sent; not in this build: {left_out:?}, and parts of others: {absent:?}",
            qemu.version
        );
        assert!(faults.is_empty(), "QEMU {}:\n{}", qemu.version, faults.join("\n"));
        assert!(sent > 400);
    });
}

/// A machine, and the next one where that has gone.
struct Machines<'q> {
    qemu: &'q Qemu,
    running: Option<(Session<'static>, Machine)>,
}

impl<'q> Machines<'q> {
    const fn new(qemu: &'q Qemu) -> Self {
        Self { qemu, running: None }
    }

    fn session(&mut self) -> &mut Session<'static> {
        let start = || {
            let machine = Machine::with(self.qemu, false, &["-M", "q35"]);
            (Session::ready(machine.connect(), Config::DEFAULT), machine)
        };
        &mut self.running.get_or_insert_with(start).0
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
                    self.running = None;
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

/// The schema, and the conditions that this build does not meet: those by which `qmp schema --diff` explains what is not there.
fn what_is_built(qemu: &Qemu) -> (Vec<u8>, BTreeSet<String>) {
    let machine = Machine::with(qemu, false, &["-M", "q35"]);
    let storage = Storage::growing(1 << 20, 16 << 10, 16);
    let mut session = Session::new(machine.connect(), storage, Config::DEFAULT);
    session.handshake();
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

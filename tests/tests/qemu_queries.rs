//! Every command that needs no arguments and returns something, executed by real QEMUs: what comes back is read by its type, and so
//! is each value in it; it is written again as it was; and the catalogue has it so for that release.

extern crate alloc;

use alloc::collections::BTreeSet;

use qmp_core::client::{Config, Storage};
use qmp_core::json::{Payload, Value};
use qmp_qapi::registry::{Command, Release, qmp};
use qmp_tests::LIMIT;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::said::{Outcome, Said};
use qmp_tests::session::Session;
use qmp_tests::vocabulary::{QMP, fault};
use qmp_tests::within;

/// A machine with something of many kinds in it.
const FURNISHED: [&str; 32] = [
    "-M",
    "q35",
    "-m",
    "256",
    "-smp",
    "2",
    "-name",
    "a name",
    "-vnc",
    "unix:vnc",
    "-blockdev",
    "driver=null-co,node-name=n0,size=67108864,read-zeroes=on",
    "-blockdev",
    "driver=raw,node-name=d0,file=n0",
    "-device",
    "virtio-blk-pci,drive=d0,id=v0",
    "-netdev",
    "user,id=u0",
    "-device",
    "virtio-net-pci,netdev=u0,id=net0",
    "-object",
    "iothread,id=io0",
    "-object",
    "memory-backend-ram,id=m0,size=16M",
    "-device",
    "virtio-rng-pci",
    "-device",
    "virtio-balloon-pci",
    "-chardev",
    "null,id=c0",
    "-device",
    "pci-bridge,id=b0,chassis_nr=1",
];

/// Done before, so that there is more to be told of: the name and the arguments.
const BEFORE: [(&str, &str); 4] = [
    ("block-dirty-bitmap-add", r#"{"node": "d0", "name": "b0"}"#),
    (
        "block_set_io_throttle",
        r#"{"id": "/machine/peripheral/v0/virtio-backend", "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 100, "iops_rd": 0, "iops_wr": 0}"#,
    ),
    ("blockdev-add", r#"{"driver": "null-co", "node-name": "x0", "size": 67108864, "read-zeroes": true}"#),
    ("blockdev-mirror", r#"{"job-id": "j0", "device": "d0", "target": "x0", "sync": "none"}"#),
];

/// What is executed to see what it returns.
fn asked(command: &Command, release: Release) -> bool {
    command.presence.includes(release)
        && command.returns_in(release).is_some()
        && command
            .arguments_in(release)
            .members()
            .all(|member| !member.is_in(release) || member.is_optional_in(release))
}

/// Returns that are written otherwise than they came, in releases before one: the command, and why.
const OTHERWISE: [(&str, Release, &str); 1] =
    [("query-sev", Release::new(9, 1, 0), "read as the one branch that there was, it is written with the tag of that")];

/// What QEMU says before it aborts where the modules that it finds are another one's. Then this machine has been set up badly.
const FOREIGN_MODULES: &str = "module_load_dso: Assertion";

#[test]
fn every_query_without_arguments_is_read_as_its_type() {
    qemu::each(|qemu| {
        let release: Release = qemu.version.parse().expect("a release");
        for furniture in [&[][..], &["-M", "q35"], &FURNISHED] {
            let mut tally = Tally::default();
            let mut running = None;
            for command in qmp().commands().filter(|command| asked(command, release)) {
                let (session, machine) = running.get_or_insert_with(|| start(qemu, furniture));
                match execute(session, command) {
                    Some(Ok(raw)) => tally.returned(command, raw, release),
                    Some(Err(failed)) => {
                        let absent = failed.class == "CommandNotFound" && command.condition_in(release).is_none();
                        assert!(!absent, "{}: {failed}", command.name);
                        tally.refused.push(format!("{}: {failed}", command.name));
                    }
                    None if machine.complaints().contains(FOREIGN_MODULES) => {
                        println!(
                            "QEMU {}: {} LEFT OUT: QEMU aborts, as its modules are missing",
                            qemu.version, command.name
                        );
                        running = None;
                    }
                    None => panic!("{}: QEMU is gone", command.name),
                }
            }
            println!(
                "QEMU {} {furniture:?}: {} returns of {} bytes, {} values read; refused: {:#?}",
                qemu.version, tally.returns, tally.bytes, tally.values, tally.refused
            );
            let expected: Vec<&str> =
                OTHERWISE.iter().filter(|(_, until, _)| release < *until).map(|(name, ..)| *name).collect();
            tally.faults.retain(|(name, fault)| {
                let is_expected = expected.contains(name) && fault.contains("written again");
                if is_expected {
                    tally.otherwise.insert(name);
                }
                !is_expected
            });
            assert!(tally.faults.is_empty(), "{:?}", tally.faults);
            assert_eq!(Vec::from_iter(tally.otherwise), expected);
            assert!(tally.returns > 40 && tally.refused.len() < 30);
        }
    });
}

fn start(qemu: &Qemu, furniture: &[&str]) -> (Session<'static>, Machine) {
    let machine = Machine::with(qemu, false, furniture);
    let mut session = Session::new(machine.connect(), Storage::growing(1 << 20, 16 << 10, 16), Config::DEFAULT);
    session.handshake();
    if furniture.len() > 2 {
        for (name, arguments) in BEFORE {
            session.returned(name, &serde_json::from_str(arguments).expect("JSON"));
        }
    }
    (session, machine)
}

/// Without an outcome, QEMU is gone.
fn execute(session: &mut Session<'_>, command: &Command) -> Option<Outcome> {
    let ticket = session.execute(command.name, &serde_json::Value::Null);
    loop {
        match session.next_within(LIMIT).expect("an answer in time") {
            Some(Said::Reply(of, outcome)) if of == ticket => return Some(outcome),
            Some(Said::Lost(lost)) if lost == ticket => return None,
            Some(_) => {}
            None => return None,
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    returns: usize,
    bytes: usize,
    values: usize,
    refused: Vec<String>,
    faults: Vec<(&'static str, String)>,
    otherwise: BTreeSet<&'static str>,
}

impl Tally {
    fn returned(&mut self, command: &'static Command, raw: String, release: Release) {
        self.returns += 1;
        self.bytes += raw.len();
        let mut text = raw.into_bytes();
        let value = Payload::parse(&mut text).expect("a payload is JSON").into_value();
        let (found, read) = look(command, value, release);
        self.values += read;
        self.faults.extend(found.into_iter().map(|fault| (command.name, fault)));
    }
}

fn look(command: &Command, value: Value<'_>, release: Release) -> (Vec<String>, usize) {
    let of = command.returns_in(release).expect("it returns something");
    let (mut faults, read) = within::faults(value, of, release);
    faults.extend(fault(QMP.decode_return(command.name, value), value).map(|fault| format!(": {fault}")));
    command.check_return(value, release, |misfit| faults.push(format!(": {misfit}")));
    (faults, read)
}

/// What is looked at above is looked at in earnest.
#[test]
fn a_return_of_another_form_is_noticed() {
    let release = Release::new(8, 0, 0);
    let look_at = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let value = Payload::parse(&mut bytes).expect("JSON").into_value();
        look(qmp().command("query-block-jobs").expect("a command"), value, release)
    };
    let job = |with: &str| {
        format!(
            r#"[{{"type": "mirror", "device": "d", "len": 0, "offset": 0, "busy": false, "paused": false, "speed": 0,
            "io-status": "ok", "ready": false, "status": "running", "auto-finalize": true, "auto-dismiss": true{with}}}]"#
        )
    };
    assert_eq!(look_at(&job("")).0, [""; 0]);
    assert!(look_at(&job("")).1 >= 3);
    for with in [r#", "unknown": 1"#, r#", "error": 1"#, r#", "status": "r""#] {
        assert_ne!(look_at(&job(with)).0, [""; 0], "{with}");
    }
}

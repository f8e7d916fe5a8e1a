//! The guest agent's vocabulary with real agents: typed commands, and typed replies that fit the agent's release.

use core::fmt::Write as _;
use std::fs;

use qmp_core::json::Value;
use qmp_qapi::guest_agent::commands::{
    GuestExec, GuestExecStatus, GuestFileClose, GuestFileFlush, GuestFileOpen, GuestFileRead, GuestFileSeek,
    GuestFileWrite, GuestGetFsinfo, GuestGetTime, GuestInfo, GuestNetworkGetInterfaces, GuestPing, GuestShutdown,
    GuestSync,
};
use qmp_qapi::guest_agent::types::{GuestExecCaptureOutput, GuestFileWhence, GuestIpAddressType, QGASeek};
use qmp_qapi::registry::{self, Release};
use qmp_qapi::{List, Nothing};
use qmp_tests::agent::{Agent, FORBIDDEN};
use qmp_tests::qemu::{self, Qemu};
use qmp_tests::said::Failed;
use qmp_tests::vocabulary::{GUEST_AGENT, fault};
use qmp_tests::wait_until;

fn release(agent: &Qemu) -> Release {
    agent.version.parse().expect("a release")
}

/// Fails unless `value` is what the release returns, and goes out again as it came.
fn check(release: Release, name: &str, value: Value<'_>) {
    let command = registry::guest_agent().command(name).unwrap_or_else(|| panic!("no command {name}"));
    let mut misfits = String::new();
    command.check_return(value, release, |misfit| writeln!(misfits, "{misfit}").expect("memory"));
    assert!(misfits.is_empty(), "{name} of {release}: {misfits}{value}");
    assert_eq!(fault(GUEST_AGENT.decode_return(name, value), value), None, "{name} of {release}: {value}");
}

/// Has a command executed that succeeds.
macro_rules! send {
    ($agent:ident $release:ident, $command:expr, $look:expr) => {
        $agent.send(&$command, |name, value| check($release, name, value), $look).expect("success")
    };
}

#[test]
fn an_agent_is_in_step_and_tells_what_it_can() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        assert_eq!(send!(agent release, GuestSync::new(i64::MAX), |id| id), i64::MAX);
        assert_eq!(send!(agent release, GuestSync::new(-77), |id| id), -77);
        assert_eq!(send!(agent release, GuestPing, |nothing| nothing), Nothing);

        let offers = send!(agent release, GuestInfo, |info| {
            assert_eq!(info.version, version.version);
            info.supported_commands
                .iter()
                .map(|command| command.expect("a command"))
                .map(|command| (command.name.to_owned(), command.enabled, command.success_response))
                .collect::<Vec<_>>()
        });
        println!("agent {}: {} commands", version.version, offers.len());
        for (name, enabled, answers) in &offers {
            let command = registry::guest_agent().command(name).unwrap_or_else(|| panic!("no command {name}"));
            assert!(command.presence.includes(release), "{name} in {release}");
            assert_eq!(answers.expect("since 1.7"), !command.no_reply, "{name}");
            // What it cannot do on this system it does not enable either.
            assert!(!enabled || !FORBIDDEN.contains(&&**name), "{name}");
        }
        assert!(FORBIDDEN.iter().all(|name| offers.iter().any(|(offered, ..)| offered == name)));
        let refused = agent.send(&GuestShutdown::new(), |_, _| {}, |_| ()).expect_err("it is forbidden");
        assert_eq!(refused.class, "CommandNotFound");
    });
}

#[test]
fn the_clock_is_read() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        let now = || std::time::UNIX_EPOCH.elapsed().expect("a time").as_nanos() as i64;
        let before = now();
        let time = send!(agent release, GuestGetTime, |time| time);
        assert!((before / 1000 * 1000..=now()).contains(&time), "{time}");
    });
}

#[test]
fn a_file_is_written_and_read() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        let path = agent.folder().join("a \"file\" \u{e9}");
        let path = path.to_str().expect("UTF-8");
        let open = GuestFileOpen { mode: Some("w+"), ..GuestFileOpen::new(path) };
        let handle = send!(agent release, open, |handle| handle);
        let written = send!(agent release, GuestFileWrite::new(handle, "aGVsbG8sIHdvcmxk"), |it| it);
        assert_eq!((written.count, written.eof), (12, false));
        let part = GuestFileWrite { count: Some(1), ..GuestFileWrite::new(handle, "IT8=") };
        assert_eq!(send!(agent release, part, |it| it.count), 1);
        send!(agent release, GuestFileFlush::new(handle), |_| ());
        assert_eq!(fs::read_to_string(path).expect("a file"), "hello, world!");

        for whence in [GuestFileWhence::Name(QGASeek::Set), GuestFileWhence::Value(0)] {
            let sought = send!(agent release, GuestFileSeek::new(handle, 7, whence), |it| it);
            assert_eq!((sought.position, sought.eof), (7, false));
            let some = GuestFileRead { count: Some(5), ..GuestFileRead::new(handle) };
            send!(agent release, some, |it| assert_eq!((it.count, it.buf_b64, it.eof), (5, "d29ybGQ=", false)));
            send!(agent release, GuestFileRead::new(handle), |it| {
                assert_eq!((it.count, it.buf_b64, it.eof), (1, "IQ==", true));
            });
        }
        send!(agent release, GuestFileClose::new(handle), |_| ());
        let failed = agent.send(&GuestFileRead::new(handle), |_, _| {}, |_| ()).expect_err("it is closed");
        assert_eq!(failed.class, "GenericError");
    });
}

#[test]
fn a_program_runs_and_its_output_is_captured() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        let script = "printf '%s\\n' \"$1\" \"$NAME\"; cat; echo trouble >&2; exit 3";
        let arguments = ["-c", script, "sh", "a \u{20ac}"];
        let exec = GuestExec {
            arg: Some(List::new(&arguments)),
            env: Some(List::new(&["NAME=value", "PATH=/usr/bin:/bin"])),
            input_data: Some("aW5wdXQ="),
            capture_output: Some(GuestExecCaptureOutput::Flag(true)),
            ..GuestExec::new("/bin/sh")
        };
        let pid = send!(agent release, exec, |it| it.pid);
        wait_until("the program to end", || {
            send!(agent release, GuestExecStatus::new(pid), |status| {
                if status.exited {
                    assert_eq!((status.exitcode, status.signal), (Some(3), None));
                    assert_eq!(decoded(status.out_data.expect("output")), "a \u{20ac}\nvalue\ninput");
                    assert_eq!(decoded(status.err_data.expect("errors")), "trouble\n");
                    assert!(status.out_truncated != Some(true) && status.err_truncated != Some(true));
                }
                status.exited
            })
        });
        let failed = agent.send(&GuestExecStatus::new(pid), |_, _| {}, |_| ()).expect_err("it was told once");
        assert_eq!(failed.class, "GenericError");
    });
}

#[test]
fn networks_and_file_systems_are_listed() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        send!(agent release, GuestNetworkGetInterfaces, |interfaces| {
            let loopback = interfaces.iter().map(|it| it.expect("an interface")).find(|it| it.name == "lo");
            let addresses = loopback.expect("a loopback").ip_addresses.expect("addresses");
            let mut addresses = addresses.iter().map(|it| it.expect("an address"));
            let first = addresses.find(|it| it.ip_address_type == GuestIpAddressType::Ipv4).expect("IPv4");
            assert_eq!((first.ip_address, first.prefix), ("127.0.0.1", 8));
        });
        let result = agent.send(
            &GuestGetFsinfo,
            |name, value| check(release, name, value),
            |systems| {
                for system in systems {
                    let system = system.expect("a file system");
                    println!("agent {}: {} on {} ({})", version.version, system.name, system.mountpoint, system.r#type);
                    assert!(system.disk.iter().all(|disk| disk.is_ok()));
                }
            },
        );
        told(version, "guest-get-fsinfo", result);
    });
}

/// Prints that a command failed: it depends on the machine whether it works.
fn told(version: &Qemu, name: &str, result: Result<(), Failed>) {
    if let Err(failed) = result {
        println!("agent {}: {name} fails here: {failed}", version.version);
    }
}

#[test]
fn whatever_can_be_asked_without_arguments_is_typed() {
    qemu::each_agent(|version| {
        let (mut agent, release) = (Agent::start(version), release(version));
        let names = send!(agent release, GuestInfo, |info| {
            let names = info.supported_commands.iter().map(|command| command.expect("a command").name.to_owned());
            names.filter(|name| is_question(name)).collect::<Vec<_>>()
        });
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            let result = agent.ask(&name, |value| check(release, &name, value));
            told(version, &name, result);
        }
    });
}

/// Whether the command asks something and needs no arguments.
fn is_question(name: &str) -> bool {
    let command = registry::guest_agent().command(name).unwrap_or_else(|| panic!("no command {name}"));
    let asks = name.contains("-get-") || ["guest-ping", "guest-info", "guest-fsfreeze-status"].contains(&name);
    asks && command.arguments.members().all(|member| member.optional)
}

/// The text that `base64` stands for.
fn decoded(base64: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in base64.trim_end_matches('=').chars() {
        bits = bits << 6 | alphabet.find(letter).expect("a letter of base64") as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

//! Starting the other side: what can go wrong with it. That it works, real QEMUs show.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::process::Command;
use std::time::Instant;

use common::{BRIEF, SOON, options};
use qmp_std::{Error, Options};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn failed(options: &Options, command: Command) -> (Error, String) {
    let error = options.spawn(command).map(|_| ()).unwrap_err();
    let text = error.to_string();
    (error, text)
}

#[test]
fn a_program_that_is_not_there() {
    let (error, text) = failed(&options(), Command::new("/no/such/qemu"));
    assert!(matches!(error, Error::Spawn { .. }), "{error:?}");
    assert!(text.contains("/no/such/qemu"), "{text}");
}

#[test]
fn a_program_that_ends_at_once() {
    let (error, text) = failed(&options(), shell("exit 3"));
    assert!(matches!(error, Error::Exited { status, .. } if status.code() == Some(3)), "{error:?}");
    assert!(text.contains("exit status: 3"), "{text}");
}

#[test]
fn a_program_that_is_no_qemu_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let begun = Instant::now();
    let (error, _) =
        failed(&options().deadline(BRIEF * 5), shell(&format!("echo $$ > {}; exec sleep 1000", file.display())));
    assert!(matches!(error, Error::NoGreeting { .. }), "{error:?}");
    assert!(begun.elapsed() < SOON);
    let pid = std::fs::read_to_string(file).unwrap();
    // Killed, and waited for: not even a zombie is there.
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
}

/// Only the socket is handed over, under the number that the arguments tell.
#[test]
fn the_socket_is_there_under_its_number() {
    let script =
        r#"n=${2##*fd=}; test -S /proc/self/fd/$n && test "$1 $3 $4" = "-chardev -qmp chardev:qmp-std" && exit 42"#;
    let mut command = shell(script);
    command.arg("sh");
    let (error, _) = failed(&options(), command);
    assert!(matches!(error, Error::Exited { status, .. } if status.code() == Some(42)), "{error:?}");
}

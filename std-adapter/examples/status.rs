//! Prints a virtual machine's version and status: `cargo run -p qmp-std --example status -- PATH`

use core::time::Duration;
use std::process::ExitCode;

use qmp_std::{Error, Monitor};
use serde::Deserialize;

/// What `query-status` returns, as far as this program cares. Members that later releases add do no harm.
#[derive(Deserialize)]
struct Status {
    running: bool,
    status: String,
}

fn show(path: &str) -> Result<(), Error> {
    // Connect, be greeted, negotiate.
    let mut monitor = Monitor::unix(path)?;
    monitor.set_timeout(Some(Duration::from_secs(5)));
    match monitor.server().version {
        Some(version) => println!("QEMU {version} {}", monitor.server().package),
        None => println!("not a QEMU, but it speaks QMP"),
    }

    // A command and its reply.
    let status: Status = monitor.execute("query-status", &())?;
    println!("{}, {}", status.status, if status.running { "running" } else { "not running" });

    // A failure that the server reports is data.
    match monitor.run("no-such-command", &()) {
        Err(Error::Command(failure)) => println!("as expected: {failure}"),
        other => other?,
    }

    // What happened meanwhile.
    while let Some(event) = monitor.next_event(Some(Duration::ZERO))? {
        println!("{} {}", event.name, event.data.unwrap_or_default());
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: status PATH-OF-SOCKET");
        return ExitCode::from(2);
    };
    match show(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! What a command costs on a live monitor: `query-status`, sent, executed, answered and read, by each client in turn, beside the least
//! that it can be: a write and a read of the same bytes.
//!
//! The clients take turns in short blocks, each on a monitor of its own of one QEMU, so that what else the machine does meets them all
//! alike; what counts is the median of the ratios to the bare loop of the same round.
//!
//! QEMU reads commands byte by byte, a system call and a turn of its loop for each, so most of a trip is paid by the byte of the command:
//! the bare loop sends as many as ours, ids included. What the other clients send is longer.
//!
//! `round-trip [QEMU] [PYTHON]`: paths of a `qemu-system-x86_64` and of a Python with `qemu.qmp`. Exit status 1 if ours takes more than
//! 5 % longer than the bare loop.

mod clients;
mod python;

use std::env;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clients::{Bare, Client, Ours, OursAsync, OursShared, QapiRs};
use python::QemuQmp;

/// Rounds, and round trips of each client in each.
const ROUNDS: usize = 300;
const TRIPS: u32 = 100;
/// As much longer than the bare loop may ours take.
const LIMIT: f64 = 1.05;

fn main() -> Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let qemu = arguments.next().unwrap_or_else(|| "qemu-system-x86_64".into());
    let python = arguments.next().unwrap_or_else(|| "python3".into());
    let folder = tempfile::tempdir()?;
    let _machine = Machine::start(&qemu, folder.path(), 6)?;
    let socket = |number: usize| folder.path().join(number.to_string());

    let mut clients: Vec<Box<dyn Client>> = vec![
        Box::new(Bare::connect(&socket(0))?),
        Box::new(Ours::connect(&socket(1))?),
        Box::new(OursShared::connect(&socket(2))?),
        Box::new(OursAsync::connect(&socket(3))?),
        Box::new(QapiRs::connect(&socket(4))?),
        Box::new(QemuQmp::connect(&python, &socket(5))?),
    ];
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut took = vec![Duration::ZERO; clients.len()];
        // Each begins as often as any other.
        for turn in 0..clients.len() {
            let index = (round + turn) % clients.len();
            took[index] = clients[index].run(TRIPS)?;
        }
        rounds.push(took);
    }

    println!("{:<34} {:>10} {:>8}   {:>15}", "client", "us a trip", "ratio", "half of rounds");
    let mut ours = f64::INFINITY;
    for (index, client) in clients.iter().enumerate() {
        let mut trips: Vec<f64> =
            rounds.iter().map(|took| took[index].as_secs_f64() * 1e6 / f64::from(TRIPS)).collect();
        let mut ratios: Vec<f64> =
            rounds.iter().map(|took| took[index].as_secs_f64() / took[0].as_secs_f64()).collect();
        let (ratio, quarter, last) = (at(&mut ratios, 0.5), at(&mut ratios, 0.25), at(&mut ratios, 0.75));
        println!("{:<34} {:>10.1} {ratio:>8.3}   {quarter:>6.3} to {last:.3}", client.name(), at(&mut trips, 0.5));
        if index == 1 {
            ours = ratio;
        }
    }
    println!("limit for ours, blocking: {LIMIT}");
    Ok(if ours <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The value with this part of all below it.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

/// A QEMU with several monitors, which ends with this.
struct Machine(Child);

impl Machine {
    fn start(qemu: &str, folder: &Path, monitors: usize) -> Result<Self> {
        let mut command = Command::new(qemu);
        command.args(["-M", "none", "-display", "none", "-nodefaults", "-S"]).stdin(Stdio::null());
        for number in 0..monitors {
            command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", folder.join(number.to_string()).display()));
        }
        let machine = Self(command.spawn().with_context(|| format!("starting {qemu}"))?);
        let until = Instant::now() + Duration::from_secs(30);
        while !folder.join((monitors - 1).to_string()).exists() {
            anyhow::ensure!(Instant::now() < until, "{qemu} made no socket");
            std::thread::yield_now();
        }
        Ok(machine)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! Firmware of ours, run by QEMU: the boards, a running program, and what it said.

use core::fmt::Write as _;
use core::time::Duration;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::process::Process;
use crate::{qemu, wait_until};

/// Names the boards to run it on: `NAME=FOLDER:NAME=FOLDER`, each with the folder of the programs built for it.
pub const BOARDS: &str = "QMP_TEST_FIRMWARE";
/// Names the program that shows what a firmware logged.
const PRINT: &str = "QMP_TEST_PRINT";

/// A board as QEMU has it, and where the programs for it are.
#[derive(Clone, Debug)]
pub struct Board {
    /// What it is called here: as QEMU does, or by another processor that is put on it.
    pub name: String,
    /// What QEMU calls it.
    pub machine: &'static str,
    folder: PathBuf,
    qemu: &'static str,
    arguments: &'static [&'static str],
    /// Where the program's RAM begins.
    pub ram: u64,
}

impl Board {
    fn named(name: &str, folder: PathBuf) -> Self {
        const STELLARIS: &str = "lm3s6965evb";
        let (machine, qemu, arguments, ram): (_, _, &[&str], _) = match name {
            STELLARIS => (STELLARIS, "qemu-system-arm", &[], 0x2000_0000),
            "cortex-m0" => (STELLARIS, "qemu-system-arm", &["-cpu", "cortex-m0"], 0x2000_0000),
            "cortex-m4" => (STELLARIS, "qemu-system-arm", &["-cpu", "cortex-m4"], 0x2000_0000),
            "virt" => ("virt", "qemu-system-riscv32", &["-bios", "none"], 0x8004_0000),
            other => panic!("{BOARDS} names {other}, which nothing is known of"),
        };
        Self { name: name.into(), machine, folder, qemu, arguments, ram }
    }

    /// Where a program for it is.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs a program, with more arguments for QEMU.
    ///
    /// # Panics
    /// If QEMU cannot be started.
    pub fn run<A: AsRef<OsStr>>(&self, program: &str, arguments: impl IntoIterator<Item = A>) -> Running {
        let folder = tempfile::Builder::new().prefix("qfw").tempdir_in("/tmp").expect("a folder in /tmp");
        let program = self.program(program);
        let said = fs::File::create(folder.path().join(SAID)).expect("a file");
        let complaints = fs::File::create(folder.path().join(COMPLAINTS)).expect("a file");
        let mut command = Command::new(self.qemu);
        command
            .args(["-M", self.machine, "-display", "none", "-monitor", "none"])
            .args(self.arguments)
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&program)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(complaints);
        Running { process: Process::start(&mut command), folder, program }
    }
}

/// Runs `test` with every board side by side, and says with which it failed.
///
/// # Panics
/// If it failed with any, or no board is named.
pub fn each(test: impl Fn(&Board) + Sync) {
    each_of(|board| board.name == board.machine, test);
}

/// Runs `test` with every board and every processor that programs were built for.
///
/// # Panics
/// As [`each`].
pub fn each_processor(test: impl Fn(&Board) + Sync) {
    each_of(|_| true, test);
}

fn each_of(chosen: impl Fn(&Board) -> bool, test: impl Fn(&Board) + Sync) {
    let list = qemu::named(BOARDS, "the boards that firmware was built for").into_string().expect("UTF-8");
    let boards = list.split(':').filter_map(|entry| entry.split_once('='));
    let boards: Vec<_> =
        boards.map(|(name, folder)| Board::named(name, folder.into())).filter(|board| chosen(board)).collect();
    assert!(!boards.is_empty(), "{BOARDS} names no board");
    let failed: Vec<_> = thread::scope(|scope| {
        let mut running = Vec::new();
        for board in &boards {
            let thread = thread::Builder::new().name(board.name.clone());
            running.push((board, thread.spawn_scoped(scope, || test(board)).expect("a thread")));
        }
        running.into_iter().filter_map(|(board, run)| run.join().err().map(|_| &*board.name)).collect()
    });
    assert!(failed.is_empty(), "failed on {}", failed.join(", "));
}

/// A firmware that runs. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    process: Process,
    folder: TempDir,
    program: PathBuf,
}

const SAID: &str = "stdout";
const COMPLAINTS: &str = "stderr";

impl Running {
    /// QEMU's working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until it has ended by itself: its exit code and the lines that it logged.
    ///
    /// # Panics
    /// If it does not end by the limit, or not by an exit of its own.
    pub fn wait(&mut self, limit: Duration) -> (i32, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("a process") {
                break status;
            }
            assert!(began.elapsed() < limit, "it runs on after {limit:?}");
            thread::sleep(Duration::from_millis(5));
        };
        let log = self.log();
        (status.code().unwrap_or_else(|| panic!("it was ended: {status}")), log)
    }

    /// Waits until it has logged a line that has `mark` in it.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_until_logged(&self, mark: &str) {
        wait_until(mark, || self.log().contains(mark));
    }

    /// The lines that it has logged so far.
    ///
    /// # Panics
    /// If they cannot be decoded.
    pub fn log(&self) -> String {
        let said = fs::File::open(self.folder.path().join(SAID)).expect("a file");
        let print = Command::new(qemu::named(PRINT, "the program that shows a firmware's log"))
            .arg(&self.program)
            .stdin(said)
            .output()
            .expect("a program");
        let mut log = String::from_utf8_lossy(&print.stdout).into_owned();
        if !print.status.success() {
            let _ = writeln!(log, "{}", String::from_utf8_lossy(&print.stderr));
        }
        log
    }

    fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill();
        if thread::panicking() {
            println!("the firmware said:\n{}\nQEMU said: {}", self.log(), self.complaints());
        }
    }
}

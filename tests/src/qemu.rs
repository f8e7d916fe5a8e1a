//! Real QEMUs: which to test with, and machines that are gone when the test is.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::LIMIT;
use crate::process::Process;

/// Names the QEMUs to test with: `VERSION=PATH:VERSION=PATH`.
pub const SYSTEMS: &str = "QMP_TEST_QEMUS";
/// Names the guest agents to test with, likewise.
pub const AGENTS: &str = "QMP_TEST_QEMU_GAS";

/// A QEMU on this machine, or a guest agent of one.
#[derive(Clone, Debug)]
pub struct Qemu {
    /// As `--version` prints it.
    pub version: String,
    /// The program.
    pub path: PathBuf,
}

impl Qemu {
    /// Whether this is release `major`.`minor` or a later one.
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }
}

/// Every QEMU to test with.
///
/// # Panics
/// Where none is named, and says how they are.
pub fn all() -> Vec<Qemu> {
    listed(SYSTEMS)
}

/// The programs that the environment's `variable` names.
fn listed(variable: &str) -> Vec<Qemu> {
    let list = env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set. `cargo xtask test` sets it; by hand: {SYSTEMS}=7.2.22=/usr/bin/qemu-system-x86_64"
        )
    });
    let qemu = |entry: &str| {
        let (version, path) =
            entry.split_once('=').unwrap_or_else(|| panic!("{variable}: {entry:?} is not VERSION=PATH"));
        Qemu { version: version.into(), path: path.into() }
    };
    let qemus: Vec<Qemu> = list.split(':').filter(|entry| !entry.is_empty()).map(qemu).collect();
    assert!(!qemus.is_empty(), "{variable} names no program");
    qemus
}

/// Runs `test` with every QEMU side by side, and says with which it failed.
///
/// # Panics
/// If it failed with any.
pub fn each(test: impl Fn(&Qemu) + Sync) {
    each_of(&all(), test);
}

/// Runs `test` with every guest agent side by side, likewise.
///
/// # Panics
/// If it failed with any.
pub fn each_agent(test: impl Fn(&Qemu) + Sync) {
    each_of(&listed(AGENTS), test);
}

fn each_of(qemus: &[Qemu], test: impl Fn(&Qemu) + Sync) {
    let failed: Vec<&str> = thread::scope(|scope| {
        let run = |qemu| {
            let test = &test;
            let run = move || {
                println!("QEMU {}", Qemu::version(qemu));
                catch_unwind(AssertUnwindSafe(|| test(qemu))).is_ok()
            };
            let thread = thread::Builder::new().name(format!("QEMU {}", Qemu::version(qemu))).spawn_scoped(scope, run);
            (Qemu::version(qemu), thread.expect("a thread"))
        };
        let running: Vec<_> = qemus.iter().map(run).collect();
        let failed = |(version, thread): (_, thread::ScopedJoinHandle<'_, bool>)| {
            (!thread.join().unwrap_or(false)).then_some(version)
        };
        running.into_iter().filter_map(failed).collect()
    });
    assert!(failed.is_empty(), "failed with QEMU {}", failed.join(", "));
}

impl Qemu {
    fn version(&self) -> &str {
        &self.version
    }
}

/// A machine of QEMU without devices, stopped before its first instruction, with a monitor on a Unix socket. Killed when dropped.
#[derive(Debug)]
pub struct Machine {
    process: Process,
    folder: TempDir,
}

const MONITOR: &str = "m";
const COMPLAINTS: &str = "stderr";
const OUTPUT: &str = "stdout";
/// How long a QEMU may take to start.
const COMES_UP: Duration = Duration::from_secs(10);

impl Machine {
    /// A machine whose monitor writes each message on one line.
    pub fn start(qemu: &Qemu) -> Self {
        Self::with(qemu, false, &[])
    }

    /// A machine whose monitor writes `pretty` JSON or not, with more arguments.
    ///
    /// QEMU (5.2 at times, 7.2 rarely) has a race while it starts: a client that connects then may be greeted twice, or once and
    /// never be heard again, or QEMU aborts. So one connection is made and has a command answered, before the machine is given out;
    /// where that fails another is started.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn with(qemu: &Qemu, pretty: bool, arguments: &[&str]) -> Self {
        for _ in 0..5 {
            let machine = Self::spawn(qemu, pretty, arguments);
            match machine.try_out() {
                Ok(()) => return machine,
                Err(error) => {
                    println!("QEMU {} did not come up: {error}. It said: {}", qemu.version, machine.complaints());
                }
            }
        }
        panic!("QEMU {} does not come up", qemu.version)
    }

    /// The socket is listening before QEMU runs, which inherits it as its standard input: one can connect at once, and nobody has
    /// to look again and again whether it is there.
    fn spawn(qemu: &Qemu, pretty: bool, arguments: &[&str]) -> Self {
        // A Unix socket's path has 107 bytes.
        let folder = tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder in /tmp");
        let listener = UnixListener::bind(folder.path().join(MONITOR)).expect("a socket");
        let complaints = fs::File::create(folder.path().join(COMPLAINTS)).expect("a file");
        let output = fs::File::create(folder.path().join(OUTPUT)).expect("a file");
        let pretty = if pretty { "on" } else { "off" };
        let mut command = Command::new(&qemu.path);
        command
            .args(["-M", "none", "-display", "none", "-S"])
            .args(["-chardev", "socket,id=m,fd=0,server=on,wait=off"])
            .args(["-mon", &format!("chardev=m,mode=control,pretty={pretty}")])
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(output)
            .stderr(complaints);
        Self { process: Process::start(&mut command), folder }
    }

    /// Has a command answered, in whatever way: the main loop runs then, and the start is over. Leaves, and waits until QEMU has
    /// seen that: 5.2 at times ends a connection that is made while it lets go of the one before.
    fn try_out(&self) -> io::Result<()> {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(COMES_UP))?;
        let mut sent = Vec::new();
        let mut piece = [0; 4096];
        let mut read_until = |stream: &mut UnixStream, mark: &[u8]| -> io::Result<()> {
            // Nothing may be left unread in the end.
            while !(sent.ends_with(b"}\r\n") && sent.windows(mark.len()).any(|window| window == mark)) {
                match stream.read(&mut piece)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => sent.extend_from_slice(&piece[..count]),
                }
            }
            Ok(())
        };
        read_until(&mut stream, b"\"QMP\"")?;
        stream.write_all(b"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-name\",\"id\":\"up\"}\n")?;
        read_until(&mut stream, b"\"up\"")?;
        stream.shutdown(Shutdown::Write)?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }

    /// The machine's working folder, for files that tests need.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its monitor is.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(MONITOR)
    }

    /// A new connection to its monitor.
    ///
    /// # Panics
    /// If the monitor cannot be reached.
    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).expect("a connection to the monitor");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
        stream
    }

    /// The most memory that it ever had in use, in bytes.
    pub fn peak_memory(&self) -> usize {
        self.process.peak_memory()
    }

    /// Kills it, without a word to anybody (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait(&mut self) {
        self.process.ends();
    }

    /// What QEMU wrote to its standard error.
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default()
    }

    /// What QEMU wrote to its standard output: all of it only when it has ended by itself.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join(OUTPUT)).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            println!("QEMU said: {}", self.complaints().trim());
        }
    }
}

/// A program that this process may call from its environment.
///
/// # Panics
/// Where `name` is not set, and says what it is for.
pub fn named(name: &str, what: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("{name} is not set; it names {what}. `cargo xtask test` sets it"))
}

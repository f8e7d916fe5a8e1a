//! `capture QEMU PRETTY FILE`: records, byte for byte, what a real QEMU sends in one long session, and compresses it.
//!
//! The session has what a program that manages a machine asks for: each query with a large reply several times over, statistics
//! after the disks were used, text with escapes, errors, jobs, a thousand events; each command bears an id. QEMU is the given
//! `qemu-system-x86_64`; `PRETTY` is `compact` or `pretty`.
//!
//! The session is driven, and the end of each reply found, by this project's own engine.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use qmp_core::frame::Reading;
use qmp_core::message::ServerMessage;
use qmp_core::reader::{FromServer, Reader};

const LIMIT: Duration = Duration::from_secs(60);
/// Pairs of `stop` and `cont`: an event each.
const STOPS: usize = 500;
/// Jobs, each with some nine events that have data.
const JOBS: usize = 12;

fn main() -> Result<()> {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let [qemu, form, file] = &arguments[..] else { bail!("usage: capture QEMU compact|pretty FILE") };
    let folder = tempfile::tempdir()?;
    let machine = Machine::start(qemu, folder.path(), form == "pretty")?;
    let mut session = Session::open(&machine.socket)?;
    run(&mut session, folder.path())?;
    // No path of this machine, and the same length wherever it was recorded.
    let text = String::from_utf8(session.received).context("QEMU sends UTF-8")?;
    let text = text.replace(&folder.path().display().to_string(), "/run/machine");
    let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(text.as_bytes())?;
    let compressed = compressed.finish()?;
    println!("{file}: {} B, {} messages, {} B compressed", text.len(), session.messages, compressed.len());
    fs::write(file, compressed).with_context(|| format!("writing {file}"))
}

/// What is asked for.
fn run(session: &mut Session, folder: &Path) -> Result<()> {
    session.ask("qmp_capabilities", "")?;
    for name in ["query-version", "query-status", "query-name", "query-kvm", "query-uuid", "query-commands"] {
        session.ask(name, "")?;
    }
    session.ask("query-qmp-schema", "")?;
    for turn in 0..3 {
        for disk in 0..4 {
            // Only these two of qemu-io's commands are accounted for.
            for io in [format!("aio_write {turn}M {}k", 64 << disk), format!("aio_read {turn}M {}k", 32 << disk)] {
                let line = format!("qemu-io disk{disk} \\\"{io}\\\"");
                session.ask("human-monitor-command", &format!("{{\"command-line\": \"{line}\"}}"))?;
            }
        }
        for name in ["query-blockstats", "query-block", "query-named-block-nodes", "query-cpus-fast", "query-chardev"] {
            session.ask(name, "")?;
        }
    }
    for name in ["query-cpu-definitions", "query-machines", "query-pci", "query-iothreads", "query-memdev"] {
        session.ask(name, "")?;
    }
    for command in ["info qtree", "info mtree", "info registers", "info version"] {
        session.ask("human-monitor-command", &format!("{{\"command-line\": \"{command}\"}}"))?;
    }
    session.ask("qom-list", "{\"path\": \"/machine\"}")?;
    session.ask("device-list-properties", "{\"typename\": \"virtio-blk-pci\"}")?;
    for turn in 0..8 {
        session.ask(&format!("no-such-command-{turn}"), "")?;
        session.ask("device_del", &format!("{{\"id\": \"\\\"no such device {turn}\\\"\"}}"))?;
    }
    for job in 0..JOBS {
        let file = folder.join(format!("job{job}.img"));
        let options = format!("{{\"driver\": \"file\", \"filename\": \"{}\", \"size\": 65536}}", file.display());
        session.ask("blockdev-create", &format!("{{\"job-id\": \"job{job}\", \"options\": {options}}}"))?;
        session.until_concluded(&format!("job{job}"))?;
        session.ask("job-dismiss", &format!("{{\"id\": \"job{job}\"}}"))?;
    }
    for _ in 0..STOPS {
        session.ask("stop", "")?;
        session.ask("cont", "")?;
    }
    Ok(())
}

/// A connection, and all that came by it.
struct Session {
    stream: UnixStream,
    reader: Reader<'static, FromServer>,
    received: Vec<u8>,
    messages: usize,
    /// The number of the last command.
    number: u32,
    /// The jobs that were told to have concluded.
    concluded: Vec<String>,
}

impl Session {
    fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(LIMIT))?;
        // Large enough for any reply; it lives as long as this program.
        let buffer: &'static mut [u8] = vec![0; 8 << 20].leak();
        let reader = Reader::of_server(buffer, Reading::DEFAULT);
        let mut session = Self { stream, reader, received: Vec::new(), messages: 0, number: 0, concluded: Vec::new() };
        session.until(|session| session.messages > 0)?;
        Ok(session)
    }

    /// Sends a command, and waits for its reply.
    fn ask(&mut self, name: &str, arguments: &str) -> Result<()> {
        self.number += 1;
        let number = self.number;
        let arguments = if arguments.is_empty() { String::new() } else { format!(", \"arguments\": {arguments}") };
        writeln!(self.stream, "{{\"execute\": \"{name}\"{arguments}, \"id\": {number}}}")?;
        let mut replied = false;
        while !replied {
            replied = self.receive()?.contains(&Some(u64::from(number)));
        }
        Ok(())
    }

    fn until_concluded(&mut self, job: &str) -> Result<()> {
        self.until(|session| session.concluded.iter().any(|concluded| concluded == job))
    }

    fn until(&mut self, is: impl Fn(&Self) -> bool) -> Result<()> {
        while !is(self) {
            self.receive()?;
        }
        Ok(())
    }

    /// Reads once. The ids of the messages that came.
    fn receive(&mut self) -> Result<Vec<Option<u64>>> {
        let mut ids = Vec::new();
        let space = self.reader.rx_space();
        let count = self.stream.read(space).context("waiting for QEMU")?;
        ensure!(count > 0, "QEMU ended the connection");
        self.received.extend_from_slice(&space[..count]);
        self.reader.rx_commit(count).expect("as many were read");
        while let Some((message, _)) = self.reader.poll() {
            self.messages += 1;
            match message {
                ServerMessage::Return { id, .. } | ServerMessage::Error { id, .. } => {
                    ids.push(id.and_then(|id| id.as_u64()));
                }
                ServerMessage::Event(event) => {
                    if event.name == "JOB_STATUS_CHANGE"
                        && let Some(data) = event.data.map(|data| data.into_value())
                        && data.get("status").and_then(|status| status.as_str()) == Some("concluded")
                    {
                        self.concluded.extend(data.get("id").and_then(|id| id.as_str()).map(str::to_owned));
                    }
                }
                ServerMessage::Greeting(_) => {}
                other => bail!("QEMU sent {other:?}"),
            }
        }
        Ok(ids)
    }
}

/// A QEMU that ends with this.
struct Machine {
    child: Child,
    socket: PathBuf,
}

impl Machine {
    fn start(qemu: &str, folder: &Path, pretty: bool) -> Result<Self> {
        let socket = folder.join("qmp.sock");
        let mut command = Command::new(qemu);
        command.args(["-M", "q35", "-accel", "tcg", "-m", "64", "-smp", "4", "-nodefaults", "-display", "none", "-S"]);
        command.args(["-name", "a \"machine\"", "-device", "virtio-rng-pci", "-device", "virtio-balloon-pci"]);
        command.args(["-object", "iothread,id=io0", "-object", "memory-backend-ram,id=ram1,size=16M"]);
        command.args(["-chardev", "null,id=c0", "-device", "isa-serial,chardev=c0"]);
        for disk in 0..4 {
            // A quote and a backslash: escapes.
            let file = folder.join(format!("disk \"{disk}\" \\ raw.img"));
            fs::File::create(&file)?.set_len(64 << 20)?;
            command.arg("-drive").arg(format!("id=disk{disk},if=none,format=raw,file={}", file.display()));
            command.arg("-device").arg(format!("virtio-blk-pci,drive=disk{disk},id=vd{disk},serial=serial-{disk}"));
        }
        command.arg("-chardev").arg(format!("socket,id=mon,path={},server=on,wait=off", socket.display()));
        command.arg("-mon").arg(format!("chardev=mon,mode=control,pretty={}", if pretty { "on" } else { "off" }));
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().with_context(|| format!("starting {qemu}"))?;
        let mut machine = Self { child, socket };
        let until = Instant::now() + LIMIT;
        while !machine.socket.exists() {
            ensure!(Instant::now() < until && machine.child.try_wait()?.is_none(), "{qemu} made no socket");
            thread::yield_now();
        }
        Ok(machine)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The agent (`firmware/agent`): a guest agent in 8 KiB of RAM, spoken to by our own client, by others, and by a host that means harm.

use core::time::Duration;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use qmp_qapi::guest_agent::commands::{GuestGetTime, GuestInfo, GuestPing, GuestSetTime, GuestShutdown, GuestSync};
use qmp_std::{Error, Monitor};
use qmp_tests::agent::options;
use qmp_tests::firmware::{self, Board, Running};
use qmp_tests::{LIMIT, qemu, transcript, wait_until};
use serde_json::json;

const AGENT: &str = "qmp-agent";
/// All the RAM that it has.
const RAM: usize = 8192;
/// What its unused RAM is filled with before it starts.
const PAINT: u8 = 0xA5;

/// An agent that runs, and what is around it.
struct Guest {
    running: Running,
    /// The end of its variables, in bytes from the beginning of its RAM: the stack grows down to there.
    variables: usize,
    ram: u64,
}

impl Guest {
    fn start(board: &Board) -> Self {
        let program = fs::read(board.program(AGENT)).expect("the program");
        let variables = variables(&program, board.ram);
        let paint = tempfile::NamedTempFile::new().expect("a file");
        fs::write(paint.path(), vec![PAINT; RAM - variables]).expect("a file");
        let load =
            format!("loader,file={},addr={:#x},force-raw=on", paint.path().display(), board.ram + variables as u64);
        let arguments =
            ["-serial", "unix:uart,server=on,wait=off", "-qmp", "unix:monitor,server=on,wait=off", "-device", &load];
        let running = board.run(AGENT, arguments);
        // What came earlier would be lost, as on a real board.
        running.wait_until_logged("agent up");
        Self { running, variables, ram: board.ram }
    }

    fn uart(&self) -> PathBuf {
        self.running.folder().join("uart")
    }

    fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.uart()).expect("the line");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        stream
    }

    /// How much stack it has used so far, in bytes: how far the paint is gone.
    fn stack(&self) -> usize {
        let mut monitor = Monitor::unix(self.running.folder().join("monitor")).expect("a monitor");
        let save = json!({"val": self.ram, "size": RAM, "filename": "ram"});
        monitor.run("pmemsave", &save).expect("its memory");
        let memory = fs::read(self.running.folder().join("ram")).expect("its memory");
        let unused = memory[self.variables..].iter().take_while(|byte| **byte == PAINT).count();
        assert!(unused > 0, "the stack has grown into the variables");
        RAM - self.variables - unused
    }
}

/// Where the variables end that a program has in RAM, from its beginning: the sections with memory there, by the ELF's headers.
fn variables(program: &[u8], ram: u64) -> usize {
    let word = |at: usize| u32::from_le_bytes(program[at..at + 4].try_into().expect("four bytes")) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(program[at..at + 2].try_into().expect("two bytes")));
    let (sections, size, count, names) = (word(32), half(46), half(48), half(50));
    let names = word(sections + names * size + 16);
    let ends = (0..count).map(|number| sections + number * size).filter_map(|section| {
        let name = &program[names + word(section)..];
        let (start, length) = (word(section + 12), word(section + 20));
        let is_of_ram = name.starts_with(b".data\0") || name.starts_with(b".bss\0");
        is_of_ram.then(|| start + length - ram as usize)
    });
    ends.max().expect("it has variables").next_multiple_of(16)
}

#[test]
fn our_own_client_is_served() {
    firmware::each_processor(|board| {
        let mut guest = Guest::start(board);
        let mut agent = options().unix(guest.uart()).expect("in step");
        assert!(agent.echoes_ids());
        agent.send(&GuestPing, |_| ()).expect("a ping");
        assert_eq!(agent.send(&GuestSync::new(i64::MIN), |id| id).expect("a number"), i64::MIN);
        let silent = agent
            .send(&GuestInfo, |info| {
                let commands = info.supported_commands.iter().map(|command| command.expect("a command"));
                let silent = commands.filter(|command| command.success_response == Some(false));
                silent.map(|command| command.name.to_owned()).collect::<Vec<_>>()
            })
            .expect("what it can");
        assert_eq!(silent, ["guest-shutdown"]);

        const NOON: i64 = 1_800_000_000_000_000_000;
        agent.send(&GuestSetTime { time: Some(NOON) }, |_| ()).expect("a clock");
        let time = agent.send(&GuestGetTime, |time| time).expect("a time");
        assert!((NOON..NOON + LIMIT.as_nanos() as i64).contains(&time), "{time}");
        let refused = agent.send(&GuestSetTime::new(), |_| ());
        assert!(matches!(&refused, Err(Error::Command(failure)) if failure.class == "GenericError"), "{refused:?}");
        let refused = agent.run("guest-no-such-thing", &());
        assert!(matches!(&refused, Err(Error::Command(failure)) if failure.class == "CommandNotFound"), "{refused:?}");

        agent.send(&GuestShutdown::new(), |_| ()).expect("the end");
        let (code, log) = guest.running.wait(LIMIT);
        assert_eq!(code, 0, "{log}");
        assert!(log.contains("agent down"), "{log}");
    });
}

#[test]
fn hosts_that_are_not_ours_are_served() {
    firmware::each(|board| {
        let mut guest = Guest::start(board);
        let script = transcript::fixtures().join("agent_host.py");
        let python = qemu::named("QMP_TEST_PYTHON", "a Python that has qemu.qmp");
        let output = Command::new(python).arg(script).arg(guest.uart()).output().expect("a Python");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        println!("{}: {said}", board.name);
        let (code, log) = guest.running.wait(LIMIT);
        assert_eq!(code, 0, "{log}");
    });
}

#[test]
fn a_hostile_host_does_no_harm_and_the_stack_stays_in_its_memory() {
    firmware::each(|board| {
        let guest = Guest::start(board);
        let mut host = guest.stream();
        // An interrupt a byte is slow in QEMU. The other board takes fourteen at once.
        let scale = if board.name == "virt" { 1 } else { 20 };
        let long = [b"{\"execute\":\"", &*vec![b'x'; 1_000_000 / scale], b"\",\"id\":1}\n"].concat();
        let brackets = [vec![b'['; 100_000 / scale], vec![b']'; 100_000 / scale], b"\n".to_vec()].concat();
        let open = [vec![b'{'; 100_000 / scale], b"\n".to_vec()].concat();
        let quotes = [b"\"".repeat(10_001), b"\n".to_vec()].concat();
        let bytes = (0..=255).cycle().take(100_000 / scale).collect::<Vec<u8>>();
        let many = b"{\"execute\":\"guest-info\"}\n".repeat(100);
        for (what, harm) in [
            ("a long line", long),
            ("brackets", brackets),
            ("braces", open),
            ("quotes", quotes),
            ("every byte", bytes),
            ("a hundred commands at once", many),
        ] {
            let began = Instant::now();
            let answers = exchange(&mut host, &harm, harm.len());
            println!("{}: {what}, {} bytes: {answers} lines, {:?}", board.name, harm.len(), began.elapsed());
        }
        drop(host);
        let stack = guest.stack();
        println!("{}: {} bytes of variables and {stack} of stack, of {RAM} in all", board.name, guest.variables);
        assert!(guest.variables + stack <= RAM - 1024, "there is a reserve of 1 KiB");
        // It is none the worse for it.
        let mut agent = options().unix(guest.uart()).expect("in step");
        agent.send(&GuestPing, |_| ()).expect("a ping");
    });
}

/// Sends `harm` and behind it a synchronisation, while what comes is read. How many lines came before the number came back.
fn exchange(host: &mut UnixStream, harm: &[u8], id: usize) -> usize {
    host.set_nonblocking(true).expect("a socket");
    let sync = format!("\n\u{ff}{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{id}}}}}\n");
    let sync: Vec<u8> = sync.chars().map(|char| char as u8).collect();
    let message = [harm, &sync].concat();
    let (mut rest, mut received) = (&*message, Vec::new());
    let answer = format!("{{\"return\":{id}}}\n");
    let mut piece = [0; 4096];
    let began = Instant::now();
    while !received.ends_with(answer.as_bytes()) {
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "{} of {} bytes went",
            message.len() - rest.len(),
            message.len()
        );
        match host.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        match host.read(&mut piece) {
            Ok(0) => panic!("it hung up"),
            Ok(count) => received.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    }
    let sentinel = received.iter().rposition(|byte| *byte == 0xFF).expect("a sentinel");
    assert_eq!(&received[sentinel + 1..], answer.as_bytes());
    received[..sentinel].iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn a_host_that_hangs_up_in_the_middle_is_followed_by_another() {
    firmware::each(|board| {
        let guest = Guest::start(board);
        for left in ["{\"execute\":\"guest-ping\",\"id\":\"partial", "[[[[[", "\"", "}}"] {
            let mut host = guest.stream();
            host.write_all(left.as_bytes()).expect("a line");
            drop(host);
            let mut agent = None;
            wait_until("the next host's turn", || {
                agent = options().unix(guest.uart()).ok();
                agent.is_some()
            });
            agent.expect("a client").run("guest-ping", &()).expect("a ping");
        }
    });
}

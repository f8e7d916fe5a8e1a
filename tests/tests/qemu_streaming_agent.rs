//! A guest's file of 48 MB, read through 1 KiB with one command.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use qmp_core::agent::{Client, Config, Delivery, Message, Slot, StaticStorage};
use qmp_tests::LIMIT;
use qmp_tests::agent::Daemon;
use qmp_tests::qemu::{self, Qemu};
use std::time::Instant;

/// As many bytes as an agent reads at once at most: 48 MB.
const SIZE: usize = 48 << 20;
const RX: usize = 1024;

/// A client in its memory, and its line.
struct Session<'b> {
    client: Client<'b>,
    stream: UnixStream,
    began: Instant,
}

impl Session<'_> {
    /// Shows `look` what comes until that gives something.
    fn until<T>(&mut self, mut look: impl FnMut(Message<'_>) -> Option<T>) -> T {
        loop {
            // An agent takes its time to write 64 MB.
            assert!(self.began.elapsed() < 20 * LIMIT, "it takes too long");
            while let Some(incoming) = self.client.poll().expect("a session") {
                if let Some(found) = look(incoming.message) {
                    return found;
                }
            }
            while !self.client.tx_pending().is_empty() {
                let count = self.stream.write(self.client.tx_pending()).expect("the agent reads");
                self.client.tx_sent(count).expect("no more than was pending");
            }
            let count = self.stream.read(self.client.rx_space()).expect("the agent answers");
            assert!(count > 0, "the agent is gone");
            self.client.rx_commit(count).expect("room for what was read");
        }
    }

    /// What a command returns, as JSON.
    fn ask(&mut self, name: &str, arguments: &serde_json::Value) -> String {
        let of = self.client.commands().execute(name, arguments).expect("a command");
        self.until(|message| match message {
            Message::Reply { ticket, outcome: Ok(payload) } if ticket == of => {
                Some(payload.raw_str().expect("UTF-8").to_owned())
            }
            Message::Diagnostic(_) => None,
            other => panic!("{other:?}"),
        })
    }
}

/// Byte `at` of the file.
fn byte(at: usize) -> u8 {
    ((at.wrapping_mul(0x9E37_79B1)) >> 13) as u8
}

/// Takes base64 in pieces and counts the bytes that are as they should be.
#[derive(Default)]
struct Base64 {
    bits: u32,
    held: u8,
    bytes: usize,
}

impl Base64 {
    fn take(&mut self, text: &str) {
        for letter in text.bytes() {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => continue,
                other => panic!("{other:#x} is no base64"),
            };
            self.bits = self.bits << 6 | u32::from(six);
            self.held += 6;
            if self.held >= 8 {
                self.held -= 8;
                assert_eq!((self.bits >> self.held) as u8, byte(self.bytes), "byte {}", self.bytes);
                self.bytes += 1;
            }
        }
    }
}

fn read(agent: &Qemu) {
    let daemon = Daemon::start(agent);
    let path = daemon.folder().join("long");
    fs::write(&path, (0..SIZE).map(byte).collect::<Vec<u8>>()).expect("a file");
    // As on a machine without an allocator: all in one static piece.
    let mut storage = StaticStorage::<RX, 256, 2>::new();
    let client = Client::new(storage.lend(), Config { seed: 9, ..Config::DEFAULT });
    let mut session = Session { client, stream: daemon.stream(), began: Instant::now() };
    session.stream.set_read_timeout(Some(20 * LIMIT)).expect("a timeout");
    session.until(|message| matches!(message, Message::Ready { .. }).then_some(()));
    let open = serde_json::json!({"path": path.to_str(), "mode": "r"});
    let handle: i64 = session.ask("guest-file-open", &open).parse().expect("a handle");
    let arguments = serde_json::json!({"handle": handle, "count": SIZE});
    let ticket = session.client.commands().execute("guest-file-read", &arguments).expect("a command");
    session.client.commands().set_delivery(ticket, Delivery::Text(&["buf-b64"])).expect("in flight");
    let mut file = Base64::default();
    let mut pieces = 0_u32;
    session.until(|message| match message {
        Message::Text { ticket: of, text } => {
            assert_eq!(of, ticket);
            assert!(text.len() <= RX);
            pieces += 1;
            file.take(text);
            None
        }
        Message::TextEnd { ticket: of, late: false } if of == ticket => Some(()),
        other => panic!("{other:?}"),
    });
    assert_eq!(file.bytes, SIZE);
    assert_eq!(session.ask("guest-file-close", &serde_json::json!({"handle": handle})), "{}");
    println!(
        "agent {}: {SIZE} bytes in {pieces} pieces, through {} bytes of client and buffers, in {:?}",
        agent.version,
        size_of_val(&session.client) + RX + 256 + 2 * size_of::<Slot>(),
        session.began.elapsed()
    );
}

#[test]
fn a_file_of_48_mb_is_read_through_1_kib() {
    qemu::each_agent(read);
}

//! Records what each QEMU of `QMP_TEST_QEMUS` sends when it is told `fixtures/transcripts/script`, a command a line, into
//! `fixtures/transcripts/VERSION-{compact,pretty}.bin`, byte by byte as it came.
//!
//! Nothing of this project reads the bytes on their way. Behind each line stands a command whose id is waited for, so that the
//! order does not depend on speed. Paths are relative to the machine's folder: nothing tells where it was recorded.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use qmp_tests::qemu::{self, Machine};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcripts");
    let script = fs::read_to_string(folder.join("script")).expect("the script");
    for qemu in qemu::all() {
        for (pretty, form) in [(false, "compact"), (true, "pretty")] {
            let mut machine = Machine::with(&qemu, pretty, &[]);
            let image = "a \"b\" 'c' \\d e\u{301}\u{e9} \u{20ac} \u{1f600}";
            fs::write(machine.folder().join(image), [0; 512]).expect("an image");
            let bytes = record(machine.connect(), &script);
            machine.wait();
            let path = folder.join(format!("{}-{form}.bin", qemu.version));
            println!("{}: {} bytes", path.display(), bytes.len());
            fs::write(path, bytes).expect("a place to write to");
        }
    }
}

fn record(mut stream: UnixStream, script: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, line) in script.lines().enumerate() {
        stream.write_all(line.as_bytes()).expect("QEMU reads");
        stream.write_all(b"\n").expect("QEMU reads");
        if line.contains("\"quit\"") {
            break;
        }
        let mark = format!("\"sync-{number}\"");
        writeln!(stream, "{{\"execute\":\"query-name\",\"id\":{mark}}}").expect("QEMU reads");
        let mut chunk = [0; 65536];
        let from = bytes.len();
        // Behind the id stands the end of its message.
        while !ends(&bytes[from..], mark.as_bytes()) {
            let count = stream.read(&mut chunk).expect("QEMU answers");
            assert!(count > 0, "QEMU ended at {line}");
            bytes.extend_from_slice(&chunk[..count]);
        }
    }
    stream.read_to_end(&mut bytes).expect("QEMU ends");
    bytes
}

fn ends(bytes: &[u8], mark: &[u8]) -> bool {
    let marked = bytes.windows(mark.len()).position(|window| window == mark);
    marked.is_some_and(|at| bytes[at..].contains(&b'}') && bytes.ends_with(b"}\r\n"))
}

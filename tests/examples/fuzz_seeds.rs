//! Records what each QEMU of `QMP_TEST_QEMUS` answers to each query that it knows, and makes inputs for the fuzz targets of that and of
//! the arguments that commands take: `cargo xtask fuzz --seeds`. The argument is the folder to write to.

extern crate alloc;

use alloc::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use qmp_fuzz::seeds;
use qmp_qapi::registry;
use qmp_tests::qemu::{self, Machine};
use qmp_tests::sample::Maker;
use serde_json::Value;

fn main() {
    let folder = env::args().nth(1).expect("a folder");
    let mut all = seeds::by_hand();
    for qemu in qemu::all() {
        let machine = Machine::start(&qemu);
        let sent = session(machine.connect());
        println!("QEMU {}: {} bytes", qemu.version, sent.len());
        all.extend(seeds::of_traffic(&sent));
    }
    let facts = registry::qmp();
    for command in facts.commands() {
        let Some(release) = facts.newest_that(|release| command.presence.includes(release)) else { continue };
        for sample in (Maker { release, lacks: &|_, _| false }).samples(command) {
            all.extend(seeds::of_arguments(command.name, &sample.arguments));
        }
    }
    let distinct: BTreeSet<_> = all.into_iter().collect();
    for (number, (target, input)) in distinct.iter().enumerate() {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("seed-{number}")), input).expect("room");
    }
    println!("{} inputs", distinct.len());
}

/// All that a QEMU sends when it is asked everything that changes nothing.
fn session(mut stream: UnixStream) -> Vec<u8> {
    let mut sent = Vec::new();
    ask(&mut stream, "qmp_capabilities", &mut sent);
    let known = ask(&mut stream, "query-commands", &mut sent);
    let known: Value = serde_json::from_slice(&known).expect("JSON");
    let names = known["return"].as_array().expect("commands").iter().filter_map(|command| command["name"].as_str());
    for name in names.filter(|name| name.starts_with("query-")) {
        ask(&mut stream, name, &mut sent);
    }
    for name in ["stop", "cont", "system_reset", "no-such-command", "quit"] {
        ask(&mut stream, name, &mut sent);
    }
    sent
}

/// The reply to a command, which is as its id, behind what came before it. None comes at the end.
fn ask(stream: &mut UnixStream, name: &str, sent: &mut Vec<u8>) -> Vec<u8> {
    writeln!(stream, "{{\"execute\": \"{name}\", \"id\": \"{name}\"}}").expect("QEMU reads");
    let from = sent.len();
    let mark = format!("\"id\": \"{name}\"");
    let mut chunk = [0; 65536];
    loop {
        let text = &sent[from..];
        if text.ends_with(b"}\r\n") && text.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            let reply = lines.iter().find(|line| line.windows(mark.len()).any(|window| window == mark.as_bytes()));
            return reply.expect("it is there").to_vec();
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return Vec::new(),
            Ok(count) => sent.extend_from_slice(&chunk[..count]),
        }
    }
}

//! `grow FOLDER`: how cost grows with the work, measured by the clock, printed, and drawn into `FOLDER`.
//!
//! Straight lines: a message of a million times the bytes takes a million times as long, and neither how deep it nests nor how it was
//! cut nor how many connections there are changes what a byte costs by more than what caches do.

mod draw;
mod sockets;

use std::env;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use draw::Plot;
use qmp_benches::fixtures::{Session, longest};
use qmp_core::client::{Client, Config, Message, StaticStorage};
use qmp_core::frame::Reading;
use qmp_core::message::ServerMessage;
use qmp_core::reader::Reader;

fn main() {
    let arguments = env::args().collect::<Vec<_>>();
    if let [_, word, path, count] = &arguments[..]
        && word == sockets::SENDER
    {
        return sockets::send(path, count);
    }
    let [_, folder] = &arguments[..] else { panic!("usage: grow FOLDER") };
    let folder = PathBuf::from(folder);
    let mut table = Vec::new();
    for plot in [connections(), sockets::sockets(), messages(), depths(), chunks()] {
        for (x, y) in &plot.points {
            table.push(format!("{}\t{x}\t{y:.5}", plot.name));
        }
        plot.draw(&folder);
    }
    println!("{}", table.join("\n"));
}

/// The least of some times that `work` takes, in nanoseconds: what else the machine does only ever adds.
fn least(times: u32, mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e9
    };
    (0..times).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// What one connection has: a client, and room for messages of a kilobyte.
type Memory = StaticStorage<1024, 256, 4>;

/// Events a second, of all connections together.
fn connections() -> Plot {
    const EVENTS: usize = 200_000;
    let event = longest(&["\"event\": \"RESUME\""]);
    let mut points = Vec::new();
    for count in [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000] {
        let mut memory = (0..count).map(|_| Memory::new()).collect::<Vec<_>>();
        let mut clients =
            memory.iter_mut().map(|memory| Client::new(memory.lend(), Config::DEFAULT)).collect::<Vec<_>>();
        for client in &mut clients {
            client.feed(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}").expect("it fits");
            while client.poll().expect("a session").is_some() {}
            client.feed(b"{\"return\": {}, \"id\": 511}").expect("it fits");
            while client.poll().expect("a session").is_some() {}
        }
        let took = least(5, || {
            for _ in 0..EVENTS / count {
                for client in &mut clients {
                    client.feed(&event).expect("it fits");
                    while let Some(incoming) = client.poll().expect("a session") {
                        assert!(matches!(black_box(incoming.message), Message::Event(_)));
                    }
                }
            }
        });
        points.push((count as f64, (EVENTS / count * count) as f64 * 1e9 / took));
    }
    let each = size_of::<Memory>() + size_of::<Client<'_>>();
    Plot {
        name: "connections",
        title: format!("Events a second, {each} bytes a connection"),
        x: "connections in one thread",
        y: "events a second, all together",
        points,
    }
}

/// Elements as they come, up to about so many bytes in one reply.
fn reply(bytes: usize) -> Vec<u8> {
    let element: &[u8] = b"{\"name\": \"migration-safe\", \"default\": null, \"type\": \"bool\"}";
    let mut text = b"{\"return\": [".to_vec();
    text.extend_from_slice(element);
    while text.len() + element.len() < bytes {
        text.extend_from_slice(b", ");
        text.extend_from_slice(element);
    }
    text.extend_from_slice(b"], \"id\": 1}\r\n");
    text
}

/// Nanoseconds for one message, read in pieces of 64 KB.
fn whole(text: &[u8], chunk: usize, times: u32) -> f64 {
    let mut memory = vec![0; text.len() + 1];
    let mut reader = Reader::of_server(&mut memory[..], Reading::DEFAULT);
    least(times, || {
        reader.reset();
        let mut messages = 0;
        for piece in text.chunks(chunk) {
            let mut rest = piece;
            while !rest.is_empty() {
                rest = &rest[reader.feed(rest).expect("before the end")..];
                while let Some((message, _)) = reader.poll() {
                    assert!(matches!(black_box(message), ServerMessage::Return { .. }));
                    messages += 1;
                }
            }
        }
        assert_eq!(messages, 1);
    })
}

fn messages() -> Plot {
    let points = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000].map(|bytes| {
        let text = reply(bytes);
        (text.len() as f64, whole(&text, 1 << 16, if bytes > 1_000_000 { 3 } else { 50 }) / 1000.0)
    });
    Plot {
        name: "messages",
        title: "Time for one message, by its length".into(),
        x: "bytes of the message",
        y: "microseconds",
        points: points.to_vec(),
    }
}

fn depths() -> Plot {
    const BYTES: usize = 1 << 20;
    let points = [1_usize, 2, 4, 8, 16, 32, 63, 64, 65, 128, 256, 512, 1022].map(|depth| {
        // Lists beside each other, each as deep as that, two levels below the message's own.
        let list = ["[".repeat(depth), "]".repeat(depth)].concat();
        let lists = vec![list; BYTES / (2 * depth + 2)].join(", ");
        let text = format!("{{\"return\": [{lists}], \"id\": 1}}\r\n").into_bytes();
        // The outer two levels count: 1,024 is the limit.
        ((depth + 2) as f64, whole(&text, 1 << 16, 20) / text.len() as f64)
    });
    Plot {
        name: "depths",
        title: "Time for a byte of brackets, by how deep they nest".into(),
        x: "depth",
        y: "nanoseconds a byte",
        points: points.to_vec(),
    }
}

fn chunks() -> Plot {
    let session = Session::Compact.bytes();
    let mut memory = vec![0; 1 << 20];
    let mut reader = Reader::of_server(&mut memory[..], Reading::DEFAULT);
    let points = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1460, 4096, 16_384, 65_536].map(|chunk| {
        let took = least(20, || {
            reader.reset();
            for piece in session.chunks(chunk) {
                let mut rest = piece;
                while !rest.is_empty() {
                    rest = &rest[reader.feed(rest).expect("before the end")..];
                    while let Some((message, _)) = reader.poll() {
                        black_box(message);
                    }
                }
            }
        });
        (chunk as f64, took / session.len() as f64)
    });
    Plot {
        name: "chunks",
        title: "Time for a byte of a session, by the pieces that it comes in".into(),
        x: "bytes a piece",
        y: "nanoseconds a byte",
        points: points.to_vec(),
    }
}

//! What a logger is told.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::sync::Mutex;

use common::{BRIEF, SOON, options, peer, socket_path};
use embedded_io_adapters::tokio_1::FromTokio;
use log::{Level, LevelFilter, Log, Metadata, Record};
use qmp_std::Error;

static HEARD: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        HEARD.lock().unwrap().push((record.level(), record.target().to_owned(), record.args().to_string()));
    }

    fn flush(&self) {}
}

/// The texts of one level and target since the last look.
fn heard(level: Level, target: &str) -> Vec<String> {
    let mut heard = HEARD.lock().unwrap();
    let (ours, others) = heard.drain(..).partition(|(at, of, _)| *at == level && of == target);
    *heard = others;
    ours.into_iter().map(|(_, _, text): (_, _, String)| text).collect()
}

/// One test, as a process has one logger.
#[test]
fn everything_that_is_worth_it() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(LevelFilter::Trace);

    let (stream, server) = peer(|peer| {
        peer.welcome();
        for _ in 0..5 {
            peer.event("STOP", "{\"\u{e9}\": \"\\n\"}");
        }
        peer.answer("{}");
        peer.command();
    });
    let mut monitor = options().events(1).over(stream).unwrap();
    monitor.run("stop", &()).unwrap();
    monitor.set_timeout(Some(BRIEF));
    let _ = monitor.run("slow", &());
    assert!(monitor.drain_to_end(Some(SOON)).is_ok());
    server.join().unwrap();

    let debug = heard(Level::Debug, "qmp_std").join("\n");
    for words in ["the stream: connected", "QEMU 7.2.22 Debian", "[\"oob\"]"] {
        assert!(debug.contains(words), "{words}: {debug}");
    }
    let info = heard(Level::Info, "qmp_std");
    assert_eq!(info[0], "the stream: ready, out-of-band execution off");
    assert_eq!(info.last().unwrap(), "the stream: the server has ended the connection");
    // 1, 2 and 4 of them; not 3.
    let warned = heard(Level::Warn, "qmp_std");
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert!(warned[2].starts_with("4 events dropped"), "{warned:?}");

    // Every byte, both ways, in order, as text that any terminal takes.
    let (sent, received) = wire();
    assert!(sent.contains(r#"{"execute":"stop","id":"#) && sent.ends_with(r"}\n"), "{sent}");
    assert!(received.starts_with(r#"{"QMP": "#) && received.contains(r#"{"\xc3\xa9": "\\n"}"#), "{received}");
    assert_eq!(sent.matches(r"\n").count(), 3, "{sent}");

    without_blocking();

    let socket = socket_path();
    let error = options().deadline(BRIEF * 4).retry(true).unix(&socket.path).unwrap_err();
    assert!(matches!(error, Error::GaveUp { .. }));
    let told = heard(Level::Debug, "qmp_std");
    assert!(told[0].contains("no such socket") && told[0].contains("Trying again in 10.0ms"), "{told:?}");
    assert!(told.last().unwrap().contains("gave up after"), "{told:?}");
}

/// All that was sent and received since the last look.
fn wire() -> (String, String) {
    let wire = heard(Level::Trace, "qmp_std::wire");
    let all = |direction: &str| wire.iter().filter_map(|text| text.strip_prefix(direction)).collect();
    (all("the stream -> "), all("the stream <- "))
}

/// The same of a monitor that does not block.
fn without_blocking() {
    let (stream, server) = peer(|peer| {
        peer.welcome();
        peer.answer("5");
    });
    stream.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (reader, writer) = tokio::net::UnixStream::from_std(stream).unwrap().into_split();
        let mut monitor = options().over_async(FromTokio::new(reader), FromTokio::new(writer)).await.unwrap();
        monitor.run("stop", &()).await.unwrap();
        monitor.drain_to_end().await.unwrap();
    });
    server.join().unwrap();

    let info = heard(Level::Info, "qmp_std");
    let expected = ["the stream: ready, out-of-band execution off", "the stream: the server has ended the connection"];
    assert_eq!(info, expected);
    let debug = heard(Level::Debug, "qmp_std").join("\n");
    assert!(debug.contains("the stream: connected") && debug.contains("QEMU 7.2.22 Debian"), "{debug}");
    let (sent, received) = wire();
    assert!(sent.contains(r#"{"execute":"stop","id":"#) && sent.ends_with(r"}\n"), "{sent}");
    assert!(received.starts_with(r#"{"QMP": "#) && received.contains(r#"{"return": 5, "id": "#), "{received}");
}

//! Long lists through small buffers, element by element: `query-qmp-schema`, 149 to 248 KB, through 6 KiB; and what memory that takes.

extern crate alloc;

use alloc::borrow::ToOwned;
use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;
use qmp_core::client::{Config, Delivery, Message, Slot, StaticStorage, Storage};
use qmp_qapi::commands::{QueryBlock, QueryQmpSchema};
use qmp_std::{Error, Options};
use qmp_tests::LIMIT;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::session::Session;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Counts what is allocated in this process: one test at a time, then.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

const SCHEMA: &str = "query-qmp-schema";

/// What `f` gives, and the most bytes that were allocated meanwhile beyond those before.
fn with_peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let value = f();
    (value, MEMORY.peak_usage().saturating_sub(before))
}

/// The schema in one piece, and its elements as they were written.
fn whole(machine: &Machine) -> Vec<String> {
    let mut session = Session::new(machine.connect(), Storage::growing(1 << 20, 4096, 8), Config::DEFAULT);
    session.handshake();
    let raw = session.ask(SCHEMA).expect("a schema");
    let elements: Vec<&RawValue> = serde_json::from_str(&raw).expect("a list");
    elements.into_iter().map(|element| element.get().to_owned()).collect()
}

/// What a walk has met.
struct Walked {
    elements: u32,
    /// The indices and lengths of those that did not fit.
    too_long: Vec<(u32, u64)>,
}

/// Walks the schema in the client's memory and holds each element against the whole's.
fn walk(session: &mut Session<'_>, whole: &[String]) -> Walked {
    let ticket = session.execute(SCHEMA, &serde_json::Value::Null);
    session.client.commands().set_delivery(ticket, Delivery::ELEMENTS).expect("in flight");
    let mut too_long = Vec::new();
    let elements = loop {
        let end = session.look(|message| match message {
            Message::Element { ticket: of, index, element } => {
                assert_eq!(of, ticket);
                let expected = whole.get(index as usize).expect("no more than there are");
                match element {
                    Ok(element) => assert_eq!(element.raw(), expected.as_bytes()),
                    Err(passed) => {
                        assert_eq!(passed.bytes, expected.len() as u64);
                        too_long.push((index, passed.bytes));
                    }
                }
                None
            }
            Message::ElementsEnd { ticket: of, count, late: false } if of == ticket => Some(count),
            other => panic!("{other:?}"),
        });
        if let Some(count) = end {
            break count;
        }
    };
    Walked { elements, too_long }
}

#[test]
fn a_schema_is_walked_through_six_kib() {
    let _alone = alone();
    for qemu in qemu::all() {
        let machine = Machine::start(&qemu);
        let whole = whole(&machine);
        let bytes: usize = whole.iter().map(String::len).sum();
        let longest = whole.iter().map(String::len).max().expect("elements");
        // As on a machine without an allocator: all in one static piece.
        let mut storage = StaticStorage::<6144, 512, 8>::new();
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        session.handshake();
        let (walked, peak) = with_peak(|| walk(&mut session, &whole));
        assert_eq!(walked.elements as usize, whole.len());
        assert_eq!(walked.too_long, []);
        session.check_alive();
        println!(
            "QEMU {}: {} elements, {bytes} bytes, the longest {longest}, through {} bytes of client and buffers; \
             the test's own allocations {peak}",
            qemu.version,
            whole.len(),
            size_of_val(&session.client) + 6144 + 512 + 8 * size_of::<Slot>(),
        );
        assert!(bytes > 20 * 6144 && longest < 6144);
        // What does not fit is told, and all the rest comes.
        let mut storage = StaticStorage::<512, 512, 8>::new();
        drop(session);
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        session.handshake();
        let walked = walk(&mut session, &whole);
        let expected = whole.iter().zip(0..).filter(|(element, _)| element.len() > 512);
        let expected: Vec<(u32, u64)> = expected.map(|(element, index)| (index, element.len() as u64)).collect();
        assert!(!expected.is_empty());
        assert_eq!(walked.too_long, expected);
        session.check_alive();
    }
}

#[test]
fn a_pretty_schema_is_walked_as_well() {
    let _alone = alone();
    for qemu in qemu::all() {
        let machine = Machine::with(&qemu, true, &[]);
        let whole = whole(&machine);
        let mut storage = StaticStorage::<32768, 512, 8>::new();
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        session.handshake();
        let walked = walk(&mut session, &whole);
        assert_eq!((walked.elements as usize, walked.too_long), (whole.len(), vec![]));
        session.check_alive();
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Entity {
    name: String,
    meta_type: String,
}

fn options() -> Options {
    Options::new().deadline(LIMIT).timeout(LIMIT).rx_limit(6144)
}

fn entities(whole: &[String]) -> Vec<Entity> {
    whole.iter().map(|element| serde_json::from_str(element).expect("an entity")).collect()
}

#[test]
fn a_for_loop_over_the_schema_takes_little_memory() {
    let _alone = alone();
    for qemu in qemu::all() {
        let machine = Machine::start(&qemu);
        let expected = entities(&whole(&machine));
        let ((), peak) = with_peak(|| {
            let mut monitor = options().unix(machine.socket()).expect("a monitor");
            // In one piece it does not fit.
            let refused = monitor.execute::<serde::de::IgnoredAny>(SCHEMA, &());
            assert!(matches!(refused, Err(Error::Oversize { .. })), "{refused:?}");
            let mut expected = expected.iter();
            for entity in monitor.elements::<Entity>(SCHEMA, &()).expect("it is sent") {
                assert_eq!(expected.next(), Some(&entity.expect("an entity")));
            }
            assert_eq!(expected.next(), None);
            // Typed, they are read where they lie.
            let mut names = 0;
            let count = monitor.each(&QueryQmpSchema, |entity| {
                names += usize::from(!entity.expect("an entity").name.is_empty());
            });
            assert_eq!((count.expect("a schema") as usize, names), (names, names));
            // A list may be empty.
            assert_eq!(monitor.each(&QueryBlock::new(), |block| panic!("{block:?}")).expect("a list"), 0);
            // One given up in the middle is in nobody's way.
            assert!(monitor.elements::<Entity>(SCHEMA, &()).expect("it is sent").next().is_some());
            let again = monitor.elements::<Entity>(SCHEMA, &()).expect("it is sent");
            assert_eq!(again.map(|entity| entity.map(drop).expect("an entity")).count(), names);
        });
        println!("QEMU {}: {} entities, peak memory {peak} bytes", qemu.version, expected.len());
        assert!(peak < 64 << 10, "{peak}");
    }
}

#[test]
fn without_blocking_it_is_the_same() {
    let _alone = alone();
    let walk = |qemu: &Qemu| {
        let machine = Machine::start(qemu);
        let expected = entities(&whole(&machine));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut monitor = options().unix_tokio(machine.socket()).await.expect("a monitor");
            let mut expected = expected.iter();
            let mut elements = monitor.elements::<Entity>(SCHEMA, &()).await.expect("it is sent");
            while let Some(entity) = elements.next().await {
                assert_eq!(expected.next(), Some(&entity.expect("an entity")));
            }
            drop(elements);
            assert_eq!(expected.next(), None);
            let count = monitor.each(&QueryQmpSchema, |entity| assert!(entity.is_ok(), "{entity:?}")).await;
            assert!(count.expect("a schema") > 800);
        });
    };
    qemu::all().iter().for_each(walk);
}

/// The monitor for people, whose texts may be long.
#[test]
fn a_text_for_people_comes_in_pieces() {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Line<'a> {
        command_line: &'a str,
    }
    let _alone = alone();
    for qemu in qemu::all() {
        let machine = Machine::start(&qemu);
        let line = Line { command_line: "help" };
        let whole: String = Options::new()
            .deadline(LIMIT)
            .unix(machine.socket())
            .and_then(|mut monitor| monitor.execute(HUMAN, &line))
            .expect("a text");
        let limit = 4096;
        let (longest, peak) = with_peak(|| {
            let mut monitor = options().rx_limit(limit).unix(machine.socket()).expect("a monitor");
            let (mut at, mut longest) = (0, 0);
            let look = |piece: &str| {
                assert!(whole[at..].starts_with(piece));
                at += piece.len();
                longest = longest.max(piece.len());
            };
            monitor.text(Delivery::TEXT, HUMAN, &line, look).expect("a text");
            assert_eq!(at, whole.len());
            longest
        });
        assert!(whole.len() > 2 * limit && longest <= limit, "{} {longest}", whole.len());
        println!("QEMU {}: a text of {} bytes, peak memory {peak} bytes", qemu.version, whole.len());
    }
}

const HUMAN: &str = "human-monitor-command";

//! The work done by this project.

use qmp_core::client::{Client, Config, Message, StaticStorage};
use qmp_core::frame::Reading;
use qmp_core::json::{Payload, Value};
use qmp_core::message::{ServerMessage, Timestamp};
use qmp_core::reader::{FromServer, Reader};
use qmp_qapi::types::{BlockDeviceInfo, BlockStats, CpuDefinitionInfo, JobStatus};
use qmp_qapi::{Event, List, events};
use serde::Deserialize;

use crate::subject::Task;
use crate::types;
use crate::work::{Tally, Work};

/// Room for the longest message there is.
const BUFFER: usize = 1 << 20;

/// Reads a reply as `$of`, and makes a number of it that needs all of it.
macro_rules! reply {
    ($work:ident, $of:ty, $sum:expr) => {{
        let input = $work.input();
        let mut reader = reader();
        Some(Box::new(move || {
            reader.reset();
            reader.feed(&input.pieces[0]).expect("it fits");
            match reader.poll() {
                Some((ServerMessage::Return { payload, .. }, _)) => {
                    let list: $of = payload.decode().expect("as it is recorded");
                    list.iter().map($sum).sum()
                }
                other => panic!("{other:?}"),
            }
        }))
    }};
}

/// A buffer for as long as the program lives.
fn buffer(size: usize) -> &'static mut [u8] {
    vec![0; size].leak()
}

fn reader() -> Reader<'static, FromServer> {
    Reader::of_server(buffer(BUFFER), Reading::DEFAULT)
}

pub(crate) fn prepare(work: Work) -> Option<Task> {
    match work {
        Work::Session | Work::SmallChunks | Work::Pretty | Work::Newer => Some(session(work)),
        Work::Schema => Some(schema()),
        Work::Event | Work::EventWithData => Some(events(work)),
        Work::TypedRead => Some(typed_read()),
        Work::BlockStatistics => {
            reply!(work, List<'_, BlockStats<'_>>, |node| block_stats(&node.expect("as it is recorded")))
        }
        Work::NamedNodes => {
            reply!(work, List<'_, BlockDeviceInfo<'_>>, |node| named_node(&node.expect("as it is recorded")))
        }
        Work::CpuDefinitions => {
            reply!(work, List<'_, CpuDefinitionInfo<'_>>, |cpu| cpu_definition(&cpu.expect("as it is recorded")))
        }
    }
}

/// With types that know nothing of us.
pub(crate) fn prepare_derived(work: Work) -> Option<Task> {
    match work {
        Work::BlockStatistics => reply!(work, Vec<types::BlockStats<'_>>, types::BlockStats::sum),
        Work::NamedNodes => reply!(work, Vec<types::BlockDeviceInfo<'_>>, types::BlockDeviceInfo::sum),
        Work::CpuDefinitions => reply!(work, Vec<types::CpuDefinitionInfo<'_>>, types::CpuDefinitionInfo::sum),
        Work::TypedRead => Some(typed_read_derived()),
        _ => None,
    }
}

pub(crate) fn accepts(text: &[u8]) -> bool {
    qmp_core::json::scan::check(text).is_ok()
}

fn session(work: Work) -> Task {
    let input = work.input();
    let mut reader = reader();
    Box::new(move || {
        reader.reset();
        let mut tally = Tally::default();
        for piece in &input.pieces {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                rest = &rest[reader.feed(rest).expect("before the end")..];
                while let Some((message, _)) = reader.poll() {
                    let id = |id: Option<Value<'_>>| id.and_then(Value::as_u64).unwrap_or_default();
                    match message {
                        ServerMessage::Greeting(_) => tally.greetings += 1,
                        ServerMessage::Return { id: of, .. } => {
                            tally.returns += 1;
                            tally.ids += id(of);
                        }
                        ServerMessage::Error { id: of, .. } => {
                            tally.errors += 1;
                            tally.ids += id(of);
                        }
                        ServerMessage::Event(_) => tally.events += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        tally.number()
    })
}

fn schema() -> Task {
    let input = Work::Schema.input();
    let mut reader = reader();
    Box::new(move || {
        reader.reset();
        reader.feed(&input.pieces[0]).expect("it fits");
        match reader.poll() {
            Some((ServerMessage::Return { .. }, _)) => 1,
            other => panic!("{other:?}"),
        }
    })
}

fn events(work: Work) -> Task {
    let input = work.input();
    let storage = Box::leak(Box::new(StaticStorage::<1024, 256, 4>::new()));
    let mut client = Client::new(storage.lend(), Config::DEFAULT);
    client.feed(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n").expect("it fits");
    while client.poll().expect("a session").is_some() {}
    let sent = client.tx_pending().len();
    client.tx_sent(sent).expect("as many are there");
    client.feed(b"{\"return\": {}, \"id\": 511}\r\n").expect("it fits");
    while client.poll().expect("a session").is_some() {}
    Box::new(move || {
        let mut sum = 0;
        for piece in &input.pieces {
            client.feed(piece).expect("it fits");
            while let Some(incoming) = client.poll().expect("a session") {
                let Message::Event(event) = incoming.message else { panic!("{incoming:?}") };
                let Timestamp { seconds, microseconds } = event.timestamp.expect("each has one");
                sum += (seconds + microseconds).cast_unsigned();
                match Event::try_from(event).expect("as it is recorded") {
                    Event::Stop(_) => sum += 1,
                    Event::Resume(_) => sum += 2,
                    Event::JobStatusChange(change) => {
                        sum += change.id.len() as u64 + u64::from(change.status == JobStatus::Running);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        sum
    })
}

fn typed_read() -> Task {
    let pairs = values();
    Box::new(move || {
        let mut sum = 0;
        for (data, timestamp) in &pairs {
            let change: events::JobStatusChange<'_> = data.decode().expect("as it is recorded");
            let timestamp: types::Timestamp = timestamp.decode().expect("as it is recorded");
            sum += timestamp.sum() + change.id.len() as u64 + u64::from(change.status == JobStatus::Running);
        }
        sum
    })
}

fn typed_read_derived() -> Task {
    let pairs = values();
    Box::new(move || {
        let mut sum = 0;
        for (data, timestamp) in &pairs {
            let change: types::JobStatusChange<'_> = data.decode().expect("as it is recorded");
            let timestamp: types::Timestamp = timestamp.decode().expect("as it is recorded");
            sum += timestamp.sum() + change.sum();
        }
        sum
    })
}

fn values() -> Vec<(Value<'static>, Value<'static>)> {
    let value = |text: Vec<u8>| Payload::parse(text.leak()).expect("JSON").into_value();
    parts().into_iter().map(|(data, timestamp)| (value(data), value(timestamp))).collect()
}

/// The texts of data and timestamp of each event of [`Work::TypedRead`].
pub(crate) fn parts() -> Vec<(Vec<u8>, Vec<u8>)> {
    #[derive(Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        timestamp: Value<'a>,
        data: Value<'a>,
    }
    let text = |value: Value<'_>| value.to_string().replace(':', ": ").replace(',', ", ").into_bytes();
    let part = |mut event: Vec<u8>| {
        let parts: Parts<'_> = Payload::parse(&mut event).expect("JSON").decode().expect("as it is recorded");
        (text(parts.data), text(parts.timestamp))
    };
    Work::TypedRead.input().pieces.into_iter().map(part).collect()
}

fn block_stats(node: &BlockStats<'_>) -> u64 {
    let names = [node.device, node.qdev, node.node_name].into_iter().flatten().map(|name| name.len() as u64);
    let own = node.stats.rd_bytes + node.stats.wr_bytes + node.stats.wr_highest_offset;
    let below = [node.parent, node.backing].into_iter().flatten();
    let below = below.map(|node| block_stats(&node.get().expect("as it is recorded"))).sum::<u64>();
    names.sum::<u64>() + own.cast_unsigned() + below
}

fn named_node(node: &BlockDeviceInfo<'_>) -> u64 {
    let size = node.image.map_or(0, |image| image.virtual_size.cast_unsigned());
    node.file.len() as u64 + node.node_name.map_or(0, |name| name.len() as u64) + size
}

fn cpu_definition(cpu: &CpuDefinitionInfo<'_>) -> u64 {
    let features = cpu.unavailable_features.iter().flat_map(|features| features.iter());
    cpu.name.len() as u64 + features.map(|feature| feature.expect("a string").len() as u64).sum::<u64>()
}

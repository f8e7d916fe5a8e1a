//! qapi: a client and its types. Each line is read as its client reads it: by serde_json, into any message with any payload.

use qapi::qmp;
use serde::Deserialize;

use super::lines::Lines;
use crate::subject::{Subject, Task};
use crate::types::{Reply, Timestamp};
use crate::work::{Tally, Work};

pub(super) const SUBJECT: Subject = Subject { name: "qapi", prepare, accepts };

fn prepare(work: Work) -> Option<Task> {
    match work {
        Work::Session | Work::SmallChunks | Work::Newer => Some(session(work)),
        Work::Schema => Some(schema()),
        Work::Event | Work::EventWithData => Some(events(work)),
        Work::CpuDefinitions => Some(reply::<Vec<qmp::CpuDefinitionInfo>>(work, |list| {
            let one = |cpu: &qmp::CpuDefinitionInfo| {
                let features = cpu.unavailable_features.iter().flatten().map(|feature| feature.len() as u64);
                cpu.name.len() as u64 + features.sum::<u64>()
            };
            list.iter().map(one).sum()
        })),
        Work::NamedNodes => Some(reply::<Vec<qmp::BlockDeviceInfo>>(work, |list| {
            let one = |node: &qmp::BlockDeviceInfo| {
                let name = node.node_name.as_ref().map_or(0, |name| name.len() as u64);
                node.file.len() as u64 + name + node.image.base.virtual_size.cast_unsigned()
            };
            list.iter().map(one).sum()
        })),
        // It reads no statistics of a node whose driver it has none for, and gives up.
        _ => None,
    }
}

fn accepts(text: &[u8]) -> bool {
    serde_json::from_slice::<qapi::Any>(text).is_ok()
}

#[derive(Deserialize)]
struct Greeting {
    #[serde(rename = "QMP")]
    _qmp: qmp::QMP,
}

fn session(work: Work) -> Task {
    let input = work.input();
    let mut lines = Lines::default();
    Box::new(move || {
        let mut tally = Tally::default();
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                if tally.greetings == 0 {
                    let _: Greeting = serde_json::from_slice(line).expect("a greeting");
                    tally.greetings = 1;
                    return;
                }
                // Events that are newer than it are no messages to it; there are none in this session.
                match serde_json::from_slice::<qmp::QmpMessageAny>(line).expect("as it is recorded") {
                    qmp::QmpMessage::Event(_) => tally.events += 1,
                    qmp::QmpMessage::Response(response) => {
                        tally.ids += response.id().and_then(qapi::Any::as_u64).unwrap_or_default();
                        match response.result() {
                            Ok(_) => tally.returns += 1,
                            Err(_) => tally.errors += 1,
                        }
                    }
                }
            });
        }
        tally.number()
    })
}

fn schema() -> Task {
    reply::<Vec<qmp::SchemaInfo>>(Work::Schema, |list| u64::from(!list.is_empty()))
}

#[derive(Deserialize)]
struct Stamped {
    timestamp: Timestamp,
}

fn events(work: Work) -> Task {
    let input = work.input();
    let mut lines = Lines::default();
    // Its timestamps have no accessor: what they come to is added up beforehand, by serde_json.
    let stamps: u64 =
        input.pieces.iter().map(|line| serde_json::from_slice::<Stamped>(line).expect("JSON").timestamp.sum()).sum();
    Box::new(move || {
        let mut sum = stamps;
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let event: qmp::Event = serde_json::from_slice(line).expect("as it is recorded");
                match &event {
                    qmp::Event::STOP { .. } => sum += 1,
                    qmp::Event::RESUME { .. } => sum += 2,
                    qmp::Event::JOB_STATUS_CHANGE { data, .. } => {
                        sum += data.id.len() as u64 + u64::from(data.status == qmp::JobStatus::running);
                    }
                    other => panic!("{other:?}"),
                }
            });
        }
        sum
    })
}

fn reply<T: for<'a> Deserialize<'a> + 'static>(work: Work, sum: fn(&T) -> u64) -> Task {
    let input = work.input();
    let mut buffer = vec![0; input.pieces[0].len()];
    Box::new(move || {
        buffer.copy_from_slice(&input.pieces[0]);
        serde_json::from_slice::<Reply<T>>(&buffer).map_or(u64::MAX, |reply| sum(&reply.value))
    })
}

//! serde-json-core: serde without an allocator. It validates little: of what is ignored it looks for the end.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::clock::Clock;
use crate::lines::Lines;
use crate::work::{Kind, Measured, Tally, Work};

pub(crate) fn measure(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Option<Measured> {
    match work.kind {
        Kind::Session | Kind::SmallChunks => Some(session(work, memory, clock)),
        Kind::Pretty => None,
        Kind::Schema => Some(schema(work, memory, clock)),
        Kind::Event | Kind::EventWithData => Some(events(work, memory, clock)),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    serde_json_core::from_slice(text).ok().map(|(value, _)| value)
}

/// A message, by its members.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "QMP")]
    qmp: Option<IgnoredAny>,
    r#return: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
    event: Option<IgnoredAny>,
    id: Option<u64>,
}

fn session(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Measured {
    let mut lines = Lines::new(memory);
    clock.measure(|| {
        let mut tally = Tally::default();
        for piece in work.pieces {
            lines.feed(piece, |line| {
                let message: Message = read(line).expect("as it is recorded");
                tally.ids += message.id.unwrap_or_default();
                if message.r#return.is_some() {
                    tally.returns += 1;
                } else if message.event.is_some() {
                    tally.events += 1;
                } else if message.error.is_some() {
                    tally.errors += 1;
                } else if message.qmp.is_some() {
                    tally.greetings += 1;
                } else {
                    panic!("no message");
                }
            });
        }
        tally.number()
    })
}

#[derive(Deserialize)]
struct Reply {
    r#return: IgnoredAny,
}

fn schema(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Measured {
    let buffer = &mut memory[..work.pieces[0].len()];
    clock.measure(|| {
        buffer.copy_from_slice(work.pieces[0]);
        let Reply { r#return: IgnoredAny } = read(buffer).expect("as it is recorded");
        1
    })
}

/// An event, told by its name.
#[derive(Deserialize)]
struct Event<'a> {
    event: &'a str,
    timestamp: Timestamp,
    #[serde(borrow)]
    data: Option<JobStatusChange<'a>>,
}

#[derive(Deserialize)]
struct Timestamp {
    seconds: i64,
    microseconds: i64,
}

#[derive(Deserialize)]
struct JobStatusChange<'a> {
    id: &'a str,
    status: JobStatus,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum JobStatus {
    Undefined,
    Created,
    Running,
    Paused,
    Ready,
    Standby,
    Waiting,
    Pending,
    Aborting,
    Concluded,
    Null,
}

fn events(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Measured {
    let mut lines = Lines::new(memory);
    clock.measure(|| {
        let mut sum = 0;
        for piece in work.pieces {
            lines.feed(piece, |line| {
                let event: Event<'_> = read(line).expect("as it is recorded");
                sum += (event.timestamp.seconds + event.timestamp.microseconds).cast_unsigned();
                match (event.event, event.data) {
                    ("STOP", _) => sum += 1,
                    ("RESUME", _) => sum += 2,
                    ("JOB_STATUS_CHANGE", Some(change)) => {
                        sum += change.id.len() as u64 + u64::from(change.status == JobStatus::Running);
                    }
                    _ => panic!("another event"),
                }
            });
        }
        sum
    })
}

//! The work done by this project.

use qmp_core::client::{Client, Config, Message, StaticStorage};
use qmp_core::frame::Reading;
use qmp_core::message::{ServerMessage, Timestamp};
use qmp_core::reader::Reader;
use qmp_qapi::Event;
use qmp_qapi::types::JobStatus;

use crate::clock::Clock;
use crate::work::{Kind, Measured, Tally, Work};

pub(crate) fn measure(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Option<Measured> {
    Some(match work.kind {
        Kind::Session | Kind::SmallChunks | Kind::Pretty => session(work, memory, clock),
        Kind::Schema => schema(work, memory, clock),
        Kind::Event | Kind::EventWithData => events(work, clock),
    })
}

fn session(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Measured {
    let mut reader = Reader::of_server(memory, Reading::DEFAULT);
    clock.measure(|| {
        let mut tally = Tally::default();
        for piece in work.pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                rest = &rest[reader.feed(rest).expect("before the end")..];
                while let Some((message, _)) = reader.poll() {
                    let id = match message {
                        ServerMessage::Greeting(_) => {
                            tally.greetings += 1;
                            None
                        }
                        ServerMessage::Return { id, .. } => {
                            tally.returns += 1;
                            id
                        }
                        ServerMessage::Error { id, .. } => {
                            tally.errors += 1;
                            id
                        }
                        ServerMessage::Event(_) => {
                            tally.events += 1;
                            None
                        }
                        _ => panic!("damaged"),
                    };
                    tally.ids += id.and_then(|id| id.as_u64()).unwrap_or_default();
                }
            }
        }
        tally.number()
    })
}

fn schema(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Measured {
    let mut reader = Reader::of_server(memory, Reading::DEFAULT);
    clock.measure(|| {
        reader.feed(work.pieces[0]).expect("it fits");
        u64::from(matches!(reader.poll(), Some((ServerMessage::Return { .. }, _))))
    })
}

fn events(work: &Work, clock: &mut Clock) -> Measured {
    let mut storage = StaticStorage::<1024, 256, 4>::new();
    let mut client = Client::new(storage.lend(), Config::DEFAULT);
    client.feed(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n").expect("it fits");
    while client.poll().expect("a session").is_some() {}
    let sent = client.tx_pending().len();
    client.tx_sent(sent).expect("as many are there");
    client.feed(b"{\"return\": {}, \"id\": 511}\r\n").expect("it fits");
    while client.poll().expect("a session").is_some() {}
    clock.measure(|| {
        let mut sum = 0;
        for piece in work.pieces {
            client.feed(piece).expect("it fits");
            while let Some(incoming) = client.poll().expect("a session") {
                let Message::Event(event) = incoming.message else { panic!("no event") };
                let Timestamp { seconds, microseconds } = event.timestamp.expect("each has one");
                sum += (seconds + microseconds).cast_unsigned();
                match Event::try_from(event).expect("as it is recorded") {
                    Event::Stop(_) => sum += 1,
                    Event::Resume(_) => sum += 2,
                    Event::JobStatusChange(change) => {
                        sum += change.id.len() as u64 + u64::from(change.status == JobStatus::Running);
                    }
                    _ => panic!("another event"),
                }
            }
        }
        sum
    })
}

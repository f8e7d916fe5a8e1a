//! jiter: an iterator over JSON for who knows what to expect. It knows no serde: of typed replies there is no reader.

use jiter::Jiter;

use super::lines::Lines;
use crate::subject::{Subject, Task};
use crate::work::{Tally, Work};

pub(super) const SUBJECT: Subject = Subject { name: "jiter", prepare, accepts };

fn prepare(work: Work) -> Option<Task> {
    match work {
        Work::Session | Work::SmallChunks | Work::Newer => Some(session(work)),
        Work::Schema => Some(schema()),
        Work::Event => Some(events()),
        _ => None,
    }
}

fn accepts(text: &[u8]) -> bool {
    let mut jiter = Jiter::new(text);
    jiter.next_skip().is_ok() && jiter.finish().is_ok()
}

fn session(work: Work) -> Task {
    let input = work.input();
    let mut lines = Lines::default();
    let mut tape = Some(Vec::new());
    Box::new(move || {
        let mut tally = Tally::default();
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let mut jiter = Jiter::with_tape(line, tape.take().unwrap_or_default());
                let mut key = jiter.next_object().expect("an object");
                while let Some(name) = key {
                    let is_id = name == "id";
                    match name {
                        "return" => tally.returns += 1,
                        "error" => tally.errors += 1,
                        "event" => tally.events += 1,
                        "QMP" => tally.greetings += 1,
                        _ => {}
                    }
                    if is_id {
                        let jiter::NumberInt::Int(id) = jiter.next_int().expect("a number") else {
                            panic!("a small one")
                        };
                        tally.ids += id.cast_unsigned();
                    } else {
                        jiter.next_skip().expect("a value");
                    }
                    key = jiter.next_key().expect("a key or the end");
                }
                jiter.finish().expect("the end");
                tape = Some(jiter.into_tape());
            });
        }
        tally.number()
    })
}

fn schema() -> Task {
    let input = Work::Schema.input();
    let mut buffer = vec![0; input.pieces[0].len()];
    Box::new(move || {
        buffer.copy_from_slice(&input.pieces[0]);
        u64::from(accepts(&buffer))
    })
}

fn events() -> Task {
    let input = Work::Event.input();
    let mut lines = Lines::default();
    let mut tape = Some(Vec::new());
    Box::new(move || {
        let mut sum = 0;
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let mut jiter = Jiter::with_tape(line, tape.take().unwrap_or_default());
                let mut key = jiter.next_object().expect("an object");
                while let Some(name) = key {
                    match name {
                        "timestamp" => {
                            let mut part = jiter.next_object().expect("an object");
                            while part.is_some() {
                                let number = jiter.next_int().expect("a number");
                                let jiter::NumberInt::Int(number) = number else { panic!("a small one") };
                                sum += number.cast_unsigned();
                                part = jiter.next_key().expect("a key or the end");
                            }
                        }
                        "event" => match jiter.next_str().expect("a name") {
                            "STOP" => sum += 1,
                            "RESUME" => sum += 2,
                            other => panic!("{other}"),
                        },
                        _ => jiter.next_skip().expect("a value"),
                    }
                    key = jiter.next_key().expect("a key or the end");
                }
                jiter.finish().expect("the end");
                tape = Some(jiter.into_tape());
            });
        }
        sum
    })
}

//! picojson: tokens without an allocator, strings decoded into a buffer of their own. It knows no serde: of typed replies there is no
//! reader. It takes pieces as they come, but one value only: a session's end of message is found by lines all the same.

use picojson::{Event, ParseError, PullParser, SliceParser};

use super::lines::Lines;
use crate::subject::{Subject, Task};
use crate::work::{Tally, Work};

pub(super) const SUBJECT: Subject = Subject { name: "picojson", prepare, accepts };

/// As long as the longest string with escapes.
const SCRATCH: usize = 1 << 16;

fn prepare(work: Work) -> Option<Task> {
    match work {
        Work::Session | Work::SmallChunks | Work::Newer => Some(session(work)),
        Work::Schema => Some(schema()),
        Work::Event => Some(events()),
        _ => None,
    }
}

fn accepts(text: &[u8]) -> bool {
    tokens(text, &mut [0; SCRATCH], |_, _| {}).is_ok()
}

/// All tokens, each with the depth that it is at.
#[inline]
fn tokens(text: &[u8], scratch: &mut [u8], mut each: impl FnMut(usize, &Event<'_, '_>)) -> Result<(), ParseError> {
    let mut parser = SliceParser::with_buffer_from_slice(text, scratch);
    let mut depth = 0;
    loop {
        let event = parser.next_event()?;
        match event {
            Event::StartObject | Event::StartArray => depth += 1,
            Event::EndObject | Event::EndArray => depth -= 1,
            Event::EndDocument => return Ok(()),
            _ => {}
        }
        each(depth, &event);
    }
}

fn session(work: Work) -> Task {
    let input = work.input();
    let mut lines = Lines::default();
    let mut scratch = vec![0; SCRATCH];
    Box::new(move || {
        let mut tally = Tally::default();
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let mut is_id = false;
                let read = tokens(line, &mut scratch, |depth, event| match event {
                    Event::Key(key) if depth == 1 => {
                        let name: &str = key;
                        is_id = name == "id";
                        match name {
                            "return" => tally.returns += 1,
                            "error" => tally.errors += 1,
                            "event" => tally.events += 1,
                            "QMP" => tally.greetings += 1,
                            _ => {}
                        }
                    }
                    Event::Number(number) if is_id && depth == 1 => {
                        tally.ids += number.as_int().expect("a small one").cast_unsigned();
                    }
                    _ => {}
                });
                read.expect("as it is recorded");
            });
        }
        tally.number()
    })
}

fn schema() -> Task {
    let input = Work::Schema.input();
    let mut buffer = vec![0; input.pieces[0].len()];
    let mut scratch = vec![0; SCRATCH];
    Box::new(move || {
        buffer.copy_from_slice(&input.pieces[0]);
        u64::from(tokens(&buffer, &mut scratch, |_, _| {}).is_ok())
    })
}

fn events() -> Task {
    let input = Work::Event.input();
    let mut lines = Lines::default();
    let mut scratch = vec![0; SCRATCH];
    Box::new(move || {
        let mut sum = 0;
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let read = tokens(line, &mut scratch, |depth, event| match event {
                    // The timestamp has the only numbers.
                    Event::Number(number) if depth == 2 => {
                        sum += number.as_int().expect("a small one").cast_unsigned();
                    }
                    Event::String(name) if depth == 1 => match &**name {
                        "STOP" => sum += 1,
                        "RESUME" => sum += 2,
                        other => panic!("{other}"),
                    },
                    _ => {}
                });
                read.expect("as it is recorded");
            });
        }
        sum
    })
}

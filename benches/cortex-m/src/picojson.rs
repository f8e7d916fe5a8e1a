//! picojson: tokens without an allocator, strings decoded into a buffer of their own. It knows no serde: of events with data there is
//! no reader.

use picojson::{Event, ParseError, PullParser, SliceParser};

use crate::clock::Clock;
use crate::lines::Lines;
use crate::work::{Kind, Measured, Tally, Work};

/// As long as the longest string with escapes.
const SCRATCH: usize = 1 << 16;

pub(crate) fn measure(work: &Work, memory: &mut [u8], clock: &mut Clock) -> Option<Measured> {
    let (scratch, memory) = memory.split_at_mut(SCRATCH);
    match work.kind {
        Kind::Session | Kind::SmallChunks => Some(session(work, memory, scratch, clock)),
        Kind::Schema => Some(schema(work, memory, scratch, clock)),
        Kind::Event => Some(events(work, memory, scratch, clock)),
        Kind::Pretty | Kind::EventWithData => None,
    }
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

fn session(work: &Work, memory: &mut [u8], scratch: &mut [u8], clock: &mut Clock) -> Measured {
    let mut lines = Lines::new(memory);
    clock.measure(|| {
        let mut tally = Tally::default();
        for piece in work.pieces {
            lines.feed(piece, |line| {
                let mut is_id = false;
                let read = tokens(line, scratch, |depth, event| match event {
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

fn schema(work: &Work, memory: &mut [u8], scratch: &mut [u8], clock: &mut Clock) -> Measured {
    let buffer = &mut memory[..work.pieces[0].len()];
    clock.measure(|| {
        buffer.copy_from_slice(work.pieces[0]);
        u64::from(tokens(buffer, scratch, |_, _| {}).is_ok())
    })
}

fn events(work: &Work, memory: &mut [u8], scratch: &mut [u8], clock: &mut Clock) -> Measured {
    let mut lines = Lines::new(memory);
    clock.measure(|| {
        let mut sum = 0;
        for piece in work.pieces {
            lines.feed(piece, |line| {
                let read = tokens(line, scratch, |depth, event| match event {
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

//! Frames: the messages do not depend on how the bytes come in pieces, nor on the buffer's size, nor on the fast path.

use arbitrary::{Result, Unstructured};
use qmp_core::frame::{Buffer, Framing, Reading};
use qmp_core::message::{ClientMessage, Origin, ServerMessage};
use qmp_core::reader::{Reader, Recorded, Source};

use crate::rest;

/// The first bytes say who is read, how, and in what pieces; the rest is the stream.
pub fn run(bytes: &[u8]) {
    // Unstructured data that has run out yields zeroes, so there is no error.
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let of = u.int_in_range(0..=3)?;
    let flags: u8 = u.arbitrary()?;
    let framing = if flags & 1 == 0 { Framing::Structure } else { Framing::Lines };
    let max_depth = if flags & 2 == 0 { scan_depth() } else { 1 + u16::from(flags >> 4) };
    let plan = Plan {
        size: usize::from(u.arbitrary::<u8>()?) + 1,
        pieces: u.arbitrary()?,
        reading: Reading { framing, max_depth, fast: true },
    };
    let stream = rest(u)?;
    match of {
        0 => invariant(&plan, stream, Reader::of_server, |message| match message {
            ServerMessage::Oversize(_) => Said::Oversize,
            ServerMessage::Malformed(malformed) => Said::Malformed(malformed.at),
            other => Said::Message(format!("{other:?}")),
        }),
        1 => invariant(&plan, stream, Reader::of_agent, |message| match message {
            ServerMessage::Oversize(_) => Said::Oversize,
            ServerMessage::Malformed(malformed) => Said::Malformed(malformed.at),
            other => Said::Message(format!("{other:?}")),
        }),
        2 => invariant(&plan, stream, Reader::of_client, |message| match message {
            ClientMessage::Oversize(_) => Said::Oversize,
            ClientMessage::Malformed(malformed) => Said::Malformed(malformed.at),
            other => Said::Message(format!("{other:?}")),
        }),
        _ => invariant(&plan, stream, Reader::of_both, |message| match message {
            Recorded::Oversize(_) => Said::Oversize,
            Recorded::Malformed(malformed) => Said::Malformed(malformed.at),
            other => Said::Message(format!("{other:?}")),
        }),
    }
    Ok(())
}

const fn scan_depth() -> u16 {
    qmp_core::json::scan::MAX_DEPTH
}

struct Plan {
    /// Of the small buffer.
    size: usize,
    /// Where pieces end: their lengths come of this by a generator of numbers.
    pieces: u16,
    reading: Reading,
}

#[derive(Debug, PartialEq)]
enum Said {
    Message(String),
    Malformed(u64),
    Oversize,
}

#[derive(Debug, PartialEq)]
struct Seen {
    said: Said,
    /// All of the message, where the buffers are of one size.
    whole: String,
    origin: Origin,
}

fn invariant<'b, S: Source>(
    plan: &Plan,
    stream: &[u8],
    reader: impl Fn(Buffer<'b>, Reading) -> Reader<'b, S>,
    said: impl Fn(S::Message<'_>) -> Said,
) where
    for<'m> S::Message<'m>: core::fmt::Debug,
{
    let read = |buffer, fast, pieces| {
        let reading = Reading { fast, ..plan.reading };
        all(reader(buffer, reading), stream, pieces, &said)
    };
    // Owned and of its full size from the start is what lent memory is.
    let small = |initial| Buffer::growing(initial, plan.size);
    let whole = read(small(plan.size), false, None);
    assert_eq!(read(small(plan.size), true, Some(plan.pieces)), whole, "in pieces");
    assert_eq!(read(small(plan.size), true, Some(0)), whole, "byte by byte");
    assert_eq!(read(small(plan.size.min(3)), true, Some(plan.pieces)), whole, "in memory that grows");

    let large = read(Buffer::growing(stream.len() + 1, stream.len() + 1), true, None);
    assert_eq!(large.len(), whole.len());
    let mut end = 0;
    for (large, small) in large.iter().zip(&whole) {
        assert_eq!(large.origin, small.origin);
        if small.said != Said::Oversize {
            assert_eq!(large.said, small.said);
        }
        assert!(large.origin.offset >= end, "messages overlap");
        end = large.origin.offset + large.origin.bytes;
    }
    assert!(end <= stream.len() as u64);
}

fn all<S: Source>(
    mut reader: Reader<'_, S>,
    stream: &[u8],
    pieces: Option<u16>,
    said: &impl Fn(S::Message<'_>) -> Said,
) -> Vec<Seen>
where
    for<'m> S::Message<'m>: core::fmt::Debug,
{
    let mut seen = Vec::new();
    let mut rest = stream;
    let mut state = u32::from(pieces.unwrap_or_default());
    loop {
        while let Some((message, origin)) = reader.poll() {
            let whole = without_text(&format!("{message:?}"));
            seen.push(Seen { said: said(message), whole, origin });
            assert!(seen.len() <= stream.len() + 1, "a message takes a byte at least");
        }
        if rest.is_empty() {
            if reader.is_finished() {
                return seen;
            }
            reader.rx_eof();
            continue;
        }
        let most = match pieces {
            None => rest.len(),
            Some(0) => 1,
            Some(_) => {
                state = state.wrapping_mul(0x9E37_79B1).rotate_left(7).wrapping_add(1);
                1 + (state >> 24) as usize % 40
            }
        };
        let taken = reader.feed(&rest[..most.min(rest.len())]).expect("the stream goes on");
        assert!(taken > 0, "a reader that was polled has room");
        rest = &rest[taken..];
    }
}

/// What stands before a bad byte is told as far as the buffer still has it, and that depends on the pieces.
fn without_text(message: &str) -> String {
    match (message.contains("Malformed("), message.find(", text: ")) {
        (true, Some(at)) => message[..at].to_owned(),
        _ => message.to_owned(),
    }
}

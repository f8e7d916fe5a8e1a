//! A peer that means harm: however it goes about it, each byte of its costs a bounded number of steps, and is moved a bounded number of
//! times.

use super::*;
use crate::json::scan::Input;
use crate::message::CLIENT_MEMBERS;

/// As many bytes of each stream.
const BYTES: usize = 20_000;

/// What a stream is made of: a beginning, and what is repeated behind it.
const STREAMS: &[(&[u8], &[u8])] = &[
    (b"", b"{}"),
    (b"", b"{}\n"),
    (b"", b"{\"event\":\"E\"}"),
    (b"", b"{\"return\":{},\"id\":1}\r\n"),
    (b"{\"return\":\"", b"x"),
    (b"{\"return\":", b"9"),
    (b"{\"id\":", b"9"),
    (b"{\"id\":\"", b"\\u0031"),
    (b"{\"id\":[", b"1,"),
    (b"{\"return\":", b"["),
    (b"", b"{\"id\":"),
    (b"{", b"\"id\":1,"),
    (b"{\"return\":[", b"{},"),
    (b"", b"["),
    (b"", b"]"),
    (b"", b"}"),
    (b"", b"{"),
    (b"", b"\n{"),
    (b"", b"x"),
    (b"", b"x\n"),
    (b"", b"\""),
    (b"", b"\0"),
    (b"", b"\xFF"),
    (b"", b"\xFF{\"return\":1}\n"),
    (b"", b"\xFE{"),
    (b"", b"\n"),
    (b"", b" "),
    (b"", b"{\"return\":\"\\ud800\"}\n"),
    (b"", b"{\"\0\n"),
    (b"", b"{\"return\":1e\n{\"return\":-}\n"),
];

/// What a stream has cost.
pub(super) struct Cost {
    pieces: u64,
    messages: u64,
    pub(super) work: u64,
    moved: u64,
}

pub(super) fn cost(stream: &[u8], size: usize, piece: usize, peer: Peer, fast: bool) -> Cost {
    let mut memory = vec![b'7'; size];
    let buffer = Buffer::from(memory.as_mut_slice());
    let reading = Reading { fast, ..Reading::DEFAULT };
    if peer == Peer::Client {
        cost_of(stream, piece, Frames::<Input>::new(buffer, peer, reading, CLIENT_MEMBERS))
    } else {
        cost_of(stream, piece, Frames::<Output>::new(buffer, peer, reading, SERVER_MEMBERS))
    }
}

fn cost_of<G: Grammar>(stream: &[u8], piece: usize, mut frames: Frames<'_, G>) -> Cost {
    let (mut pieces, mut messages) = (0, 0);
    for mut piece in stream.chunks(piece) {
        while !piece.is_empty() {
            let taken = frames.feed(piece).unwrap();
            assert!(taken > 0, "a polled buffer has room");
            piece = &piece[taken..];
            pieces += 1;
            while frames.advance().is_some() {
                messages += 1;
            }
        }
    }
    Cost { pieces, messages, work: frames.scanner.work, moved: frames.moved.into() }
}

#[test]
fn a_byte_costs_the_same_whatever_it_is_part_of() {
    for (beginning, repeated) in STREAMS {
        let mut stream = beginning.to_vec();
        stream.extend(repeated.iter().cycle().take(BYTES));
        let bytes = stream.len() as u64;
        for peer in [Peer::Server, Peer::Agent, Peer::Client] {
            for (size, piece) in
                [(16, 1), (64, 7), (4096, 1), (4096, usize::MAX), (16384, usize::MAX), (BYTES * 2, 1000)]
            {
                for fast in [false, true] {
                    let Cost { pieces, messages, work, moved } = cost(&stream, size, piece, peer, fast);
                    let of = format!(
                        "{} {} for {peer:?}, {size} bytes of buffer, pieces of {piece}, fast {fast}",
                        beginning.escape_ascii(),
                        repeated.escape_ascii()
                    );
                    assert!(messages <= bytes, "{messages} messages: {of}");
                    // As the scanner has it: two steps a byte, and one more where a piece ends or a message does.
                    assert!(work <= 2 * bytes + pieces + messages, "{work} steps: {of}");
                    assert!(moved <= 2 * bytes, "{moved} bytes moved: {of}");
                }
            }
        }
    }
}

/// A count that counts nothing would keep within any bound.
#[test]
fn steps_and_moves_are_counted() {
    let mut stream = b"{\"return\":\"".to_vec();
    stream.resize(1000, b'x');
    let Cost { work, .. } = cost(&stream, 4096, usize::MAX, Peer::Server, false);
    assert!(work >= 1000, "{work} steps");
    assert!(cost(&stream, 4096, usize::MAX, Peer::Server, true).work > 0);
    // The second message goes to the front, as it does not fit behind the first one.
    let stream = b"{\"return\":1}".repeat(2);
    let Cost { moved, .. } = cost(&stream, 20, usize::MAX, Peer::Server, true);
    assert!(moved > 0);
}

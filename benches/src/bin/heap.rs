//! `heap`: what each piece of work takes of the heap when it is done for the first time, a line each: work, subject, allocations, and
//! the most bytes at one time. The input is not counted, nor what ours is given: a buffer as long as the longest message.
//!
//! Then what the longest reply takes element by element: the word `streamed`, the bytes of the receive buffer, of all there is of a
//! client, how many elements were delivered and how many told to be too long for the buffer, and allocations.
//!
//! Then how many of the mistakes each subject refuses where it is asked to validate: the word `refuses`, subject, and of how many.

use std::io::Write;

use qmp_benches::subject;
use qmp_benches::work::{MISTAKES, Work};
use qmp_core::client::{Client, Config, Delivery, Message, StaticStorage};

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

fn main() {
    for work in Work::ALL {
        for subject in subject::all() {
            let Some(mut task) = (subject.prepare)(work) else { continue };
            let profiler = dhat::Profiler::builder().testing().build();
            let done = task();
            let used = dhat::HeapStats::get();
            drop(profiler);
            if done != u64::MAX {
                println!("{}\t{}\t{}\t{}", work.name(), subject.name, used.total_blocks, used.max_bytes);
            }
        }
    }
    streamed::<256>();
    streamed::<512>();
    streamed::<1024>();
    streamed::<4352>();
    for subject in subject::all() {
        let refused = MISTAKES.iter().filter(|text| !(subject.accepts)(text)).count();
        println!("refuses\t{}\t{refused}\t{}", subject.name, MISTAKES.len());
    }
}

/// The reply to `query-qmp-schema` through a receive buffer of `RX` bytes.
fn streamed<const RX: usize>() {
    const TX: usize = 80;
    let reply = Work::Schema.input().pieces.concat();
    let profiler = dhat::Profiler::builder().testing().build();
    let mut storage = StaticStorage::<RX, TX, 1>::new();
    let mut client = Client::new(storage.lend(), Config::DEFAULT);
    let all = size_of_val(&client) + RX + TX + size_of::<qmp_core::client::Slot>();
    let (mut delivered, mut passed, mut ended) = (0, 0, false);
    let mut feed = |client: &mut Client<'_>, mut bytes: &[u8]| {
        while !bytes.is_empty() {
            bytes = &bytes[client.feed(bytes).expect("before the end")..];
            while let Some(incoming) = client.poll().expect("a session") {
                match incoming.message {
                    Message::Element { element: Ok(_), .. } => delivered += 1,
                    Message::Element { element: Err(_), .. } => passed += 1,
                    Message::ElementsEnd { count, .. } => ended = count == delivered + passed,
                    Message::Greeting(_) | Message::Ready { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            let sent = client.tx_pending().len();
            client.tx_sent(sent).expect("as many are there");
        }
    };
    feed(&mut client, b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}");
    feed(&mut client, b"{\"return\": {}, \"id\": 511}");
    let ticket = client.commands().execute_raw("query-qmp-schema", "{}").expect("room");
    client.commands().set_delivery(ticket, Delivery::Elements(&[])).expect("in flight");
    // The id is the recorded client's: this one's reply is told by its own.
    let end = reply.windows(8).rposition(|word| word == b", \"id\": ").unwrap_or(reply.len());
    feed(&mut client, &reply[..end]);
    let mut tail = [b' '; 24];
    write!(&mut tail[..], ", \"id\": {}}}", ticket.id()).expect("room");
    feed(&mut client, &tail);
    let used = dhat::HeapStats::get();
    drop(profiler);
    assert!(ended, "all elements were told");
    println!("streamed\t{RX}\t{all}\t{delivered}\t{passed}\t{}", used.total_blocks);
}

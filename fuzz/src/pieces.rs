//! Replies that are taken apart: what is delivered in pieces is what would be delivered whole, however small the buffer and however the
//! bytes come.

use arbitrary::{Result, Unstructured};
use qmp_core::client::{Client, Config, Delivery, Message, Slot, Storage};
use qmp_core::json::Value;

use crate::rest;

const DELIVERIES: [Delivery; 6] = [
    Delivery::ELEMENTS,
    Delivery::TEXT,
    Delivery::Elements(&["a"]),
    Delivery::Text(&["a"]),
    Delivery::Elements(&["a", "b"]),
    Delivery::Text(&["a", "b"]),
];

/// The first bytes say how, the rest is what the command returns.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let delivery = DELIVERIES[u.int_in_range(0..=5)?];
    let size = 27 + usize::from(u.arbitrary::<u8>()?);
    let pieces: u8 = u.arbitrary()?;
    let flags: u8 = u.arbitrary()?;
    let body = rest(u)?;
    let number = 512;
    let id = if flags & 1 == 0 { format!(", \"id\": {number}") } else { String::new() };
    let front = if flags & 1 == 0 { String::new() } else { format!("\"id\": {number}, ") };
    let blanks = if flags & 2 == 0 { "" } else { "\r\n    " };
    let mut reply = format!("{{{front}\"return\":{blanks}").into_bytes();
    reply.extend(body);
    reply.extend(format!("{blanks}{id}}}\r\n").as_bytes());

    // The whole reply, if that is what it is.
    let Some(whole) = deliver(&reply, None, reply.len() + 64, usize::MAX) else { return Ok(()) };
    let [Said::Whole(text)] = &*whole else { return Ok(()) };
    let mut text = text.clone().into_bytes();
    let value = qmp_core::json::Payload::parse(&mut text).expect("it was delivered").into_value();
    let reading_in_one = deliver(&reply, Some(delivery), size, usize::MAX).expect("the same reply");
    let reading_in_pieces = deliver(&reply, Some(delivery), size, 1 + usize::from(pieces)).expect("the same reply");
    assert_eq!(reading_in_one, reading_in_pieces);
    let reading_bytes = deliver(&reply, Some(delivery), size, 1).expect("the same reply");
    assert_eq!(reading_in_one, reading_bytes);

    match (delivery, reading_in_one.last()) {
        // Nothing to take apart there, and it may fit or not.
        (_, Some(Said::Whole(_) | Said::Oversize)) => {
            assert_eq!(reading_in_one.len(), 1);
            if let Some(Said::Whole(text)) = reading_in_one.first() {
                assert_eq!(Said::Whole(text.clone()), whole[0]);
            }
        }
        (Delivery::Elements(path), Some(Said::ElementsEnd(count))) => {
            let elements: Vec<_> = at(value, path).expect("an array").elements().map(|it| it.to_string()).collect();
            assert_eq!(elements.len(), *count as usize);
            assert_eq!(reading_in_one.len(), elements.len() + 1);
            for (said, element) in reading_in_one.iter().zip(&elements) {
                match said {
                    Said::Element(text) => assert_eq!(text, element),
                    Said::OversizeElement(bytes) => assert!(*bytes > size as u64 || depth(element) > 1000),
                    other => panic!("{other:?} among elements"),
                }
            }
        }
        (Delivery::Text(path), Some(Said::TextEnd)) => {
            let text = at(value, path).and_then(Value::as_str).expect("a string");
            let mut delivered = String::new();
            for said in &reading_in_one[..reading_in_one.len() - 1] {
                let Said::Text(piece) = said else { panic!("{said:?} among text") };
                delivered.push_str(piece);
            }
            assert_eq!(delivered, text);
        }
        (_, other) => panic!("{other:?} at the end of {delivery:?}"),
    }
    Ok(())
}

/// The value that is taken apart: at the first members of these names.
fn at<'v>(value: Value<'v>, path: &[&str]) -> Option<Value<'v>> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn depth(text: &str) -> usize {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count()
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Whole(String),
    Element(String),
    OversizeElement(u64),
    ElementsEnd(u32),
    Text(String),
    TextEnd,
    Oversize,
}

/// What a client says of the reply to its first command; `None` if it is damaged, or more than one message.
pub(crate) fn deliver(reply: &[u8], delivery: Option<Delivery>, size: usize, most: usize) -> Option<Vec<Said>> {
    let mut rx = vec![0; size.max(96)];
    let mut tx = [0; 256];
    let mut slots = [Slot::FREE; 1];
    // The handshake in a buffer of its own size: the session is what is tried here.
    let storage = Storage::new(&mut rx[..size], &mut tx, &mut slots);
    let mut client = Client::new(storage, Config::DEFAULT);
    let mut said = Vec::new();
    feed(&mut client, b"{\"QMP\": {}}", usize::MAX, &mut said)?;
    feed(&mut client, b"{\"return\": {}, \"id\": 511}", usize::MAX, &mut said)?;
    let ticket = client.commands().execute("query-x", &()).expect("a session");
    assert_eq!(ticket.id(), 512);
    if let Some(delivery) = delivery {
        client.commands().set_delivery(ticket, delivery).expect("it is in flight");
    }
    feed(&mut client, reply, most, &mut said)?;
    (!client.is_in_flight(ticket)).then_some(said)
}

fn feed(client: &mut Client<'_>, mut bytes: &[u8], most: usize, said: &mut Vec<Said>) -> Option<()> {
    while !bytes.is_empty() {
        let taken = client.feed(&bytes[..most.min(bytes.len())]).expect("the stream goes on");
        bytes = &bytes[taken..];
        while let Some(incoming) = client.poll().expect("room") {
            said.push(match incoming.message {
                Message::Greeting(_) | Message::Ready { .. } => continue,
                Message::Reply { outcome: Ok(payload), .. } => Said::Whole(payload.into_value().to_string()),
                Message::Element { element: Ok(payload), .. } => Said::Element(payload.into_value().to_string()),
                Message::Element { element: Err(oversize), .. } => Said::OversizeElement(oversize.bytes),
                Message::ElementsEnd { count, late: false, .. } => Said::ElementsEnd(count),
                Message::Text { text, .. } => Said::Text(text.to_owned()),
                Message::TextEnd { late: false, .. } => Said::TextEnd,
                Message::Oversize { ticket: Some(_), .. } => Said::Oversize,
                // More than a reply, or none: nothing to compare.
                _ => return None,
            });
        }
    }
    Some(())
}

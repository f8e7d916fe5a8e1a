//! Every type of the vocabulary from any JSON: it is read or refused, and what is read is written as JSON that reads as the same.

use arbitrary::{Result, Unstructured};
use qmp_core::json::Payload;
use qmp_tests::vocabulary::{GUEST_AGENT, QMP, Vocabulary};

use crate::rest;

/// The first two bytes choose the type, the rest is JSON.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let which = usize::from(u.arbitrary::<u16>()?);
    let text = rest(u)?;
    let tables: [&Vocabulary; 2] = [&QMP, &GUEST_AGENT];
    let all = tables.iter().map(|table| table.len()).sum::<usize>();
    let mut which = which % all;
    for table in tables {
        if which < table.len() {
            both_ways(table, which, text);
            break;
        }
        which -= table.len();
    }
    Ok(())
}

/// An input that is read as the type at this place of a table.
pub fn input(table: &Vocabulary, which: usize, json: &str) -> Vec<u8> {
    let before = if core::ptr::eq(table, &raw const QMP) { 0 } else { QMP.len() };
    [&((before + which) as u16).to_le_bytes(), json.as_bytes()].concat()
}

fn both_ways(table: &Vocabulary, which: usize, text: &[u8]) {
    let Some(written) = again(table, which, text) else { return };
    // What is written has lost what the type does not know, and nothing else from then on.
    let twice = again(table, which, written.as_bytes());
    assert_eq!(twice.as_deref(), Some(&*written), "type {} of its table", table.name(which));
}

/// The text as the type writes what it reads; `None` if it reads none.
fn again(table: &Vocabulary, which: usize, text: &[u8]) -> Option<String> {
    // QEMU can send these, and they are read; they are never written.
    if text.windows(3).any(|word| word == b"inf" || word == b"nan") {
        return None;
    }
    let mut text = text.to_vec();
    let value = Payload::parse(&mut text).ok()?.into_value();
    table.again(which, value)
}

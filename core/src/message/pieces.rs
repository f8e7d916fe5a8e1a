//! What is found of a reply that is taken apart.

use super::server::{BODY, ID, ID_MEMBER};
use super::{Kind, Parts};
use crate::frame::Frames;
use crate::json::text::decode_content;
use crate::json::{Payload, Strings, Value};

/// The id of the reply whose `return` begins, if it stands in front of that. `Err` if the message is no reply.
pub(crate) fn id_so_far<'f>(frames: &'f Frames<'_>) -> Result<Option<Value<'f>>, ()> {
    if Kind::of(frames.found()) != Kind::Return {
        return Err(());
    }
    let Some(text) = frames.text_so_far(ID) else {
        // One that is gone was no id of ours.
        return if frames.found().has(ID_MEMBER) { Err(()) } else { Ok(None) };
    };
    // Ids of ours are numbers, which are never rewritten.
    Ok(Some(core::str::from_utf8(text).map_or(Value::NULL, Value::from_decoded)))
}

/// The element just outlined.
pub(crate) fn element<'m>(frames: &'m mut Frames<'_>) -> Payload<'m> {
    let strings = if frames.found().is_escaped(BODY) { Strings::Escaped } else { Strings::Plain };
    Payload::new(frames.text(), strings)
}

/// The piece of a string just outlined, decoded.
pub(crate) fn text<'m>(frames: &'m mut Frames<'_>) -> &'m str {
    let escaped = frames.found().is_escaped(BODY);
    let text = frames.text();
    let length = if escaped { decode_content(text) } else { text.len() };
    // The scanner has passed each byte, and no character is cut.
    text.get(..length).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
}

/// What the message was that was taken apart, and the id that stands behind the elements.
pub(crate) fn behind_elements<'m>(frames: &'m mut Frames<'_>) -> (Kind, Option<Value<'m>>) {
    // What it returns stays as it is: it may be handed out.
    (Kind::of(frames.found()), Parts::of(frames, BODY).0.value(ID))
}

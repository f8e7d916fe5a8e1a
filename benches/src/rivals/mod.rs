//! The same work by others, each in the fastest way that its documentation shows, with its buffers kept from one message to the next.
//!
//! None of them frames. Where lines do it, [`lines`] cuts them, by `memchr`; in pretty mode only who can read values off a stream takes
//! part. Of a session they tell what each message is and its id, and skip the payload; ours also keeps where its parts are.
//!
//! What each does not do: `cargo xtask bench` shows how many of some twenty mistakes each takes for JSON.

mod jiter;
mod lines;
mod picojson;
mod qapi;
mod serde;

use crate::subject::Subject;

pub(crate) const ALL: [Subject; 7] = [
    serde::SERDE_JSON,
    serde::SERDE_JSON_CORE,
    picojson::SUBJECT,
    serde::SIMD_JSON,
    serde::SONIC_RS,
    jiter::SUBJECT,
    qapi::SUBJECT,
];

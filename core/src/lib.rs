//! QMP, the QEMU Machine Protocol.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod json;
pub mod client;
pub mod command;
#[cfg(feature = "embedded-io")]
pub mod drive;
pub mod error;
pub mod frame;
pub mod message;
#[cfg(feature = "heapless")]
pub mod owned;
pub mod reader;
pub mod time;
mod transmit;

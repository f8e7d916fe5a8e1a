//! What is told to a logger, by the feature `log`. Without it each function is empty, and nothing is formatted.
//!
//! The facade is `log`: it is the smaller one, and both worlds hear it, as the subscribers of `tracing` take its records too
//! (`tracing_subscriber`'s `init` sees to that). Targets are `qmp_std`, and `qmp_std::wire` for the bytes, at the level `trace`. What
//! goes over the wire can be secret: arguments of `set_password`, for instance.

#[cfg(feature = "log")]
use core::fmt;
use core::fmt::Display;
use core::time::Duration;

use crate::error::Error;
use crate::inbox::Server;

macro_rules! tell {
    ($level:ident, $($arguments:tt)*) => {
        #[cfg(feature = "log")]
        log::$level!(target: "qmp_std", $($arguments)*);
        #[cfg(not(feature = "log"))]
        if false {
            let _ = format_args!($($arguments)*);
        }
    };
}

pub(crate) fn connected(at: &str) {
    tell!(debug, "{at}: connected");
}

pub(crate) fn greeted(at: &str, server: Option<&Server>) {
    let Some(server) = server else { return };
    let version = || server.version.map_or_else(|| "of a version unsaid".to_owned(), |version| version.to_string());
    tell!(debug, "{at}: greeted by QEMU {} {}, which offers {:?}", version(), server.package, server.capabilities);
}

pub(crate) fn ready(at: &str, oob: bool) {
    tell!(info, "{at}: ready, out-of-band execution {}", if oob { "on" } else { "off" });
}

pub(crate) fn in_step(at: &str, ids: bool) {
    tell!(info, "{at}: the agent is in step, and echoes {} ids", if ids { "the" } else { "no" });
}

/// An attempt failed, and there will be another one.
pub(crate) fn again(error: &Error, pause: Duration) {
    tell!(debug, "{error}. Trying again in {pause:.1?}");
}

pub(crate) fn failed(error: &Error) {
    tell!(debug, "{error}");
}

pub(crate) fn reconnecting(at: &str) {
    tell!(info, "{at}: connecting again");
}

pub(crate) fn timed_out(at: &str, id: u32) {
    tell!(debug, "{at}: no reply in time to command {id}");
}

pub(crate) fn ended(at: &str, cause: Option<&dyn Display>) {
    match cause {
        Some(cause) => {
            tell!(info, "{at}: the connection has ended: {cause}");
        }
        None => {
            tell!(info, "{at}: the server has ended the connection");
        }
    }
}

/// One more of `what` was dropped, `count` by now. A flood is told of more and more rarely.
pub(crate) fn dropped(what: &str, count: u64) {
    if count.is_power_of_two() {
        tell!(warn, "{count} {what} dropped so far, as more came than are kept");
    }
}

pub(crate) fn sent(at: &str, bytes: &[u8]) {
    wire(at, "->", bytes);
}

pub(crate) fn received(at: &str, bytes: &[u8]) {
    wire(at, "<-", bytes);
}

fn wire(at: &str, direction: &str, bytes: &[u8]) {
    #[cfg(feature = "log")]
    log::trace!(target: "qmp_std::wire", "{at} {direction} {}", Text(bytes));
    #[cfg(not(feature = "log"))]
    let _ = (at, direction, bytes);
}

/// Bytes as text that any terminal takes: as Rust would write them, but for quotes, which need no backslash here and are many.
#[cfg(feature = "log")]
struct Text<'a>(&'a [u8]);

#[cfg(feature = "log")]
impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b'"' => f.write_str("\""),
            b'\'' => f.write_str("'"),
            byte => byte.escape_ascii().fmt(f),
        })
    }
}

//! What the tests of this package share: real QEMUs that are gone when a test is, a client pumped over a socket with deadlines,
//! and messages that outlive the buffer they came in.
//!
//! Nothing here sleeps and hopes. A wait is for something that must come, and fails after [`LIMIT`]; the few waits for something
//! that must *not* come last [`QUIET`].

extern crate alloc;

pub mod agent;
pub mod by_name;
pub mod cut;
pub mod disks;
pub mod firmware;
pub mod gate;
pub mod host;
pub mod hostile;
pub mod input;
pub mod ledger;
pub mod lossy;
pub mod process;
pub mod qemu;
pub mod random;
pub mod rom;
pub mod said;
pub mod sample;
pub mod session;
pub mod soak;
pub mod states;
pub mod suite;
pub mod transcript;
pub mod vocabulary;
pub mod within;
pub mod work;
pub mod world;

use core::time::Duration;
use std::thread;
use std::time::Instant;

/// How long whatever must happen may take, on the slowest machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long nothing must happen.
pub const QUIET: Duration = Duration::from_millis(200);

/// Waits until `condition` holds, for what tells nobody that it happened.
///
/// # Panics
/// After [`LIMIT`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

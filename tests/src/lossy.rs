//! A line that loses bytes: what a UART without flow control does to a stream.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use crate::random::Random;

/// How bad a line is.
#[derive(Clone, Copy, Debug)]
pub struct Damage {
    /// What is drawn depends on it alone.
    pub seed: u64,
    /// One byte in so many is dropped or doubled on average, and one at least of twice as many.
    pub rate: usize,
    /// How many bytes that happens to in each direction; then the line is good.
    pub most: u32,
}

/// A line to a server. It is there for one client.
#[derive(Debug)]
pub struct Line {
    path: PathBuf,
    damaged: Arc<[AtomicU32; 2]>,
}

impl Line {
    /// A line to `server` that a client gets at a socket in `folder`.
    ///
    /// # Panics
    /// If there is no such folder.
    pub fn to(server: UnixStream, folder: &Path, damage: Damage) -> Self {
        let path = folder.join("lossy");
        let listener = UnixListener::bind(&path).expect("a socket");
        let damaged = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let counts = Arc::clone(&damaged);
        thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            server.set_read_timeout(None).expect("a socket");
            let (from, to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            let back = Arc::clone(&counts);
            thread::spawn(move || pump(from, to, damage, damage.seed, &counts[0]));
            pump(server, client, damage, damage.seed ^ u64::MAX, &back[1]);
        });
        Self { path, damaged }
    }

    /// Where the client finds it.
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// How many bytes were dropped or doubled: of what the client sent, and of what the server sent.
    pub fn damaged(&self) -> [u32; 2] {
        [0, 1].map(|direction: usize| self.damaged[direction].load(Ordering::SeqCst))
    }
}

/// Passes bytes on, in pieces while the line is bad, until either side is gone. Which bytes are hurt depends on the seed alone, not on
/// how they come.
fn pump(mut from: UnixStream, mut to: UnixStream, damage: Damage, seed: u64, damaged: &AtomicU32) {
    let (mut random, mut pieces) = (Random::seeded(seed), Random::seeded(seed));
    let mut good = random.below(2 * damage.rate);
    let mut taken = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut taken) {
        let mut passed = Vec::with_capacity(count);
        let bad = damaged.load(Ordering::SeqCst) < damage.most;
        for byte in &taken[..count] {
            if damaged.load(Ordering::SeqCst) == damage.most {
                passed.push(*byte);
            } else if let Some(left) = good.checked_sub(1) {
                good = left;
                passed.push(*byte);
            } else {
                good = random.below(2 * damage.rate);
                damaged.fetch_add(1, Ordering::SeqCst);
                if random.once_in(2) {
                    passed.extend([*byte, *byte]);
                }
            }
        }
        let cuts = if bad { pieces.cuts(passed.len().max(1), 16) } else { Vec::new() };
        let mut at = 0;
        for cut in cuts.into_iter().chain([passed.len()]) {
            if to.write_all(&passed[at..cut]).is_err() {
                break;
            }
            at = cut;
        }
    }
    // A socket that is gone already is no matter.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

//! A line that breaks behind so many bytes, again and again: each time it is connected it has a limit for each direction.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::LIMIT;

/// A line to a server, for one client at a time.
#[derive(Debug)]
pub struct Line {
    path: PathBuf,
    limits: Arc<[AtomicUsize; 2]>,
    passed: Receiver<Vec<u8>>,
}

impl Line {
    /// A line to the server at `server` that clients get at a socket in `folder`.
    ///
    /// # Panics
    /// If there is no such folder.
    pub fn to(server: PathBuf, folder: &Path) -> Self {
        let path = folder.join("cut");
        let listener = UnixListener::bind(&path).expect("a socket");
        let limits = Arc::new([AtomicUsize::new(usize::MAX), AtomicUsize::new(usize::MAX)]);
        let (said, passed) = channel();
        let limit = Arc::clone(&limits);
        thread::spawn(move || {
            for client in listener.incoming() {
                let [up, down] = [0, 1].map(|direction: usize| limit[direction].load(Ordering::SeqCst));
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&server)) else { return };
                if said.send(carry(&client, &server, up, down)).is_err() {
                    return;
                }
            }
        });
        Self { path, limits, passed }
    }

    /// Where a client finds it.
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// From its next connection on it breaks behind so many bytes of the client's, or of the server's.
    pub fn breaks(&self, up: usize, down: usize) {
        self.limits[0].store(up, Ordering::SeqCst);
        self.limits[1].store(down, Ordering::SeqCst);
    }

    /// Waits until the server has let go of the next connection that has ended, and gives what passed from it to the client.
    ///
    /// # Panics
    /// If it does not.
    pub fn passed(&self) -> Vec<u8> {
        self.passed.recv_timeout(LIMIT).expect("a connection that ends")
    }
}

/// Passes bytes on until one side is gone or a limit is reached. Then the client is cut off at once; the server, behind what it has to
/// say. Gives what passed to the client.
fn carry(client: &UnixStream, server: &UnixStream, up: usize, down: usize) -> Vec<u8> {
    let mut passed = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            pass(client, server, up, &mut Vec::new());
            cut(client, server);
        });
        pass(server, client, down, &mut passed);
        cut(client, server);
        // 5.2 at times ends a connection that is made while it lets go of the one before.
        let mut rest = [0; 4096];
        while let Ok(1..) = (&*server).read(&mut rest) {}
    });
    passed
}

fn cut(client: &UnixStream, server: &UnixStream) {
    // One that is gone already is no matter.
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Write);
}

fn pass(mut from: &UnixStream, mut to: &UnixStream, limit: usize, passed: &mut Vec<u8>) {
    let mut taken = [0; 4096];
    while passed.len() < limit {
        let most = taken.len().min(limit - passed.len());
        let Ok(count @ 1..) = from.read(&mut taken[..most]) else { return };
        if to.write_all(&taken[..count]).is_err() {
            return;
        }
        passed.extend_from_slice(&taken[..count]);
    }
}

//! A command that QEMU executes until the test lets it end, so that what happens meanwhile does not depend on speed.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::qemu::Machine;
use crate::wait_until;

/// A `chardev-add` of a listening socket with `wait`: QEMU's main thread stays in it until somebody connects.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    name: String,
}

impl Gate {
    /// The command that holds up commands.
    pub const COMMAND: &str = "chardev-add";

    /// A gate of `machine`, with a name that no other gate of it has.
    pub fn new(machine: &Machine, name: &str) -> Self {
        Self { path: machine.folder().join(name), name: name.into() }
    }

    /// The arguments of [`COMMAND`](Self::COMMAND).
    pub fn arguments(&self) -> Value {
        let address = json!({"type": "unix", "data": {"path": self.path}});
        json!({"id": self.name, "backend": {"type": "socket", "data": {"addr": address, "server": true, "wait": true}}})
    }

    /// Waits until QEMU executes the command.
    pub fn wait_until_held(&self) {
        wait_until("QEMU to listen", || self.path.exists());
    }

    /// Lets the command end.
    pub fn open(self) {
        // Between the socket's creation and its listening there is a moment.
        wait_until("QEMU to accept", || UnixStream::connect(&self.path).is_ok());
    }
}

//! What is on its way to a client.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use qmp_core::error::Error;
use qmp_core::server::Server;

use crate::output;

/// Bytes to be sent, no more than the server's transmit buffer holds, or what they are when indented.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    pretty: bool,
}

impl Outbox {
    pub(super) const fn new(pretty: bool) -> Self {
        Self { bytes: Vec::new(), sent: 0, pretty }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Takes what the server has to send. Called when it is empty.
    pub(super) fn fill(&mut self, server: &mut Server<'_>) -> Result<(), Error> {
        self.bytes.clear();
        self.sent = 0;
        let pending = server.tx_pending();
        if self.pretty {
            pending.split_inclusive(|byte| *byte == b'\n').for_each(|line| indent(line.trim_ascii(), &mut self.bytes));
        } else {
            self.bytes.extend_from_slice(pending);
        }
        server.tx_sent(pending.len())
    }

    /// Sends what can go. An error that is not [passing](crate::socket::is_passing) means that nobody is there.
    pub(super) fn send(&mut self, mut stream: &UnixStream) -> io::Result<()> {
        while !self.is_empty() {
            self.sent += stream.write(&self.bytes[self.sent..])?;
        }
        Ok(())
    }
}

/// Indents by four, with CR LF, as QEMU does.
fn indent(message: &[u8], to: &mut Vec<u8>) {
    for line in output::pretty(message).split(|byte| *byte == b'\n') {
        let text = line.trim_ascii_start();
        to.resize(to.len() + 2 * (line.len() - text.len()), b' ');
        to.extend_from_slice(text);
        to.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn indented_as_by_qemu() {
        let mut shown = Vec::new();
        indent(br#"{"return":{"a":[1," x"]},"id":2}"#, &mut shown);
        let expected = "{\r\n    \"return\": {\r\n        \"a\": [\r\n            1,\r\n            \" x\"\r\n        ]\r\n    },\r\n    \"id\": 2\r\n}\r\n";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}

//! A client in one page, over a Unix socket and the core alone: `cargo run -p qmp-core --example client -- PATH`
//!
//! Prints the version, the status and, until the server leaves, the events. It allocates nothing for the protocol.

use core::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use qmp_core::client::{Client, Config, Message, StaticStorage};
use serde::Deserialize;

/// What `query-status` returns, as far as this program cares.
#[derive(Deserialize)]
struct Status<'a> {
    running: bool,
    status: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: client PATH-OF-SOCKET")?;
    let mut socket = UnixStream::connect(path)?;
    let mut storage = StaticStorage::<4096, 512, 8>::new();
    let mut client = Client::new(storage.lend(), Config::DEFAULT);

    loop {
        match socket.read(client.rx_space())? {
            0 => client.rx_eof(),
            count => client.rx_commit(count)?,
        }
        while let Some(incoming) = client.poll()? {
            match incoming.message {
                Message::Greeting(greeting) => match greeting.version() {
                    Some(version) => println!("QEMU {version}"),
                    None => println!("a server that does not say its version"),
                },
                Message::Ready { .. } => {
                    incoming.commands.execute("query-status", &())?;
                }
                Message::Reply { outcome: Ok(payload), .. } => {
                    let status: Status<'_> = payload.decode()?;
                    println!("{}, {}", status.status, if status.running { "running" } else { "not running" });
                }
                Message::Reply { outcome: Err(failure), .. } => println!("failed: {failure}"),
                Message::Event(event) => println!("event {}", event.name),
                other => println!("{other:?}"),
            }
        }
        socket.write_all(client.tx_pending())?;
        client.tx_sent(client.tx_pending().len())?;
    }
}

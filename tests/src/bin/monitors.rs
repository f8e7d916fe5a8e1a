//! A thousand monitors in a process of their own: `monitors FOLDER COUNT` listens at `FOLDER/0` and on, says so, and serves one client
//! each from one thread. A command `happen` is answered and followed by an event, `HAPPENED`. Ends when standard input does.

use std::env;
use std::io::{self, Write};
use std::path::Path;

use qmp_core::error::Error;
use qmp_core::message::Timestamp;
use qmp_core::server::{Config, Incoming, Message, Server, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn main() -> io::Result<()> {
    let [folder, count] = env::args().skip(1).collect::<Vec<_>>().try_into().expect("FOLDER COUNT");
    let count: usize = count.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        for number in 0..count {
            let listener = UnixListener::bind(Path::new(&folder).join(number.to_string()))?;
            tokio::spawn(async move {
                let (stream, _) = listener.accept().await?;
                serve(stream).await
            });
        }
        println!("ready");
        io::stdout().flush()?;
        let mut input = Vec::new();
        tokio::task::spawn_blocking(move || io::Read::read_to_end(&mut io::stdin(), &mut input)).await??;
        Ok(())
    })
}

async fn serve(mut stream: UnixStream) -> io::Result<()> {
    let mut server = Server::new(Storage::growing(1 << 16, 1 << 16, 10, 64), Config::DEFAULT);
    loop {
        answer(&mut server).map_err(io::Error::other)?;
        let pending = server.tx_pending();
        if !pending.is_empty() {
            stream.write_all(pending).await?;
            let sent = pending.len();
            server.tx_sent(sent).map_err(io::Error::other)?;
            continue;
        }
        match stream.read(server.rx_space()).await? {
            0 => return Ok(()),
            count => server.rx_commit(count).map_err(io::Error::other)?,
        }
    }
}

fn answer(server: &mut Server<'_>) -> Result<(), Error> {
    while let Some(Incoming { message, replies, .. }) = server.poll()? {
        if let Message::Command { ticket, name, .. } = message {
            if name == "happen" {
                replies.reply(ticket, &Nothing {})?;
                replies.event("HAPPENED", Some(&Nothing {}), Timestamp::UNKNOWN)?;
            } else {
                replies.not_found(ticket, name)?;
            }
        }
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Nothing {}

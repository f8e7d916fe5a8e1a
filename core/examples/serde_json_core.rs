//! A command whose arguments serde-json-core writes, and its reply, which serde-json-core reads.
//!
//! The types are as firmware has them: strings are borrowed, and nothing is allocated to read or write them. The bytes
//! of the server are made up here.
//!
//! `cargo run -p qmp-core --example serde_json_core --features serde-json-core`

use qmp_core::client::{Client, Config, Message, StaticStorage};
use serde::{Deserialize, Serialize};

/// The arguments of `chardev-add`.
#[derive(Serialize)]
struct ChardevAdd<'a> {
    id: &'a str,
    backend: Backend<'a>,
}

#[derive(Serialize)]
struct Backend<'a> {
    r#type: &'a str,
    data: Nothing,
}

#[derive(Serialize)]
struct Nothing {}

/// What `chardev-add` returns.
#[derive(Debug, Deserialize, PartialEq)]
struct ChardevReturn<'a> {
    #[serde(borrow, default)]
    pty: Option<&'a str>,
}

const GREETING: &[u8] =
    br#"{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 9}, "package": ""}, "capabilities": []}}"#;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut storage = StaticStorage::<1024, 256, 4>::new();
    let mut client = Client::new(storage.lend(), Config::DEFAULT);

    client.feed(GREETING)?;
    let Some(incoming) = client.poll()? else { return Err("no greeting".into()) };

    // Room for the arguments, which are checked as JSON before they are sent.
    let mut scratch = [0; 128];
    let arguments = ChardevAdd { id: "console", backend: Backend { r#type: "pty", data: Nothing {} } };
    let sent = incoming.commands.execute_with_serde_json_core("chardev-add", &arguments, &mut scratch)?;
    print!("sent: {}", String::from_utf8_lossy(client.tx_pending()));

    let reply = format!("{{\"return\": {{\"pty\": \"/dev/pts/3\", \"more\": [1]}}, \"id\": {}}}\r\n", sent.id());
    client.feed(reply.as_bytes())?;
    let Some(incoming) = client.poll()? else { return Err("no reply".into()) };
    let Message::Reply { ticket, outcome: Ok(payload) } = incoming.message else { return Err("no success".into()) };
    assert_eq!(ticket, sent);
    // Room for one escaped string. A path to a terminal has no escapes, and a `&str` could take none.
    let returned: ChardevReturn<'_> = payload.decode_with_serde_json_core(&mut [])?;
    println!("received: {returned:?}");
    assert_eq!(returned.pty, Some("/dev/pts/3"));
    Ok(())
}

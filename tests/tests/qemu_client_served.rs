//! QEMU's own Python client, `qemu.qmp`, against `qmp serve`, as somebody would try it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use qmp_tests::process::Process;
use qmp_tests::qemu::named;

/// Two sessions: commands at once, an error, an event, the end.
const SCRIPT: &str = r#"
import asyncio, sys
from qemu.qmp import ExecuteError, QMPClient

async def session(last):
    client = QMPClient("test")
    await client.connect(sys.argv[1])
    with client.listener("STOP") as stopped:
        replies = await asyncio.gather(*(client.execute("query-block") for _ in range(8)))
        assert all(len(disks) == 7 for disks in replies), replies
        assert len(await client.execute("query-qmp-schema")) > 500
        try:
            await client.execute("make-coffee")
            raise AssertionError("it has coffee")
        except ExecuteError as failed:
            assert failed.error.error.class_ == "CommandNotFound", failed
        await client.execute("stop")
        assert (await stopped.get())["event"] == "STOP"
        await client.execute("cont")
    if last:
        await client.execute("quit")
    try:
        await client.disconnect()
    except EOFError:
        assert last, "only a machine that is off ends the connection"

async def main():
    await session(False)
    await session(True)

asyncio.run(asyncio.wait_for(main(), 60))
"#;

#[test]
fn qemus_own_client_is_served() {
    let folder = tempfile::Builder::new().prefix("qmp").tempdir_in("/tmp").expect("a folder");
    let socket = folder.path().join("s");
    let mut server = Command::new(named("QMP_TEST_PROGRAM", "the program `qmp`"));
    let mut server = Process::start(server.arg("--socket").arg(&socket).arg("serve").stderr(Stdio::piped()));
    let mut said = BufReader::new(server.stderr.take().expect("piped"));
    said.read_line(&mut String::new()).expect("it says where it serves");
    let python = named("QMP_TEST_PYTHON", "a Python interpreter with the package qemu.qmp");
    let told = Command::new(python).arg("-c").arg(SCRIPT).arg(&socket).output().expect("it runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(server.ends().success());
    assert!(!socket.exists());
}

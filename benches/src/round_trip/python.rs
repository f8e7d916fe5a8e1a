//! QEMU's own client, in a process of its own that measures itself.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clients::Client;

const SCRIPT: &str = r#"
import asyncio, sys, time
from qemu.qmp import QMPClient

async def main():
    client = QMPClient("round-trip")
    client.await_greeting = client.negotiate = True
    await client.connect(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter_ns()
        for _ in range(int(line)):
            assert (await client.execute("query-status"))["status"] == "prelaunch"
        print(time.perf_counter_ns() - start, flush=True)

asyncio.run(main())
"#;

/// `qemu.qmp`.
pub(crate) struct QemuQmp {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl QemuQmp {
    pub(crate) fn connect(python: &str, path: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {python}"))?;
        let (ask, told) = (child.stdin.take().context("a pipe")?, child.stdout.take().context("a pipe")?);
        let mut client = Self { child, ask, told: BufReader::new(told) };
        anyhow::ensure!(client.line()? == "ready", "{python} has no qemu.qmp");
        Ok(client)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Client for QemuQmp {
    fn name(&self) -> &'static str {
        "qemu.qmp (Python)"
    }

    fn run(&mut self, trips: u32) -> Result<Duration> {
        writeln!(self.ask, "{trips}")?;
        Ok(Duration::from_nanos(self.line()?.parse()?))
    }
}

impl Drop for QemuQmp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

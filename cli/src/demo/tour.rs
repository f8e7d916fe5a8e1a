//! A tour through the protocol: what goes over the wire, and what it means.

use core::time::Duration;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use qmp_core::command::Command;
use qmp_std::{Error, Monitor, Options, OwnedEvent};
use serde::{Deserialize, Serialize};

use super::tap::{Direction, Record, Tap};
use crate::output::{Failed, Output};

/// The receive buffer of the second connection, which the schema does not fit.
const SMALL: usize = 4096;
/// Far more than any step takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes the tour on the machine that listens at `path`, and ends with the machine's end.
pub(super) fn run(path: &Path, output: &mut Output) -> Result<()> {
    let start = Instant::now();
    let mut guide = Guide { output, record: Record::default(), step: 0 };
    guide.say(
        "QMP is how programs talk to QEMU: one JSON object a message, over a socket. Here is a session with a small",
    )?;
    guide.say("machine of our own, which a thread of this program serves on a real socket:")?;
    guide.say(&format!("    {}", path.display()))?;
    guide
        .say("Lines with -> were sent to it, lines with <- came from it, and = is what this library makes of them.")?;

    let mut monitor = guide.connect(path, &Options::new())?;
    guide.status(&mut monitor)?;
    guide.stop_and_go(&mut monitor)?;
    guide.disks(&mut monitor)?;
    guide.schema(&mut monitor)?;
    guide.unknown(&mut monitor)?;
    drop(monitor);
    let mut monitor = guide.too_small(path)?;
    guide.quit(&mut monitor)?;

    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    guide.say("")?;
    guide.say(&format!("All of that took {milliseconds:.1} ms. Now with a QEMU of yours,"))?;
    guide.say("    qemu-system-x86_64 … -qmp unix:vm.sock,server=on,wait=off")?;
    guide.say("    qmp --socket vm.sock exec query-status")?;
    guide.say("    qmp --socket vm.sock events")?;
    guide.say("and qmp --help for the rest.")?;
    Ok(())
}

struct Guide<'o> {
    output: &'o mut Output,
    record: Record,
    step: usize,
}

impl Guide<'_> {
    fn connect(&mut self, path: &Path, options: &Options) -> Result<Monitor> {
        self.begin("Connecting: the server greets, the client says that it is ready for commands")?;
        let monitor = self.monitor(path, options)?;
        self.wire()?;
        let server = monitor.server();
        let version = server.version.context("the greeting names no version")?;
        self.mean(&format!("QEMU {version} ({})", server.package))?;
        Ok(monitor)
    }

    fn status(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("A command and its reply, which bears the command's id")?;
        let Status { status, running } = monitor.execute("query-status", &())?;
        self.wire()?;
        self.mean(&format!("the machine is {status:?}, running: {running}"))
    }

    fn stop_and_go(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("Events: they come at any time, here each before the reply to the command that causes it")?;
        for (command, name) in [("stop", "STOP"), ("cont", "RESUME")] {
            monitor.run(command, &())?;
            let event = event(monitor, name)?;
            self.wire()?;
            self.mean(&format!("{name} at {}", clock(&event)))?;
        }
        Ok(())
    }

    fn disks(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("Names as awkward as they come: decoded in the receive buffer itself, and borrowed from there")?;
        let names = monitor.send(&QueryBlock, |disks| {
            let show = |disk: &Disk<'_>| format!("{:?} in {:?}", disk.device, disk.inserted.file);
            disks.iter().map(show).collect::<Vec<_>>()
        })?;
        let sent = self.wire()?;
        // How they were written on the wire, cut out of it.
        let written = sent.split("{\"device\":").skip(1).filter_map(|disk| disk.split_once(",\"type\":"));
        for (name, (written, _)) in names.iter().zip(written) {
            let escaped = if written.contains('\\') { format!(", sent as {written}") } else { String::new() };
            self.mean(&format!("{name}{escaped}"))?;
        }
        Ok(())
    }

    fn schema(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("A long message: what the server can do, described by itself")?;
        let count = monitor.send(&QuerySchema, |entries| {
            let count = |kind| entries.iter().filter(|entry| entry.meta_type == kind).count();
            format!("{} entries, {} commands and {} events among them", entries.len(), count("command"), count("event"))
        })?;
        self.wire()?;
        self.mean(&count)
    }

    fn unknown(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("A command that fails: the session goes on")?;
        match monitor.run("make-coffee", &()) {
            Err(Error::Command(failure)) => {
                self.wire()?;
                self.mean(&format!("an error of class {}: {}", failure.class, failure.desc))
            }
            outcome => bail!("make-coffee was to fail, and came to {outcome:?}"),
        }
    }

    fn too_small(&mut self, path: &Path) -> Result<Monitor> {
        self.begin(&format!(
            "The same with {SMALL} bytes of memory: what does not fit is passed over, told, and costs nothing else"
        ))?;
        let mut monitor = self.monitor(path, &Options::new().rx_limit(SMALL))?;
        self.record.take();
        match monitor.execute_raw("query-qmp-schema", None) {
            Err(Error::Oversize { bytes, .. }) => {
                self.wire()?;
                self.mean(&format!("too long: {} bytes", thousands(bytes)))?;
            }
            outcome => bail!("the schema was not to fit, and came to {:?}", outcome.map(|text| text.len())),
        }
        let Status { status, .. } = monitor.execute("query-status", &())?;
        self.wire()?;
        self.mean(&format!("still in step: the machine is {status:?}"))?;
        Ok(monitor)
    }

    fn quit(&mut self, monitor: &mut Monitor) -> Result<()> {
        self.begin("The end: an event, the reply, and the connection is closed")?;
        monitor.run("quit", &())?;
        let event = event(monitor, "SHUTDOWN")?;
        if !monitor.drain_to_end(Some(PATIENCE))? {
            bail!("the machine does not close the connection");
        }
        self.wire()?;
        let Shutdown { guest, reason } = event.decode()?;
        self.mean(&format!("SHUTDOWN at {}, because of {reason}, by the guest itself: {guest}", clock(&event)))
    }
}

impl Guide<'_> {
    fn monitor(&self, path: &Path, options: &Options) -> Result<Monitor> {
        let stream = UnixStream::connect(path).with_context(|| format!("connecting to {}", path.display()))?;
        Ok(options.clone().deadline(PATIENCE).timeout(PATIENCE).over(Tap::new(stream, &self.record))?)
    }

    fn begin(&mut self, title: &str) -> Result<()> {
        self.step += 1;
        self.say("")?;
        self.say(&format!("{}. {title}", self.step))
    }

    /// Shows what went over the wire since the last time, and gives the last of it.
    fn wire(&mut self) -> Result<String> {
        let mut last = String::new();
        for (direction, line) in self.record.take() {
            let arrow = match direction {
                Direction::Sent => "->",
                Direction::Received => "<-",
            };
            self.say(&format!("   {arrow} {}", shortened(&line)))?;
            last = line;
        }
        Ok(last)
    }

    fn mean(&mut self, text: &str) -> Result<()> {
        self.say(&format!("    = {text}"))
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.output.line(text.as_bytes()).map_err(|error: Failed| error.into())
    }
}

fn event(monitor: &mut Monitor, name: &str) -> Result<OwnedEvent> {
    monitor.wait_event(&[name], Some(PATIENCE))?.with_context(|| format!("no {name} came"))
}

#[derive(Deserialize)]
struct Status {
    status: String,
    running: bool,
}

#[derive(Deserialize)]
struct Shutdown {
    guest: bool,
    reason: String,
}

#[derive(Serialize)]
struct QueryBlock;

#[derive(Deserialize)]
struct Disk<'a> {
    device: &'a str,
    #[serde(borrow)]
    inserted: Inserted<'a>,
}

#[derive(Deserialize)]
struct Inserted<'a> {
    file: &'a str,
}

impl Command for QueryBlock {
    const NAME: &'static str = "query-block";
    type Return<'a> = Vec<Disk<'a>>;
}

#[derive(Serialize)]
struct QuerySchema;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    meta_type: &'a str,
}

impl Command for QuerySchema {
    const NAME: &'static str = "query-qmp-schema";
    type Return<'a> = Vec<Entry<'a>>;
}

/// The time of day of an event, UTC.
fn clock(event: &OwnedEvent) -> String {
    let Some(time) = event.timestamp else { return "an unknown time".to_owned() };
    let second = time.seconds.rem_euclid(24 * 60 * 60);
    format!("{:02}:{:02}:{:02}.{:06} UTC", second / 3600, second / 60 % 60, second % 60, time.microseconds)
}

/// A line that is not too long to be read.
fn shortened(line: &str) -> String {
    const MOST: usize = 140;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} … {} bytes", &line[..end], thousands(line.len() as u64)),
        None => line.to_owned(),
    }
}

/// A number with its digits in groups of three.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

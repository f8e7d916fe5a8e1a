//! One implementation for embassy and for tokio: a client as firmware would write it, driven by the core's `Line`, is a task of embassy's
//! executor over a pipe in memory, and the same function is a task of tokio's over its streams. At the other end is a monitor, the
//! core's server, as another task.
//!
//! The client waits for bytes with a time limit, which drops the future of [`Line::step`] whenever it is over: in the middle of a
//! message, and of a command that has gone in part. Nothing is lost by that.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use embassy_executor::{Executor, Spawner};
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pipe::Pipe;
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{Read, Write};
use qmp_core::client::{self, Client, Message};
use qmp_core::drive::{Line, Moved};
use qmp_core::message::Timestamp;
use qmp_core::server::{self, Server};
use qmp_core::time::Instant;
use qmp_tests::LIMIT;
use serde::{Deserialize, Serialize};

/// So many commands are executed.
const COMMANDS: u32 = 10;
/// The longest that the client waits in one go.
const PATIENCE: Duration = Duration::from_millis(1);
/// The monitor sends so many bytes at once, and then nothing for so long.
const PIECE: usize = 16;
const PAUSE: Duration = Duration::from_millis(3);
/// How long the client waits for a command that takes longer.
const BRIEF: Duration = Duration::from_millis(5);

/// What a runtime adds: time.
trait Timer: Copy {
    fn now(self) -> Instant;
    async fn at(self, moment: Instant);
}

/// What the client has seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// What each command returned, in order.
    replies: Vec<u32>,
    /// What each event told, in order.
    events: Vec<u32>,
    /// Commands that were not answered in time, and replies that came after all.
    timed_out: u32,
    late: u32,
    /// How often a step's future was dropped.
    dropped: u32,
}

#[derive(Serialize, Deserialize)]
struct Count {
    number: u32,
}

/// What firmware would do: negotiate, execute commands, see events, and look after other things meanwhile.
async fn client<R: Read, W: Write<Error = R::Error>>(reader: R, writer: W, timer: impl Timer) -> Seen {
    // As much as there need be, all of it in the task.
    let mut storage = client::StaticStorage::<256, 128, 4>::new();
    let mut client = Client::new(storage.lend(), client::Config::DEFAULT);
    let mut line = Line::new(reader, writer);
    let mut seen = Seen::default();
    loop {
        let soon = timer.now().after(PATIENCE);
        let wake = client.poll_timeout().map_or(soon, |deadline| deadline.min(soon));
        match select(line.step(&mut client), timer.at(wake)).await {
            Either::First(Ok(Moved::Sent | Moved::Received)) => {}
            // Time for something else.
            Either::Second(()) => seen.dropped += 1,
            Either::First(end) => panic!("{end:?}: {seen:?}"),
        }
        client.handle_timeout(timer.now());
        while let Some(incoming) = client.poll().expect("a session") {
            let commands = incoming.commands;
            match incoming.message {
                Message::Greeting(_) => continue,
                Message::Ready { .. } => {}
                Message::Reply { outcome, .. } => {
                    let count: Count = outcome.expect("it succeeds").decode().expect("a count");
                    seen.replies.push(count.number);
                }
                Message::Event(event) => {
                    let count: Count = event.data.expect("data").decode().expect("a count");
                    seen.events.push(count.number);
                    continue;
                }
                Message::TimedOut { .. } => {
                    seen.timed_out += 1;
                    continue;
                }
                Message::Late { .. } => seen.late += 1,
                other => panic!("{other:?}"),
            }
            // The next one, while the message is held.
            let next = u32::try_from(seen.replies.len()).expect("few");
            if next < COMMANDS {
                commands.execute("count", &Count { number: next }).expect("there is room");
            } else if seen.late == 0 {
                let slow = commands.execute("slow", &Count { number: next }).expect("there is room");
                commands.set_timeout(slow, BRIEF).expect("it is in flight");
            } else {
                return seen;
            }
        }
    }
}

/// A monitor that takes its time: each message comes in pieces.
async fn monitor<R: Read<Error: Debug>, W: Write<Error: Debug>>(mut reader: R, mut writer: W, timer: impl Timer) {
    let mut storage = server::StaticStorage::<256, 512, 8, 64>::new();
    let mut server = Server::new(storage.lend(), server::Config::DEFAULT);
    loop {
        while let Some(incoming) = server.poll().expect("a client") {
            let server::Message::Command { ticket, name, arguments, .. } = incoming.message else { continue };
            let slow = name == "slow";
            let count: Count = arguments.expect("arguments").decode().expect("a count");
            if slow {
                timer.at(timer.now().after(BRIEF * 4)).await;
            }
            incoming.replies.event("COUNTED", Some(&count), Timestamp::UNKNOWN).expect("there is room");
            incoming.replies.reply(ticket, &count).expect("there is room");
        }
        while !server.tx_pending().is_empty() {
            let pending = server.tx_pending();
            let count = writer.write(&pending[..pending.len().min(PIECE)]).await.expect("a client");
            server.tx_sent(count).expect("it was pending");
            writer.flush().await.expect("a client");
            timer.at(timer.now().after(PAUSE)).await;
        }
        let count = reader.read(server.rx_space()).await.expect("a client");
        if count == 0 {
            return;
        }
        server.rx_commit(count).expect("there was room");
    }
}

/// Each reply and each event once, in order, however often the wait was given up.
fn nothing_is_lost(seen: &Seen) {
    println!("{} futures dropped", seen.dropped);
    assert!(seen.dropped >= COMMANDS, "{seen:?}");
    assert_eq!(seen.replies, (0..COMMANDS).collect::<Vec<_>>());
    assert_eq!(seen.events, (0..=COMMANDS).collect::<Vec<_>>());
    assert_eq!((seen.timed_out, seen.late), (1, 1));
}

/// A wire in memory, with room for less than a command.
type Wire = Pipe<CriticalSectionRawMutex, 24>;
static TO_MONITOR: Wire = Wire::new();
static TO_CLIENT: Wire = Wire::new();

#[derive(Clone, Copy, Debug)]
struct Embassy;

impl Timer for Embassy {
    fn now(self) -> Instant {
        Instant::from_millis(embassy_time::Instant::now().as_millis())
    }

    async fn at(self, moment: Instant) {
        embassy_time::Timer::at(embassy_time::Instant::from_millis(moment.as_millis())).await;
    }
}

#[embassy_executor::task]
async fn monitor_task() {
    monitor(&TO_MONITOR, &TO_CLIENT, Embassy).await;
}

#[embassy_executor::task]
async fn client_task(done: Sender<Seen>) {
    let seen = client(&TO_CLIENT, &TO_MONITOR, Embassy).await;
    done.send(seen).expect("the test waits");
}

#[test]
fn as_tasks_of_embassy() {
    let (done, seen) = channel();
    // Embassy's executor never ends; the test's process does.
    thread::spawn(|| {
        let executor = Box::leak(Box::new(Executor::new()));
        executor.run(|spawner: Spawner| {
            spawner.spawn(monitor_task().expect("its first"));
            spawner.spawn(client_task(done).expect("its first"));
        });
    });
    nothing_is_lost(&seen.recv_timeout(LIMIT).expect("it ends"));
}

#[derive(Clone, Copy, Debug)]
struct Tokio(tokio::time::Instant);

impl Timer for Tokio {
    fn now(self) -> Instant {
        Instant::ZERO.after(self.0.elapsed())
    }

    async fn at(self, moment: Instant) {
        tokio::time::sleep_until(self.0 + Instant::ZERO.until(moment)).await;
    }
}

#[test]
fn as_tasks_of_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let seen = runtime.block_on(async {
        let timer = Tokio(tokio::time::Instant::now());
        let (ours, theirs) = tokio::io::duplex(24);
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(theirs);
            monitor(FromTokio::new(reader), FromTokio::new(writer), timer).await;
        });
        let (reader, writer) = tokio::io::split(ours);
        tokio::time::timeout(LIMIT, client(FromTokio::new(reader), FromTokio::new(writer), timer)).await
    });
    nothing_is_lost(&seen.expect("it ends"));
}

//! A thousand monitors watched from one thread, and the memory that one takes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use qmp_std::Options;
use qmp_std::asynchronous::UnixMonitor;
use qmp_tests::LIMIT;
use qmp_tests::process::{Process, memory};
use tokio::task::JoinSet;
use tokio::time::timeout;

const MONITORS: usize = 1000;
/// What one takes at most, in bytes: a receive buffer of 4 KiB, a transmit buffer, and what is around them.
const EACH: usize = 16 << 10;

#[test]
fn a_thousand_monitors_from_one_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut servers = Command::new(env!("CARGO_BIN_EXE_monitors"));
    servers.arg(folder.path()).arg(MONITORS.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut servers = Process::start(&mut servers);
    let mut line = String::new();
    BufReader::new(servers.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let here = thread::current().id();
    runtime.block_on(async {
        let mut monitors = Vec::<UnixMonitor>::with_capacity(MONITORS);
        let mut before = 0;
        for number in 0..MONITORS {
            // What the first one brings is not counted.
            if number == 1 {
                before = memory();
            }
            let options = Options::new().deadline(LIMIT);
            monitors.push(options.unix_tokio(folder.path().join(number.to_string())).await.expect("a monitor"));
        }
        let mut tasks = JoinSet::new();
        for mut monitor in monitors {
            tasks.spawn(async move {
                for _ in 0..3 {
                    timeout(LIMIT, monitor.run("happen", &())).await.expect("in time").expect("a reply");
                    let event = timeout(LIMIT, monitor.wait_event(&["HAPPENED"])).await.expect("in time");
                    assert_eq!(event.expect("an event").name, "HAPPENED");
                }
                assert_eq!(thread::current().id(), here);
                monitor
            });
        }
        let monitors = tasks.join_all().await;
        let each = memory().saturating_sub(before) / (MONITORS - 1);
        println!("{} monitors, {each} B each, sockets and tasks included", monitors.len());
        assert!(monitors.len() == MONITORS && each < EACH, "{each} B each");
    });
}

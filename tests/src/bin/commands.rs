//! `commands SOCKET KIND COUNT`: connects to a monitor and executes so many typed commands, to be looked at from outside. KIND is
//! `blocking`, `deadline`, `shared` or `async`.

use core::time::Duration;
use std::env;

use qmp_qapi::commands::BlockResize;
use qmp_std::{Error, Options};

fn main() {
    let [socket, kind, count] = env::args().skip(1).collect::<Vec<_>>().try_into().expect("SOCKET KIND COUNT");
    let count: usize = count.parse().expect("a number");
    let options = Options::new();
    // There is no such device: the command is answered, and does nothing.
    let command = BlockResize { device: Some("none"), ..BlockResize::new(1 << 30) };
    let answered = |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::Command(_))), "{outcome:?}");
    if kind == "async" {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(async {
            let mut monitor = options.unix_tokio(&socket).await.expect("a monitor");
            for _ in 0..count {
                answered(monitor.send(&command, |_| ()).await);
            }
        });
    }
    let mut monitor = options.unix(&socket).expect("a monitor");
    match &*kind {
        "shared" => {
            let shared = monitor.share().expect("a thread");
            (0..count).for_each(|_| answered(shared.send(&command, |_| ())));
        }
        _ => {
            monitor.set_timeout((kind == "deadline").then_some(Duration::from_secs(30)));
            (0..count).for_each(|_| answered(monitor.send(&command, |_| ())));
        }
    }
}

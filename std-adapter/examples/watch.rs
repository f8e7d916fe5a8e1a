//! Watches any number of monitors from one thread, and prints what happens: `watch SOCKET…`.
//!
//! A monitor that cannot be reached, or that ends, is told and left; the others go on.

use std::env;
use std::process::ExitCode;

use qmp_std::{Error, Options};
use tokio::task::JoinSet;

async fn watch(path: String) -> Result<(), Error> {
    let mut monitor = Options::new().unix_tokio(&path).await?;
    loop {
        match monitor.next_event().await {
            Ok(event) => println!("{path}: {} {}", event.name, event.data.as_deref().unwrap_or("")),
            Err(Error::Closed { source: None }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut tasks = JoinSet::new();
    for path in env::args().skip(1) {
        tasks.spawn(async move { (watch(path.clone()).await, path) });
    }
    let mut code = ExitCode::SUCCESS;
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((Ok(()), path)) => println!("{path}: ended"),
            Ok((Err(error), path)) => {
                eprintln!("{path}: {error}");
                code = ExitCode::FAILURE;
            }
            Err(panicked) => eprintln!("{panicked}"),
        }
    }
    code
}

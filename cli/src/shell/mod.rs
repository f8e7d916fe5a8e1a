//! `qmp shell`: a monitor kept open, for a person at a terminal or for a script.

mod board;
mod catalogue;
mod complete;
mod fits;
mod help;
mod history;
mod kind;
mod line;
mod link;
mod schema;
mod script;
mod session;
mod show;
mod terminal;
#[cfg(test)]
mod tests;
mod typeahead;
mod words;

use core::time::Duration;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::args::{self, Address};
use crate::output::Coloring;

/// Executes commands as they are typed, and shows events as they come
///
/// A line is a command and its arguments: `block_resize node-name=disk0 size=1073741824`. Each value is read as the member's type says:
/// a number, true or false (or on, off), a string; quotes hold white space together. Dots lead into objects and lists
/// (`file.driver=file`, `list.0=a`), `key:=json` and an object in braces are JSON, and a line that is JSON is a whole command:
/// `{"execute": "stop"}`. What does not fit is told, and sent all the same: the server decides. `help` lists the commands, `help COMMAND`
/// what one takes, and the Tab key completes both, as this server has them.
///
/// Ctrl-C ends the wait for a reply, which is shown when it comes after all. Ctrl-D, or `exit`, leaves; `quit` is QEMU's own
/// command, and ends QEMU.
///
/// Where standard input or output is no terminal the lines are a script: each command is executed when the one before was answered, and
/// what it came to is one line of JSON, {"command": …, "return": …} or {"command": …, "error": …}. Events are lines between them, as QEMU
/// sends them. The exit status is 1 if a line failed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Waits no longer for the connection, and then for each reply; fractions allowed. Without it: 10 seconds, and as long as it takes
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    timeout: Option<Duration>,
    /// Enables out-of-band execution where the server offers it: `oob COMMAND` does not wait for the commands in front of it
    #[arg(long)]
    oob: bool,
    /// Does not show events (`events on` does)
    #[arg(long)]
    no_events: bool,
    /// Neither reads nor writes the history, which is the file qmp/history in the XDG state folder
    #[arg(long)]
    no_history: bool,
    /// In a script, ends at the first line that fails
    #[arg(short = 'e', long)]
    stop_on_error: bool,
    #[command(flatten)]
    coloring: Coloring,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        terminal::run(options, address)
    } else {
        script::run(options, address)
    }
}

//! The program at a terminal, whose screen can be read.

use core::time::Duration;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use pty_process::blocking::{Command, Pts, Pty};
use rustix::termios::{LocalModes, tcgetattr};

/// The longest that a screen takes to show something.
const SOON: Duration = Duration::from_secs(30);

/// A terminal, and the program that runs in it.
pub(crate) struct Terminal {
    input: File,
    output: Receiver<Vec<u8>>,
    /// What came and is not on the screen yet.
    behind: Vec<Vec<u8>>,
    screen: vt100::Parser,
    pub(crate) child: Child,
    /// What the terminal does by itself.
    modes: LocalModes,
}

impl Terminal {
    /// Runs the program in a terminal, with a home of its own.
    pub(crate) fn run(program: impl AsRef<OsStr>, arguments: &[&str], home: &Path) -> Self {
        let (pty, pts): (Pty, Pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(40, 100)).expect("a terminal has a size");
        let command = Command::new(program)
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env("HOME", home)
            .env_remove("XDG_STATE_HOME")
            .env_remove("NO_COLOR");
        let input = File::from(OwnedFd::from(pty));
        let modes = modes(&input);
        let child = command.spawn(pts).expect("the program was built");
        let mut from = input.try_clone().expect("one more descriptor");
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // An error is how the end of the program shows.
            while let Ok(count @ 1..) = from.read(&mut piece) {
                if sender.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { input, output, behind: Vec::new(), screen: vt100::Parser::new(40, 100, 0), child, modes }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).expect("the terminal takes input");
    }

    /// Waits until the screen is as `wanted`.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        while !wanted(self) {
            if !self.behind.is_empty() {
                self.screen.process(&self.behind.remove(0));
                continue;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                // Line by line, so that nothing goes by that was there.
                Ok(piece) => self.behind.extend(piece.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec)),
                Err(RecvTimeoutError::Timeout) => panic!("no {what} within {SOON:?}. The screen:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => panic!("no {what} to the end. The screen:\n{}", self.text()),
            }
        }
    }

    /// Waits until the screen shows `text` anywhere.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        self.wait(text, |it| it.text().contains(text));
    }

    /// Waits until the cursor's line is `line`, to the cursor.
    #[track_caller]
    pub(crate) fn types(&mut self, line: &str) {
        self.wait(line, |it| it.typed() == line);
    }

    /// What the screen shows, without the white space at the ends of lines.
    pub(crate) fn text(&self) -> String {
        self.rows().join("\n").trim_end().to_owned()
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows(0, screen.size().1).map(|row| row.trim_end().to_owned()).collect()
    }

    /// The cursor's line, up to the cursor.
    pub(crate) fn typed(&self) -> String {
        let (row, column) = self.screen.screen().cursor_position();
        self.screen.screen().contents_between(row, 0, row, column)
    }

    /// The colour of the first character of `text` on the screen.
    pub(crate) fn colour(&self, text: &str) -> vt100::Color {
        let found = self.rows().iter().enumerate().find_map(|(at, row)| row.find(text).map(|column| (at, column)));
        let (row, column) = found.unwrap_or_else(|| panic!("no {text} in\n{}", self.text()));
        let cell = self.screen.screen().cell(row.try_into().unwrap(), column.try_into().unwrap());
        cell.expect("it is on the screen").fgcolor()
    }

    /// Waits for the program's end, and gives its status. It must leave the terminal as it found it.
    #[track_caller]
    pub(crate) fn end(mut self) -> Option<i32> {
        let deadline = Instant::now() + SOON;
        // The output ends with the program.
        while self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < deadline, "the program goes on. The screen:\n{}", self.text());
        let status = self.child.wait().expect("it ends");
        assert_eq!(modes(&self.input), self.modes);
        status.code()
    }
}

fn modes(terminal: &File) -> LocalModes {
    tcgetattr(terminal).expect("it is a terminal").local_modes
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

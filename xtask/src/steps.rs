//! A run of named steps: each says what it is for, all run even after one failed, and the end tells what was left out.

use core::fmt::Display;
use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

#[derive(Debug)]
pub(crate) struct Steps {
    of: &'static str,
    /// Words, of which the name of a step must have one, if there are any.
    only: Vec<String>,
    done: Vec<Step>,
    left_out: Vec<String>,
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    error: Option<String>,
}

impl Steps {
    pub(crate) fn of(command: &'static str) -> Self {
        Self { of: command, only: Vec::new(), done: Vec::new(), left_out: Vec::new() }
    }

    /// Runs only steps whose names have one of these words, if there are any; the others are left out.
    pub(crate) fn only(self, words: &[String]) -> Self {
        Self { only: words.to_owned(), ..self }
    }

    /// Runs one step. A failure is kept for the end: whoever waits for a run wants to know all that is wrong.
    pub(crate) fn run(&mut self, name: impl Display, why: &str, step: impl FnOnce() -> Result<()>) {
        let name = name.to_string();
        if !self.only.is_empty() && !self.only.iter().any(|word| name.contains(word)) {
            self.left_out.push(name);
            return;
        }
        println!("\n== {}: {name} ({why})", self.of);
        let start = Instant::now();
        let error = step().err().map(|error| format!("{error:#}"));
        if let Some(error) = &error {
            println!("== {}: {name} FAILED: {error}", self.of);
        }
        self.done.push(Step { name, took: start.elapsed(), error });
    }

    /// Notes what this run does not cover, and why.
    pub(crate) fn left_out(&mut self, what: String) {
        self.left_out.push(what);
    }

    /// Prints the summary.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n== {}: summary", self.of);
        for step in &self.done {
            let verdict = if step.error.is_none() { "ok" } else { "FAILED" };
            println!("{verdict:<6} {:>6.1} s  {}", step.took.as_secs_f64(), step.name);
        }
        for step in &self.done {
            if let Some(error) = &step.error {
                println!("FAILED {}: {error}", step.name);
            }
        }
        if self.left_out.is_empty() {
            println!("left out: nothing");
        }
        for what in &self.left_out {
            println!("left out: {what}");
        }
        let failed = self.done.iter().filter(|step| step.error.is_some()).count();
        println!("{}: {} passed, {failed} failed", self.of, self.done.len() - failed);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

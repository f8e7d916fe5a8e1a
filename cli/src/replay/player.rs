//! The server that a transcript makes.

use core::time::Duration;
use std::time::Instant;

use qmp_core::error::{Error, Misuse};
use qmp_core::json::{Payload, Value};
use qmp_core::server::{Config, Message, Replies, Ticket};

use super::session::{Command, Say, Session, Words};
use crate::host::{Asked, Guest, Next, Queue};
use crate::output::printable;

pub(super) struct Player {
    sessions: Vec<Session>,
    speed: Option<f64>,
    repeat: bool,
    /// The session that the present client gets, or the next one.
    at: usize,
    progress: Progress,
    /// Clients that left before all was asked.
    early: usize,
    /// Commands that the transcript does not have where they came.
    foreign: usize,
}

/// How far the present session is.
struct Progress {
    asked: Queue,
    /// The commands that came, by their places, until they are answered.
    tickets: Vec<Option<Ticket>>,
    said: usize,
    /// When the last thing happened.
    last: Instant,
    /// The client has said something.
    heard: bool,
}

impl Progress {
    fn new() -> Self {
        Self { asked: Queue::default(), tickets: Vec::new(), said: 0, last: Instant::now(), heard: false }
    }
}

impl Player {
    pub(super) fn new(sessions: Vec<Session>, speed: Option<f64>, repeat: bool) -> Self {
        Self { sessions, speed, repeat, at: 0, progress: Progress::new(), early: 0, foreign: 0 }
    }

    /// Whether there was a client for each session.
    pub(super) const fn is_complete(&self) -> bool {
        self.at >= self.sessions.len()
    }

    /// Whether each client asked what was asked then, and all of it.
    pub(super) const fn is_faithful(&self) -> bool {
        self.early == 0 && self.foreign == 0
    }

    pub(super) fn summary(&self) -> String {
        let Self { at, sessions, early, foreign, .. } = self;
        let strays: usize = sessions.iter().map(|session| session.strays).sum();
        let mut text = format!("{at} of {} sessions were played", sessions.len());
        for (count, what) in [
            (*early, "ended before all was asked"),
            (*foreign, "commands were asked that the transcript does not have there"),
            (strays, "replies of the transcript answer nothing in it, and were left out"),
        ] {
            if count > 0 {
                text += &format!("; {count} {what}");
            }
        }
        text
    }

    /// Takes the oldest command that was not looked at. Whether there was one, and it is its turn.
    fn listen(&mut self, replies: &mut Replies<'_>) -> Result<bool, Error> {
        let Self { sessions, at, progress, foreign, .. } = self;
        let Some(asked) = progress.asked.front() else { return Ok(false) };
        let expected = sessions.get(*at).and_then(|session| session.commands.get(progress.tickets.len()));
        let came = command(asked);
        if expected == Some(&came) {
            progress.tickets.push(Some(asked.ticket));
        } else {
            let reason = refusal(&came, expected);
            match replies.fail(asked.ticket, "GenericError", &reason) {
                // Its answer comes behind those that are not said yet.
                Err(Error::Misuse(Misuse::OutOfTurn)) => return Ok(false),
                outcome => outcome?,
            }
            eprintln!("qmp: {}", printable(&reason));
            *foreign += 1;
        }
        progress.asked.pop();
        progress.last = Instant::now();
        Ok(true)
    }
}

fn command(asked: &Asked) -> Command {
    let mut text = asked.arguments.as_deref().unwrap_or("{}").to_owned().into_bytes();
    let arguments = Payload::parse(&mut text).map_or(Value::NULL, Payload::into_value);
    Command::new(&asked.name, asked.oob, Some(arguments))
}

fn refusal(came: &Command, expected: Option<&Command>) -> String {
    let shown = |command: &Command| {
        let out_of_band = if command.oob { " out of band" } else { "" };
        let with = if command.arguments.is_empty() { "" } else { " with " };
        format!("{}{out_of_band}{with}{}", command.name, command.arguments)
    };
    let next = expected.map_or_else(|| "no more commands".to_owned(), |expected| format!("{} next", shown(expected)));
    format!("The transcript has {next}, and not {}", shown(came))
}

impl Guest for Player {
    fn welcome(&mut self) -> Option<Config> {
        if self.repeat && self.is_complete() {
            self.at = 0;
        }
        self.progress = Progress::new();
        self.sessions.get(self.at).map(|session| session.config)
    }

    fn take(&mut self, message: Message<'_>) {
        self.progress.heard = true;
        self.progress.asked.take(message);
    }

    fn speak(&mut self, replies: &mut Replies<'_>, now: Instant) -> Result<Next, Error> {
        if self.listen(replies)? {
            return Ok(Next::More);
        }
        let Some(session) = self.sessions.get(self.at) else { return Ok(Next::Close) };
        let progress = &mut self.progress;
        let Some(say) = session.says.get(progress.said) else {
            let over = session.closes && progress.tickets.len() == session.commands.len();
            return Ok(if over { Next::Close } else { Next::Idle(None) });
        };
        if progress.tickets.len() < say.after || !replies.is_negotiated() {
            return Ok(Next::Idle(None));
        }
        let due = progress.last + self.speed.map_or(Duration::ZERO, |speed| slowed(say.delay, speed));
        if due > now {
            return Ok(Next::Idle(Some(due)));
        }
        speak(say, &mut progress.tickets, replies)?;
        progress.said += 1;
        progress.last = now;
        Ok(Next::More)
    }

    fn part(&mut self) {
        // Who only looks whether somebody is there gets nothing of it.
        if !self.progress.heard {
            return;
        }
        let session = &self.sessions[self.at];
        if self.progress.tickets.len() < session.commands.len() {
            let next = &session.commands[self.progress.tickets.len()].name;
            eprintln!("qmp: the client left where the transcript has {} next", printable(next));
            self.early += 1;
        }
        self.at += 1;
    }
}

/// As it was, so many times faster.
fn slowed(delay: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() / speed).unwrap_or(Duration::from_secs(86_400))
}

fn speak(say: &Say, tickets: &mut [Option<Ticket>], replies: &mut Replies<'_>) -> Result<(), Error> {
    let mut ticket = |place: usize| tickets.get_mut(place).and_then(Option::take).ok_or(Error::Misuse(Misuse::Ticket));
    match &say.what {
        Words::Return(place, value) => replies.reply_raw(ticket(*place)?, value),
        Words::Error(place, class, desc) => replies.fail(ticket(*place)?, class, desc),
        Words::Nothing(place) => replies.release(ticket(*place)?),
        Words::Event(name, data, time) => {
            let mut text = data.as_deref().unwrap_or("null").to_owned().into_bytes();
            let data = Payload::parse(&mut text).map_or(Value::NULL, Payload::into_value);
            replies.event(name, Some(&data), *time).map(|_| ())
        }
    }
}

//! A session of a transcript: what is to be asked, and what is then said.

use core::time::Duration;

use qmp_core::json::{Payload, Value};
use qmp_core::message::{ServerMessage, Timestamp, Version};
use qmp_core::reader::Reader;
use qmp_core::server::{Config, Dialect, Incoming, Message, Server, Storage};
use qmp_qapi::registry;

use crate::lint::canonical;
use crate::output::compact;

/// What happened, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// The client sent this.
    Asked(Vec<u8>),
    /// The server sent this message, so long after the step before.
    Said(String, Duration),
    /// The server ended the connection.
    Closed,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) commands: Vec<Command>,
    pub(super) says: Vec<Say>,
    /// The server ended the connection behind all that.
    pub(super) closes: bool,
    /// Replies that answer nothing that was recorded.
    pub(super) strays: usize,
}

/// A command that is not the server's own business.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) oob: bool,
    /// In a form that equal ones share.
    pub(super) arguments: String,
}

/// Something to be said behind all that stands in front of it.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) what: Words,
    /// When so many commands have come.
    pub(super) after: usize,
    /// So long after that, and after what stands in front.
    pub(super) delay: Duration,
}

/// JSON is without white space, and finite. A reply names its command by its place.
#[derive(Debug)]
pub(super) enum Words {
    Return(usize, String),
    Error(usize, String, String),
    /// The command is never answered.
    Nothing(usize),
    Event(String, Option<String>, Timestamp),
}

/// Longer than any message of a transcript.
const LONGEST: usize = (64 << 20) + 8192;

impl Command {
    pub(super) fn new(name: &str, oob: bool, arguments: Option<Value<'_>>) -> Self {
        let arguments = arguments.map(canonical).filter(|arguments| arguments != "{}").unwrap_or_default();
        Self { name: name.to_owned(), oob, arguments }
    }
}

impl Session {
    pub(super) fn new(steps: &[Step], agent: bool) -> Self {
        let greeting = steps.iter().find_map(|step| match step {
            Step::Said(text, _) => greeting(text),
            _ => None,
        });
        let dialect = if agent { Dialect::Agent } else { Dialect::Qmp };
        let config = Config { dialect, ..greeting.unwrap_or_default() };
        let mut compiler = Compiler {
            server: Server::new(Storage::growing(LONGEST, LONGEST, 16, 1 << 16), config),
            pending: Vec::new(),
            session: Self { config, commands: Vec::new(), says: Vec::new(), closes: false, strays: 0 },
        };
        for step in steps {
            match step {
                Step::Asked(bytes) => compiler.asked(bytes),
                Step::Said(text, delay) => compiler.said(text, *delay),
                Step::Closed => compiler.session.closes = true,
            }
        }
        compiler.finish()
    }
}

/// What the greeting tells of its server.
fn greeting(text: &str) -> Option<Config> {
    let mut text = text.as_bytes().to_vec();
    let greeting = Payload::parse(&mut text).ok()?.into_value().get("QMP")?;
    let version = greeting.get("version");
    let part = |name| u16::try_from(version?.get("qemu")?.get(name)?.as_u64()?).ok();
    let part = |name| part(name).unwrap_or_default();
    let package = version.and_then(|version| version.get("package")?.as_str()).unwrap_or_default();
    Some(Config {
        version: Version { major: part("major"), minor: part("minor"), micro: part("micro") },
        // As long as the program lives, and once a session.
        package: String::leak(package.to_owned()),
        oob: greeting
            .get("capabilities")
            .is_some_and(|all| all.elements().any(|capability| capability.as_str() == Some("oob"))),
        ..Config::DEFAULT
    })
}

/// Finds out what of a session the server answers by itself, by asking it, and which reply answers what.
struct Compiler {
    server: Server<'static>,
    pending: Vec<Pending>,
    session: Session,
}

/// What was asked and not answered.
struct Pending {
    id: Option<String>,
    /// The command's place, unless it is the server's own business.
    place: Option<usize>,
    /// The command is one that answers nothing when it succeeds.
    silent: bool,
}

impl Compiler {
    fn asked(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Ok(taken @ 1..) = self.server.feed(bytes) else { return };
            bytes = &bytes[taken..];
            while let Ok(Some(Incoming { message, replies, .. })) = self.server.poll() {
                let commands = &mut self.session.commands;
                let mut silent = false;
                let place = match message {
                    Message::Command { ticket, name, oob, arguments } => {
                        silent = registry::guest_agent().command(name).is_some_and(|command| command.no_reply);
                        commands.push(Command::new(name, oob, arguments.map(Payload::into_value)));
                        // Whatever the answer, it tells the id, and it finds room: nothing else waits to be sent.
                        let _ = replies.reply(ticket, &());
                        Some(commands.len() - 1)
                    }
                    Message::Incomplete => continue,
                    _ => None,
                };
                self.pending.push(Pending { id: last_id(self.server.tx_pending()), place, silent });
                let _ = self.server.tx_sent(self.server.tx_pending().len());
            }
        }
    }

    fn said(&mut self, text: &str, delay: Duration) {
        let memory: &mut [u8] = &mut vec![0; text.len() + 1];
        let mut reader = Reader::of_server(memory, self.session.config.reading);
        let _ = reader.feed(text.as_bytes());
        let (id, what) = match reader.poll() {
            Some((ServerMessage::Return { id, payload }, _)) => {
                let id = id.map(canonical);
                (id, Words::Return(0, finite(payload.raw())))
            }
            Some((ServerMessage::Error { id, failure }, _)) => {
                (id.map(canonical), Words::Error(0, failure.class().to_owned(), failure.desc().to_owned()))
            }
            Some((ServerMessage::Event(event), _)) => {
                let data = event.data.as_ref().map(|data| finite(data.raw()));
                let what = Words::Event(event.name.to_owned(), data, event.timestamp.unwrap_or(Timestamp::UNKNOWN));
                // How many stood in front of it.
                let after = self.session.commands.len();
                return self.session.says.push(Say { what, after, delay });
            }
            // Said by the server itself, or by nobody.
            _ => return,
        };
        let succeeded = matches!(what, Words::Return(..));
        let answers = |pending: &Pending| pending.id == id && !(succeeded && pending.silent);
        let Some(at) = self.pending.iter().position(answers) else {
            self.session.strays += 1;
            return;
        };
        let Some(place) = self.pending.remove(at).place else { return };
        let what = match what {
            Words::Return(_, value) => Words::Return(place, value),
            Words::Error(_, class, desc) => Words::Error(place, class, desc),
            other => other,
        };
        self.session.says.push(Say { what, after: place + 1, delay });
    }

    /// An event waits for the command that is answered next, if that stood in front of it. One that came between two commands
    /// waits for neither.
    fn finish(mut self) -> Session {
        for place in self.pending.iter().filter_map(|pending| pending.place) {
            let behind = |say: &Say| matches!(say.what, Words::Return(at, _) | Words::Error(at, ..) if at > place);
            let at = self.session.says.iter().position(behind).unwrap_or(self.session.says.len());
            let say = Say { what: Words::Nothing(place), after: place + 1, delay: Duration::ZERO };
            self.session.says.insert(at, say);
        }
        let mut answered = None;
        for say in self.session.says.iter_mut().rev() {
            match say.what {
                Words::Event(..) => say.after = answered.filter(|next| *next < say.after).map_or(0, |next| next + 1),
                Words::Return(place, _) | Words::Error(place, ..) | Words::Nothing(place) => answered = Some(place),
            }
        }
        self.session
    }
}

/// The id of the last reply among these.
fn last_id(answers: &[u8]) -> Option<String> {
    let last = answers.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let start = last.iter().position(|byte| *byte == b'{')?;
    let mut text = last[start..].to_vec();
    Payload::parse(&mut text).ok()?.into_value().get("id").map(canonical)
}

fn finite(raw: &[u8]) -> String {
    String::from_utf8_lossy(&compact(&String::from_utf8_lossy(raw))).into_owned()
}

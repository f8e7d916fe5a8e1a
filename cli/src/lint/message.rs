//! One message: what it is, and what of it does not fit.

use core::fmt;

use qmp_core::json::Value;
use qmp_qapi::registry::{self, Direction, Misfit, Path, Presence, Release, Struct, Type};

use super::envelope::{ERROR, ERROR_CLASSES, EVENT, EXEC_OOB, EXECUTE, GREETING, RETURN};
use super::linter::{Linter, MESSAGE};
use super::report::Report;

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Checked,
    /// It is a reply, and nobody knows to what.
    Unchecked,
}

/// A message is told by one of these, and by one alone.
const KINDS: [&str; 6] = ["QMP", "execute", "exec-oob", "return", "error", "event"];

/// Checks one message, and reports what does not fit.
pub(super) fn check(linter: &mut Linter, message: Value<'_>, line: u64, report: &mut Report<'_>) -> Found {
    let mut told_by = message.entries().filter(|(name, _)| KINDS.contains(name));
    let (Some((kind, told)), None) = (told_by.next(), told_by.next()) else {
        let whose = if linter.agent { "a guest agent" } else { "QMP" };
        report.misfit(line, MESSAGE, format_args!("no message of {whose}"));
        return Found::Checked;
    };
    if kind == "QMP" {
        linter.pending.clear();
        if let Some(release) = release_of(told) {
            linter.releases.greeted(release, line);
        }
    }
    let release = linter.releases.current();
    let mut message = Message { linter, message, told, release, line, report };
    match kind {
        "QMP" => message.greeting(),
        "execute" => message.command(false),
        "exec-oob" => message.command(true),
        "return" => return message.returned(),
        "error" => message.error(),
        _ => message.event(),
    }
    Found::Checked
}

fn release_of(greeting: Value<'_>) -> Option<Release> {
    let qemu = greeting.get("version")?.get("qemu")?;
    let part = |name| u8::try_from(qemu.get(name)?.as_u64()?).ok();
    Some(Release::new(part("major")?, part("minor")?, part("micro")?))
}

/// A message under check.
struct Message<'c, 'v, 'n> {
    linter: &'c mut Linter,
    message: Value<'v>,
    /// The value of the member that tells what it is.
    told: Value<'v>,
    release: Release,
    line: u64,
    report: &'c mut Report<'n>,
}

impl Message<'_, '_, '_> {
    fn greeting(&mut self) {
        let name = "greeting";
        if self.linter.agent {
            return self.say(name, format_args!("a guest agent does not greet"));
        }
        self.has_form(name, &GREETING);
        let definition = |name| registry::qmp().definition(name);
        let path = Path::root("QMP");
        if let (Some(version), Some(of)) = (self.told.get("version"), definition("VersionInfo")) {
            self.is(name, version, of, &path.member("version"));
        }
        if let (Some(capabilities), Some(of)) = (self.told.get("capabilities"), definition("QMPCapability")) {
            let path = path.member("capabilities");
            for (index, capability) in capabilities.elements().enumerate() {
                self.is_one_of(name, capability, of, &path.element(index));
            }
        }
    }

    fn command(&mut self, oob: bool) {
        let id = self.message.get("id");
        let name = self.told.as_str().unwrap_or(MESSAGE);
        self.has_form(name, if oob { &EXEC_OOB } else { &EXECUTE });
        let known = self.told.as_str().and_then(|name| {
            let known = self.linter.vocabulary.command(name);
            self.in_release(name, "command", known.map(|command| (command, command.presence)))
        });
        self.linter.pending.push(id, name, known, oob);
        let Some(command) = known else { return };
        if oob && !command.oob {
            self.say(name, format_args!("cannot be executed out of band"));
        }
        command.check_arguments(self.message.get("arguments"), self.release, self.reporter(name));
    }

    fn returned(&mut self) -> Found {
        let sent = self.linter.pending.succeeded(self.message.get("id"));
        let name = sent.as_ref().map_or(MESSAGE, |sent| &*sent.name);
        self.has_form(name, &RETURN);
        let Some(command) = sent.as_ref().and_then(|sent| sent.command) else { return Found::Unchecked };
        command.check_return(self.told, self.release, self.reporter(name));
        Found::Checked
    }

    /// An error is the same whatever failed.
    fn error(&mut self) {
        let sent = self.linter.pending.failed(self.message.get("id"));
        let name = sent.as_ref().map_or(MESSAGE, |sent| &*sent.name);
        self.has_form(name, &ERROR);
        let classes = registry::qmp().definition("QapiErrorClass").filter(|_| self.release >= ERROR_CLASSES);
        if let (Some(class), Some(of)) = (self.told.get("class"), classes) {
            self.is_one_of(name, class, of, &Path::root("error").member("class"));
        }
    }

    fn event(&mut self) {
        let name = self.told.as_str().unwrap_or(MESSAGE);
        self.has_form(name, &EVENT);
        let known = self.told.as_str().and_then(|name| {
            let known = self.linter.vocabulary.event(name);
            self.in_release(name, "event", known.map(|event| (event, event.presence)))
        });
        if let Some(event) = known {
            event.check_data(self.message.get("data"), self.release, self.reporter(name));
        }
    }

    /// What is known by its name, if the release has it.
    fn in_release<T>(&mut self, name: &str, what: &str, known: Option<(T, Presence)>) -> Option<T> {
        let Some((known, presence)) = known else {
            self.say(name, format_args!("unknown {what}"));
            return None;
        };
        let absence = presence.absence_in(self.release);
        if let Some(absence) = absence {
            self.say(name, format_args!("{what} {absence}"));
        }
        absence.is_none().then_some(known)
    }

    /// The message has these members.
    fn has_form(&mut self, name: &str, form: &'static Struct) {
        self.is(name, self.message, Type::Struct(form), &Path::WHOLE);
    }

    fn is(&mut self, name: &str, value: Value<'_>, of: Type, path: &Path<'_>) {
        of.check(value, path, self.release, Direction::Out, self.reporter(name));
    }

    /// A string, as its form has told, is one of certain strings.
    fn is_one_of(&mut self, name: &str, value: Value<'_>, of: Type, path: &Path<'_>) {
        if value.as_str().is_some() {
            self.is(name, value, of, path);
        }
    }

    fn reporter(&mut self, name: &str) -> impl FnMut(&Misfit<'_>) {
        move |misfit| self.report.misfit(self.line, name, format_args!("{misfit}"))
    }

    fn say(&mut self, name: &str, misfit: fmt::Arguments<'_>) {
        self.report.misfit(self.line, name, misfit);
    }
}

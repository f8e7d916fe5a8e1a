//! What `help` says.

use core::fmt::Write as _;

use qmp_qapi::registry::{self, Release, qmp};

use super::catalogue::{Catalogue, Command, Member, Type, tag_in};
use super::kind::Kind;
use super::line::OWN;
use crate::arguments::Tree;
use crate::output::Paint;
use crate::output::style::{ASIDE, NAME};

/// The shell's own commands, and the server's by chapters.
pub(super) fn all(catalogue: &Catalogue, paint: Paint) -> String {
    let mut text = paint.styled(NAME, "The shell's own") + "\n";
    for (_, usage) in OWN {
        let _ = writeln!(text, "  {usage}");
    }
    text += "\nCOMMAND [KEY=VALUE…] executes a command of QEMU's. A value is read as the command has it: a number, a flag (true, false, \
             on,\noff), a string; 'quotes' hold white space together. file.driver=file and list.0=a lead into objects and lists. \
             KEY:=JSON\nand {…} are JSON, the latter all of the arguments; {\"execute\": …} is a whole command. Tab completes. Ctrl-C \
             waits no\nlonger for a reply, and Ctrl-D leaves. What begins with a space is not kept in the history.\n";
    let commands = catalogue.commands();
    for chapter in qmp().chapters() {
        let there = |it: &&Command<'_>| chapter.commands.iter().any(|command| command.name == it.name);
        list(&mut text, chapter.title, &commands.iter().filter(there).map(|it| it.name).collect::<Vec<_>>(), paint);
    }
    let others = commands.iter().filter(|it| it.known.is_none());
    list(&mut text, "Others", &others.map(|it| it.name).collect::<Vec<_>>(), paint);
    text
}

fn list(text: &mut String, title: &str, names: &[&str], paint: Paint) {
    if names.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", paint.styled(NAME, title));
    let mut column = 0;
    for name in names {
        if column + 2 + name.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        text.push_str("  ");
        text.push_str(name);
        column += 2 + name.len();
    }
    text.push('\n');
}

/// As wide as a list is.
const WIDTH: usize = 100;

/// What a command takes, an event brings, a type is. `given`: arguments that decide what others there are.
///
/// # Errors
/// That there is nothing of this name.
pub(super) fn about(catalogue: &Catalogue, name: &str, given: &Tree, paint: Paint) -> Result<String, String> {
    let release = catalogue.release;
    let mut text = paint.styled(NAME, name);
    if let Some(command) = catalogue.command(name) {
        describe_command(&mut text, catalogue, command, given, paint);
    } else if let Some(event) = qmp().event(name) {
        let _ = write!(text, ", an event{}", since(Some(event.presence.since), event.presence.absence_in(release)));
        if event.rate_limited {
            text += "; once a second at most";
        }
        text.push('\n');
        for member in event.data.iter().filter(|member| member.is_in(release)) {
            let of = catalogue.defined(member.type_in(release));
            let optional = if member.is_optional_in(release) { "?" } else { "" };
            let _ = writeln!(text, "  {}{optional}: {}", member.name, value(of));
        }
    } else if let Some(known) = qmp().definition(name) {
        let of = catalogue.defined(known);
        let _ = writeln!(text, ": {}", value(of));
        members(&mut text, of, given, paint);
    } else if let Some(command) = qmp().command(name) {
        let absence = command.presence.absence_in(release);
        return Err(format!("this server has no {name}{}", since(None, absence)));
    } else {
        return Err(format!("no command, event or type is called {name}. help alone lists the commands"));
    }
    Ok(text)
}

fn describe_command(text: &mut String, catalogue: &Catalogue, command: Command<'_>, given: &Tree, paint: Paint) {
    let release = catalogue.release;
    if let Some(known) = command.known {
        let chapter = qmp().chapters().find(|chapter| chapter.commands.iter().any(|it| it.name == known.name));
        let _ = write!(text, ", {}", chapter.map_or("", |chapter| chapter.title));
        *text += &since(Some(known.presence.since), None);
        if known.presence.is_deprecated_in(release) {
            *text += ", deprecated";
        }
        if known.presence.is_unstable_in(release) {
            *text += ", unstable";
        }
    }
    text.push('\n');
    members(text, catalogue.arguments(command), given, paint);
    if command.is_open(release) {
        *text += "  and whatever else the device has\n";
    }
    if let Some(known) = command.known {
        let returns = known.returns_in(release).map_or_else(|| "nothing".to_owned(), |of| of.to_string());
        let _ = writeln!(text, "  returns {returns}{}", if known.no_reply { ", and does not answer" } else { "" });
    }
    if command.live.map_or_else(|| command.known.is_some_and(|known| known.oob), |live| live.oob) {
        *text += "  may be executed out of band\n";
    }
}

fn members(text: &mut String, of: Type<'_>, given: &Tree, paint: Paint) {
    let chosen = |tag: &str| tag_in(given.members(), tag);
    let mut all = of.members(&chosen);
    all.sort_by_key(|member| (member.optional, member.deprecated));
    for Member { name, of, optional, deprecated, unstable, since } in all {
        let mark = if optional { "?" } else { "" };
        let _ = write!(text, "  {name}{mark}: {}", value(of));
        let mut aside = self::since(since, None);
        aside += if deprecated { ", deprecated" } else { "" };
        aside += if unstable { ", unstable" } else { "" };
        let _ = writeln!(text, "{}", if aside.is_empty() { aside } else { paint.styled(ASIDE, &aside) });
    }
    if let Some(tag) = of.open_tag(&chosen) {
        let _ = writeln!(text, "  and more by {tag}: help … {tag}=VALUE");
    }
}

/// A type, and its values if they are few.
fn value(of: Type<'_>) -> String {
    let values = of.values();
    match of.kind() {
        Kind::Enum if values.len() <= MOST => format!("{} ({})", of.name(), values.join(" | ")),
        Kind::Enum => format!("{} ({} | … {} values)", of.name(), values[..MOST].join(" | "), values.len()),
        Kind::Alternate => {
            let each = of.alternatives();
            format!("{} ({})", of.name(), each.iter().map(Type::name).collect::<Vec<_>>().join(" | "))
        }
        _ => of.name(),
    }
}

/// As many values are told.
const MOST: usize = 12;

fn since(since: Option<Release>, absence: Option<registry::Absence>) -> String {
    match (absence, since) {
        (Some(absence), _) => format!(" ({absence})"),
        (None, Some(since)) if since > registry::Presence::EVER => format!(", since {since}"),
        _ => String::new(),
    }
}

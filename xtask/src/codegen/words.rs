//! Documentation as Rust's comments: our words, then the facts.

use core::fmt::Write as _;

use serde_json::Value;

use super::docs::Doc;
use super::model::{Branch, EnumValue, Feature, Head, Member, Since};

/// `text` as lines of an outer doc comment.
pub(crate) fn comment(text: &str) -> String {
    marked(&flowed(text), "///")
}

/// `text` with its paragraphs in lines of one width. Examples stay as they are.
fn flowed(text: &str) -> String {
    const WIDTH: usize = 108;
    let mut flowed = String::new();
    let mut column = 0;
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if fenced || line.starts_with("```") || line.is_empty() {
            if column > 0 {
                flowed.push('\n');
            }
            flowed.push_str(line);
            flowed.push('\n');
            column = 0;
            continue;
        }
        for word in line.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > WIDTH {
                flowed.push('\n');
                column = 0;
            } else if column > 0 {
                flowed.push(' ');
                column += 1;
            }
            flowed.push_str(word);
            column += length;
        }
    }
    flowed
}

/// `text` as lines of an inner doc comment.
pub(crate) fn inner(text: &str) -> String {
    marked(text, "//!")
}

fn marked(text: &str, mark: &str) -> String {
    text.lines().fold(String::new(), |mut lines, line| {
        let _ = writeln!(lines, "{}", format!("{mark} {line}").trim_end());
        lines
    })
}

/// The comment of a definition: what is said, the facts, and the example.
pub(crate) fn definition(doc: &Doc, head: &Head, more: &[String]) -> String {
    let mut text = format!("{}\n\n", doc.text);
    let mut facts = vec![format!("`{}`: {}", head.name, lifetime(&head.since, head.until.as_deref()))];
    facts.extend(state(head.deprecated.as_ref(), head.unstable.as_ref(), head.name.starts_with("x-")));
    facts.extend(more.iter().cloned());
    facts.extend(condition(head.condition.as_deref()));
    facts.extend(head.features.iter().filter(|it| it.members.is_empty()).map(feature));
    let _ = writeln!(text, "{}.", facts.join("; "));
    if !doc.example.is_empty() {
        let _ = write!(text, "\n```text\n{}\n```\n", doc.example.join("\n"));
    }
    comment(&text)
}

/// The comment of a member of a definition that is there since `since`.
pub(crate) fn member(doc: &Doc, member: &Member, owner: &Head) -> String {
    let mut facts: Vec<String> = Vec::new();
    facts.extend(part(member.since.as_deref().unwrap_or(&owner.since), member.until.as_deref(), owner));
    if member.vary {
        facts.push("absent from some releases".into());
    } else if member.optional && member.optional_history.last().is_some_and(|(_, optional)| !optional) {
        facts.push("always there in the newest release".into());
    }
    facts.extend(state(member.deprecated.as_ref(), member.unstable.as_ref(), false));
    if let Some(default) = &member.default {
        facts.push(format!("default {}", shown(default)));
    }
    facts.extend(condition(member.condition.as_deref()));
    if !member.not_in.is_empty() {
        facts.push(format!("not in {}", member.not_in.join(", ")));
    }
    facts.extend(member.features.iter().map(feature));
    facts.extend(member.legacy.then(|| "a form that only old documents tell of".to_owned()));
    let said = doc.members.get(&member.name).map(|text| capital(text));
    item(said, &member.name, &facts)
}

/// The comment of a branch.
pub(crate) fn branch(doc: &Doc, branch: &Branch, owner: &Head) -> String {
    let mut facts = Vec::new();
    facts.extend(part(&branch.since, branch.until.as_deref(), owner));
    facts.extend(condition(branch.condition.as_deref()));
    item(doc.members.get(&branch.tag).map(|text| capital(text)), &branch.tag, &facts)
}

/// The comment of a tag without members.
pub(crate) fn empty(doc: &Doc, tag: &str) -> String {
    item(doc.members.get(tag).map(|text| capital(text)), tag, &[])
}

/// The comment of a value.
pub(crate) fn value(doc: &Doc, value: &EnumValue, owner: &Head) -> String {
    let mut facts = Vec::new();
    facts.extend(part(&value.since, value.until.as_deref(), owner));
    facts.extend(state(value.deprecated.as_ref(), value.unstable.as_ref(), false));
    facts.extend(condition(value.condition.as_deref()));
    facts.extend(value.features.iter().map(feature));
    item(doc.members.get(&value.name).map(|text| capital(text)), &value.name, &facts)
}

/// One item: what is said, or else its name on the wire, and the facts.
fn item(said: Option<String>, name: &str, facts: &[String]) -> String {
    let facts = if facts.is_empty() { String::new() } else { capital(&format!("{}.", facts.join("; "))) };
    match said {
        Some(said) if facts.is_empty() => comment(&said),
        Some(said) => comment(&format!("{said}\n\n{facts}")),
        None => comment(format!("`{name}`. {facts}").trim_end()),
    }
}

/// When a part of a definition was there, if not as long as the whole.
fn part(since: &str, until: Option<&str>, owner: &Head) -> Option<String> {
    (since != owner.since || until != owner.until.as_deref()).then(|| match until {
        Some(until) if since == owner.since => format!("until {until}"),
        until => lifetime(since, until),
    })
}

fn lifetime(since: &str, until: Option<&str>) -> String {
    match until {
        Some(until) => format!("since {since}, until {until}"),
        None => format!("since {since}"),
    }
}

fn state(deprecated: Option<&Since>, unstable: Option<&Since>, experimental: bool) -> impl Iterator<Item = String> {
    let said = |what: &str, since: &Since| match since {
        Since::Always(true) => Some(what.to_owned()),
        Since::Always(false) => None,
        Since::Release(release) => Some(format!("{what} since {release}")),
    };
    let unstable = unstable.and_then(|since| said("unstable", since));
    let unstable = unstable.or_else(|| experimental.then(|| "unstable".to_owned()));
    deprecated.and_then(|since| said("**deprecated**", since)).into_iter().chain(unstable)
}

fn condition(condition: Option<&str>) -> impl Iterator<Item = String> {
    condition.map(|it| format!("in builds with `{it}`")).into_iter()
}

fn feature(feature: &Feature) -> String {
    match &feature.since {
        Some(since) => format!("feature `{}` since {since}", feature.name),
        None => format!("feature `{}`", feature.name),
    }
}

fn shown(default: &Value) -> String {
    match default {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        // A name at the beginning stays as it is, and so does an abbreviation.
        Some(first) if first.is_ascii_lowercase() => first.to_ascii_uppercase().to_string() + letters.as_str(),
        _ => text.to_owned(),
    }
}

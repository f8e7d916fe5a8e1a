//! What a command took over time: a union by its name, or a list as `a: str, b?: int`.

use anyhow::{Context, Result};

use super::super::model::{Command, Member, Type};
use super::terms::{Terms, members, release};

/// The changes of a command's arguments, as expressions.
pub(super) fn forms(command: &Command, chapter: &str, terms: &Terms<'_>) -> Result<Vec<String>> {
    let form = |(since, form): &(String, String)| {
        let arguments = if form.contains(':') {
            let list = form.split(", ").map(|argument| self::argument(argument, since, command));
            format!("Members({})", members(&list.collect::<Result<Vec<_>>>()?, chapter, terms)?)
        } else {
            format!("Union(&{})", terms.path(form, chapter)?)
        };
        Ok(format!("CommandChange::Arguments({}, Arguments::{arguments})", release(since)?))
    };
    command.forms.iter().map(form).collect()
}

/// One of a list. What is said of it among the command's arguments holds; of the others no more is known.
fn argument(text: &str, since: &str, command: &Command) -> Result<Member> {
    let (name, of) = text.split_once(": ").with_context(|| format!("{text} is no argument"))?;
    let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
    if let Some(known) = command.arguments.iter().find(|argument| argument.name == name) {
        return Ok(known.clone());
    }
    let of: Type = of.to_owned().into();
    let member = serde_json::json!({"name": name, "type": "any", "optional": optional, "since": since});
    Ok(Member { of, ..serde_json::from_value(member)? })
}

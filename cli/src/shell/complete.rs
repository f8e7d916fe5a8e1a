//! What may stand where the cursor is.

use super::catalogue::{Catalogue, Type, tag_in};
use super::kind::Kind;
use super::line::OWN;
use super::words;
use crate::arguments::{Argument, Tree, steps};

/// What may stand from an offset of `line` to its end, which is where the cursor is. Whole as it will be, with what divides it from
/// what follows.
pub(super) fn complete(catalogue: &Catalogue, line: &str) -> (usize, Vec<String>) {
    let (mut words, missing) = words::split(line);
    let current = words.pop_if(|word| word.end == line.len());
    let start = current.as_ref().map_or(line.len(), |word| word.start);
    if missing.is_some() || current.as_ref().is_some_and(|word| word.quoted) {
        return (start, Vec::new());
    }
    let text = current.map(|word| word.text).unwrap_or_default();
    let before: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let commands = || catalogue.commands().into_iter();
    let names: Vec<&str> = match before.as_slice() {
        [] => {
            let own = OWN.iter().map(|(name, _)| *name).filter(|name| *name != "#");
            own.chain(commands().map(|it| it.name)).collect()
        }
        ["help"] => commands().map(|it| it.name).chain(catalogue.events()).collect(),
        ["oob"] => {
            let may = commands().filter(|it| it.live.map_or(it.known.is_some_and(|known| known.oob), |live| live.oob));
            may.map(|it| it.name).collect()
        }
        ["events"] => vec!["on", "off"],
        ["events", ..] => catalogue.events(),
        ["help" | "oob", command, arguments @ ..] | [command, arguments @ ..] => {
            let Some(command) = catalogue.command(command) else { return (start, Vec::new()) };
            let (at, found) = argument(catalogue.arguments(command), arguments, &text);
            return (start + at, found);
        }
    };
    let fitting = names.into_iter().filter(|name| name.starts_with(&text));
    (start, fitting.map(|name| format!("{name} ")).collect())
}

/// What may stand in the place of the argument `text`, or of its end.
fn argument(of: Type<'_>, others: &[&str], text: &str) -> (usize, Vec<String>) {
    let mut tree = Tree::Object(Vec::new());
    for other in others {
        if let Ok(Argument::Member { key, value }) = other.parse() {
            // What does not go together is told when it is sent.
            let _ = tree.add(&key, &value);
        }
    }
    match text.split_once('=') {
        Some((key, _)) if key.ends_with(':') => (text.len(), Vec::new()),
        Some((key, value)) => {
            let Some((of, _)) = walk(of, &tree, &steps(key)) else { return (text.len(), Vec::new()) };
            let fitting = values(of).into_iter().filter(|it| it.starts_with(value));
            (key.len() + 1, fitting.map(|value| format!("{value} ")).collect())
        }
        None => (0, keys(of, &tree, text)),
    }
}

/// The keys that begin with `text`.
fn keys(of: Type<'_>, tree: &Tree, text: &str) -> Vec<String> {
    let steps = steps(text);
    let Some((partial, path)) = steps.split_last() else { return Vec::new() };
    let Some((of, tree)) = walk(of, tree, path) else { return Vec::new() };
    let prefix = &text[..text.len() - partial.len()];
    let mut found = Vec::new();
    if !path.is_empty() && is_list(of) {
        let next = tree.map_or(0, |tree| tree.elements().len()).to_string();
        if next.starts_with(partial) {
            found.extend(
                endings_of(of.element(), None, DEEPEST).into_iter().map(|ending| format!("{prefix}{next}{ending}")),
            );
        }
    }
    let given = tree.map_or(&[][..], Tree::members);
    let mut members = of.members(&|name| tag_in(given, name));
    members.retain(|member| member.name.starts_with(partial));
    // What must be there comes first, and what will go last.
    members.sort_by_key(|member| (member.deprecated, member.optional));
    for member in members {
        let given = given.iter().find(|(name, _)| name == member.name).map(|(_, tree)| tree);
        if !matches!(given, Some(Tree::Leaf(_))) {
            let endings = endings_of(member.of, given, DEEPEST);
            found.extend(endings.into_iter().map(|ending| format!("{prefix}{}{ending}", member.name)));
        }
    }
    found
}

/// What the steps lead to: its type, and what is given of it.
fn walk<'c, 't>(of: Type<'c>, tree: &'t Tree, path: &[&str]) -> Option<(Type<'c>, Option<&'t Tree>)> {
    let mut here = (of, Some(tree));
    for (at, step) in path.iter().enumerate() {
        let (of, tree) = here;
        let index = step.parse::<usize>().ok().filter(|_| at > 0 && is_list(of));
        here = match index {
            Some(index) => (of.element(), tree.and_then(|tree| tree.elements().get(index))),
            None => {
                let given = tree.map_or(&[][..], Tree::members);
                let member = of.members(&|name| tag_in(given, name)).into_iter().find(|member| member.name == *step)?;
                (member.of, given.iter().find(|(name, _)| name == step).map(|(_, tree)| tree))
            }
        };
    }
    Some(here)
}

fn is_list(of: Type<'_>) -> bool {
    of.kind() == Kind::List || of.alternative(Kind::List).is_some()
}

/// How a key goes on behind a name: with a value, with a member, with the next element.
fn endings_of(of: Type<'_>, given: Option<&Tree>, deepest: usize) -> Vec<String> {
    let mut endings: Vec<String> = match of.kind() {
        Kind::Object => vec![".".into()],
        Kind::List if deepest > 0 => {
            let next = given.map_or(0, |tree| tree.elements().len());
            let each = endings_of(of.element(), None, deepest - 1);
            each.into_iter().map(|ending| format!(".{next}{ending}")).collect()
        }
        Kind::Alternate if deepest > 0 => {
            let alternatives = of.alternatives();
            let each = alternatives.into_iter().flat_map(|it| endings_of(it, given, deepest - 1));
            // Of what is begun as an object only the members go on.
            each.filter(|ending| given.is_none() || ending != "=").collect()
        }
        _ => vec!["=".into()],
    };
    endings.sort();
    endings.dedup();
    endings
}

/// No type nests lists and alternates deeper.
const DEEPEST: usize = 4;

/// The values that a type has, where they can be told.
fn values(of: Type<'_>) -> Vec<&str> {
    match of.kind() {
        Kind::Bool => vec!["true", "false"],
        Kind::Enum => of.values(),
        Kind::Alternate => {
            let mut all = of.values();
            let has = |kind| of.alternative(kind).is_some();
            all.extend(has(Kind::Bool).then_some(["true", "false"]).into_iter().flatten());
            all.extend(has(Kind::Null).then_some("null"));
            all
        }
        _ => Vec::new(),
    }
}

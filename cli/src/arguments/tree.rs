//! Arguments by their keys: what `a.b=1 a.c=2 list.0=3` is together.

use super::Value;
use crate::output::{Line, string};

/// A value that is put together of arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// Written behind a key.
    Leaf(Value),
    /// Members, in the order in which they were given.
    Object(Vec<(String, Self)>),
    /// Elements.
    List(Vec<Self>),
}

/// What is known of the type of a value that is written as text.
pub(crate) trait Typing: Sized {
    /// The JSON that `text` is as a value of this type. A string, if it is nothing else.
    fn value(&self, text: &str) -> String;

    /// The type of the member `name`. Which that is, the members beside it may tell.
    fn member(&self, name: &str, beside: &[(String, Tree)]) -> Self;

    /// The type of the elements.
    fn element(&self) -> Self;
}

impl Tree {
    /// Adds what `key` names, which is in no other argument.
    ///
    /// # Errors
    /// What it does not go together with.
    pub(crate) fn add(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let steps = steps(key);
        if steps.iter().any(|step| step.is_empty()) {
            return Err(format!("a name is missing in '{key}'"));
        }
        let mut here = self;
        for (at, step) in steps.iter().enumerate() {
            // The arguments themselves are no list.
            let index = if at == 0 { None } else { index(step) };
            let so_far = || steps[..=at].join(".");
            let parent = || steps[..at].join(".");
            here = match (here, index) {
                (Self::Leaf(_), _) => {
                    return Err(format!("'{}' is given as a value, and '{key}' is a part of it", parent()));
                }
                // What a step leads to for the first time.
                (Self::Object(members), Some(_)) if !members.is_empty() => {
                    return Err(format!("'{}' has members: '{}' is no element of it", parent(), so_far()));
                }
                (Self::List(elements), None) if !elements.is_empty() => {
                    return Err(format!("'{}' is a list: '{}' is no member of it", parent(), so_far()));
                }
                (here, Some(index)) => {
                    if matches!(here, Self::Object(_)) {
                        *here = Self::List(Vec::new());
                    }
                    let Self::List(elements) = here else { return Err(format!("'{key}' is no list")) };
                    let count = elements.len();
                    if index > count {
                        return Err(format!("'{}' is given before '{}.{count}'", so_far(), parent()));
                    }
                    if index == count {
                        elements.push(Self::Object(Vec::new()));
                    }
                    &mut elements[index]
                }
                (Self::Object(members), None) => {
                    let known = members.iter().position(|(name, _)| name == step);
                    let position = known.unwrap_or(members.len());
                    if known.is_none() {
                        members.push(((*step).to_owned(), Self::Object(Vec::new())));
                    }
                    &mut members[position].1
                }
                (Self::List(_), None) => return Err(format!("'{key}' is no member of a list")),
            };
        }
        // Only what was just made is an object without members.
        if *here != Self::Object(Vec::new()) {
            return Err(format!("the argument '{key}' is given twice"));
        }
        *here = Self::Leaf(value.clone());
        Ok(())
    }

    /// Its JSON, each text as its type reads it.
    pub(crate) fn json(&self, typing: &impl Typing) -> String {
        match self {
            Self::Leaf(Value::Text(text)) => typing.value(text),
            Self::Leaf(Value::Json(json)) => json.clone(),
            Self::Object(members) => {
                let mut line = Line::default();
                for (name, member) in members {
                    line.raw(name, member.json(&typing.member(name, members)).as_bytes(), false);
                }
                // Its parts are strings.
                String::from_utf8_lossy(&line.finish()).into_owned()
            }
            Self::List(elements) => {
                let elements: Vec<String> = elements.iter().map(|element| element.json(&typing.element())).collect();
                format!("[{}]", elements.join(","))
            }
        }
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            Self::Leaf(_) | Self::List(_) => &[],
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Leaf(_) | Self::Object(_) => &[],
        }
    }

    /// The string that it is, as far as that can be told without its type.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Leaf(Value::Text(text)) => Some(text.clone()),
            Self::Leaf(Value::Json(json)) => {
                // No name has an escape.
                let plain = json.trim().strip_prefix('"')?.strip_suffix('"')?;
                (string(plain) == json.trim()).then(|| plain.to_owned())
            }
            Self::Object(_) | Self::List(_) => None,
        }
    }
}

/// The names and numbers of a key, between its dots. Downstream names begin with a domain, whose dots are no steps:
/// `__com.redhat_name`.
pub(crate) fn steps(key: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut rest = key;
    loop {
        let domain = rest.strip_prefix("__").and_then(|name| name.find('_')).map_or(0, |at| at + 2);
        match rest[domain..].find('.') {
            Some(dot) => {
                steps.push(&rest[..domain + dot]);
                rest = &rest[domain + dot + 1..];
            }
            None => {
                steps.push(rest);
                return steps;
            }
        }
    }
}

fn index(step: &str) -> Option<usize> {
    if step.bytes().all(|byte| byte.is_ascii_digit()) { step.parse().ok() } else { None }
}

//! `qmp wait event`: until one comes, with what it is to say.

use anyhow::Result;
use clap::Args;
use qmp_core::json::{Payload, Value};

use super::{End, Wait};
use crate::events;
use crate::output::Output;

/// Waits for an event, and prints it as JSON
///
/// Begins with the connection: what happened before is not told.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The event's name, or several, for any of them
    #[arg(required = true)]
    name: Vec<String>,
    /// Only one whose data has this: a string to the letter, or anything else as compact JSON; `device.id=x` looks inside. May be
    /// given several times, for all of them
    #[arg(long = "where", value_name = "MEMBER=VALUE")]
    conditions: Vec<Condition>,
}

/// What a member is to be.
#[derive(Clone, Debug)]
struct Condition {
    path: Vec<String>,
    value: String,
}

impl core::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((path, value)) if !path.is_empty() => {
                Ok(Self { path: path.split('.').map(str::to_owned).collect(), value: value.to_owned() })
            }
            _ => Err("not MEMBER=VALUE".to_owned()),
        }
    }
}

pub(super) fn wait(options: &Options, wait: &mut Wait) -> Result<End> {
    loop {
        let Some(event) = wait.monitor.next_event(wait.left())? else {
            return Ok(End::Badly(format!("time is up, and no {} came", options.name.join(" or "))));
        };
        if options.name.contains(&event.name)
            && options.conditions.iter().all(|condition| condition.holds(event.data.as_deref()))
        {
            let mut output = Output::new();
            output.line(&events::line(&event))?;
            output.flush()?;
            return Ok(End::Well);
        }
    }
}

impl Condition {
    /// Of an event with this data.
    fn holds(&self, data: Option<&str>) -> bool {
        let mut data = data.unwrap_or_default().to_owned().into_bytes();
        let Ok(data) = Payload::parse(&mut data).map(Payload::into_value) else { return false };
        let found = self.path.iter().try_fold(data, |value, name| value.get(name));
        found.is_some_and(|found: Value<'_>| match found.as_str() {
            Some(text) => text == self.value,
            None => found.to_string() == self.value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_about_a_member() {
        let data = r#"{ "a": "x=y", "b": { "c": [1, 2.50], "d": true } }"#;
        for (text, holds) in [
            ("a=x=y", true),
            ("a=x", false),
            ("b.d=true", true),
            ("b.c=[1,2.50]", true),
            ("b.e=true", false),
            ("a.b=x", false),
            ("b.d=", false),
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().holds(Some(data)), holds, "{text}");
        }
        assert!("a".parse::<Condition>().is_err() && "=a".parse::<Condition>().is_err());
        assert!(!"a=".parse::<Condition>().unwrap().holds(None));
    }
}

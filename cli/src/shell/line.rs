//! What a typed line asks for.

use qmp_core::json::{Kind, Payload, Value};

use super::words::{self, Missing, Word};
use crate::arguments::Argument;

/// The shell's own commands, beside QEMU's. None of QEMU's has such a name.
pub(super) const OWN: [(&str, &str); 7] = [
    ("help", "help [COMMAND [KEY=VALUE…] | EVENT | TYPE]: what there is, and what it takes"),
    ("events", "events [on | off] [NAME…]: which events are shown"),
    ("pending", "pending: the commands that have not been answered yet"),
    ("oob", "oob COMMAND [KEY=VALUE…]: executes it out of band"),
    ("reconnect", "reconnect: connects anew"),
    ("exit", "exit: leaves the shell (QEMU's own quit ends QEMU)"),
    ("#", "# …: nothing, a remark"),
];

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Help(Vec<String>),
    Events { on: Option<bool>, names: Vec<String> },
    Pending,
    Reconnect,
    Exit,
    Command(Command),
}

/// A command for QEMU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) given: Given,
    pub(super) oob: bool,
    /// An id of the user's own was left out.
    pub(super) had_id: bool,
}

/// A command's arguments as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Arguments(Vec<Argument>),
    /// In a command that was given as JSON.
    Json(Option<String>),
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(line: &str) -> Result<Asked, String> {
    if line.trim_start().starts_with('#') {
        return Ok(Asked::Nothing);
    }
    let (words, missing) = words::split(line);
    match missing {
        Some(Missing::Quote(quote)) => return Err(format!("the closing {quote} is missing")),
        Some(Missing::Json) => return Err("the JSON has no end: a quote, brace or bracket is missing".into()),
        None => {}
    }
    let Some((first, rest)) = words.split_first() else { return Ok(Asked::Nothing) };
    let alone = |asked| match rest {
        [] => Ok(asked),
        _ => Err(format!("{} takes nothing behind it", first.text)),
    };
    match first.text.as_str() {
        text if text.starts_with('{') => match rest {
            [] => json(text).map(Asked::Command),
            _ => Err("nothing may follow a command that is given as JSON".into()),
        },
        "help" => Ok(Asked::Help(texts(rest))),
        "events" => events(rest),
        "pending" => alone(Asked::Pending),
        "reconnect" => alone(Asked::Reconnect),
        "exit" => alone(Asked::Exit),
        "oob" => match rest.split_first() {
            Some((name, arguments)) => command(&name.text, arguments, true),
            None => Err("which command? oob COMMAND [KEY=VALUE…]".into()),
        },
        name => command(name, rest, false),
    }
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

fn events(words: &[Word]) -> Result<Asked, String> {
    let on = match words.first().map(|word| word.text.as_str()) {
        None => None,
        Some("on") => Some(true),
        Some("off") => Some(false),
        Some(other) => return Err(format!("events on or events off, and names behind that; not '{other}'")),
    };
    Ok(Asked::Events { on, names: texts(words.get(1..).unwrap_or_default()) })
}

fn command(name: &str, words: &[Word], oob: bool) -> Result<Asked, String> {
    if name.contains('=') {
        return Err(format!("'{name}' is an argument, and the command is missing in front of it"));
    }
    let read = |word: &Word| word.text.parse().map_err(|error| format!("'{}': {error}", word.text));
    let arguments = words.iter().map(read).collect::<Result<_, String>>()?;
    Ok(Asked::Command(Command { name: name.to_owned(), given: Given::Arguments(arguments), oob, had_id: false }))
}

/// A command as it goes over the wire.
fn json(text: &str) -> Result<Command, String> {
    let mut bytes = text.as_bytes().to_vec();
    let command = match Payload::parse(&mut bytes) {
        Ok(payload) => payload.into_value(),
        Err(error) if text.contains('\'') => return Err(format!("not JSON: {error}. Strings have double quotes")),
        Err(error) => return Err(format!("not JSON: {error}")),
    };
    let (mut told, mut arguments, mut had_id) = (None, None, false);
    for (key, value) in command.entries() {
        match key {
            "execute" | "exec-oob" if told.is_some() => return Err("it names two commands".into()),
            "execute" | "exec-oob" => {
                let name = value.as_str().ok_or_else(|| format!("'{key}' is to be a string"))?;
                told = Some((name.to_owned(), key == "exec-oob"));
            }
            "arguments" if value.kind() != Kind::Object => return Err("'arguments' is to be an object".into()),
            "arguments" if arguments.is_some() => return Err("'arguments' stands twice".into()),
            "arguments" => arguments = Some(Value::to_string(&value)),
            "id" => had_id = true,
            _ => return Err(format!("a command has no member '{key}': execute or exec-oob, arguments, id")),
        }
    }
    let (name, oob) = told.ok_or("the member 'execute' is missing")?;
    Ok(Command { name, given: Given::Json(arguments), oob, had_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Command {
        match parse(line) {
            Ok(Asked::Command(command)) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn commands_with_arguments() {
        let command = asked(" block_resize  node-name='a b' size=1 o:=[1, 2]");
        let Given::Arguments(arguments) = command.given else { panic!() };
        assert_eq!((command.name.as_str(), arguments.len(), command.oob), ("block_resize", 3, false));
        assert!(asked("oob yank instances:=[]").oob);
        assert_eq!(asked("stop").given, Given::Arguments(Vec::new()));
    }

    #[test]
    fn commands_as_json() {
        let expected = Command {
            name: "stop".into(),
            given: Given::Json(Some(r#"{"a":["é \"",null]}"#.into())),
            oob: false,
            had_id: true,
        };
        assert_eq!(asked(r#" { "id": 1, "arguments": {"a": [ "é \"", null ]}, "execute": "stop" }"#), expected);
        let oob = asked("{\"exec-oob\": \"x\"}");
        assert_eq!((oob.oob, oob.given), (true, Given::Json(None)));
    }

    #[test]
    fn the_shells_own() {
        assert_eq!(parse("  # stop"), Ok(Asked::Nothing));
        assert_eq!(parse(" \t"), Ok(Asked::Nothing));
        assert_eq!(parse("help"), Ok(Asked::Help(Vec::new())));
        assert_eq!(parse("help stop"), Ok(Asked::Help(vec!["stop".into()])));
        assert_eq!(parse("events"), Ok(Asked::Events { on: None, names: Vec::new() }));
        assert_eq!(parse("events off A B"), Ok(Asked::Events { on: Some(false), names: vec!["A".into(), "B".into()] }));
        assert_eq!(parse("exit"), Ok(Asked::Exit));
        let taken = |name: &&str| qmp_qapi::registry::qmp().command(name).is_some();
        assert_eq!(OWN.map(|(name, _)| name).iter().find(|name| taken(name)), None);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, says) in [
            ("stop now", "'now': neither key=value"),
            ("stop a:=x", "'a:=x': not JSON"),
            ("stop 'a", "closing '"),
            ("stop a:=[", "no end"),
            ("a=b stop", "command is missing"),
            ("exit now", "takes nothing"),
            ("events maybe", "not 'maybe'"),
            ("oob", "which command"),
            ("{\"execute\": 1}", "to be a string"),
            ("{\"execute\": \"a\", \"exec-oob\": \"b\"}", "two commands"),
            ("{\"execute\": \"a\", \"arguments\": []}", "to be an object"),
            ("{\"execute\": \"a\", \"argument\": {}}", "no member 'argument'"),
            ("{}", "'execute' is missing"),
            ("{'execute': 'a'}", "double quotes"),
            ("{\"execute\": \"a\"} {}", "nothing may follow"),
        ] {
            let refused = parse(line).unwrap_err();
            assert!(refused.contains(says), "{line}: {refused}");
        }
    }
}

//! A command's arguments as they are written on the command line.

use core::fmt;
use core::str::FromStr;

use qmp_core::json::scan;

use crate::output::Line;

/// `key=value` or `key:=json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    key: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    String(String),
    /// Checked.
    Json(String),
}

impl FromStr for Argument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (key, value) = text.split_once('=').ok_or(Error::NoValue)?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, Value::Json(checked(value)?)),
            None => (key, Value::String(value.to_owned())),
        };
        if key.is_empty() {
            return Err(Error::NoKey);
        }
        Ok(Self { key: key.to_owned(), value })
    }
}

fn checked(json: &str) -> Result<String, Error> {
    match scan::check(json.as_bytes()) {
        Ok(()) => Ok(json.to_owned()),
        Err(error) => Err(Error::NotJson(error)),
    }
}

/// Why a text is no argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    NoValue,
    NoKey,
    NotJson(scan::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValue => f.write_str("neither key=value nor key:=json"),
            Self::NoKey => f.write_str("no key in front of the `=`"),
            Self::NotJson(error) => write!(f, "what follows `:=` is not JSON: {error} (for a string, write key=value)"),
        }
    }
}

impl core::error::Error for Error {}

/// The arguments as a JSON object, `None` if there are none.
///
/// # Errors
/// A key that stands twice.
pub(crate) fn object(arguments: &[Argument]) -> Result<Option<String>, String> {
    let mut line = Line::default();
    for (at, argument) in arguments.iter().enumerate() {
        if arguments[..at].iter().any(|earlier| earlier.key == argument.key) {
            return Err(format!("the argument '{}' is given twice", argument.key));
        }
        match &argument.value {
            Value::String(text) => line.member(&argument.key, text),
            Value::Json(text) => line.raw(&argument.key, text.as_bytes(), false),
        }
    }
    // Its parts are strings.
    Ok((!arguments.is_empty()).then(|| String::from_utf8_lossy(&line.finish()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Vec<Argument> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn strings_and_json_in_their_order() {
        let arguments =
            parse(&["device=virtio \"0\"", "size:= 18446744073709551615 ", "b=a:=b", "empty=", "o:={ \"x\": [] }"]);
        let expected = r#"{"device":"virtio \"0\"","size":18446744073709551615,"b":"a:=b","empty":"","o":{"x":[]}}"#;
        assert_eq!(object(&arguments).unwrap().as_deref(), Some(expected));
        assert_eq!(object(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        assert_eq!("key".parse::<Argument>(), Err(Error::NoValue));
        assert_eq!("=value".parse::<Argument>(), Err(Error::NoKey));
        assert_eq!(":=1".parse::<Argument>(), Err(Error::NoKey));
        for json in ["", "yes", "[1", "'x'", "1 2", "01"] {
            assert!(matches!(format!("key:={json}").parse::<Argument>(), Err(Error::NotJson(_))), "{json}");
        }
        assert!(object(&parse(&["a=1", "b=2", "a:=3"])).unwrap_err().contains("'a'"));
    }
}

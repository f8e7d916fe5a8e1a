//! A command's arguments as people write them, on the command line and in the shell: `key=value`, `key:=json`, or a whole object.

mod tree;

use core::fmt;
use core::str::FromStr;

use qmp_core::json::scan;

pub(crate) use tree::{Tree, Typing, steps};

/// `key=value`, `key:=json` or `{…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A member: of the arguments, or of what is in them.
    Member {
        /// `key`, `key.member`, `key.0`.
        key: String,
        /// What it is.
        value: Value,
    },
    /// All of the arguments. Checked to be JSON.
    Whole(String),
}

/// What stands behind the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// To be read as the member's type says.
    Text(String),
    /// Checked.
    Json(String),
}

impl FromStr for Argument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with('{') {
            return checked(text).map(Self::Whole);
        }
        let (key, value) = text.split_once('=').ok_or(Error::NoValue)?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, Value::Json(checked(value)?)),
            None => (key, Value::Text(value.to_owned())),
        };
        if key.is_empty() {
            return Err(Error::NoKey);
        }
        Ok(Self::Member { key: key.to_owned(), value })
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
            Self::NoValue => f.write_str("neither key=value nor key:=json, nor an object in braces"),
            Self::NoKey => f.write_str("no key in front of the `=`"),
            Self::NotJson(error) => write!(f, "not JSON: {error} (for a string, write key=value)"),
        }
    }
}

impl core::error::Error for Error {}

/// The arguments as a JSON object, `None` if there are none. `typing`: that of the object.
///
/// # Errors
/// Arguments that do not go together.
pub(crate) fn object(arguments: &[Argument], typing: &impl Typing) -> Result<Option<String>, String> {
    match arguments {
        [] => Ok(None),
        [Argument::Whole(json)] => Ok(Some(json.clone())),
        _ => Ok(Some(tree(arguments)?.json(typing))),
    }
}

/// The arguments by their keys.
///
/// # Errors
/// Those that do not go together.
pub(crate) fn tree(arguments: &[Argument]) -> Result<Tree, String> {
    let mut tree = Tree::Object(Vec::new());
    for argument in arguments {
        match argument {
            Argument::Member { key, value } => tree.add(key, value)?,
            Argument::Whole(_) => {
                return Err("an object in braces is all of the arguments: nothing goes with it".into());
            }
        }
    }
    Ok(tree)
}

/// Where nothing is known of types: each value is a string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings;

impl Typing for Strings {
    fn value(&self, text: &str) -> String {
        crate::output::string(text)
    }

    fn member(&self, _: &str, _: &[(String, Tree)]) -> Self {
        Self
    }

    fn element(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Vec<Argument> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn strings(texts: &[&str]) -> Result<Option<String>, String> {
        object(&parse(texts), &Strings)
    }

    #[test]
    fn strings_and_json_in_their_order() {
        let arguments =
            strings(&["device=virtio \"0\"", "size:= 18446744073709551615 ", "b=a:=b", "empty=", "o:={ \"x\": [] }"]);
        let expected = r#"{"device":"virtio \"0\"","size":18446744073709551615,"b":"a:=b","empty":"","o":{"x":[]}}"#;
        assert_eq!(arguments.unwrap().as_deref(), Some(expected));
        assert_eq!(strings(&[]), Ok(None));
    }

    #[test]
    fn members_of_members_and_elements() {
        let arguments = strings(&["a.b=1", "l.0.x=2", "a.c.d:=3", "l.1:=[4]", "l.0.y=5", "0=6", "__com.redhat_x.y=7"]);
        let expected = r#"{"a":{"b":"1","c":{"d":3}},"l":[{"x":"2","y":"5"},[4]],"0":"6","__com.redhat_x":{"y":"7"}}"#;
        assert_eq!(arguments.unwrap().as_deref(), Some(expected));
    }

    #[test]
    fn a_whole_object_is_all() {
        assert_eq!(strings(&["{\"a\": [1, \"=\"]}"]).unwrap().as_deref(), Some("{\"a\": [1, \"=\"]}"));
        assert!(strings(&["{}", "a=1"]).unwrap_err().contains("braces"));
        assert!(strings(&["a=1", "{}"]).unwrap_err().contains("braces"));
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        assert_eq!("key".parse::<Argument>(), Err(Error::NoValue));
        assert_eq!("=value".parse::<Argument>(), Err(Error::NoKey));
        assert_eq!(":=1".parse::<Argument>(), Err(Error::NoKey));
        for json in ["", "yes", "[1", "'x'", "1 2", "01"] {
            assert!(matches!(format!("key:={json}").parse::<Argument>(), Err(Error::NotJson(_))), "{json}");
        }
        assert!(matches!("{a=1}".parse::<Argument>(), Err(Error::NotJson(_))));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (texts, says) in [
            (&["a=1", "b=2", "a:=3"][..], "'a' is given twice"),
            (&["a=1", "a.b=2"], "'a' is given as a value"),
            (&["a.b=2", "a=1"], "'a' is given twice"),
            (&["a:={}", "a.b=2"], "'a' is given as a value"),
            (&["a.b=1", "a.0=2"], "'a.0'"),
            (&["a.0=1", "a.b=2"], "'a.b'"),
            (&["a.1=1"], "'a.1' is given before 'a.0'"),
            (&["a.0=1", "a.2=1"], "'a.2' is given before 'a.1'"),
            (&["a..b=1"], "'a..b'"),
            (&[".a=1"], "'.a'"),
            (&["a.=1"], "'a.'"),
        ] {
            let refused = strings(texts).unwrap_err();
            assert!(refused.contains(says), "{texts:?}: {refused}");
        }
    }
}

//! Where the history is kept.

use std::env;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The file, in the folder that the XDG base directory specification has for a program's state. None without a home.
pub(super) fn path() -> Option<PathBuf> {
    path_in(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"))
}

fn path_in(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // A relative path is to be ignored, by that specification.
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = state.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".local/state")))?;
    Some(state.join("qmp").join("history"))
}

/// Makes the folder of the file, for this user alone: passwords are typed, too.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is() {
        let path = |state: Option<&str>, home: Option<&str>| path_in(state.map(Into::into), home.map(Into::into));
        assert_eq!(path(Some("/s"), Some("/h")), Some("/s/qmp/history".into()));
        assert_eq!(path(None, Some("/h")), Some("/h/.local/state/qmp/history".into()));
        assert_eq!(path(Some("relative"), Some("/h")), Some("/h/.local/state/qmp/history".into()));
        assert_eq!(path(Some(""), None), None);
    }
}

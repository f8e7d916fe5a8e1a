//! The real QEMUs that the tests talk to: several releases side by side where a folder of them is named, else the machine's own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::packages;
use crate::tool::{self, on_path, tool};

/// Names a folder laid out as `ANY/qemu-system-x86_64` and, where there is one, `ANY/qemu-ga`.
const FOLDER: &str = "QMP_QEMUS_DIR";
const SYSTEM: &str = "qemu-system-x86_64";
const AGENT: &str = "qemu-ga";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Qemu {
    version: String,
    system: PathBuf,
    agent: Option<PathBuf>,
}

/// Every QEMU to test with, oldest first.
fn find() -> Result<Vec<Qemu>> {
    let Some(folder) = env::var_os(FOLDER) else {
        let system = on_path(SYSTEM).with_context(|| format!("no {SYSTEM} on PATH"))?;
        return Ok(vec![Qemu::at(system, on_path(AGENT))?]);
    };
    let folder = PathBuf::from(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {FOLDER}={}", folder.display()))?;
    let mut qemus = Vec::new();
    for entry in entries {
        let release = fs::canonicalize(entry?.path())?;
        let (system, agent) = (release.join(SYSTEM), release.join(AGENT));
        if system.is_file() {
            qemus.push(Qemu::at(system, Some(agent).filter(|agent| agent.is_file()))?);
        }
    }
    if qemus.is_empty() {
        bail!("{FOLDER}={} has no */{SYSTEM}", folder.display());
    }
    qemus.sort_by_key(|qemu| qemu.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>());
    Ok(qemus)
}

/// [`find`], with the machine's own installed if it is the one.
pub(crate) fn to_test_with() -> Result<Vec<Qemu>> {
    if env::var_os(FOLDER).is_none() {
        packages::require(&[packages::QEMU])?;
    }
    let qemus = find()?;
    println!("QEMU to test with: {}", qemus.iter().map(Qemu::version).collect::<Vec<_>>().join(", "));
    Ok(qemus)
}

/// What tells the tests of them.
pub(crate) fn given(qemus: &[Qemu]) -> [(&'static str, OsString); 2] {
    [("QMP_TEST_QEMUS", systems(qemus)), ("QMP_TEST_QEMU_GAS", agents(qemus))]
}

impl Qemu {
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn system(&self) -> &Path {
        &self.system
    }

    fn at(system: PathBuf, agent: Option<PathBuf>) -> Result<Self> {
        if system.to_str().is_none_or(|path| path.contains([':', '='])) {
            bail!("{} cannot be put in a list: it has a ':' or '=' or is not UTF-8", system.display());
        }
        let said = tool::read(&mut tool(&system, ["--version"]))?;
        let version = version(&said).with_context(|| format!("{} --version told no version", system.display()))?;
        Ok(Self { version: version.to_owned(), system, agent })
    }
}

/// `VERSION=PATH:VERSION=PATH`, as the tests read it.
fn systems(qemus: &[Qemu]) -> OsString {
    list(qemus.iter().map(|qemu| (&*qemu.version, &*qemu.system)))
}

/// The same for the guest agents, of those that have one.
fn agents(qemus: &[Qemu]) -> OsString {
    list(qemus.iter().filter_map(|qemu| Some((&*qemu.version, qemu.agent.as_deref()?))))
}

fn list<'a>(entries: impl Iterator<Item = (&'a str, &'a Path)>) -> OsString {
    let mut list = OsString::new();
    for (version, path) in entries {
        if !list.is_empty() {
            list.push(":");
        }
        list.push(version);
        list.push("=");
        list.push(path);
    }
    list
}

/// `QEMU emulator version 7.2.22 (Debian …)` is 7.2.22.
fn version(said: &str) -> Option<&str> {
    let (_, rest) = said.lines().next()?.split_once("version ")?;
    rest.split(|c: char| !c.is_ascii_digit() && c != '.').next().filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_qemu_prints_them() {
        assert_eq!(version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright"), Some("7.2.22"));
        assert_eq!(version("QEMU emulator version 11.1.0\n"), Some("11.1.0"));
        assert_eq!(version("QEMU emulator version 9.0.50 (v9.0.0-123-g1)\n"), Some("9.0.50"));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn lists_hold_what_is_known() {
        let qemu = |version: &str, agent: Option<&str>| Qemu {
            version: version.into(),
            system: format!("/q/{version}/qemu").into(),
            agent: agent.map(Into::into),
        };
        let qemus = [qemu("5.2.0", None), qemu("10.0.2", Some("/q/ga"))];
        assert_eq!(systems(&qemus), "5.2.0=/q/5.2.0/qemu:10.0.2=/q/10.0.2/qemu");
        assert_eq!(agents(&qemus), "10.0.2=/q/ga");
        assert_eq!(agents(&[]), "");
    }
}

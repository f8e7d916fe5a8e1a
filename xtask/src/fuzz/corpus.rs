//! Corpora: in the repository one file for each target, in which inputs stand behind each other; in the target folder a folder of
//! files, as libFuzzer wants them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// The committed corpora.
const COMMITTED: &str = "fuzz/corpus";
const PROGRAMS: &str = "fuzz/fuzz_targets";

/// The targets by name: each is a program of its own.
pub(crate) fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join(PROGRAMS);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {PROGRAMS}"))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned());
    let mut names = paths.iter().filter_map(name).collect::<Vec<_>>();
    names.sort();
    Ok(names)
}

/// The folder of what is found, with the committed inputs in it, too.
pub(crate) fn unpack(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let folder = workspace.target.join("fuzz").join("corpus").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    let packed = fs::read(workspace.root.join(COMMITTED).join(name)).unwrap_or_default();
    for (number, input) in inputs(&packed).with_context(|| format!("{COMMITTED}/{name} is broken"))?.iter().enumerate()
    {
        fs::write(folder.join(format!("committed-{number}")), input)?;
    }
    Ok(folder)
}

/// The folder of what was recorded for a target.
pub(crate) fn seeds(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target.join("fuzz").join("seeds").join(name)
}

/// An empty folder.
pub(crate) fn scratch(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let folder = workspace.target.join("fuzz").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    Ok(folder)
}

/// Makes the committed file of a folder, the shortest input first.
pub(crate) fn pack(workspace: &Workspace, name: &str, folder: &Path) -> Result<()> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        all.push(fs::read(entry?.path())?);
    }
    all.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    let packed = all.iter().flat_map(|input| {
        let length = u32::try_from(input.len()).unwrap_or(u32::MAX);
        length.to_le_bytes().into_iter().chain(input.iter().copied())
    });
    let packed = packed.collect::<Vec<_>>();
    let file = workspace.root.join(COMMITTED).join(name);
    fs::create_dir_all(workspace.root.join(COMMITTED))?;
    fs::write(&file, &packed).with_context(|| format!("{}", file.display()))?;
    println!("{COMMITTED}/{name}: {} inputs, {} bytes", all.len(), packed.len());
    Ok(())
}

/// The inputs of a file: each behind its length, four bytes, the lowest first.
fn inputs(mut packed: &[u8]) -> Option<Vec<&[u8]>> {
    let mut inputs = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk() {
        let (input, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        inputs.push(input);
        packed = rest;
    }
    packed.is_empty().then_some(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_stand_behind_their_lengths() {
        assert_eq!(inputs(b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c"), Some(vec![&b"ab"[..], b"", b"c"]));
        assert_eq!(inputs(b""), Some(vec![]));
        assert_eq!(inputs(b"\x02\0\0\0a"), None);
        assert_eq!(inputs(b"\x02\0"), None);
    }
}

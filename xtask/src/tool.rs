//! Other programs: shown before they run, and blamed by name when they fail.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// A call of another program, in the folder of the workspace unless told otherwise.
pub(crate) fn tool<I: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The cargo that runs us, so that a `cargo +toolchain xtask` stays with its toolchain.
pub(crate) fn cargo<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    tool(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Shows the call, runs it to its end with our output, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start {}", program(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", program(command));
    }
    Ok(())
}

/// Runs it silently and returns what it printed; fails if it does, with what it said.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!("{} failed ({}): {}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed something that is not UTF-8", shown(command)))
}

/// Runs it silently, whatever becomes of it.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("cannot start {}", program(command)))
}

/// Whether it can be started and ends well. What it prints goes nowhere.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The first file of this name on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn program(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    program.file_name().unwrap_or(command.get_program()).display().to_string()
}

fn shown(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.display(), word(value?))))
        .collect::<Vec<_>>();
    let arguments = command.get_args().map(word).collect::<Vec<_>>();
    // Ours has a long path that nobody would type; any other may be one of several of its name.
    let name = program(command);
    let called = if name == "cargo" { name } else { word(command.get_program()) };
    [set, vec![called], arguments].concat().join(" ")
}

/// One word as a shell would need it.
fn word(text: &OsStr) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&byte);
    let quoted = OsString::from(text).into_string().unwrap_or_else(|_| text.display().to_string());
    if !quoted.is_empty() && quoted.bytes().all(plain) {
        quoted
    } else {
        format!("'{}'", quoted.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_it_could_be_typed() {
        let mut command = tool("/usr/bin/env", ["plain-word", "two words", "", "it's"]);
        command.env("RUSTDOCFLAGS", "-D warnings").env_remove("RUSTFLAGS");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' /usr/bin/env plain-word 'two words' '' 'it'\''s'");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut tool("/nowhere/qmp-no-such-tool", [""; 0])).unwrap_err();
        assert_eq!(error.to_string(), "cannot start qmp-no-such-tool");
    }
}

//! What is printed: a line for each misfit.

use core::fmt::{self, Write as _};

use crate::output::{Failed, Output};

/// Where misfits are printed.
pub(super) struct Report<'n> {
    file: &'n str,
    output: Output,
    /// Lines of the present document that are not written yet.
    text: String,
}

impl<'n> Report<'n> {
    pub(super) const fn new(file: &'n str, output: Output) -> Self {
        Self { file, output, text: String::new() }
    }

    /// One more misfit of the document that begins on `line`.
    pub(super) fn misfit(&mut self, line: u64, name: &str, misfit: fmt::Arguments<'_>) {
        let Self { file, text, .. } = self;
        let _ = writeln!(text, "{file}:{line}: {}: {misfit}", Name(name));
    }

    /// The document is done with. Whether it fits.
    pub(super) fn end(&mut self) -> Result<bool, Failed> {
        for line in self.text.lines() {
            self.output.line(line.as_bytes())?;
        }
        let fits = self.text.is_empty();
        self.text.clear();
        Ok(fits)
    }

    pub(super) fn flush(&mut self) -> Result<(), Failed> {
        self.output.flush()
    }
}

/// The name of a command or an event, which in a recording can be anything.
struct Name<'n>(&'n str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if plain { f.write_str(name) } else { write!(f, "{name:?}") }
    }
}

//! What is printed: a line for each misfit.

use core::fmt;

use crate::output::{Failed, Line, Output, printable};

/// Where misfits are printed.
pub(super) struct Report<'n> {
    file: &'n str,
    output: Output,
    json: bool,
    /// Lines of the present document that are not written yet.
    lines: Vec<Vec<u8>>,
}

impl<'n> Report<'n> {
    /// `json`: a line is a JSON object.
    pub(super) const fn new(file: &'n str, output: Output, json: bool) -> Self {
        Self { file, output, json, lines: Vec::new() }
    }

    /// One more misfit of the document that begins on `line`.
    pub(super) fn misfit(&mut self, line: u64, name: &str, misfit: fmt::Arguments<'_>) {
        let file = self.file;
        self.lines.push(if self.json {
            let mut object = Line::default();
            object.member("file", file);
            object.member("line", &line);
            object.member("name", name);
            object.member("misfit", &misfit.to_string());
            object.finish()
        } else {
            printable(&format!("{file}:{line}: {}: {misfit}", Name(name))).as_bytes().to_vec()
        });
    }

    /// The document is done with. Whether it fits.
    pub(super) fn end(&mut self) -> Result<bool, Failed> {
        let fits = self.lines.is_empty();
        self.lines.drain(..).try_for_each(|line| self.output.line(&line))?;
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

//! What is typed between two prompts waits for the next one.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// Keeps the terminal from reading lines of its own between prompts, while it lives.
///
/// The line editor has its own mode while it shows a prompt, and puts back the one it met. Were that the usual one, the terminal would
/// edit what is typed between prompts: it takes Ctrl-D as the end of a line, and what is left of that when the mode changes is no key
/// that the editor knows. In this mode keys are kept as they are, and shown by the editor when it reads them; Ctrl-C is still a signal.
pub(super) struct TypeAhead {
    before: Termios,
}

impl TypeAhead {
    pub(super) fn keep() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut kept = before.clone();
        kept.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        // A read waits for one byte, for as long as it takes.
        kept.special_codes[SpecialCodeIndex::VMIN] = 1;
        kept.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &kept)?;
        Ok(Self { before })
    }
}

impl Drop for TypeAhead {
    fn drop(&mut self) {
        // There may be no terminal any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

//! Names that are not used twice, so that a command can be sent again though the one before may have been executed.

/// `disk-aa` and so on.
#[derive(Clone, Copy)]
pub(crate) struct Name([u8; 7]);

impl Name {
    /// The name of this number; they repeat after 676.
    pub(crate) const fn new(number: u16) -> Self {
        Self([b'd', b'i', b's', b'k', b'-', b'a' + (number / 26 % 26) as u8, b'a' + (number % 26) as u8])
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

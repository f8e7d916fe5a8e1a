//! Taking a message apart while its bytes go by: what the automaton looks for at the *floor*, which is where depths are counted from.
//!
//! Whoever sees the tokens at depth 1 has the floor: the message's members there, as a rule. Where a value is looked for, the floor
//! goes down with the names, to the array in the end. What lies deeper is scanned by words as ever, and knows nothing of it.

/// Member names from a member of the message down to a value, by a thin pointer, as they are kept for as long as a reader lives.
pub(crate) type Names = &'static &'static [&'static str];

/// Why the scanner stopped although there are bytes left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The value of the member that can be taken apart begins here: the reader is to say whether.
    Member,
    /// Its elements begin here.
    Begin,
    /// The string begins here, behind its quote.
    BeginText,
    /// An element ended here.
    Element,
    /// The array ended here, or the string.
    End,
}

/// What is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The elements of an array.
    Elements,
    /// A string, in pieces.
    Text,
}

/// What the scanner does with the tokens down to the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    Off,
    /// Stops at the member that can be taken apart.
    Watching,
    /// Goes down the names. The value at hand is the one looked for, or it is not.
    Seeking { found: bool },
    /// Stops behind each element.
    Elements,
    /// Stops behind the string at hand.
    Text,
    /// An element has ended just now, which is yet to be told.
    #[cfg(feature = "fast")]
    Ended,
}

const NONE: &[&str] = &[];
/// More names than this are not looked for.
pub(super) const MOST: u8 = 16;

/// What is taken out of the present message.
#[derive(Debug)]
pub(super) struct Sift {
    names: Names,
    take: Take,
    /// Where the open element begins, while there is one.
    element: Option<u32>,
    /// How many levels lie above the floor. They are objects, all of them.
    pub(super) above: u8,
    pub(super) stage: Stage,
    pub(super) pause: Pause,
    /// Whether each message is watched from its beginning.
    armed: bool,
    /// How many of the names were met, and how much of the next one.
    met: u8,
    length: u8,
    /// The key at hand begins as the next name does.
    matching: bool,
}

impl Sift {
    pub(super) const fn new() -> Self {
        Self {
            names: &NONE,
            take: Take::Elements,
            element: None,
            above: 0,
            stage: Stage::Off,
            pause: Pause::Member,
            armed: false,
            met: 0,
            length: 0,
            matching: false,
        }
    }

    /// Whether this has nothing to do with the next message.
    #[inline(always)]
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Off) && !self.armed
    }

    /// A new message begins.
    #[cold]
    pub(super) const fn clear(&mut self) {
        self.above = 0;
        self.element = None;
        self.stage = if self.armed { Stage::Watching } else { Stage::Off };
    }

    /// Sets whether messages are watched: the present one, too, as far as it has not been asked about.
    pub(super) const fn arm(&mut self, armed: bool) {
        if self.armed != armed {
            self.armed = armed;
            match self.stage {
                Stage::Off if armed => self.stage = Stage::Watching,
                Stage::Watching if !armed => self.stage = Stage::Off,
                _ => {}
            }
        }
    }

    /// The answer to [`Pause::Member`].
    pub(super) const fn seek(&mut self, wanted: Option<(Names, Take)>) {
        match wanted {
            Some((names, take)) => {
                self.names = names;
                self.take = take;
                self.met = 0;
                self.stage = Stage::Seeking { found: true };
            }
            None => self.stage = Stage::Off,
        }
    }

    /// The name of the member that is looked for in the container at hand; `None` if its value is.
    fn next(&self) -> Option<&'static str> {
        self.names.get(usize::from(self.met)).copied()
    }

    /// Whether the keys at the floor are compared with a name.
    pub(super) const fn compares(&self) -> bool {
        matches!(self.stage, Stage::Seeking { .. })
    }

    pub(super) const fn begin_key(&mut self) {
        self.length = 0;
        self.matching = true;
    }

    pub(super) fn key_character(&mut self, code: u32) {
        let expected = self.next().and_then(|name| name.as_bytes().get(usize::from(self.length)));
        self.matching &= expected.is_some_and(|byte| u32::from(*byte) == code);
        self.length = self.length.saturating_add(1);
    }

    pub(super) fn end_key(&mut self) {
        let found = self.matching && self.next().is_some_and(|name| name.len() == usize::from(self.length));
        if found {
            self.met = self.met.saturating_add(1);
        }
        self.stage = Stage::Seeking { found };
    }

    /// The value looked for begins with `byte`. What comes next, where that can be gone down into: a member, the
    /// elements, the text.
    pub(super) fn enters(&self, byte: u8) -> Option<Stage> {
        match (byte, self.next(), self.take) {
            (b'{', Some(_), _) if self.above < MOST => Some(Stage::Seeking { found: false }),
            (b'[', None, Take::Elements) => Some(Stage::Elements),
            (b'"', None, Take::Text) => Some(Stage::Text),
            _ => None,
        }
    }

    /// A value at the floor has ended, which the automaton has not seen.
    #[cfg(feature = "fast")]
    pub(super) const fn end_value(&mut self) {
        if matches!(self.stage, Stage::Elements) {
            self.stage = Stage::Ended;
        }
    }

    /// Whether an element has ended that way.
    #[cfg(feature = "fast")]
    pub(super) const fn has_ended(&mut self) -> bool {
        if matches!(self.stage, Stage::Ended) {
            self.stage = Stage::Elements;
            self.pause = Pause::Element;
            return true;
        }
        false
    }

    pub(super) const fn begin_element(&mut self, at: u32) {
        self.element = Some(at);
    }

    /// Where the open element begins.
    pub(super) const fn element(&self) -> Option<u32> {
        self.element
    }

    pub(super) const fn end_element(&mut self) -> Option<u32> {
        self.element.take()
    }
}

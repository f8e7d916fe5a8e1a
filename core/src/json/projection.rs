//! Which members of a value are kept, and the walk down their names.

use super::Path;
#[cfg(feature = "delivery")]
pub(crate) use walk::{Candidates, Node, Verdict};

/// Which members of a value are kept. What leads to them is kept, too; lists do not show: what is kept of a list is kept of each of
/// its elements. A value that is no object is kept whole where members of it are named.
#[derive(Clone, Copy, Debug, Default)]
pub enum Projection {
    /// All.
    #[default]
    All,
    /// These: `device`, `inserted.file`, `inserted.image.virtual-size`, each whole. Before the last name `**` may stand: `**.filename`
    /// is a member of that name at any depth. What a name stands for comes before what `**` does. Names are ASCII, as QAPI's are.
    ///
    /// Of more than 64 paths, the first 64 are looked for, and all else is kept.
    Named(&'static [&'static str]),
    /// Those that a type reads, which may hold itself. A path of the name `**` is any member that has no path of its own, if it is an
    /// object or list.
    ///
    /// Of more than 64 members of one object, the first 64 are looked for, and all else is kept.
    Paths(&'static [Path]),
}

impl Projection {
    /// The members that `T` reads.
    pub const fn of<T: super::Paths>() -> Self {
        if T::PATHS.is_empty() { Self::All } else { Self::Paths(T::PATHS) }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Projection {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::All => defmt::write!(f, "All"),
            Self::Named(paths) => defmt::write!(f, "Named({})", paths),
            Self::Paths(paths) => defmt::write!(f, "Paths({} of them)", paths.len()),
        }
    }
}

#[cfg(feature = "delivery")]
mod walk {
    use super::{Path, Projection};

    /// A place in the tree of names, of which the names below are looked for.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Node {
        Root,
        Below(&'static Path),
        /// What stands in the path of this number, from this byte on, and in all others that are the same up to there.
        Named {
            number: u8,
            from: u16,
        },
    }

    impl Node {
        /// Whether this is the same place. It may say no of two copies of one list, which costs a place on the stack of them.
        pub(crate) fn is(self, other: Self) -> bool {
            match (self, other) {
                (Self::Root, Self::Root) => true,
                (Self::Below(one), Self::Below(other)) => core::ptr::eq(one, other),
                (Self::Named { number, from }, Self::Named { number: other, from: other_from }) => {
                    number == other && from == other_from
                }
                _ => false,
            }
        }
    }

    /// What becomes of a member.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Verdict {
        Keep,
        Drop,
        /// It is kept, and of what it holds what is looked for at this place.
        Enter(Node),
        /// The same if it is an object or list; otherwise it is dropped.
        Pass(Node),
    }

    /// How many names are compared at once.
    const MOST: u8 = 64;
    const ANY: &str = "**";

    /// The names that a key may still become.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Candidates {
        bits: u64,
        length: u16,
    }

    impl Candidates {
        pub(crate) const NONE: Self = Self { bits: 0, length: 0 };

        /// A key begins in an object at `node`.
        pub(crate) fn begin(&mut self, projection: Projection, node: Node) {
            let count = projection.list(node).len().min(MOST.into()) as u32;
            self.bits = u64::MAX.unbounded_shr(64_u32.saturating_sub(count));
            self.length = 0;
        }

        /// Its next character, decoded.
        pub(crate) fn character(&mut self, projection: Projection, node: Node, code: u32) {
            let list = projection.list(node);
            let mut left = self.bits;
            while left != 0 {
                let number = left.trailing_zeros() as u8;
                let bit = left & left.wrapping_neg();
                left ^= bit;
                let expected = list.name(number).and_then(|name| name.as_bytes().get(usize::from(self.length)));
                if expected.is_none_or(|byte| u32::from(*byte) != code) {
                    self.bits ^= bit;
                }
            }
            self.length = self.length.saturating_add(1);
        }

        /// Whether the key is none of the names, however it goes on.
        pub(crate) const fn are_none(&self) -> bool {
            self.bits == 0
        }

        /// The key has ended.
        pub(crate) fn end(&self, projection: Projection, node: Node) -> Verdict {
            let list = projection.list(node);
            let mut verdict = if list.len() > MOST.into() { Verdict::Keep } else { Verdict::Drop };
            let mut named = false;
            for number in 0..MOST {
                if u64::from(number) >= list.len() as u64 {
                    break;
                }
                if self.bits & 1_u64.wrapping_shl(number.into()) != 0
                    && let Some(found) = list.verdict(number, self.length)
                {
                    named = true;
                    verdict = found;
                    if matches!(found, Verdict::Keep) {
                        break;
                    }
                }
            }
            match list.any() {
                Some(any) if !named => Verdict::Pass(any),
                _ => verdict,
            }
        }
    }

    /// The names that are looked for at a place.
    #[derive(Clone, Copy)]
    enum List {
        Paths(&'static [Path]),
        Named { paths: &'static [&'static str], number: u8, from: u16 },
    }

    impl Projection {
        fn list(self, node: Node) -> List {
            match (self, node) {
                (Self::Paths(_), Node::Below(path)) => List::Paths(path.list()),
                (Self::Paths(paths), _) => List::Paths(paths),
                (Self::Named(paths), Node::Named { number, from }) => List::Named { paths, number, from },
                (Self::Named(paths), _) => List::Named { paths, number: 0, from: 0 },
                (Self::All, _) => List::Paths(&[]),
            }
        }
    }

    impl List {
        fn len(self) -> usize {
            match self {
                Self::Paths(paths) => paths.len(),
                Self::Named { paths, .. } => paths.len(),
            }
        }

        /// What is left of path `number`, if it leads here.
        fn rest(self, number: u8) -> Option<&'static str> {
            match self {
                Self::Paths(paths) => paths.get(usize::from(number)).map(|path| path.name),
                Self::Named { paths, number: here, from } => {
                    let (path, here) = (paths.get(usize::from(number))?, paths.get(usize::from(here))?);
                    let from = usize::from(from);
                    (path.as_bytes().get(..from)? == here.as_bytes().get(..from)?).then_some(path.get(from..)?)
                }
            }
        }

        /// The name that path `number` has here, and what stands behind it.
        fn name(self, number: u8) -> Option<&'static str> {
            let rest = self.rest(number)?;
            match self {
                Self::Paths(_) => Some(rest),
                Self::Named { .. } => Some(rest.strip_prefix("**.").unwrap_or(rest)),
            }
        }

        /// What becomes of a key of `length` characters, with which the name of path `number` begins.
        fn verdict(self, number: u8, length: u16) -> Option<Verdict> {
            let name = self.name(number)?;
            let behind = name.as_bytes().get(usize::from(length));
            match self {
                Self::Paths(paths) => {
                    let path = paths.get(usize::from(number))?;
                    let whole = path.list().is_empty();
                    behind.is_none().then_some(if whole { Verdict::Keep } else { Verdict::Enter(Node::Below(path)) })
                }
                Self::Named { paths, .. } => match behind {
                    None => Some(Verdict::Keep),
                    Some(b'.') => {
                        let path = paths.get(usize::from(number))?;
                        let passed = path.len().saturating_sub(name.len()) as u16;
                        let from = passed.saturating_add(length).saturating_add(1);
                        Some(Verdict::Enter(Node::Named { number, from }))
                    }
                    Some(_) => None,
                },
            }
        }

        /// Where `**` leads, if it stands here.
        fn any(self) -> Option<Node> {
            match self {
                Self::Paths(paths) => paths.iter().find(|path| path.name == ANY).map(Node::Below),
                Self::Named { paths, number, from } => {
                    let here = |number: &u8| self.rest(*number).is_some_and(|rest| rest.starts_with("**."));
                    let most = paths.len().min(MOST.into()) as u8;
                    (0..most).any(|number| here(&number)).then_some(Node::Named { number, from })
                }
            }
        }
    }
}

//! Whose text is read, as a type: a program that reads no commands has nothing of what only commands need.

/// What a scanner reads.
pub trait Grammar {
    /// [`Dialect::Input`](super::Dialect::Input), and none of the others.
    const INPUT: bool;
}

/// [`Dialect::Strict`](super::Dialect::Strict) and [`Dialect::Output`](super::Dialect::Output).
#[derive(Clone, Copy, Debug)]
pub enum Output {}

/// [`Dialect::Input`](super::Dialect::Input).
#[derive(Clone, Copy, Debug)]
pub enum Input {}

impl Grammar for Output {
    const INPUT: bool = false;
}

impl Grammar for Input {
    const INPUT: bool = true;
}

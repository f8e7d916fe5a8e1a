//! The names of members as a tree, walked a character at a time.

use super::members::Member;

/// A node: a byte of a name, and in which node to look if another byte stands there, or [`NONE`]. The node of what follows stands right
/// behind it. Behind a name's last byte is the member's number, with [`LAST`] set.
pub(crate) type Node = [u8; 2];

/// In the place of a node.
pub(super) const NONE: u8 = u8::MAX;
/// No byte of a name has this bit.
const LAST: u8 = 0x80;
/// Stands for any character that is in no name, as a name's end does.
pub(super) const BEYOND_ASCII: u8 = 0xFF;

/// The tree of the names of `list`, which takes as many nodes as [`count`] says.
pub(crate) const fn tree<const N: usize>(list: &[Member]) -> [Node; N] {
    grow(list).0
}

/// How many nodes the names of `list` take.
pub(crate) const fn count(list: &[Member]) -> usize {
    grow::<{ NONE as usize }>(list).1
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "called in constants only: an index too high does not compile"
)]
const fn grow<const N: usize>(list: &[Member]) -> ([Node; N], usize) {
    let mut nodes = [[0, NONE]; N];
    let mut used = 0;
    let mut number = 0;
    while number < list.len() {
        let name = list[number].name.as_bytes();
        let (mut place, mut at) = (0, 0);
        while place <= name.len() {
            let byte = if place < name.len() { name[place] } else { LAST | number as u8 };
            if at == used {
                nodes[at][0] = byte;
                used += 1;
            }
            if nodes[at][0] == byte {
                (place, at) = (place + 1, at + 1);
            } else if nodes[at][1] != NONE {
                at = nodes[at][1] as usize;
            } else {
                nodes[at][1] = used as u8;
                at = used;
            }
        }
        number += 1;
    }
    (nodes, used)
}

/// The node behind the one of `byte`, among those that may stand at `at`.
pub(super) fn behind(nodes: &[Node], mut at: u8, byte: u8) -> u8 {
    while let Some(&[here, other]) = nodes.get(usize::from(at)) {
        if here == byte {
            return at.wrapping_add(1);
        }
        at = other;
    }
    NONE
}

/// The number of the member whose name ends at `at`, or [`NONE`].
pub(super) fn number(nodes: &[Node], mut at: u8) -> u8 {
    while let Some(&[here, other]) = nodes.get(usize::from(at)) {
        if here & LAST != 0 {
            return here & !LAST;
        }
        at = other;
    }
    NONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const fn named(name: &'static str) -> Member {
        Member { name, slot: 0, keep: false }
    }

    fn walk(nodes: &[Node], text: &str) -> u8 {
        number(nodes, text.bytes().fold(0, |at, byte| behind(nodes, at, byte)))
    }

    #[test]
    fn a_name_is_found_whatever_others_begin_alike() {
        const LIST: &[Member] =
            &[named("execute"), named("id"), named("exec-oob"), named("exec"), named(""), named("executes")];
        const TREE: [Node; count(LIST)] = tree(LIST);
        assert_eq!(TREE.len(), 7 + 1 + 3 + 4 + 1 + 1 + 1 + 2, "what names begin with alike is there once");
        for (number, member) in (0..).zip(LIST) {
            assert_eq!(walk(&TREE, member.name), number, "{}", member.name);
        }
        for text in ["e", "exec-", "executesx", "i", "ie", "idd", "x", "exed"] {
            assert_eq!(walk(&TREE, text), NONE, "{text}");
        }
        assert_eq!(walk(&[], ""), NONE);
        assert_eq!(walk(&[], "id"), NONE);
        let ends: Vec<u8> = (0..=u8::MAX).filter(|at| number(&TREE, *at) != NONE).collect();
        assert_eq!(behind(&TREE, ends[0], BEYOND_ASCII), NONE);
    }
}

//! Who calls whom in a linked program for Cortex-M, and how much stack each call takes.
//!
//! The compiler notes each function's own stack (`-Zemit-stack-sizes`); the calls are read from the code. A jump to another function
//! counts as a call, which gives an upper bound.

use alloc::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// A function, by its address.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: String,
    end: u32,
    /// Bytes of stack of its own. `None` where the compiler did not note it.
    own: Option<u32>,
    calls: BTreeSet<u32>,
    /// It calls what only a register knows.
    indirect: bool,
}

#[derive(Debug)]
pub(crate) struct Calls {
    functions: BTreeMap<u32, Function>,
}

/// Functions that are written in assembler, so that the compiler knows nothing of their stack; read from their code.
const ASSEMBLER: [(&str, u32); 1] = [("__aeabi_uldivmod", 24)];

/// Calls by register of which it is known what is called: the function that does, and those that it may call, by parts of their names.
/// A path of member names knows what is below it by a function, which is this trait's.
const KNOWN: [(&str, &str); 1] = [("4json4path", "5Paths5paths")];

/// The deepest stack below a function.
#[derive(Clone, Debug)]
pub(crate) struct Depth {
    pub(crate) bytes: u32,
    /// The chain of calls that takes it, with each one's own.
    pub(crate) chain: Vec<(String, u32)>,
}

impl Calls {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
        let mut functions = BTreeMap::<u32, Function>::new();
        // Where data lies between code, by the marks `$t` and `$d`.
        let mut marks = BTreeMap::new();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            let address = symbol.address() as u32;
            if name.starts_with("$t") || name.starts_with("$d") {
                marks.insert(address, name.starts_with("$t"));
            } else if symbol.kind() == SymbolKind::Text && !name.starts_with('$') {
                let function = functions.entry(address & !1).or_default();
                function.name = name.to_owned();
                function.own = ASSEMBLER.iter().find(|(of, _)| *of == name).map(|(_, own)| *own);
                function.end = function.end.max((address & !1).wrapping_add(symbol.size() as u32));
            }
        }
        let mut calls = Self { functions };
        calls.note_sizes(file.section_by_name(".stack_sizes").context("it has no .stack_sizes")?.data()?)?;
        let text = file.section_by_name(".text").context("it has no .text")?;
        calls.note_calls(text.data()?, text.address() as u32, &marks);
        calls.resolve();
        Ok(calls)
    }

    /// An address and a number in LEB128 each.
    fn note_sizes(&mut self, mut data: &[u8]) -> Result<()> {
        while let Some((address, rest)) = data.split_first_chunk() {
            let address = u32::from_le_bytes(*address) & !1;
            data = rest;
            let (mut size, mut shift) = (0_u32, 0);
            loop {
                let Some((byte, rest)) = data.split_first() else { bail!(".stack_sizes is cut off") };
                data = rest;
                size |= u32::from(byte & 0x7F) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if let Some(function) = self.functions.get_mut(&address) {
                function.own = Some(size);
            }
        }
        Ok(())
    }

    /// Finds what is called by register, where that is known.
    fn resolve(&mut self) {
        for (caller, callee) in KNOWN {
            let callees: Vec<u32> = self.named(callee).map(|(at, _)| at).collect();
            let callers = self.functions.values_mut().filter(|it| it.indirect && it.name.contains(caller));
            if callees.is_empty() {
                continue;
            }
            for function in callers {
                function.indirect = false;
                function.calls.extend(&callees);
            }
        }
    }

    fn note_calls(&mut self, text: &[u8], base: u32, marks: &BTreeMap<u32, bool>) {
        let half = |at: u32| {
            let at = at.checked_sub(base)? as usize;
            Some(u16::from_le_bytes([*text.get(at)?, *text.get(at + 1)?]))
        };
        let starts: BTreeSet<u32> = self.functions.keys().copied().collect();
        let is_code = |at: u32| marks.range(..=at).next_back().is_none_or(|(_, code)| *code);
        for (start, function) in &mut self.functions {
            let mut at = *start;
            while at < function.end {
                let Some(first) = half(at) else { break };
                if !is_code(at) {
                    at += 2;
                    continue;
                }
                let wide = first >> 11 >= 0b11101;
                let second = if wide { half(at + 2).unwrap_or(0) } else { 0 };
                match branch(first, second, at) {
                    // A branch within the function is none of a call, unless it is one to its own beginning that returns.
                    Branch::To { target, .. } if starts.contains(&target) && target != *start => {
                        function.calls.insert(target);
                    }
                    Branch::To { target, links: true } => _ = function.calls.insert(target),
                    Branch::Register => function.indirect = true,
                    Branch::To { .. } | Branch::None => {}
                }
                at += if wide { 4 } else { 2 };
            }
        }
    }

    /// The functions whose name has `part` in it.
    pub(crate) fn named(&self, part: &str) -> impl Iterator<Item = (u32, &Function)> {
        self.functions.iter().filter(move |(_, it)| it.name.contains(part)).map(|(at, it)| (*at, it))
    }

    /// The deepest stack below the function at `address`; what makes it unbounded is put to `unbounded`.
    pub(crate) fn depth(&self, address: u32, unbounded: &mut BTreeSet<String>) -> Depth {
        self.walk(address, &mut Vec::new(), &mut BTreeMap::new(), unbounded)
    }

    fn walk(
        &self,
        address: u32,
        path: &mut Vec<u32>,
        known: &mut BTreeMap<u32, Depth>,
        unbounded: &mut BTreeSet<String>,
    ) -> Depth {
        if let Some(depth) = known.get(&address) {
            return depth.clone();
        }
        let Some(function) = self.functions.get(&address) else {
            unbounded.insert(format!("a call to {address:#x}, where no function begins"));
            return Depth { bytes: 0, chain: Vec::new() };
        };
        let Function { name, own, calls, indirect, .. } = function;
        if path.contains(&address) {
            unbounded.insert(format!("recursion: {name}"));
            return Depth { bytes: 0, chain: Vec::new() };
        }
        if *indirect {
            unbounded.insert(format!("a call by register: {name}"));
        }
        if own.is_none() {
            unbounded.insert(format!("unknown stack: {name}"));
        }
        let own = own.unwrap_or(0);
        path.push(address);
        let below = calls.iter().map(|callee| self.walk(*callee, path, known, unbounded)).max_by_key(|it| it.bytes);
        path.pop();
        let mut depth = Depth { bytes: own, chain: vec![(name.clone(), own)] };
        if let Some(below) = below {
            depth.bytes += below.bytes;
            depth.chain.extend(below.chain);
        }
        known.insert(address, depth.clone());
        depth
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Branch {
    None,
    /// To an address; with the way back noted (`bl`) or not.
    To {
        target: u32,
        links: bool,
    },
    /// To where a register says, other than back to the caller.
    Register,
}

/// What an instruction of Thumb-2 does to the flow of control. `first` and `second` are its halves, `at` its address.
fn branch(first: u16, second: u16, at: u32) -> Branch {
    let (one, two) = (u32::from(first), u32::from(second));
    let to = |offset: u32, bits: u32, links| {
        let signed = (offset << (32 - bits)).cast_signed() >> (32 - bits);
        Branch::To { target: at.wrapping_add(4).wrapping_add_signed(signed), links }
    };
    match first {
        // bx and blx with a register; lr is the way back.
        _ if first & 0xFF80 == 0x4780 => Branch::Register,
        _ if first & 0xFF80 == 0x4700 && first >> 3 & 0xF != 14 => Branch::Register,
        // mov pc, register.
        _ if first & 0xFF87 == 0x4687 => Branch::Register,
        // b, with a condition and without; cbz and cbnz.
        _ if first & 0xF000 == 0xD000 && first & 0x0F00 < 0x0E00 => to((one & 0xFF) << 1, 9, false),
        _ if first & 0xF800 == 0xE000 => to((one & 0x7FF) << 1, 12, false),
        _ if first & 0xF500 == 0xB100 => {
            let offset = (one >> 9 & 1) << 6 | (one >> 3 & 0x1F) << 1;
            Branch::To { target: at.wrapping_add(4).wrapping_add(offset), links: false }
        }
        // bl, b.w, and b.w with a condition.
        _ if first & 0xF800 == 0xF000 && second & 0x8000 != 0 => {
            let (s, j1, j2) = (one >> 10 & 1, two >> 13 & 1, two >> 11 & 1);
            let near = (j2 << 19 | j1 << 18 | (one & 0x3F) << 12 | (two & 0x7FF) << 1) | s << 20;
            let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
            let far = s << 24 | i1 << 23 | i2 << 22 | (one & 0x3FF) << 12 | (two & 0x7FF) << 1;
            match second & 0xD000 {
                0xD000 => to(far, 25, true),
                0x9000 => to(far, 25, false),
                0x8000 if one >> 6 & 0xF < 0xE => to(near, 21, false),
                _ => Branch::None,
            }
        }
        _ => Branch::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_told_from_the_rest() {
        let to = |target, links| Branch::To { target, links };
        for (halves, what) in [
            // As an assembler wrote them, at 0x1000.
            ([0xF000, 0xF802], to(0x1008, true)),
            ([0xF7FF, 0xFFFE], to(0x1000, true)),
            ([0xF7FF, 0xBFFE], to(0x1000, false)),
            ([0xF43F, 0xAFFE], to(0x1000, false)),
            ([0xE7FE, 0], to(0x1000, false)),
            ([0xD0FE, 0], to(0x1000, false)),
            ([0xB110, 0], to(0x1008, false)),
            ([0x4798, 0], Branch::Register),
            ([0x4718, 0], Branch::Register),
            ([0x4770, 0], Branch::None),
            ([0xBD80, 0], Branch::None),
            ([0xDE00, 0], Branch::None),
            ([0xBF00, 0], Branch::None),
            // mov.w r0, #0 and dmb: wide, and no branches.
            ([0xF04F, 0x0000], Branch::None),
            ([0xF3BF, 0x8F5F], Branch::None),
        ] {
            assert_eq!(branch(halves[0], halves[1], 0x1000), what, "{halves:04x?}");
        }
    }
}

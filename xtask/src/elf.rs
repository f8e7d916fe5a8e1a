//! What a linked bare-metal program holds: its size by kind, and symbols that must not be in it.

use core::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, elf};

/// Parts of a symbol's name, mangled or not, that tell of an allocator or of a panic.
const FORBIDDEN: [&str; 7] =
    ["__rust_alloc", "__rust_realloc", "__rust_dealloc", "__rdl_", "__rg_", "9panicking", "panic_is_reachable"];

/// Parts of a symbol's name that tell of reading, writing or computing floats.
const FLOATS: [&str; 6] = ["dec2flt", "flt2dec", "4ryu", "f64", "aeabi_d", "float_to"];

/// Bytes in the file and in memory, sorted as a linker script for flash and RAM would.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) text: u64,
    pub(crate) rodata: u64,
    pub(crate) data: u64,
    pub(crate) bss: u64,
}

pub(crate) struct Program {
    pub(crate) size: Size,
    /// Names of symbols that tell of an allocator or of a panic.
    pub(crate) forbidden: Vec<String>,
    /// Names of symbols that tell of floats.
    pub(crate) floats: Vec<String>,
    /// Each symbol by name, with its size.
    pub(crate) symbols: Vec<(String, u64)>,
}

pub(crate) fn read(path: &Path) -> Result<Program> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
    let mut size = Size::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_type, sh_flags } = section.flags() else { continue };
        if !sh_flags.contains(elf::SHF_ALLOC) {
            continue;
        }
        let kind = match sh_type {
            _ if sh_flags.contains(elf::SHF_EXECINSTR) => &mut size.text,
            _ if !sh_flags.contains(elf::SHF_WRITE) => &mut size.rodata,
            elf::SHT_NOBITS => &mut size.bss,
            _ => &mut size.data,
        };
        *kind += section.size();
    }
    let symbols = file.symbols().filter_map(|symbol| Some((symbol.name().ok()?.to_owned(), symbol.size())));
    let symbols = symbols.collect::<Vec<_>>();
    let with = |parts: &[&str]| {
        let names = symbols.iter().map(|(name, _)| name);
        names.filter(|name| parts.iter().any(|part| name.contains(part))).cloned().collect()
    };
    Ok(Program { size, forbidden: with(&FORBIDDEN), floats: with(&FLOATS), symbols })
}

/// Where in the source a panic can be reached, read from the places that it would report.
///
/// Such a place is a `core::panic::Location` in the constants: where the file's name begins, its length, line and column.
pub(crate) fn panics(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
    let text_at = |address: u32, length: u32| {
        let found = file.sections().find_map(|section| section.data_range(address.into(), length.into()).ok()?);
        str::from_utf8(found?).ok()
    };
    let is_constant = |kind| matches!(kind, SectionKind::ReadOnlyData | SectionKind::ReadOnlyString);
    let mut places = Vec::new();
    for section in file.sections().filter(|section| is_constant(section.kind())) {
        let words = section.data()?.chunks_exact(4).map(|word| <[u8; 4]>::try_from(word).map_or(0, u32::from_le_bytes));
        for location in words.collect::<Vec<_>>().windows(4) {
            let &[name, length, line, column] = location else { continue };
            if let Some(name) = text_at(name, length).filter(|name| name.ends_with(".rs")) {
                places.push(format!("{name}:{line}:{column}"));
            }
        }
    }
    places.sort();
    places.dedup();
    Ok(places)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, rodata, data, bss } = self;
        write!(f, "text {text:>6}  rodata {rodata:>6}  data {data:>6}  bss {bss:>6}")
    }
}

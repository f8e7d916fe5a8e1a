//! Rust's names for QAPI's.

use alloc::collections::BTreeSet;

/// Words that cannot be names as they are.
const KEYWORDS: [&str; 45] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut",
    "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "try", "type", "typeof", "unsafe",
    "unsized", "use", "where", "while", "yield",
];

/// A module's name: `block_core` for `block-core`.
pub(crate) fn module(chapter: &str) -> String {
    chapter.replace('-', "_")
}

/// The name of a type that is named for a command, an event or a value: `BlockResize` for `block_resize`, `_2_5` for `2_5`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        // An all-capital event is a phrase; capitals elsewhere belong to the word.
        let shouted = name.len() > 1 && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let part = if shouted { part.to_ascii_lowercase() } else { part.to_owned() };
        let digits_meet =
            camel.ends_with(|c: char| c.is_ascii_digit()) && part.starts_with(|c: char| c.is_ascii_digit());
        if digits_meet {
            camel.push('_');
        }
        let mut letters = part.chars();
        camel.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        camel.extend(letters);
    }
    if camel.starts_with(|c: char| c.is_ascii_digit()) { format!("_{camel}") } else { camel }
}

/// A field's name: `node_name` for `node-name`, `r#type` for `type`.
pub(crate) fn field(name: &str) -> String {
    let name = name.replace(['-', '.'], "_").to_ascii_lowercase();
    if KEYWORDS.contains(&&*name) { format!("r#{name}") } else { name }
}

/// The fields of one type, each with a name of its own: of two that fold to one, the second says so.
pub(crate) fn fields(names: &[&str]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names
        .iter()
        .map(|name| {
            let field = field(name);
            if seen.insert(field.clone()) {
                return field;
            }
            let upper = format!("{field}_upper");
            assert!(seen.insert(upper.clone()), "three names fold to {field}");
            upper
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_wire() {
        for (wire, rust) in [
            ("block_resize", "BlockResize"),
            ("x-query-virtio", "XQueryVirtio"),
            ("BLOCK_JOB_READY", "BlockJobReady"),
            ("2_5", "_2_5"),
            ("3des", "_3des"),
            ("x86_64", "X86_64"),
            ("EAX", "Eax"),
            ("KVMMissingCap", "KVMMissingCap"),
            ("l1_grow.alloc_table", "L1GrowAllocTable"),
            ("x", "X"),
        ] {
            assert_eq!(camel(wire), rust);
        }
        assert_eq!(fields(&["pc", "PC", "type", "node-name"]), ["pc", "pc_upper", "r#type", "node_name"]);
    }
}

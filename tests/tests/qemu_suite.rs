//! The cases that parsers of JSON are tried on, put to a server of ours and to real QEMUs: the same number of answers of the same class,
//! and the same way back. Each text is a message, and an argument in one.

extern crate alloc;

use alloc::collections::BTreeMap;

use qmp_tests::input::{command_and_end, ours, theirs};
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::suite::{self, Case};

/// Why `qemu` may answer otherwise, if it may.
fn difference(qemu: &Qemu, case: &Case, argument: bool) -> Option<&'static str> {
    let deep = case.name.starts_with("too deep") || case.name.starts_with("open") || case.name.starts_with("deep");
    if deep && !qemu.is_at_least(11, 0) {
        return Some("up to 10.0 QEMU begins anew at the level beyond the limit, and answers each bracket behind it");
    }
    // As arguments they are looked through; deeper, and in lists, they are not.
    let deeper = argument || case.text.first() == Some(&b'[') || case.text.starts_with(b"{\"o\"");
    if deeper && case.text.windows(9).any(|it| it == b"{\"a\":\"b\"," as &[u8]) && case.name.starts_with("objects") {
        return Some("duplicate members are looked for in a command and in its arguments, not deeper");
    }
    None
}

#[test]
fn texts_are_answered_as_qemu_answers_them() {
    let cases = suite::cases();
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let (mut wrong, mut excused) = (Vec::new(), BTreeMap::new());
        let mut inputs = 0;
        for case in &cases {
            for argument in [false, true] {
                let text = if argument {
                    [b"{\"execute\":\"query-name\",\"id\":7,\"arguments\":{\"x\":", &case.text[..], b"}}"].concat()
                } else {
                    case.text.clone()
                };
                let bytes = command_and_end(&text);
                let (ours, theirs) = (ours(&bytes, 4096), theirs(&machine, &bytes));
                inputs += 1;
                match (ours.agree_with(&theirs), difference(qemu, case, argument)) {
                    (true, _) => {}
                    (false, Some(why)) => *excused.entry(why).or_insert(0) += 1,
                    (false, None) => {
                        let short = |text: String| text.chars().take(600).collect::<String>();
                        let (ours, theirs) = (short(ours.to_string()), short(theirs.to_string()));
                        let text = short(text.escape_ascii().to_string());
                        wrong.push(format!("{}: {text}\n    ours {ours}\n    QEMU {theirs}", case.name));
                    }
                }
            }
        }
        println!("QEMU {}: {inputs} inputs, {excused:?}", qemu.version);
        assert!(wrong.is_empty(), "{} of {inputs} inputs:\n{}", wrong.len(), wrong.join("\n"));
    });
}

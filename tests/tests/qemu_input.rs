//! Our server beside real QEMUs, input by input: the same number of answers, of the same class, with the same ids, and the same way
//! back. What differs is listed here with its reason, and nothing that is listed may agree.

extern crate alloc;

use alloc::collections::BTreeSet;

use qmp_tests::input::{self, command_and_end, ours, theirs};
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::random::Random;

const DUPLICATES: &str = "duplicate members are looked for in a command and in its arguments, not deeper";
const LEVELS: &str = "up to 10.0 QEMU begins anew at the level beyond the limit, and answers each bracket behind it";

/// An input that QEMU answers otherwise, the release from which it no longer does, and why.
const DIFFERENCES: &[(&str, Option<u32>, &str)] = &[
    ("dup-deeper", None, DUPLICATES),
    ("dup-in-id", None, DUPLICATES),
    ("arg-dup-nested-list", None, DUPLICATES),
    ("depth-1025", Some(11), LEVELS),
    ("depth-1025-arrays", Some(11), LEVELS),
    ("depth-1025-open", Some(11), LEVELS),
];

const HASHES: &str =
    "of several things wrong with a command QEMU names the one that it finds first, by the hashes of names";
const ENUM: &str = "which capability is unknown is said otherwise";
const COMMAND: &str = "the words are the command's own";

/// An input that is answered with other words, and why. From 11.1 on all errors of the parser are.
const WORDS: &[(&str, &str)] = &[
    ("both-numbers-on", HASHES),
    ("dup-nul", HASHES),
    ("unexpected-two", HASHES),
    ("caps-enable-bad-and-unknown", ENUM),
    ("caps-enable-mixed", ENUM),
    ("caps-enable-nul", ENUM),
    ("caps-enable-unknown-second", ENUM),
    ("caps-enable-unknown", ENUM),
    ("caps-then-oob-in-one-write", COMMAND),
    ("exec-oob-allowed", COMMAND),
];

/// Why `qemu` may answer `input` otherwise than we do, if it may.
fn difference(qemu: &Qemu, input: &str) -> Option<&'static str> {
    let applies = |until: Option<u32>| until.is_none_or(|major| !qemu.is_at_least(major, 0));
    DIFFERENCES.iter().find(|(name, until, _)| *name == input && applies(*until)).map(|(.., why)| *why)
}

#[test]
fn input_is_answered_as_qemu_answers_it() {
    let inputs = input::all();
    for (name, ..) in DIFFERENCES {
        assert!(inputs.iter().any(|input| input.name == *name), "no input {name}");
    }
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let (mut wrong, mut words) = (Vec::new(), BTreeSet::new());
        for input in &inputs {
            let theirs = theirs(&machine, &input.bytes());
            let ours = ours(&input.bytes(), usize::MAX);
            match (ours.agree_with(&theirs), difference(qemu, &input.name)) {
                (true, None) if !ours.says_the_same_as(&theirs) => drop(words.insert(input.name.as_str())),
                (true, None) => {}
                (false, Some(why)) => println!("QEMU {} answers {} otherwise: {why}", qemu.version, input.name),
                (true, Some(why)) => wrong.push(format!("{}: no difference, but one is listed: {why}", input.name)),
                (false, None) => wrong.push(format!("{}:\n    ours {ours}\n    QEMU {theirs}", input.name)),
            }
        }
        if qemu.is_at_least(11, 0) {
            // There each error of the parser begins with its place.
            println!("QEMU {} answers {} of {} inputs in other words", qemu.version, words.len(), inputs.len());
        } else {
            for (name, why) in WORDS {
                if words.remove(name) {
                    println!("QEMU {} answers {name} in other words: {why}", qemu.version);
                }
            }
            wrong.extend(words.iter().map(|name| format!("{name}: in other words")));
        }
        assert!(wrong.is_empty(), "{} of {} inputs:\n{}", wrong.len(), inputs.len(), wrong.join("\n"));
    });
}

#[test]
fn damaged_input_is_answered_as_qemu_answers_it() {
    // What is drawn is the same in each run.
    const CASES: usize = 500;
    qemu::each(|qemu| {
        let machine = Machine::start(qemu);
        let mut random = Random::seeded(20);
        let mut refused = 0;
        for _ in 0..CASES {
            let bytes = command_and_end(&damaged(&mut random));
            let (ours, theirs) = (ours(&bytes, 1 + random.below(40)), theirs(&machine, &bytes));
            assert!(ours.agree_with(&theirs), "{}\n    ours {ours}\n    QEMU {theirs}", bytes.escape_ascii());
            refused += usize::from(ours.list.iter().any(|answer| !answer.class.is_empty()));
        }
        println!("QEMU {}: {CASES} damaged inputs, {refused} of them refused", qemu.version);
        assert!(refused > CASES / 2 && refused < CASES);
    });
}

/// One or two commands and other JSON, with some bytes added, removed, changed or moved.
fn damaged(random: &mut Random) -> Vec<u8> {
    let whole: [&[u8]; 9] = [
        br#"{"execute":"query-name","id":1}"#,
        br#"{"execute": "query-name", "arguments": {}, "id": [1, {"a": "b"}]}"#,
        br#"{'execute':'query-name','id':'x\'y'}"#,
        br#"{"exec-oob":"query-name","id":"\u00e9\n"}"#,
        br#"[1, -2.5e3, "s", true, null]"#,
        br#"{"execute":"query-name","arguments":{"x":[{"y":1}]},"id":-0}"#,
        br#"{"execute":"no-such-command","id":1.5}"#,
        br#"{"id":2}"#,
        br#""text" 12 true null "#,
    ];
    let alphabet = b"{}[]:,\"'\\ \n\t\r0123-+.eEtrufalsn@/%x\x01\x7f\xff\xfe\xc0\x80\xc3\xa9\xed\xa0\xf0\x9f\x98\x80u";
    let mut bytes = whole[random.below(whole.len())].to_vec();
    if random.once_in(3) {
        bytes.extend_from_slice(whole[random.below(whole.len())]);
    }
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        match random.below(5) {
            0 if bytes.len() > 1 => drop(bytes.remove(at)),
            1 => bytes[at] = alphabet[random.below(alphabet.len())],
            4 => {
                let piece = bytes[at..(at + 1 + random.below(8)).min(bytes.len())].to_vec();
                let place = random.below(bytes.len());
                bytes.splice(place..place, piece);
            }
            _ => bytes.insert(at, alphabet[random.below(alphabet.len())]),
        }
    }
    bytes
}

//! Any value of any definition, and the property that all of them have: what is written reads back as what it was.

mod all;

use std::boxed::Box;
use std::string::{String, ToString as _};
use std::vec;
use std::vec::Vec;

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use qmp_core::json::{Payload, Value, de, ser};
use serde::{Deserialize, Serialize};

use crate::{Any, List, Nested, Nothing, Pairs};

/// How many values of each definition are tried.
const SAMPLES: u64 = 24;
/// How long the lists and how deep the types of one value may become.
const BUDGET: usize = 40;

/// What can be made at random. Borrowed parts are leaked: tests end soon.
pub(crate) trait Sample: Sized {
    fn sample(random: &mut Random) -> Self;
}

/// Where random values come from.
pub(crate) struct Random {
    source: TestRng,
    /// How much more may be made; from 0 on all that is optional stays away.
    budget: usize,
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self { source: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes), budget: BUDGET }
    }

    fn bits(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// A name that no enum and no union has.
    pub(crate) fn unknown_name(&mut self) -> &'static str {
        ["", "x-unheard-of", "\u{e9}\"\\\n", "Running"][self.below(4)]
    }

    /// Whether to make more.
    fn more(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.budget > 0 && self.below(2) == 0
    }
}

/// What one of `makers` makes.
pub(crate) fn pick<T>(random: &mut Random, makers: &[fn(&mut Random) -> T]) -> T {
    let index = random.below(makers.len());
    makers[index](random)
}

/// What the property needs of a definition. Functions, and few of them: each is compiled for a thousand types.
struct Definition {
    /// The JSON of a value.
    written: fn(u64) -> String,
    read: Read,
}

/// Reads JSON: whether it is the value of a seed, and what it is written as again.
type Read = fn(u64, &'static mut [u8]) -> Result<(bool, String), String>;

/// Writes values of `T` and reads them back: what is read is what was written, and goes out again as it came.
///
/// `'static` stands for any lifetime: buffers are leaked.
fn both_ways<T: Sample + Serialize + Deserialize<'static> + PartialEq>() {
    check(&Definition {
        written: |seed| json(&T::sample(&mut Random::new(seed))),
        read: |seed, text| {
            let value = value(text)?;
            let read = T::deserialize(&mut de::Deserializer::new(value)).map_err(|error| error.to_string())?;
            Ok((read == T::sample(&mut Random::new(seed)), json(&read)))
        },
    });
}

fn check(definition: &Definition) {
    for seed in 0..SAMPLES {
        let text = (definition.written)(seed);
        match (definition.read)(seed, leaked(&text)) {
            Ok((same, again)) => {
                assert!(same, "read as another value: {text}");
                assert_eq!(again, text, "written again");
            }
            Err(error) => panic!("{text} was written and is not read: {error}"),
        }
        // Members unknown change nothing.
        if let Some(body) = text.strip_prefix('{') {
            let comma = if body == "}" { "" } else { "," };
            let more = std::format!("{{\"\\u0078-unheard-of\": [{{}}, \"\\\"\"]{comma}{body}");
            let read = (definition.read)(seed, leaked(&more));
            assert!(read.is_ok(), "{more}: {read:?}");
        }
    }
}

fn json(it: &(impl Serialize + ?Sized)) -> String {
    let mut buffer = vec![0; 1 << 16];
    let mut sink = ser::SliceSink::new(&mut buffer);
    it.serialize(&mut ser::Serializer::new(&mut sink)).unwrap();
    std::str::from_utf8(sink.into_written()).unwrap().into()
}

fn value(text: &'static mut [u8]) -> Result<Value<'static>, String> {
    Ok(Payload::parse(text).map_err(|error| std::format!("{error:?}"))?.into_value())
}

fn leaked(text: &str) -> &'static mut [u8] {
    Vec::leak(text.as_bytes().to_vec())
}

macro_rules! bits {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random) -> Self {
                match random.below(5) {
                    0 => 0,
                    1 => Self::MAX,
                    2 => Self::MIN,
                    3 => 1,
                    _ => Self::from_le_bytes(core::array::from_fn(|_| random.bits() as u8)),
                }
            }
        }
    )*};
}
bits! { i8 i16 i32 i64 i128 u8 u16 u32 u64 }

impl Sample for bool {
    fn sample(random: &mut Random) -> Self {
        random.below(2) == 0
    }
}

impl Sample for f64 {
    fn sample(random: &mut Random) -> Self {
        match random.below(4) {
            0 => 0.0,
            1 => 3.0,
            2 => -1e300,
            _ => random.bits() as Self / 1e7,
        }
    }
}

impl Sample for &str {
    fn sample(random: &mut Random) -> Self {
        let all =
            ["", "disk0", "a \"quoted\" \\ name", "line\nline\u{0}\u{1}\u{1f}", "\u{fc}ml\u{e4}ut \u{1f600}", "null"];
        all[random.below(all.len())]
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(random: &mut Random) -> Self {
        random.more().then(|| T::sample(random))
    }
}

impl<T: Sample> Sample for List<'_, T> {
    fn sample(random: &mut Random) -> Self {
        let mut elements = Vec::new();
        while elements.len() < 3 && random.more() {
            elements.push(T::sample(random));
        }
        Self::new(Vec::leak(elements))
    }
}

impl<T: Sample> Sample for Nested<'_, T> {
    fn sample(random: &mut Random) -> Self {
        Self::new(Box::leak(Box::new(T::sample(random))))
    }
}

impl Sample for Nothing {
    fn sample(_: &mut Random) -> Self {
        Self
    }
}

impl Sample for Any<'_> {
    fn sample(random: &mut Random) -> Self {
        match random.below(if random.budget == 0 { 6 } else { 8 }) {
            0 => Self::Null,
            1 => Self::Bool(Sample::sample(random)),
            2 => Self::Int(Sample::sample(random)),
            3 => Self::Uint(Sample::sample(random)),
            4 => Self::Number(["0", "-1.50", "1e-7", "18446744073709551616"][random.below(4)]),
            5 => Self::Str(Sample::sample(random)),
            6 => {
                let list: List<'_, Any<'_>> = Sample::sample(random);
                Self::List(Vec::leak(list.iter().flatten().collect()))
            }
            _ => Self::Dict(pairs(random)),
        }
    }
}

impl Sample for Pairs<'_> {
    fn sample(random: &mut Random) -> Self {
        Self::new(pairs(random))
    }
}

/// Pairs whose names no definition has, each once.
fn pairs<'a>(random: &mut Random) -> &'a [(&'a str, Any<'a>)] {
    let mut pairs = Vec::new();
    for name in ["x-one", "x-\"two\"", "x-\u{20ac}"] {
        if random.more() {
            pairs.push((name, Any::sample(random)));
        }
    }
    Vec::leak(pairs)
}

#[test]
fn any_is_the_same_json_in_every_form() {
    let forms = [
        (Any::Null, "null"),
        (Any::Int(-1), "-1"),
        (Any::Int(7), "7"),
        (Any::Uint(7), "7"),
        (Any::Uint(u64::MAX), "18446744073709551615"),
        (Any::Number("7"), "7"),
        (Any::Number("1.50"), "1.50"),
        (Any::Str("a\"\n"), r#""a\"\n""#),
        (Any::List(&[Any::Bool(true), Any::Null]), "[true,null]"),
        (Any::Dict(&[("a", Any::Int(1)), ("b", Any::Str("x"))]), r#"{"a":1,"b":"x"}"#),
    ];
    for (given, text) in forms {
        let received = Any::Received(value(leaked(text)).unwrap());
        assert_eq!(given, received);
        assert_eq!(received, given);
        assert_eq!(json(&given), text);
        for (other, other_text) in forms {
            assert_eq!(given == other, text == other_text, "{text} {other_text}");
        }
    }
    assert_eq!(ser::to_slice(&Any::Number("0x10"), &mut [0; 16]), Err(ser::Error::Custom));
    let one = Any::Dict(&[("a", Any::Int(1))]);
    assert_ne!(one, Any::Received(value(leaked(r#"{"a":1,"b":2}"#)).unwrap()));
    assert_ne!(Any::List(&[]), Any::Received(value(leaked("{}")).unwrap()));
}

//! The serde reader against serde_json's: any JSON read as any shape gives the same, or is refused by both.

use core::fmt;

use arbitrary::{Result, Unstructured};
use qmp_core::json::{Payload, de};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::oracle::gave_up;
use crate::rest;

/// The first bytes are a shape, the rest is JSON.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let length = usize::from(u.arbitrary::<u8>()? % 32);
    let length = length.min(u.len());
    let mut plan = Unstructured::new(u.bytes(length)?);
    let shape = Shape::any(&mut plan, 4)?;
    let text = rest(u)?;
    let mut decoded = text.to_vec();
    let Ok(payload) = Payload::parse(&mut decoded) else { return Ok(()) };
    let ours = shape.deserialize(&mut de::Deserializer::new(payload.into_value()));
    let mut theirs = serde_json::Deserializer::from_slice(text);
    let theirs = shape.deserialize(&mut theirs).and_then(|read| theirs.end().map(|()| read));
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert!(ours.same(theirs), "{shape:?}: {ours:?}, not {theirs:?}"),
        (Err(_), Err(_)) => {}
        (Ok(read), Err(error)) => assert!(shape.may_differ(text) || gave_up(error), "{shape:?}: {read:?}, not {error}"),
        (Err(error), Ok(read)) => assert!(shape.may_differ(text), "{shape:?}: {error}, not {read:?}"),
    }
    Ok(())
}

/// What to read a value as.
#[derive(Clone, Debug)]
enum Shape {
    Bool,
    I8,
    I32,
    I64,
    I128,
    U8,
    U16,
    U64,
    U128,
    F32,
    F64,
    Char,
    String,
    Unit,
    Ignored,
    Any,
    Option(Box<Shape>),
    Newtype(Box<Shape>),
    Seq(Box<Shape>),
    Tuple(Vec<Shape>),
    Map(Box<Shape>),
    /// Members `a`, `b`, … of these shapes, each of which may be missing.
    Struct(Vec<Shape>),
    /// Variants `a`, `b`, … without content, with a value, with several, with members.
    Enum(Box<[Shape; 3]>),
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl Shape {
    fn any(u: &mut Unstructured<'_>, depth: u32) -> Result<Self> {
        let inner = |u: &mut Unstructured<'_>| Self::any(u, depth - 1).map(Box::new);
        let several = |u: &mut Unstructured<'_>| {
            (0..u.int_in_range(0..=3)?).map(|_| Self::any(u, depth - 1)).collect::<Result<Vec<_>>>()
        };
        Ok(match u.int_in_range(0..=if depth == 0 { 15 } else { 22 })? {
            0 => Self::Any,
            1 => Self::Bool,
            2 => Self::I8,
            3 => Self::I32,
            4 => Self::I64,
            5 => Self::I128,
            6 => Self::U8,
            7 => Self::U16,
            8 => Self::U64,
            9 => Self::U128,
            10 => Self::F32,
            11 => Self::F64,
            12 => Self::Char,
            13 => Self::String,
            14 => Self::Unit,
            15 => Self::Ignored,
            16 => Self::Option(inner(u)?),
            17 => Self::Newtype(inner(u)?),
            18 => Self::Seq(inner(u)?),
            19 => Self::Tuple(several(u)?),
            20 => Self::Map(inner(u)?),
            21 => Self::Struct(several(u)?),
            _ => Self::Enum(Box::new([*inner(u)?, *inner(u)?, *inner(u)?])),
        })
    }

    /// Where the readers differ on purpose. Ours takes the numbers that QEMU makes of no number, a zero with a sign as the whole number
    /// that it is, and 128 levels of types.
    fn may_differ(&self, text: &[u8]) -> bool {
        let not_finite = text.windows(3).any(|word| word == b"inf" || word == b"nan");
        let signed_zero = text.windows(2).any(|word| word == b"-0");
        not_finite || signed_zero || text.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() > 120
    }
}

/// What was read.
#[derive(Clone, Debug)]
enum Read {
    Unit,
    Bool(bool),
    Int(i128),
    Uint(u128),
    Float(f64),
    Char(char),
    String(String),
    None,
    Some(Box<Self>),
    Seq(Vec<Self>),
    Map(Vec<(String, Self)>),
    Variant(usize, Box<Self>),
}

impl Read {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unit, Self::Unit) | (Self::None, Self::None) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Uint(one), Self::Uint(other)) => one == other,
            (Self::Int(one), Self::Uint(other)) | (Self::Uint(other), Self::Int(one)) => {
                u128::try_from(*one) == Ok(*other)
            }
            (Self::Float(one), Self::Float(other)) => {
                (one - other).abs() <= one.abs().max(other.abs()) * 1e-6
                    || one == other
                    || one.abs().max(other.abs()) < 1e-30
            }
            // serde_json reads a zero with a sign as a float, ours as a whole number where any value is asked for.
            (Self::Int(0) | Self::Uint(0), Self::Float(0.0)) | (Self::Float(0.0), Self::Int(0) | Self::Uint(0)) => true,
            (Self::Char(one), Self::Char(other)) => one == other,
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Some(one), Self::Some(other)) => one.same(other),
            (Self::Seq(one), Self::Seq(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.same(other))
            }
            (Self::Map(one), Self::Map(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && one.1.same(&other.1))
            }
            (Self::Variant(one, inner), Self::Variant(other, others)) => one == other && inner.same(others),
            _ => false,
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Shape {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> core::result::Result<Read, D::Error> {
        Ok(match self {
            Shape::Bool => Read::Bool(bool::deserialize(d)?),
            Shape::I8 => Read::Int(i8::deserialize(d)?.into()),
            Shape::I32 => Read::Int(i32::deserialize(d)?.into()),
            Shape::I64 => Read::Int(i64::deserialize(d)?.into()),
            Shape::I128 => Read::Int(i128::deserialize(d)?),
            Shape::U8 => Read::Uint(u8::deserialize(d)?.into()),
            Shape::U16 => Read::Uint(u16::deserialize(d)?.into()),
            Shape::U64 => Read::Uint(u64::deserialize(d)?.into()),
            Shape::U128 => Read::Uint(u128::deserialize(d)?),
            Shape::F32 => Read::Float(f32::deserialize(d)?.into()),
            Shape::F64 => Read::Float(f64::deserialize(d)?),
            Shape::Char => Read::Char(char::deserialize(d)?),
            Shape::String => Read::String(String::deserialize(d)?),
            Shape::Unit => <()>::deserialize(d).map(|()| Read::Unit)?,
            Shape::Ignored => IgnoredAny::deserialize(d).map(|_| Read::Unit)?,
            Shape::Any => d.deserialize_any(Whole(self))?,
            Shape::Option(_) => d.deserialize_option(Whole(self))?,
            Shape::Newtype(_) => d.deserialize_newtype_struct("Newtype", Whole(self))?,
            Shape::Seq(_) => d.deserialize_seq(Whole(self))?,
            Shape::Tuple(inner) => d.deserialize_tuple(inner.len(), Whole(self))?,
            Shape::Map(_) => d.deserialize_map(Whole(self))?,
            Shape::Struct(inner) => d.deserialize_struct("Struct", &NAMES[..inner.len()], Whole(self))?,
            Shape::Enum(_) => d.deserialize_enum("Enum", &NAMES, Whole(self))?,
        })
    }
}

/// Reads what a shape is made of.
struct Whole<'s>(&'s Shape);

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_bool<E>(self, value: bool) -> core::result::Result<Read, E> {
        Ok(Read::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> core::result::Result<Read, E> {
        Ok(Read::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> core::result::Result<Read, E> {
        Ok(Read::Uint(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> core::result::Result<Read, E> {
        Ok(Read::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> core::result::Result<Read, E> {
        Ok(Read::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> core::result::Result<Read, E> {
        Ok(Read::Unit)
    }

    fn visit_none<E>(self) -> core::result::Result<Read, E> {
        Ok(Read::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> core::result::Result<Read, D::Error> {
        let Shape::Option(inner) = self.0 else { return Err(D::Error::custom("no option")) };
        Ok(Read::Some(Box::new(inner.deserialize(d)?)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> core::result::Result<Read, D::Error> {
        let Shape::Newtype(inner) = self.0 else { return Err(D::Error::custom("no newtype")) };
        inner.deserialize(d)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> core::result::Result<Read, A::Error> {
        let mut read = Vec::new();
        match self.0 {
            Shape::Tuple(inner) | Shape::Struct(inner) => {
                for (place, inner) in inner.iter().enumerate() {
                    let element = seq.next_element_seed(inner)?;
                    read.push(element.ok_or_else(|| A::Error::invalid_length(place, &"more"))?);
                }
            }
            Shape::Seq(inner) => {
                while let Some(element) = seq.next_element_seed(&**inner)? {
                    read.push(element);
                }
            }
            _ => {
                while let Some(element) = seq.next_element_seed(&Shape::Any)? {
                    read.push(element);
                }
            }
        }
        Ok(Read::Seq(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> core::result::Result<Read, A::Error> {
        let mut read: Vec<(String, Read)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = match self.0 {
                Shape::Struct(inner) => {
                    let Some(place) = NAMES[..inner.len()].iter().position(|name| *name == key) else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    if read.iter().any(|(seen, _)| *seen == key) {
                        return Err(A::Error::custom("twice"));
                    }
                    map.next_value_seed(&inner[place])?
                }
                Shape::Map(inner) => map.next_value_seed(&**inner)?,
                _ => map.next_value_seed(&Shape::Any)?,
            };
            read.push((key, value));
        }
        Ok(Read::Map(read))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> core::result::Result<Read, A::Error> {
        let Shape::Enum(inner) = self.0 else { return Err(A::Error::custom("no enum")) };
        let (name, variant) = access.variant::<String>()?;
        let place = NAMES.iter().position(|known| *known == name);
        let place = place.ok_or_else(|| A::Error::unknown_variant(&name, &NAMES))?;
        let shapes = inner.to_vec();
        let content = match place {
            0 => variant.unit_variant().map(|()| Read::Unit)?,
            1 => variant.newtype_variant_seed(&inner[0])?,
            2 => variant.tuple_variant(2, Whole(&Shape::Tuple(shapes[1..].to_vec())))?,
            _ => variant.struct_variant(&NAMES[..2], Whole(&Shape::Struct(shapes[..2].to_vec())))?,
        };
        Ok(Read::Variant(place, Box::new(content)))
    }
}

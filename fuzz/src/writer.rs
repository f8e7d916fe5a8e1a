//! The serde writer: whatever a type does, it is written as the JSON that serde_json makes of it, or refused with nothing half done.

use arbitrary::{Result, Unstructured};
use qmp_core::client::{Client, Config, Storage};
use qmp_core::error::{Error, Misuse, Resource};
use qmp_core::json::scan;
use qmp_core::json::ser::{self, Serializer, SliceSink, VecSink};
use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap as _, SerializeSeq as _, SerializeStruct as _, SerializeStructVariant as _,
    SerializeTuple as _, SerializeTupleStruct as _, SerializeTupleVariant as _,
};

use crate::oracle;

/// The bytes are a value of some type.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let room = usize::from(u.arbitrary::<u8>()?);
    let it = It::any(u, 5)?;
    let mut memory = vec![0; 1 << 16];
    let mut sink = SliceSink::new(&mut memory);
    let ours = it.serialize(&mut Serializer::new(&mut sink)).map(|()| sink.into_written());
    let theirs = serde_json::to_string(&it);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(scan::check(ours), Ok(()));
            if let (Ok(one), Ok(other)) = (serde_json::from_slice(ours), serde_json::from_str(theirs)) {
                assert!(oracle::same(&one, &other), "{one}, not {other}");
            }
            // Letter by letter, but for hexadecimal digits of control characters and for how a float is rounded.
            if !it.has_floats() && !theirs.contains("\\u") {
                assert_eq!(*ours, theirs.as_bytes());
            }
        }
        (Err(ser::Error::Full), _) => panic!("64 KiB are enough"),
        (Err(_), Err(_)) => {}
        // What JSON has no number for is `null` to serde_json, bytes are a list, and keys of other types strings.
        (Err(error), Ok(theirs)) => assert!(it.may_be_refused(), "{error:?}, not {theirs}"),
        (Ok(ours), Err(error)) => panic!("{}, not {error}", ours.escape_ascii()),
    }
    other_ways(&it, ours.ok().map(<[u8]>::to_vec).as_deref(), room);
    Ok(())
}

/// In ASCII, into little room, into memory that grows, into a command.
fn other_ways(it: &It, written: Option<&[u8]>, room: usize) {
    let mut memory = vec![0; 1 << 18];
    let mut sink = SliceSink::new(&mut memory);
    let ascii = it.serialize(&mut Serializer::new(&mut sink).ascii(true)).map(|()| sink.into_written());
    assert_eq!(ascii.is_ok(), written.is_some());
    if let (Ok(ascii), Some(written)) = (ascii, written) {
        assert!(ascii.is_ascii());
        let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
        assert_eq!(read(ascii), read(written));
    }
    let mut little = vec![0; room];
    let fits = ser::to_slice(it, &mut little).map(<[u8]>::to_vec);
    let mut grown = Vec::new();
    let grows = it.serialize(&mut Serializer::new(&mut VecSink::new(&mut grown, room)));
    assert!(grown.len() <= room);
    if let Some(written) = written {
        assert_eq!(fits.as_deref().ok(), (written.len() <= room).then_some(written));
        assert_eq!(grows.is_ok(), written.len() <= room);
    } else {
        assert!(fits.is_err() && grows.is_err());
    }

    let mut client = Client::new(Storage::growing(256, 128 + room, 1), Config::DEFAULT);
    client.feed(b"{\"QMP\": {}}{\"return\": {}, \"id\": 511}").expect("a stream");
    while client.poll().expect("room").is_some() {}
    client.tx_sent(client.tx_pending().len()).expect("what was pending");
    let sent = client.commands().execute("x", it);
    let line = client.tx_pending();
    match (sent, written) {
        (Ok(_), Some(b"null")) => assert_eq!(line, b"{\"execute\":\"x\",\"id\":512}\n"),
        (Ok(_), Some(written)) => {
            assert!(written.starts_with(b"{"));
            let whole = [b"{\"execute\":\"x\",\"arguments\":", written, b",\"id\":512}\n"].concat();
            assert_eq!(line, whole);
        }
        (Ok(_), None) => panic!("sent what cannot be written"),
        (Err(error), written) => {
            assert_eq!(line, b"", "half a command");
            let expected = match error {
                Error::Misuse(Misuse::NotAnObject) => written.is_some_and(|text| !text.starts_with(b"{")),
                Error::Misuse(Misuse::Serialize(_)) => written.is_none(),
                Error::Resource(Resource::Tx { .. }) => written.is_none_or(|text| text.len() + 50 > room),
                _ => false,
            };
            assert!(expected, "{error}");
        }
    }
}

/// All that serde's data model has.
#[derive(Debug)]
enum It {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Self>),
    Unit,
    UnitStruct,
    UnitVariant,
    Newtype(Box<Self>),
    NewtypeVariant(Box<Self>),
    /// Whether it says how many there are.
    Seq(Vec<Self>, bool),
    Tuple(Vec<Self>),
    TupleStruct(Vec<Self>),
    TupleVariant(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Struct(Vec<Self>),
    StructVariant(Vec<Self>),
    /// Fails.
    Fails,
}

impl It {
    fn any(u: &mut Unstructured<'_>, depth: u32) -> Result<Self> {
        let inner = |u: &mut Unstructured<'_>| Self::any(u, depth - 1).map(Box::new);
        let several = |u: &mut Unstructured<'_>| {
            (0..u.int_in_range(0..=4)?).map(|_| Self::any(u, depth - 1)).collect::<Result<Vec<_>>>()
        };
        Ok(match u.int_in_range(0..=if depth == 0 { 19 } else { 30 })? {
            0 => Self::Unit,
            1 => Self::Bool(u.arbitrary()?),
            2 => Self::I8(u.arbitrary()?),
            3 => Self::I16(u.arbitrary()?),
            4 => Self::I32(u.arbitrary()?),
            5 => Self::I64(u.arbitrary()?),
            6 => Self::I128(u.arbitrary()?),
            7 => Self::U8(u.arbitrary()?),
            8 => Self::U16(u.arbitrary()?),
            9 => Self::U32(u.arbitrary()?),
            10 => Self::U64(u.arbitrary()?),
            11 => Self::U128(u.arbitrary()?),
            12 => Self::F32(u.arbitrary()?),
            13 => Self::F64(u.arbitrary()?),
            14 => Self::Char(u.arbitrary()?),
            15 => Self::Str(string(u)?),
            16 => Self::Bytes(string(u)?.into_bytes()),
            17 => Self::None,
            18 => Self::UnitStruct,
            19 => Self::UnitVariant,
            20 => Self::Some(inner(u)?),
            21 => Self::Newtype(inner(u)?),
            22 => Self::NewtypeVariant(inner(u)?),
            23 => Self::Seq(several(u)?, u.arbitrary()?),
            24 => Self::Tuple(several(u)?),
            25 => Self::TupleStruct(several(u)?),
            26 => Self::TupleVariant(several(u)?),
            27 => {
                let count = u.int_in_range(0..=4)?;
                Self::Map((0..count).map(|_| Ok((Self::key(u)?, Self::any(u, depth - 1)?))).collect::<Result<_>>()?)
            }
            28 => Self::Struct(several(u)?),
            29 => Self::StructVariant(several(u)?),
            _ => Self::Fails,
        })
    }

    /// What may be a key, and rarely what may not.
    fn key(u: &mut Unstructured<'_>) -> Result<Self> {
        if u.ratio(1, 10)? { Self::any(u, 1) } else { Ok(Self::Str(string(u)?)) }
    }

    fn any_of(&self, what: &dyn Fn(&Self) -> bool) -> bool {
        what(self)
            || match self {
                Self::Some(inner) | Self::Newtype(inner) | Self::NewtypeVariant(inner) => inner.any_of(what),
                Self::Seq(inner, _)
                | Self::Tuple(inner)
                | Self::TupleStruct(inner)
                | Self::TupleVariant(inner)
                | Self::Struct(inner)
                | Self::StructVariant(inner) => inner.iter().any(|inner| inner.any_of(what)),
                Self::Map(inner) => inner.iter().any(|(key, value)| key.any_of(what) || value.any_of(what)),
                _ => false,
            }
    }

    fn has_floats(&self) -> bool {
        self.any_of(&|it| matches!(it, Self::F32(_) | Self::F64(_)))
    }

    fn may_be_refused(&self) -> bool {
        self.any_of(&|it| match it {
            Self::F32(number) => !number.is_finite(),
            Self::F64(number) => !number.is_finite(),
            Self::Bytes(_) => true,
            Self::Map(members) => members.iter().any(|(key, _)| !matches!(key, Self::Str(_))),
            _ => false,
        })
    }
}

fn string(u: &mut Unstructured<'_>) -> Result<String> {
    let length = u.int_in_range(0..=12)?;
    (0..length)
        .map(|_| if u.ratio(1, 4)? { u.arbitrary::<char>() } else { Ok(char::from(u.arbitrary::<u8>()?)) })
        .collect()
}

impl Serialize for It {
    fn serialize<S: serde::Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        match self {
            Self::Bool(it) => s.serialize_bool(*it),
            Self::I8(it) => s.serialize_i8(*it),
            Self::I16(it) => s.serialize_i16(*it),
            Self::I32(it) => s.serialize_i32(*it),
            Self::I64(it) => s.serialize_i64(*it),
            Self::I128(it) => s.serialize_i128(*it),
            Self::U8(it) => s.serialize_u8(*it),
            Self::U16(it) => s.serialize_u16(*it),
            Self::U32(it) => s.serialize_u32(*it),
            Self::U64(it) => s.serialize_u64(*it),
            Self::U128(it) => s.serialize_u128(*it),
            Self::F32(it) => s.serialize_f32(*it),
            Self::F64(it) => s.serialize_f64(*it),
            Self::Char(it) => s.serialize_char(*it),
            Self::Str(it) => s.serialize_str(it),
            Self::Bytes(it) => s.serialize_bytes(it),
            Self::None => s.serialize_none(),
            Self::Some(it) => s.serialize_some(&**it),
            Self::Unit => s.serialize_unit(),
            Self::UnitStruct => s.serialize_unit_struct("Unit"),
            Self::UnitVariant => s.serialize_unit_variant("Enum", 1, "a \"name\"\n\u{e9}"),
            Self::Newtype(it) => s.serialize_newtype_struct("Newtype", &**it),
            Self::NewtypeVariant(it) => s.serialize_newtype_variant("Enum", 2, "b\\", &**it),
            Self::Seq(all, sized) => {
                let mut seq = s.serialize_seq(sized.then_some(all.len()))?;
                all.iter().try_for_each(|it| seq.serialize_element(it))?;
                seq.end()
            }
            Self::Tuple(all) => {
                let mut tuple = s.serialize_tuple(all.len())?;
                all.iter().try_for_each(|it| tuple.serialize_element(it))?;
                tuple.end()
            }
            Self::TupleStruct(all) => {
                let mut tuple = s.serialize_tuple_struct("Tuple", all.len())?;
                all.iter().try_for_each(|it| tuple.serialize_field(it))?;
                tuple.end()
            }
            Self::TupleVariant(all) => {
                let mut tuple = s.serialize_tuple_variant("Enum", 3, "c", all.len())?;
                all.iter().try_for_each(|it| tuple.serialize_field(it))?;
                tuple.end()
            }
            Self::Map(members) => {
                let mut map = s.serialize_map(None)?;
                members.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(all) => {
                let mut it = s.serialize_struct("Struct", all.len())?;
                for (name, value) in FIELDS.iter().zip(all) {
                    it.serialize_field(name, value)?;
                }
                it.end()
            }
            Self::StructVariant(all) => {
                let mut it = s.serialize_struct_variant("Enum", 4, "d", all.len())?;
                for (name, value) in FIELDS.iter().zip(all) {
                    it.serialize_field(name, value)?;
                }
                it.end()
            }
            Self::Fails => Err(S::Error::custom("it fails")),
        }
    }
}

const FIELDS: [&str; 4] = ["a", "b\"", "c\n", "\u{e9}"];

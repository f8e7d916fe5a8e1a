//! Simple unions: an object of a tag and of `data`, in any order.

use serde::de::{Deserialize, Deserializer, MapAccess};

use super::{Blank, FromMembers, Members, object};

/// The value of the member `data`; whatever else there is, is passed over.
pub(crate) struct Data<T>(pub(crate) T);

impl<T: Blank> Blank for Data<T> {
    const BLANK: Self = Self(T::BLANK);
}

impl<'de, T: Blank + Deserialize<'de>> FromMembers<'de> for Data<T> {
    const NAMES: &'static [&'static str] = &["data"];

    fn read<M: MapAccess<'de>>(&mut self, turn: u8, members: &mut Members<'_, 'de, M>) -> u8 {
        members.read(turn, &mut self.0)
    }
}

impl<'de, T: Blank + Deserialize<'de>> Deserialize<'de> for Data<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

/// A simple union.
macro_rules! simple_union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident<$a:lifetime> by $tag:literal {
            $($(#[$of:meta])* $variant:ident($type:ty) = $value:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Copy, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "there is no allocator to put it elsewhere")]
        #[non_exhaustive]
        pub enum $name<$a> {
            $($(#[$of])* $variant($type),)*
            /// A kind that this crate does not know.
            Other {
                /// The tag.
                tag: &$a str,
                /// The content.
                data: $crate::Any<$a>,
            },
        }

        impl<'a> $name<$a> {
            /// The tag on the wire
            #[doc = concat!("(`", $tag, "`).")]
            #[inline]
            pub const fn tag(&self) -> &'a str {
                match *self {
                    $(Self::$variant(_) => $value,)*
                    Self::Other { tag, .. } => tag,
                }
            }
        }

        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                enum At { $($variant,)* }
                const TAGS: &[&str] = &[$($value,)*];

                let (_, tag) = $crate::form::tag(value, $tag)?;
                let tag: &'a str = $crate::form::required(tag, $tag)?;
                let index = $crate::form::position(TAGS, tag);
                $(if index == Some(At::$variant as usize) {
                    let $crate::form::Data(data) = $crate::form::next(value)?;
                    return Ok(Self::$variant(data));
                })*
                let $crate::form::Data(data) = $crate::form::next(value)?;
                Ok(Self::Other { tag, data })
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self::Other { tag: "", data: $crate::Any::Null };
        }

        impl<'a> $crate::form::ToMembers for $name<$a> {
            fn write<M: ::serde::ser::SerializeMap>(&self, object: &mut $crate::form::Writing<'_, M>) {
                object.pair($tag, &self.tag());
                match self {
                    $(Self::$variant(data) => object.pair("data", data),)*
                    Self::Other { data, .. } => object.pair("data", data),
                }
            }
        }

        $crate::form::record! { @value $name<$a> }
        $crate::form::record! { @whole $name<$a> }
        $crate::form::record! { @kept $name<$a> }
        $crate::form::record! { @plain $name<$a> }

        #[cfg(test)]
        impl<'a> $crate::sample::Sample for $name<$a> {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                $crate::sample::pick(random, &[
                    $(|random| Self::$variant($crate::sample::Sample::sample(random)),)*
                    |random| Self::Other { tag: random.unknown_name(), data: $crate::sample::Sample::sample(random) },
                ])
            }
        }
    };
}
pub(crate) use simple_union;

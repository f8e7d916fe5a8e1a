//! Alternates: one of several types, told apart by the JSON type on the wire.

/// An alternate: each variant with the JSON type that it has on the wire, a variant of [`Kind`](qmp_core::json::Kind).
macro_rules! alternate {
    (
        $(#[$meta:meta])*
        pub enum $name:ident<$a:lifetime> {
            $($(#[$of:meta])* $variant:ident $(($type:ty))? = $kind:ident,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Copy, PartialEq)]
        #[non_exhaustive]
        pub enum $name<$a> {
            $($(#[$of])* $variant $(($type))?,)*
            /// A value of another JSON type.
            Other($crate::Any<$a>),
        }

        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                let all: ::qmp_core::json::Value<'a> = $crate::form::next(value)?;
                match all.kind() {
                    $(::qmp_core::json::Kind::$kind => Ok($crate::form::alternate! { @read value $variant $(($type))? }),)*
                    #[allow(unreachable_patterns, reason = "an alternate may take every type")]
                    _ => Ok(Self::Other(all.into())),
                }
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self::Other($crate::Any::Null);
        }

        impl<'a> ::serde::Serialize for $name<$a> {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($crate::form::alternate! { @pattern value $variant $(($type))? } => {
                        $crate::form::alternate! { @write value serializer $(($type))? }
                    })*
                    Self::Other(value) => value.serialize(serializer),
                }
            }
        }

        $crate::form::record! { @value $name<$a> }
        $crate::form::record! { @kept $name<$a> }
        $crate::form::record! { @plain $name<$a> }

        #[cfg(test)]
        impl<'a> $crate::sample::Sample for $name<$a> {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                $crate::sample::pick(random, &[
                    $(|random| { let _ = &random; $crate::form::union!(@sampled random $variant $(($type))?) },)*
                ])
            }
        }
    };

    (@read $value:ident $variant:ident) => { Self::$variant };
    (@read $value:ident $variant:ident ($type:ty)) => { Self::$variant($crate::form::next($value)?) };
    (@pattern $value:ident $variant:ident) => { Self::$variant };
    (@pattern $value:ident $variant:ident ($type:ty)) => { Self::$variant($value) };
    (@write $value:ident $serializer:ident) => { $serializer.serialize_unit() };
    (@write $value:ident $serializer:ident ($type:ty)) => { ::serde::Serialize::serialize($value, $serializer) };
}
pub(crate) use alternate;

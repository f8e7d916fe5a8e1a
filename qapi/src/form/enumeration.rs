//! Enums: strings, of which each release may know more.

/// An enum. `bool yes no` behind it: some release sent `true` and `false` for these.
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        pub enum $name:ident<$a:lifetime> {
            $($(#[$of:meta])* $variant:ident = $value:literal,)*
        }
        $(bool $yes:ident $no:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name<$a> {
            $($(#[$of])* $variant,)*
            /// A value that this crate does not know.
            Other(&$a str),
        }

        impl $name<'static> {
            /// Every value that this crate knows, by its name on the wire.
            pub const VALUES: &'static [(&'static str, Self)] = &[$(($value, Self::$variant),)*];
        }

        impl<'a> $name<$a> {
            /// The value of this name.
            #[inline]
            pub fn from_name(name: &'a str) -> Self {
                let known = $name::VALUES.iter().find(|(it, _)| *it == name);
                known.map_or(Self::Other(name), |(_, value)| *value)
            }

            /// The name on the wire.
            #[inline]
            pub const fn name(self) -> &'a str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(name) => name,
                }
            }
        }

        impl<'a> ::core::fmt::Display for $name<$a> {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.name())
            }
        }

        impl<'a> ::serde::Serialize for $name<$a> {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self::Other("");
        }

        $crate::form::enumeration! { @read $name<$a> $($yes $no)? }

        $crate::form::record! { @kept $name<$a> }

        #[cfg(test)]
        impl<'a> $crate::sample::Sample for $name<$a> {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                match random.below($name::VALUES.len() + 1) {
                    0 => Self::Other(random.unknown_name()),
                    index => $name::VALUES[index - 1].1,
                }
            }
        }
    };

    (@read $name:ident<$a:lifetime>) => {
        impl<'a> ::serde::Deserialize<'a> for $name<$a> {
            fn deserialize<D: ::serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                <&'a str as ::serde::Deserialize>::deserialize(deserializer).map(Self::from_name)
            }
        }
    };
    (@read $name:ident<$a:lifetime> $yes:ident $no:ident) => {
        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                let all: ::qmp_core::json::Value<'a> = $crate::form::next(value)?;
                match all.as_bool() {
                    Some(true) => Ok(Self::$yes),
                    Some(false) => Ok(Self::$no),
                    None => $crate::form::next(value).map(Self::from_name),
                }
            }
        }

        $crate::form::record! { @value $name<$a> }
    };
}
pub(crate) use enumeration;

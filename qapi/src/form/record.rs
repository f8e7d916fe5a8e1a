//! Objects with known members.

/// A struct, the arguments of a command, or the data of an event.
///
/// `optional` marks members that may be absent. `or null` behind the name: `null` may stand for an object without members.
/// `open` behind the last member: `others` takes whatever else is there.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$a:lifetime>)? $(or $null:ident)? {
            $($(#[$of:meta])* pub $field:ident: $type:ty = $key:literal $($optional:ident)?,)*
        }
        $(open $open:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Copy, PartialEq)]
        pub struct $name $(<$a>)? {
            $($(#[$of])* pub $field: $type,)*
            $(
                /// Whatever other members there are.
                pub $open: $crate::Pairs<'a>,
            )?
        }

        $crate::form::record! {
            @read $name $(<$a>)? [$($null)?] [$($open)?] $($field: $type = $key $($optional)?,)*
        }
        $crate::form::record! {
            @write $name $(<$a>)? [$($open)?] $($field $key $($optional)?,)*
        }
        $crate::form::record! { @plain $name $(<$a>)? }
        $crate::form::record! { @paths $name $(<$a>)? [$($open)?] $($key $type,)* }
        #[cfg(test)]
        $crate::form::record! { @sample $name $(<$a>)? [$($open)?] $($field,)* }
    };

    // Reading an object.
    (@read $name:ident $(<$a:lifetime>)? [$($null:ident)?] [] $($field:ident: $type:ty = $key:literal $($optional:ident)?,)*) => {
        impl<'a> $crate::form::Blank for $name $(<$a>)? {
            const BLANK: Self = Self { $($field: $crate::form::Blank::BLANK,)* };
        }

        impl<'a> $crate::form::FromMembers<'a> for $name $(<$a>)? {
            const NAMES: &'static [&'static str] = &[$($key),*];

            #[allow(unused_variables, reason = "there may be no field")]
            fn read<M: ::serde::de::MapAccess<'a>>(
                &mut self,
                turn: u8,
                members: &mut $crate::form::Members<'_, 'a, M>,
            ) -> u8 {
                $(let turn = $crate::form::record! { @field self members turn $field $($optional)? };)*
                turn
            }
        }

        impl<'a> ::serde::Deserialize<'a> for $name $(<$a>)? {
            fn deserialize<D: ::serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::form::record!(@start deserializer $($null)?)
            }
        }
    };
    (@start $deserializer:ident) => { $crate::form::object($deserializer) };
    (@start $deserializer:ident null) => { $crate::form::object_or_null($deserializer) };
    (@field $self:ident $members:ident $turn:ident $field:ident) => { $members.read($turn, &mut $self.$field) };
    (@field $self:ident $members:ident $turn:ident $field:ident optional) => { $members.read_some($turn, &mut $self.$field) };

    // Reading an open object: its members, then the whole of it for the rest.
    (@read $name:ident<$a:lifetime> [] [$open:ident] $($field:ident: $type:ty = $key:literal $($optional:ident)?,)*) => {
        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                struct Known<'a> { $($field: $type,)* }
                $crate::form::record! { @read Known<'a> [] [] $($field: $type = $key $($optional)?,)* }

                let known: Known<'a> = $crate::form::next(value)?;
                let all: ::qmp_core::json::Value<'a> = $crate::form::next(value)?;
                let others = $crate::Pairs::beside(all, <Known<'_> as $crate::form::FromMembers<'_>>::NAMES);
                Ok(Self { $($field: known.$field,)* $open: others })
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self { $($field: $crate::form::Blank::BLANK,)* $open: $crate::Pairs::NONE };
        }

        $crate::form::record! { @value $name<$a> }
    };
    (@value $name:ident $(<$a:lifetime>)?) => {
        impl<'a> ::serde::Deserialize<'a> for $name $(<$a>)? {
            fn deserialize<D: ::serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::form::value(deserializer)
            }
        }
    };

    // Writing its members.
    (@write $name:ident $(<$a:lifetime>)? [$($open:ident)?] $($field:ident $key:literal $($optional:ident)?,)*) => {
        impl<'a> $crate::form::ToMembers for $name $(<$a>)? {
            fn write<M: ::serde::ser::SerializeMap>(&self, object: &mut $crate::form::Writing<'_, M>) {
                object.named(&[$($key),*]);
                $($crate::form::record! { @entry self object $field $($optional)? })*
                $(self.$open.write(object);)?
            }
        }

        $crate::form::record! { @whole $name $(<$a>)? }
    };
    (@entry $self:ident $object:ident $field:ident) => { $object.write(&$self.$field); };
    (@entry $self:ident $object:ident $field:ident optional) => { $object.write_some(&$self.$field); };
    (@whole $name:ident $(<$a:lifetime>)?) => {
        impl<'a> ::serde::Serialize for $name $(<$a>)? {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::form::whole(self, serializer)
            }
        }
    };

    // What derive would make, with less to compile: of this there are a thousand.
    (@plain $name:ident $(<$a:lifetime>)?) => {
        impl<'a> Clone for $name $(<$a>)? {
            #[inline]
            fn clone(&self) -> Self {
                *self
            }
        }

        #[doc = "The JSON that it is on the wire."]
        impl<'a> ::core::fmt::Debug for $name $(<$a>)? {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::form::show(self, f)
            }
        }
    };

    // The paths to its members. An open object is kept whole.
    (@paths $name:ident $(<$a:lifetime>)? [] $($key:literal $type:ty,)*) => {
        impl<'a> ::qmp_core::json::Paths for $name $(<$a>)? {
            const PATHS: &'static [::qmp_core::json::Path] = &[$(::qmp_core::json::Path {
                name: $key,
                below: <$type as ::qmp_core::json::Paths>::paths,
            },)*];
        }
    };
    (@paths $name:ident $(<$a:lifetime>)? [$open:ident] $($any:tt)*) => { $crate::form::record! { @kept $name $(<$a>)? } };
    (@kept $name:ident $(<$a:lifetime>)?) => {
        impl<'a> ::qmp_core::json::Paths for $name $(<$a>)? {
            const PATHS: &'static [::qmp_core::json::Path] = &[];
        }
    };

    // Any value of it, for tests.
    (@sample $name:ident $(<$a:lifetime>)? [$($open:ident)?] $($field:ident,)*) => {
        impl<'a> $crate::sample::Sample for $name $(<$a>)? {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                let _ = &random;
                Self { $($field: $crate::sample::Sample::sample(random),)* $($open: $crate::sample::Sample::sample(random))? }
            }
        }
    };
}
pub(crate) use record;

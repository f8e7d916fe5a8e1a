//! Flat unions: objects whose tag, wherever it stands, says which other members they have.

use qmp_core::json::{Kind, Value};
use serde::de::{Error, SeqAccess, Unexpected};

use super::{Other, next};

/// The whole object and its tag, if it has one.
pub(crate) fn tag<'de, V: SeqAccess<'de>>(
    value: &mut V,
    name: &str,
) -> Result<(Value<'de>, Option<&'de str>), V::Error> {
    let all: Value<'de> = next(value)?;
    if all.kind() != Kind::Object {
        return Err(V::Error::invalid_type(Unexpected::Other("no object"), &Other));
    }
    match all.get(name) {
        None => Ok((all, None)),
        Some(tag) => match tag.as_str() {
            Some(tag) => Ok((all, Some(tag))),
            None => Err(V::Error::invalid_type(Unexpected::Other("no string"), &Other)),
        },
    }
}

/// A flat union.
///
/// The enum is the tag and the branch. Where every branch has members in common, a struct before it has these, and the
/// enum in the field that is named for the tag. Without a tag on the wire: `default Variant` is the branch that is meant
/// then, and `absent Variant` or `absent Variant(Type)` a variant that is written without a tag. `union` behind a branch: it
/// is a union itself.
macro_rules! union {
    (
        $(#[$meta:meta])*
        pub struct $name:ident<$a:lifetime> {
            $($(#[$of:meta])* pub $field:ident: $type:ty = $key:literal $($optional:ident)?,)*
            ;
            $(#[$of_branch:meta])* pub $branch:ident: $branch_type:ty,
        }
        $($enum:tt)*
    ) => {
        $(#[$meta])*
        #[derive(Copy, PartialEq)]
        pub struct $name<$a> {
            $($(#[$of])* pub $field: $type,)*
            $(#[$of_branch])* pub $branch: $branch_type,
        }

        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                struct Base<'a> { $($field: $type,)* }
                $crate::form::record! { @read Base<'a> [] [] $($field: $type = $key $($optional)?,)* }

                let $branch = <$branch_type>::read(value, &[$($key,)* <$branch_type>::TAG])?;
                let base: Base<'a> = $crate::form::next(value)?;
                Ok(Self { $($field: base.$field,)* $branch })
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self { $($field: $crate::form::Blank::BLANK,)* $branch: $crate::form::Blank::BLANK };
        }

        impl<'a> $crate::form::ToMembers for $name<$a> {
            fn write<M: ::serde::ser::SerializeMap>(&self, object: &mut $crate::form::Writing<'_, M>) {
                object.named(&[$($key),*]);
                $($crate::form::record! { @entry self object $field $($optional)? })*
                self.$branch.write(object);
            }
        }

        $crate::form::record! { @value $name<$a> }
        $crate::form::record! { @whole $name<$a> }
        $crate::form::record! { @kept $name<$a> }
        $crate::form::record! { @plain $name<$a> }
        #[cfg(test)]
        $crate::form::record! { @sample $name<$a> [] $($field,)* $branch, }
        $crate::form::union! { @branches $($enum)* }
    };

    // An enum alone is the whole union.
    (
        $(#[$meta:meta])*
        pub enum $name:ident<$a:lifetime> by $tag:literal $($rest:tt)*
    ) => {
        impl<'a> $crate::form::FromValue<'a> for $name<$a> {
            fn from_value<V: ::serde::de::SeqAccess<'a>>(value: &mut V) -> Result<Self, V::Error> {
                Self::read(value, &[Self::TAG])
            }
        }

        $crate::form::record! { @value $name<$a> }
        $crate::form::record! { @kept $name<$a> }
        $crate::form::union! { @branches $(#[$meta])* pub enum $name<$a> by $tag $($rest)* }
    };

    (
        @branches
        $(#[$meta:meta])*
        pub enum $name:ident<$a:lifetime> by $tag:literal {
            $($(#[$of:meta])* $variant:ident $(($type:ty))? = $value:literal $($union:ident)?,)*
        }
        $(default $default:ident)?
        $(absent $(#[$of_absent:meta])* $absent:ident $(($absent_type:ty))?)?
    ) => {
        $(#[$meta])*
        #[derive(Copy, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "there is no allocator to put it elsewhere")]
        #[non_exhaustive]
        pub enum $name<$a> {
            $($(#[$of])* $variant $(($type))?,)*
            $($(#[$of_absent])* $absent $(($absent_type))?,)?
            /// A branch that this crate does not know.
            Other {
                /// The tag.
                tag: &$a str,
                /// The members of the branch.
                members: $crate::Pairs<$a>,
            },
        }

        impl<'a> $name<$a> {
            pub(crate) const TAG: &'static str = $tag;
            const TAGS: &'static [&'static str] = &[$($value,)*];

            /// The tag on the wire
            #[doc = concat!("(`", $tag, "`).")]
            /// `None` where none is sent.
            #[inline]
            pub const fn tag(&self) -> Option<&'a str> {
                match *self {
                    $(Self::$variant { .. } => Some($value),)*
                    $(Self::$absent { .. } => None,)?
                    Self::Other { tag, .. } => Some(tag),
                }
            }

            /// Reads the branch of the object that `value` shows; `known` are the members that are none of a branch.
            pub(crate) fn read<V: ::serde::de::SeqAccess<'a>>(
                value: &mut V,
                known: &'static [&'static str],
            ) -> Result<Self, V::Error> {
                enum At { $($variant,)* }

                let (all, tag) = $crate::form::tag(value, $tag)?;
                let Some(tag) = tag else {
                    $crate::form::union! { @absent value $(reads $default)? $(is $absent $(($absent_type))?)? }
                };
                let index = $crate::form::position(Self::TAGS, tag);
                $(if index == Some(At::$variant as usize) {
                    return Ok($crate::form::union! { @variant value $variant $(($type))? $($union)? });
                })*
                Ok(Self::Other { tag, members: $crate::Pairs::beside(all, known) })
            }
        }

        impl<'a> $crate::form::Blank for $name<$a> {
            const BLANK: Self = Self::Other { tag: "", members: $crate::Pairs::NONE };
        }

        impl<'a> $crate::form::ToMembers for $name<$a> {
            fn write<M: ::serde::ser::SerializeMap>(&self, object: &mut $crate::form::Writing<'_, M>) {
                if let Some(tag) = self.tag() {
                    object.pair($tag, &tag);
                }
                match self {
                    $($crate::form::union! { @pattern branch $variant $(($type))? } => {
                        $crate::form::union! { @write branch object $(($type))? }
                    })*
                    $($crate::form::union! { @pattern branch $absent $(($absent_type))? } => {
                        $crate::form::union! { @write branch object $(($absent_type))? }
                    })?
                    Self::Other { members, .. } => members.write(object),
                }
            }
        }

        $crate::form::record! { @whole $name<$a> }
        $crate::form::record! { @plain $name<$a> }

        #[cfg(test)]
        impl<'a> $crate::sample::Sample for $name<$a> {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                $crate::sample::pick(random, &[
                    $(|random| { let _ = &random; $crate::form::union!(@sampled random $variant $(($type))?) },)*
                    $(|random| { let _ = &random; $crate::form::union!(@sampled random $absent $(($absent_type))?) },)?
                    |random| Self::Other { tag: random.unknown_name(), members: $crate::sample::Sample::sample(random) },
                ])
            }
        }
    };

    (@absent $value:ident) => {
        return Err(<V::Error as ::serde::de::Error>::missing_field(Self::TAG))
    };
    (@absent $value:ident reads $default:ident) => { return Ok(Self::$default($crate::form::next($value)?)) };
    (@absent $value:ident is $absent:ident) => { return Ok(Self::$absent) };
    (@absent $value:ident is $absent:ident ($type:ty)) => { return Ok(Self::$absent($crate::form::next($value)?)) };
    (@variant $value:ident $variant:ident) => { Self::$variant };
    (@variant $value:ident $variant:ident ($type:ty)) => { Self::$variant($crate::form::next($value)?) };
    // Its own unknown branch must not take this union's tag for a member.
    (@variant $value:ident $variant:ident ($type:ty) union) => {
        Self::$variant(<$type>::read($value, &[Self::TAG, <$type>::TAG])?)
    };
    (@pattern $branch:ident $variant:ident) => { Self::$variant };
    (@pattern $branch:ident $variant:ident ($type:ty)) => { Self::$variant($branch) };
    (@write $branch:ident $object:ident) => {};
    (@write $branch:ident $object:ident ($type:ty)) => { $crate::form::ToMembers::write($branch, $object) };
    (@sampled $random:ident $variant:ident) => { Self::$variant };
    (@sampled $random:ident $variant:ident ($type:ty)) => { Self::$variant($crate::sample::Sample::sample($random)) };
}
pub(crate) use union;

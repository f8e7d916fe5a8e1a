//! Commands without arguments, and events without data.

/// A struct without members: nothing on the wire, or an empty object.
macro_rules! bare {
    ($(#[$meta:meta])* pub struct $name:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name;

        impl<'a> ::serde::Deserialize<'a> for $name {
            fn deserialize<D: ::serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::form::no_members(deserializer).map(|()| Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit()
            }
        }

        impl ::qmp_core::json::Paths for $name {
            const PATHS: &'static [::qmp_core::json::Path] = &[];
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(_: &mut $crate::sample::Random) -> Self {
                Self
            }
        }
    };
}
pub(crate) use bare;

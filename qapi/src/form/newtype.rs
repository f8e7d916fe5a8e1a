//! Commands whose arguments are a union, and nothing else.

/// A struct around a type, which reads and writes as that type.
macro_rules! newtype {
    ($name:ident) => {
        impl<'a> ::serde::Deserialize<'a> for $name<'a> {
            fn deserialize<D: ::serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                ::serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }

        impl<'a> ::serde::Serialize for $name<'a> {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        $crate::form::record! { @kept $name<'a> }
        $crate::form::record! { @plain $name<'a> }

        #[cfg(test)]
        impl<'a> $crate::sample::Sample for $name<'a> {
            fn sample(random: &mut $crate::sample::Random) -> Self {
                Self($crate::sample::Sample::sample(random))
            }
        }
    };
}
pub(crate) use newtype;

//! Which members a caller's type reads, asked of its `Deserialize`.

use core::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Projection;

impl Projection {
    /// The members that `T` reads, as far as its `Deserialize` says so before it has seen a value: the names of a derived struct, its
    /// aliases included, each whole. Of a list, an `Option` or a newtype it is what it holds. All members, where the type takes what
    /// comes: `flatten`, tagged and untagged enums, maps, tuples.
    ///
    /// ```
    /// use qmp_core::json::Projection;
    ///
    /// #[derive(serde::Deserialize)]
    /// # #[allow(dead_code)]
    /// struct Device<'a> {
    ///     device: &'a str,
    ///     #[serde(rename = "io-status", alias = "x-io-status")]
    ///     io_status: Option<&'a str>,
    /// }
    ///
    /// let Projection::Named(names) = Projection::probe::<Option<Device<'_>>>() else { panic!() };
    /// assert_eq!(names, ["device", "io-status", "x-io-status"]);
    /// ```
    pub fn probe<'de, T: Deserialize<'de>>() -> Self {
        match T::deserialize(Probe) {
            Err(Answer(Some(names))) => Self::Named(names),
            _ => Self::All,
        }
    }
}

/// Reads nothing, and says what was asked for by an error.
struct Probe;

/// The names of a struct; `None` for whatever else there is.
#[derive(Debug)]
struct Answer(Option<&'static [&'static str]>);

impl fmt::Display for Answer {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Answer {}

impl de::Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(Some(fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Answer> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Answer> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Answer> {
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Probe {
    type Error = Answer;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Answer> {
        seed.deserialize(Self).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[derive(Debug)]
    struct Device;

    impl<'de> Deserialize<'de> for Device {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Nothing;
            impl Visitor<'_> for Nothing {
                type Value = Device;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a device")
                }
            }
            deserializer.deserialize_struct("Device", &["device", "qdev"], Nothing)
        }
    }

    #[test]
    fn a_type_that_names_members_is_found_in_what_holds_it() {
        let names = |projection| match projection {
            Projection::Named(names) => Some(names),
            _ => None,
        };
        for projection in [Projection::probe::<Device>(), Projection::probe::<Vec<Option<Device>>>()] {
            assert_eq!(names(projection), Some(&["device", "qdev"][..]));
        }
        for projection in [Projection::probe::<&str>(), Projection::probe::<(Device, u8)>()] {
            assert!(matches!(projection, Projection::All), "{projection:?}");
        }
    }
}

//! Which members a type reads: the paths to them.

/// A member that a type reads of an object, and what it reads below it.
///
/// Lists do not show in a path: what is below a list is below each of its elements.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The member's name on the wire.
    pub name: &'static str,
    /// What is read of its value, if that is an object or a list of objects; nothing: all of it. A function, so that a type
    /// may contain itself.
    pub below: fn() -> &'static [Self],
}

impl Path {
    /// What is read below it. The one place where [`below`](Self::below) is called, so that a bound of the stack can be told.
    #[cfg(feature = "delivery")]
    #[inline(never)]
    pub(crate) fn list(&self) -> &'static [Self] {
        (self.below)()
    }
}

/// A type that says which members it reads, so that the others need not be kept for it.
pub trait Paths {
    /// The members that the type reads. Empty: the whole value, whatever it holds.
    const PATHS: &'static [Path];

    /// [`PATHS`](Self::PATHS), for [`Path::below`].
    fn paths() -> &'static [Path] {
        Self::PATHS
    }
}

/// Types that read a value whole.
macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Paths for $type {
            const PATHS: &'static [Path] = &[];
        }
    )*};
}
whole! { () bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 &str super::Value<'_> }

impl<T: Paths> Paths for Option<T> {
    const PATHS: &'static [Path] = T::PATHS;
}

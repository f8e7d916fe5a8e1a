//! Entries that are the caller's, or owned (feature `alloc`).

/// A slice lent by the caller, or owned.
#[derive(Debug)]
pub(crate) enum Entries<'b, T> {
    Lent(&'b mut [T]),
    #[cfg(feature = "alloc")]
    Owned(alloc::boxed::Box<[T]>),
}

impl<T> Entries<'_, T> {
    /// The first `most` of them.
    pub(crate) fn first(&self, most: usize) -> &[T] {
        let all = self.all();
        all.get(..most).unwrap_or(all)
    }

    /// The first `most` of them, to be changed.
    pub(crate) fn first_mut(&mut self, most: usize) -> &mut [T] {
        let most = most.min(self.all().len());
        let all: &mut [T] = match self {
            Self::Lent(entries) => entries,
            #[cfg(feature = "alloc")]
            Self::Owned(entries) => entries,
        };
        all.get_mut(..most).unwrap_or_default()
    }

    fn all(&self) -> &[T] {
        match self {
            Self::Lent(entries) => entries,
            #[cfg(feature = "alloc")]
            Self::Owned(entries) => entries,
        }
    }
}

//! Who does it.

use crate::ours;
#[cfg(feature = "rivals")]
use crate::rivals;
use crate::work::Work;

/// Does a piece of work once with each call, all that can be prepared being prepared.
pub type Task = Box<dyn FnMut() -> u64>;

/// One of those that are compared.
#[derive(Clone, Copy)]
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// Prepares a piece of work, if it can do that.
    pub prepare: fn(Work) -> Option<Task>,
    /// Whether it takes this for JSON, where it is asked to validate.
    pub accepts: fn(&[u8]) -> bool,
}

/// Ours: with the vocabulary, and with types that anyone derives.
pub const OURS: [Subject; 2] = [
    Subject { name: "qmp", prepare: ours::prepare, accepts: ours::accepts },
    Subject { name: "qmp, derived types", prepare: ours::prepare_derived, accepts: ours::accepts },
];

/// All that this build has.
pub fn all() -> Vec<Subject> {
    #[cfg_attr(not(feature = "rivals"), allow(unused_mut, reason = "there are others where they are asked for"))]
    let mut subjects = OURS.to_vec();
    #[cfg(feature = "rivals")]
    subjects.extend(rivals::ALL);
    subjects
}

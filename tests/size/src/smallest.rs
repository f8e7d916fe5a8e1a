//! The smallest memory that is of use. `tests/tests/qemu_smallest.rs` has the same sessions with real QEMUs.

use qmp_core::client::StaticStorage;

/// One command in flight, of up to 64 bytes: so `qmp_capabilities` fits, and any command with an argument or two. Messages of up to
/// 96 bytes: so events without data fit, and the replies of `query-status` and of all commands that return nothing.
pub(crate) type Smallest = StaticStorage<96, 64, 1>;

/// The same for who reads long replies by their members or elements, of which each that is kept must fit.
pub(crate) type SmallestByMembers = StaticStorage<192, 64, 1>;

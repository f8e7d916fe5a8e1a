//! Numbers and enums.

use qmp_core::json::{Kind, Value};

use super::{Check, Direction};
use crate::registry::definition::{Enum, Integer, Type};
use crate::registry::misfit::{Path, Reason};
use crate::registry::release::Release;

/// The first release that writes what is beyond an `i64` as it is. Older ones write a negative number in its place.
const WRITES_UNSIGNED: Release = Release::new(2, 10, 0);

impl Check<'_> {
    /// `value` is a number.
    pub(super) fn integer(&mut self, value: Value<'_>, width: Integer, path: &Path<'_>) {
        let expected = Type::Int(width);
        let reason = match (value.as_i64(), value.as_u64()) {
            (signed, unsigned) if self.reaches(width, signed, unsigned) => return,
            (None, None) if !is_whole(value) => Reason::NotWhole { expected },
            _ => Reason::OutOfRange { expected },
        };
        self.misfit(path, reason, Some(value));
    }

    fn reaches(&self, width: Integer, signed: Option<i64>, unsigned: Option<u64>) -> bool {
        match width {
            Integer::Any => signed.is_some() || unsigned.is_some(),
            Integer::Int8 => signed.is_some_and(|number| i8::try_from(number).is_ok()),
            Integer::Int16 => signed.is_some_and(|number| i16::try_from(number).is_ok()),
            Integer::Int32 => signed.is_some_and(|number| i32::try_from(number).is_ok()),
            Integer::Int64 => signed.is_some(),
            Integer::Uint8 => unsigned.is_some_and(|number| u8::try_from(number).is_ok()),
            Integer::Uint16 => unsigned.is_some_and(|number| u16::try_from(number).is_ok()),
            Integer::Uint32 => unsigned.is_some_and(|number| u32::try_from(number).is_ok()),
            Integer::Uint64 | Integer::Size => {
                let negative = self.direction == Direction::Out && self.release < WRITES_UNSIGNED;
                unsigned.is_some() || (negative && signed.is_some())
            }
        }
    }

    pub(super) fn one_of(&mut self, value: Value<'_>, of: &'static Enum, path: &Path<'_>) {
        let Some(name) = value.as_str() else {
            let was_bool = of.bool_until.is_some_and(|until| self.release.series() <= until);
            if !(was_bool && value.kind() == Kind::Bool) {
                self.mistyped(value, Type::Enum(of), path);
            }
            return;
        };
        if let Some(reason) = self.not_a_value(of, name) {
            self.misfit(path, reason, Some(value));
        }
    }

    /// Why `name` is no value of the enum.
    pub(super) fn not_a_value(&self, of: &Enum, name: &str) -> Option<Reason> {
        match of.value(name) {
            Some(known) => {
                let absence = known.presence.absence_in(self.release)?;
                Some(Reason::Value { of: of.name, absence })
            }
            None => Some(Reason::unknown_value(of)),
        }
    }
}

/// Whether a number is written without fraction and exponent.
fn is_whole(number: Value<'_>) -> bool {
    number.number_text().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

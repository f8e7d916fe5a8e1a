//! Owned copies of fixed capacity, for what must outlive the receive buffer: an id to answer later, an event to keep.

use core::fmt;

use heapless::String;

use crate::json::Value;
use crate::message::{Event, Timestamp};

/// Something does not fit the copy's capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooLong {
    /// The capacity, in bytes.
    pub capacity: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "longer than {} bytes", self.capacity)
    }
}

impl core::error::Error for TooLong {}

/// A copy of a [`Value`] of up to `N` bytes: an id, an event's data.
#[derive(Clone)]
pub struct OwnedValue<const N: usize>(String<N>);

impl<const N: usize> OwnedValue<N> {
    /// Copies `value`.
    ///
    /// # Errors
    /// [`TooLong`] if its text takes more than `N` bytes.
    pub fn new(value: Value<'_>) -> Result<Self, TooLong> {
        copy(value.text()).map(Self)
    }

    /// The value.
    pub fn value(&self) -> Value<'_> {
        Value::from_decoded(&self.0)
    }
}

impl<const N: usize> fmt::Debug for OwnedValue<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<const N: usize> PartialEq for OwnedValue<N> {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for OwnedValue<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        self.value().format(f);
    }
}

/// A copy of an [`Event`] with a name of up to `NAME` and data of up to `DATA` bytes. QEMU's longest event name has 26 bytes; most
/// events take less than 200 in all.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedEvent<const NAME: usize, const DATA: usize> {
    name: String<NAME>,
    data: Option<OwnedValue<DATA>>,
    timestamp: Option<Timestamp>,
}

impl<const NAME: usize, const DATA: usize> OwnedEvent<NAME, DATA> {
    /// Copies `event`.
    ///
    /// # Errors
    /// [`TooLong`] if its name or data does not fit.
    pub fn new(event: Event<'_>) -> Result<Self, TooLong> {
        let name = copy(event.name)?;
        let data = match event.data {
            Some(data) => Some(OwnedValue::new(data.into_value())?),
            None => None,
        };
        Ok(Self { name, data, timestamp: event.timestamp })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data, if it has any.
    pub fn data(&self) -> Option<Value<'_>> {
        self.data.as_ref().map(OwnedValue::value)
    }

    /// When it happened, by the server's clock.
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

#[cfg(feature = "defmt")]
impl<const NAME: usize, const DATA: usize> defmt::Format for OwnedEvent<NAME, DATA> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "OwnedEvent({=str}, {}, {})", self.name(), self.data, self.timestamp);
    }
}

fn copy<const N: usize>(text: &str) -> Result<String<N>, TooLong> {
    let mut copy = String::new();
    copy.push_str(text).map_err(|_| TooLong { capacity: N })?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Reading;
    use crate::message::ServerMessage;
    use crate::reader::Reader;
    use std::string::ToString;

    #[test]
    fn an_event_outlives_its_buffer() {
        let mut memory = [0; 128];
        let mut reader = Reader::of_server(&mut memory, Reading::DEFAULT);
        reader.feed(b"{\"event\": \"RTC_CHANGE\", \"data\": {\"x\\u0001\": \"\\\"\"}, \"timestamp\": {\"seconds\": 5, \"microseconds\": 6}}").unwrap();
        let Some((ServerMessage::Event(event), _)) = reader.poll() else { panic!() };
        let kept: OwnedEvent<16, 32> = OwnedEvent::new(event).unwrap();
        reader.feed(b"{\"event\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", \"data\": {}}").unwrap();
        let Some((ServerMessage::Event(event), _)) = reader.poll() else { panic!() };
        assert_eq!(OwnedEvent::<16, 32>::new(event), Err(TooLong { capacity: 16 }));
        assert_eq!(kept.name(), "RTC_CHANGE");
        assert_eq!(kept.data().unwrap().to_string(), "{\"x\\u0001\":\"\\\"\"}");
        assert_eq!(kept.timestamp(), Some(Timestamp { seconds: 5, microseconds: 6 }));
    }
}

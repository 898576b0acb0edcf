//! Pieces that the views are made of: lists, attributes and times.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// A list of views. Each is made when it is written.
pub(crate) struct List<'a, T, V>(pub(crate) &'a [T], pub(crate) fn(&'a T) -> V);

impl<T, V> List<'_, T, V> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T, V: Serialize> Serialize for List<'_, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|item| seq.serialize_element(&(self.1)(item)))?;
        seq.end()
    }
}

/// Attributes as an object.
pub(crate) struct Object<'a>(pub(crate) &'a [(String, Value)]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// Nanoseconds since the epoch.
pub(crate) struct Time(pub(crate) u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // 64 bits of nanoseconds reach the year 2554, which the format can write.
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default();
        serializer.collect_str(&format_args!("{time:.9}"))
    }
}

/// Milliseconds, with a fraction. Negative if clocks disagree.
pub(crate) fn milliseconds(from: u64, to: Option<u64>) -> Option<f64> {
    to.map(|to| (i128::from(to) - i128::from(from)) as f64 / 1e6)
}

pub(crate) fn is_empty(object: &Object<'_>) -> bool {
    object.0.is_empty()
}

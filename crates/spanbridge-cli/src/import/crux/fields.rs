//! The members of a JSON object, each taken by whoever knows what it means.

use serde_json::value::RawValue;
use spanbridge::record::parse_time;
use std::collections::BTreeMap;

/// The members of an object that nobody has taken yet. Of one that repeats, the last counts.
#[derive(Debug)]
pub struct Fields<'t>(BTreeMap<String, &'t RawValue>);

type Result<T> = std::result::Result<T, String>;

impl<'t> Fields<'t> {
    /// The members of this object. Those that are null are absent.
    ///
    /// # Errors
    /// It is not one JSON object.
    pub fn parse(text: &'t str) -> serde_json::Result<Self> {
        let mut fields: BTreeMap<String, &'t RawValue> = serde_json::from_str(text)?;
        fields.retain(|_, value| value.get() != "null");
        Ok(Fields(fields))
    }

    /// Whether it is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'t RawValue> {
        self.0.get(name).copied()
    }

    /// The text of a member, which stays.
    pub(crate) fn peek_text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|raw| raw.get().starts_with('"')).and_then(|raw| serde_json::from_str(raw.get()).ok())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<&'t RawValue> {
        self.0.remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|_| format!("`{name}` is not a text"));
        self.take(name).map(read).transpose()
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// The text, if it is one. Anything else stays, and is kept as it is.
    pub(super) fn text_or_stay(&mut self, name: &str) -> Option<String> {
        let text = self.peek_text(name)?;
        self.take(name);
        Some(text)
    }

    /// A whole number, if it is one. Anything else stays.
    pub(super) fn number_or_stay(&mut self, name: &str) -> Option<u64> {
        let number = self.raw(name)?.get().parse().ok()?;
        self.take(name);
        Some(number)
    }

    /// An RFC 3339 time, or milliseconds since the epoch.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<u64>> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        let time = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => parse_time(&text),
            Err(_) => raw.get().parse::<u64>().ok().and_then(|ms| ms.checked_mul(1_000_000)),
        };
        time.map(Some).ok_or_else(|| format!("`{name}` is not an RFC 3339 time between 1970 and 2554"))
    }

    pub(super) fn required_time(&mut self, name: &str) -> Result<u64> {
        self.time(name)?.ok_or_else(|| missing(name))
    }

    /// The members of an object, if it is one. Anything else stays.
    pub(super) fn object_or_stay(&mut self, name: &str) -> Option<Fields<'t>> {
        let fields = self.raw(name).filter(|raw| raw.get().starts_with('{'))?;
        let fields = Fields::parse(fields.get()).ok()?;
        self.take(name);
        Some(fields)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, by name.
    pub(super) fn into_rest(self) -> impl Iterator<Item = (String, &'t RawValue)> {
        self.0.into_iter()
    }

    /// What is left, as the text of an object.
    pub(super) fn into_json(self) -> String {
        let members = self.0.into_iter().map(|(key, raw)| format!("{}:{}", quoted(&key), raw.get()));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

pub(super) fn missing(name: &str) -> String {
    format!("it has no `{name}`")
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

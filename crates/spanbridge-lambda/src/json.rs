//! JSON that is looked into without being parsed whole: an event may have megabytes, and little of it is asked for.
//!
//! What is not of the type that is asked for is not there. Of members of the same name the last counts.

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A JSON value as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// A whole text; `None` when it is not JSON.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().map(Json)
    }

    /// The value as it is written.
    pub(crate) fn written(self) -> &'a str {
        self.0.get()
    }

    fn first(self) -> Option<u8> {
        self.written().bytes().next()
    }

    /// Whether it is an object.
    pub(crate) fn is_object(self) -> bool {
        self.first() == Some(b'{')
    }

    /// Whether it is an array.
    pub(crate) fn is_array(self) -> bool {
        self.first() == Some(b'[')
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(self) -> bool {
        self.first() == Some(b'n')
    }

    /// The members of these names; all absent when it is not an object. `null` is absent.
    pub(crate) fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        self.visit(Wanted(&names, |at: usize, value: Json<'a>| {
            if let Some(place) = found.get_mut(at) {
                *place = (!value.is_null()).then_some(value)
            }
        }));
        found
    }

    /// The member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.pick([name])[0]
    }

    /// Every member, in order; none when it is not an object.
    pub(crate) fn members(self) -> Vec<(Cow<'a, str>, Self)> {
        let mut all = Vec::new();
        self.visit(Every(|name, value| all.push((name, value))));
        all
    }

    /// Every element, in order; none when it is not an array.
    pub(crate) fn elements(self) -> Vec<Self> {
        let mut all = Vec::new();
        self.visit(Elements(|value| all.push(value)));
        all
    }

    /// The text that it is.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        if self.first() != Some(b'"') {
            return None;
        }
        serde_json::Deserializer::from_str(self.written()).deserialize_str(Text).ok()
    }

    /// The whole number that it is, or that it spells: AWS writes many as texts.
    pub(crate) fn number(self) -> Option<u64> {
        match self.first()? {
            b'"' => self.text()?.parse().ok(),
            _ => self.written().parse().ok(),
        }
    }

    fn visit(self, visitor: impl Visitor<'a>) {
        // What is read was JSON before: it can only be of another type.
        let _ = serde_json::Deserializer::from_str(self.written()).deserialize_any(visitor);
    }
}

/// Gives the places of the names that are wanted, and their values.
struct Wanted<'n, F>(&'n [&'n str], F);

impl<'a, F: FnMut(usize, Json<'a>)> Visitor<'a> for Wanted<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            match self.0.iter().position(|wanted| *wanted == name) {
                Some(at) => (self.1)(at, Json(map.next_value()?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Every<F>(F);

impl<'a, F: FnMut(Cow<'a, str>, Json<'a>)> Visitor<'a> for Every<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            (self.0)(name, Json(map.next_value()?))
        }
        Ok(())
    }
}

struct Elements<F>(F);

impl<'a, F: FnMut(Json<'a>)> Visitor<'a> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element()? {
            (self.0)(Json(value))
        }
        Ok(())
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Clone, Copy)]
struct Text;

impl<'a> DeserializeSeed<'a> for Text {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Cow<'a, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Text {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let json = Json::read(br#" {"a":1,"b":"x\u0041","n":null,"a":"2","c":[1,"y",{}],"d":{"e":7}} "#).unwrap();
        let [a, b, n, missing] = json.pick(["a", "b", "n", "z"]);
        assert_eq!(a.and_then(Json::number), Some(2)); // the last, and a text
        assert_eq!(b.and_then(Json::text).as_deref(), Some("xA"));
        assert!(n.is_none() && missing.is_none());
        assert_eq!(json.get("c").map(|c| c.elements().len()), Some(3));
        assert_eq!(json.get("d").and_then(|d| d.get("e")).and_then(Json::number), Some(7));
        assert_eq!(json.members().len(), 6);
        for wrong in [json.get("a").unwrap(), json.get("c").unwrap()] {
            assert!(wrong.members().is_empty() && wrong.get("a").is_none());
        }
        assert!(json.elements().is_empty() && json.text().is_none() && json.number().is_none());
    }

    #[test]
    fn what_is_not_json_is_not_there() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(Json::read(&deep).is_some_and(|json| json.elements().len() == 1));
        for bad in [&b""[..], b"{", b"{\"a\":}", b"\xff", b"{\"a\":1} x", b"\"\xc3\x28\""] {
            assert!(Json::read(bad).is_none(), "{bad:?}");
        }
        for number in ["-1", "1.5", "1e3", "18446744073709551616", "\"\"", "\"1x\"", "true"] {
            assert_eq!(Json::read(number.as_bytes()).unwrap().number(), None, "{number}");
        }
    }
}

//! Looks values up in JSON without parsing all of it: an event may have megabytes, and only a few values are needed.
//!
//! A value of another type than the one asked for counts as absent. Of several members with the same name the last counts.
//! Malformed JSON is not reported here: values in it are absent, and whoever parses the event reports it.

use spanbridge::payload::scan::{Elements, Members, is_key, text};
use std::borrow::Cow;

/// A JSON value as it is written, unparsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a [u8]);

impl<'a> Json<'a> {
    /// The value in a text.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Json(text.trim_ascii())
    }

    /// The bytes of the value.
    pub(crate) fn written(self) -> &'a [u8] {
        self.0
    }

    /// The offset of the value in the text that it is a part of.
    pub(crate) fn offset_in(self, whole: &[u8]) -> Option<usize> {
        self.0.as_ptr().addr().checked_sub(whole.as_ptr().addr()).filter(|start| start + self.0.len() <= whole.len())
    }

    /// Whether the value is an object.
    pub(crate) fn is_object(self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Whether the value is an array.
    pub(crate) fn is_array(self) -> bool {
        self.0.first() == Some(&b'[')
    }

    /// Whether the value is `null`.
    pub(crate) fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// The members with these names. All are absent if the value is not an object; a member that is `null` is absent.
    pub(crate) fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        for (key, value) in self.written_members() {
            let place = names.iter().zip(&mut found).find(|(name, _)| is_key(key, name));
            if let Some((_, place)) = place {
                *place = (!value.is_null()).then_some(value)
            }
        }
        found
    }

    /// The member with this name.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.pick([name])[0]
    }

    /// Every member, in order; none if the value is not an object. They are found one at a time, because there may be millions.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        self.written_members().filter_map(|(key, value)| Some((text(key)?, value)))
    }

    /// The members, with their names as written.
    fn written_members(self) -> impl Iterator<Item = (&'a [u8], Self)> {
        let mut members = Members::new(self.0, 0);
        let next = move || members.as_mut()?.next_member().flatten();
        std::iter::from_fn(next).fuse().filter_map(move |m| Some((self.0.get(m.key)?, Json(self.0.get(m.value)?))))
    }

    /// Every element, in order; none if the value is not an array.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        Elements::new(self.0, 0).into_iter().flatten().filter_map(move |value| self.0.get(value).map(Json))
    }

    /// The string that the value is.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        text(self.0)
    }

    /// The whole number that the value is, as a number or as a string: AWS writes many as strings.
    pub(crate) fn number(self) -> Option<u64> {
        match self.text() {
            Some(text) => text.parse().ok(),
            None => std::str::from_utf8(self.0).ok()?.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements() {
        let json = Json::new(br#" {"a":1,"b":"x\u0041","n":null,"a":"2","c":[1, "y" ,{}],"d":{"e":7}} "#);
        let [a, b, n, missing] = json.pick(["a", "b", "n", "z"]);
        assert_eq!(a.and_then(Json::number), Some(2)); // the last, and a text
        assert_eq!(b.and_then(Json::text).as_deref(), Some("xA"));
        assert!(n.is_none() && missing.is_none());
        let written: Vec<_> = json.get("c").unwrap().elements().map(Json::written).collect();
        assert_eq!(written, [&b"1"[..], b"\"y\"", b"{}"]);
        assert_eq!(json.get("d").and_then(|d| d.get("e")).and_then(Json::number), Some(7));
        assert_eq!(json.members().count(), 6);
        for wrong in [json.get("a").unwrap(), json.get("c").unwrap()] {
            assert!(wrong.members().next().is_none() && wrong.get("a").is_none());
        }
        assert!(json.elements().next().is_none() && json.text().is_none() && json.number().is_none());
    }

    #[test]
    fn arrays_of_every_shape() {
        for (array, count) in [
            ("[]", 0),
            ("[ ]", 0),
            ("[1]", 1),
            (" [ [] , [ ] ] ", 2),
            ("[\"]\",\"\\\"\"]", 2),
            ("[", 0),
            ("[1", 0),
            ("[1 2]", 1),
            ("[,]", 0),
        ] {
            assert_eq!(Json::new(array.as_bytes()).elements().count(), count, "{array}");
        }
    }

    #[test]
    fn malformed_values() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert_eq!(Json::new(&deep).elements().count(), 1);
        for bad in [&b""[..], b"{", b"{\"a\":}", b"{\"a\"}", b"\"a", b"\"\xc3\x28\"", b"{a:1}"] {
            let bad = Json::new(bad);
            assert!(bad.get("a").is_none() && bad.text().is_none() && bad.elements().next().is_none(), "{bad:?}");
        }
        for number in ["-1", "1.5", "1e3", "18446744073709551616", "\"\"", "\"1x\"", "true"] {
            assert_eq!(Json::new(number.as_bytes()).number(), None, "{number}");
        }
    }
}

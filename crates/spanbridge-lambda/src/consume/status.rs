//! The status of an HTTP response, found without serializing the response: it may have megabytes.
//!
//! API Gateway, load balancers, function URLs and VPC Lattice take it from the whole number `statusCode` of the object that the
//! handler returns.

use crate::json::Json;
use http::StatusCode;
use serde::ser::{Error, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};
use spanbridge::panics;
use std::fmt::{self, Display};

const STATUS_CODE: &str = "statusCode";

/// Maximum number of members that are looked at.
const MAX_MEMBERS: usize = 64;

/// Maximum number of bytes that are looked at, if the response is text already.
const MAX_TEXT: usize = 64 * 1024;

/// The status that a response says. Of its members, no other is serialized.
pub(super) fn of_response(response: &impl Serialize) -> Option<StatusCode> {
    let Ok(Err(Found(status))) = panics::caught(|| response.serialize(Seeking::Object)) else { return None };
    StatusCode::from_u16(status?).ok()
}

/// The same of a response that is JSON text.
pub(super) fn of_json(text: &[u8]) -> Option<StatusCode> {
    StatusCode::from_u16(in_text(text)?).ok()
}

fn in_text(text: &[u8]) -> Option<u16> {
    let status = Json::new(&text[..text.len().min(MAX_TEXT)]).get(STATUS_CODE)?;
    std::str::from_utf8(status.written()).ok()?.parse().ok()
}

/// Ends serializing, with the status if it was found.
#[derive(Debug)]
struct Found(Option<u16>);

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no more has to be serialized")
    }
}

impl std::error::Error for Found {}

impl Error for Found {
    fn custom<T: Display>(_: T) -> Self {
        Found(None)
    }
}

/// How `serde_json` serializes JSON that is text already: as an object with the text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// A serializer that writes nothing, and knows what it looks for.
#[derive(Clone, Copy, PartialEq)]
enum Seeking {
    /// The response.
    Object,
    /// The text of a response.
    Text,
    /// The name of the member that is the status; found, it is any number.
    Name,
    /// The status.
    Number,
}

impl Seeking {
    fn number(self, number: impl TryInto<u16>) -> Result<(), Found> {
        Err(Found(number.try_into().ok().filter(|_| self == Seeking::Number)))
    }

    fn members(self, is_text: bool) -> Result<Members, Found> {
        let next = if is_text { Seeking::Text } else { Seeking::Name };
        if self == Seeking::Object { Ok(Members { seen: 0, next }) } else { Err(Found(None)) }
    }
}

/// The members of a response, until there is the status.
struct Members {
    seen: usize,
    /// What the next value is looked at for; `Name` if it is not looked at.
    next: Seeking,
}

impl Members {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.seen += 1;
        match self.next {
            Seeking::Name if self.seen < MAX_MEMBERS => Ok(()),
            Seeking::Name => Err(Found(None)),
            seeking => value.serialize(seeking),
        }
    }

    fn name(&mut self, is_status: bool) {
        if self.next != Seeking::Text {
            self.next = if is_status { Seeking::Number } else { Seeking::Name }
        }
    }
}

impl SerializeStruct for Members {
    type Ok = ();
    type Error = Found;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Found> {
        self.name(name == STATUS_CODE);
        self.value(value)
    }

    fn end(self) -> Result<(), Found> {
        Err(Found(None))
    }
}

impl SerializeMap for Members {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Found> {
        self.name(matches!(name.serialize(Seeking::Name), Err(Found(Some(_)))));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.value(value)
    }

    fn end(self) -> Result<(), Found> {
        Err(Found(None))
    }
}

macro_rules! numbers {
    ($($method:ident $number:ty),*) => { $(
        fn $method(self, number: $number) -> Result<(), Found> {
            self.number(number)
        }
    )* };
}

/// What nothing is looked for in.
macro_rules! others {
    ($($method:ident($($argument:ty),*) -> $result:ty;)*) => { $(
        fn $method(self $(, _: $argument)*) -> Result<$result, Found> {
            Err(Found(None))
        }
    )* };
}

type Name = &'static str;
type Nothing = Impossible<(), Found>;

impl Serializer for Seeking {
    type Ok = ();
    type Error = Found;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeStructVariant = Nothing;

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Found> {
        self.members(false)
    }

    fn serialize_struct(self, name: Name, _: usize) -> Result<Members, Found> {
        self.members(name == RAW_VALUE)
    }

    fn serialize_str(self, text: &str) -> Result<(), Found> {
        Err(Found(match self {
            Seeking::Text => in_text(text.as_bytes()),
            Seeking::Name => (text == STATUS_CODE).then_some(0),
            Seeking::Object | Seeking::Number => None,
        }))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: Name, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: Name, _: u32, _: Name, _: &T) -> Result<(), Found> {
        Err(Found(None))
    }

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    }

    others! {
        serialize_bool(bool) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(Name) -> ();
        serialize_unit_variant(Name, u32, Name) -> ();
        serialize_seq(Option<usize>) -> Nothing;
        serialize_tuple(usize) -> Nothing;
        serialize_tuple_struct(Name, usize) -> Nothing;
        serialize_tuple_variant(Name, u32, Name, usize) -> Nothing;
        serialize_struct_variant(Name, u32, Name, usize) -> Nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// What must not be serialized.
    struct Untouched;

    impl Serialize for Untouched {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("serialized")
        }
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Proxy<B> {
        body: B,
        status_code: Option<i64>,
        cookies: Untouched,
    }

    #[derive(serde::Serialize)]
    #[serde(untagged)]
    enum Response {
        Http(Proxy<Untouched>),
    }

    #[derive(serde::Serialize)]
    struct Flat {
        other: Untouched,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u16>,
    }

    #[derive(serde::Serialize)]
    struct Wrapped<T>(T);

    fn status(response: impl Serialize) -> Option<u16> {
        of_response(&response).map(|status| status.as_u16())
    }

    /// Whatever type a handler returns, only its status is serialized.
    #[test]
    fn nothing_but_the_status_is_serialized() {
        let proxy = |code| Proxy { body: Untouched, status_code: code, cookies: Untouched };
        assert_eq!(status(proxy(Some(503))), Some(503));
        assert_eq!(status(Some(Wrapped(Response::Http(proxy(Some(200)))))), Some(200));
        assert_eq!([status(proxy(None)), status(proxy(Some(-1))), status(proxy(Some(70_000)))], [None; 3]);
        assert_eq!(status(Flat { other: Untouched, rest: BTreeMap::from([("a", 1), ("statusCode", 404)]) }), Some(404));
        assert_eq!(status(json!({ "body": "x".repeat(1000), "statusCode": 500, "z": {} })), Some(500));
        assert_eq!(
            status(RawValue::from_string("{\"body\": [], \"statusCode\" : 418 }".to_owned()).unwrap()),
            Some(418)
        );
    }

    #[test]
    fn what_has_no_status() {
        let nested: Value = json!({ "a": { "statusCode": 500 } });
        for response in [nested, json!(200), json!("statusCode"), json!([{ "statusCode": 500 }]), json!(null)] {
            assert_eq!(status(&response), None, "{response}");
            assert_eq!(of_json(response.to_string().as_bytes()), None, "{response}");
        }
        for code in ["\"200\"", "200.5", "2e2", "-200", "99", "1000", "{}", "null", "true"] {
            let text = format!("{{\"statusCode\":{code}}}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!([status(&value), of_json(text.as_bytes()).map(|s| s.as_u16())], [None; 2], "{code}");
        }
        assert_eq!([status(()), status(Untouched), status(BTreeMap::from([(1, 500)]))], [None; 3]);
    }

    /// A response of any size costs no more than its beginning.
    #[test]
    fn not_everything_is_looked_at() {
        let many: BTreeMap<String, u16> = (0..100).map(|n| (format!("a{n:03}"), 1)).collect();
        let with_status = |name: &str| {
            let mut all = many.clone();
            all.insert(name.to_owned(), 500);
            all
        };
        assert_eq!(status(with_status("statusCode")), None);
        let body = "x".repeat(MAX_TEXT);
        let [first, last] =
            [format!("{{\"statusCode\":500,\"b\":\"{body}\"}}"), format!("{{\"b\":\"{body}\",\"statusCode\":500}}")];
        assert_eq!(
            [of_json(first.as_bytes()), of_json(last.as_bytes())].map(|s| s.map(|s| s.as_u16())),
            [Some(500), None]
        );
    }
}

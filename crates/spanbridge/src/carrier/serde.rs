//! A context with serde: an object with the fields `traceparent`, `tracestate` and `baggage`, as on the wire.

use super::{extract, inject};
use crate::{Context, w3c};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// In the order in which they are written.
const FIELDS: [&str; 3] = [w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE];

/// An empty context is an object without fields.
impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields: BTreeMap<&'static str, String> = BTreeMap::new();
        inject(self, &mut fields);
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for name in FIELDS {
            if let Some(value) = fields.get(name) {
                map.serialize_entry(name, value)?
            }
        }
        map.end()
    }
}

/// Unknown fields are ignored. Unlike in a message, a malformed `traceparent` is an error, because a stored context was complete.
impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Context;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a `traceparent`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Context, A::Error> {
                let mut fields: BTreeMap<&'static str, String> = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    match FIELDS.iter().find(|f| **f == key) {
                        Some(name) => fields.extend(map.next_value::<Option<String>>()?.map(|v| (*name, v))),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let found = extract(&fields);
                match found.problems.iter().find(|p| p.header == w3c::TRACEPARENT) {
                    Some(problem) => Err(A::Error::custom(problem)),
                    None => Ok(found.context),
                }
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn as_on_the_wire() {
        let json = r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","tracestate":"sb=r:000000000000000000000000000000aa,x=1","baggage":"k=v"}"#;
        let context: Context = serde_json::from_str(json).unwrap();
        assert_eq!(context.run_id().unwrap().get(), 0xaa);
        assert_eq!(serde_json::to_string(&context).unwrap(), json);
        assert_eq!(serde_json::to_string(&Context::EMPTY).unwrap(), "{}");
        assert!(serde_json::from_str::<Context>(r#"{"later":{"x":1},"tracestate":null}"#).unwrap().is_empty());
        assert!(serde_json::from_str::<Context>(r#"{"traceparent":"00-1-2-1"}"#).is_err());
    }
}

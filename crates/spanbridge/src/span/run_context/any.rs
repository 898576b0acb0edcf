//! A value whose meaning this release does not know: kept, to be written again.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};
use std::fmt;

/// In a format that is self-describing and human-readable, the value is written as it is. In others it is a pair of a tag and
/// the value, because they cannot say what type comes next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Any {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text(String),
    List(Vec<Any>),
    Object(Vec<(String, Any)>),
}

/// How serde_json represents a number with its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match self {
                Any::Null => serializer.serialize_unit(),
                Any::Bool(v) => serializer.serialize_bool(*v),
                Any::I64(v) => serializer.serialize_i64(*v),
                Any::U64(v) => serializer.serialize_u64(*v),
                Any::F64(v) => serializer.serialize_f64(*v),
                Any::Text(v) => serializer.serialize_str(v),
                Any::List(v) => serializer.collect_seq(v),
                Any::Object(v) => {
                    let mut map = serializer.serialize_map(Some(v.len()))?;
                    v.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                    map.end()
                }
            };
        }
        match self {
            Any::Null => put(serializer, 0, &()),
            Any::Bool(v) => put(serializer, 1, v),
            Any::I64(v) => put(serializer, 2, v),
            Any::U64(v) => put(serializer, 3, v),
            Any::F64(v) => put(serializer, 4, v),
            Any::Text(v) => put(serializer, 5, v),
            Any::List(v) => put(serializer, 6, v),
            // Keys and values in turn.
            Any::Object(v) => {
                let flat = v.iter().flat_map(|(key, value)| [Any::Text(key.clone()), value.clone()]);
                put(serializer, 7, &flat.collect::<Vec<_>>())
            }
        }
    }
}

fn put<S: Serializer>(serializer: S, tag: u8, value: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut pair = serializer.serialize_tuple(2)?;
    pair.serialize_element(&tag)?;
    pair.serialize_element(value)?;
    pair.end()
}

/// Reads a value with a bounded depth: the input may be hostile.
#[derive(Clone, Copy)]
pub(crate) struct Nested(u8);

impl Default for Nested {
    fn default() -> Self {
        Nested(32)
    }
}

impl Nested {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Nested).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Any;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Readable(self))
        } else {
            deserializer.deserialize_tuple(2, Tagged(self))
        }
    }
}

struct Readable(Nested);

impl<'de> Visitor<'de> for Readable {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_none<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        self.0.deeper()?.deserialize(deserializer)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Any, E> {
        Ok(Any::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Any, E> {
        Ok(Any::I64(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Any, E> {
        Ok(Any::U64(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Any, E> {
        Ok(Any::F64(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Any, E> {
        Ok(Any::Text(v.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Any, A::Error> {
        let inner = List(self.0.deeper()?);
        inner.visit_seq(seq).map(Any::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let inner = self.0.deeper()?;
        let mut object = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER {
                return number(&map.next_value::<String>()?);
            }
            object.push((key, map.next_value_seed(inner)?))
        }
        Ok(Any::Object(object))
    }
}

fn number<E: Error>(text: &str) -> Result<Any, E> {
    let integer = text.parse().map(Any::U64).or_else(|_| text.parse().map(Any::I64));
    integer.or_else(|_| text.parse().map(Any::F64)).map_err(|_| E::custom("not a number"))
}

struct Tagged(Nested);

impl<'de> Visitor<'de> for Tagged {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        let absent = || A::Error::custom("a value is missing");
        let tag: u8 = seq.next_element()?.ok_or_else(absent)?;
        let value = match tag {
            0 => seq.next_element()?.map(|()| Any::Null),
            1 => seq.next_element()?.map(Any::Bool),
            2 => seq.next_element()?.map(Any::I64),
            3 => seq.next_element()?.map(Any::U64),
            4 => seq.next_element()?.map(Any::F64),
            5 => seq.next_element()?.map(Any::Text),
            6 => seq.next_element_seed(List(self.0.deeper()?))?.map(Any::List),
            7 => match seq.next_element_seed(List(self.0.deeper()?))? {
                Some(flat) => Some(object(flat).ok_or_else(absent)?),
                None => None,
            },
            _ => return Err(A::Error::custom(format!("there is no tag {tag}"))),
        };
        value.ok_or_else(absent)
    }
}

fn object(flat: Vec<Any>) -> Option<Any> {
    let (mut object, mut flat) = (Vec::with_capacity(flat.len() / 2), flat.into_iter());
    while let Some(key) = flat.next() {
        let Any::Text(key) = key else { return None };
        object.push((key, flat.next()?))
    }
    Some(Any::Object(object))
}

/// Values in sequence.
#[derive(Clone, Copy)]
struct List(Nested);

impl<'de> DeserializeSeed<'de> for List {
    type Value = Vec<Any>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Any>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<Any>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Any>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self.0)? {
            list.push(value)
        }
        Ok(list)
    }
}

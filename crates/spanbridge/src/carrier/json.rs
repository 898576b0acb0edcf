//! JSON objects that hold headers. (The hidden field of a payload is `payload`.)

use super::{Extract, Header, Inject};
use serde_json::{Map, Value};

/// Names are looked up as they are, then without regard to case: gateways write them as they like.
impl Extract for Map<String, Value> {
    fn get(&self, name: &str) -> Header<'_> {
        let found =
            Map::get(self, name).or_else(|| self.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|x| x.1));
        match found {
            None | Some(Value::Null) => Header::Absent,
            Some(Value::String(s)) => Header::Value(s.as_bytes().into()),
            Some(Value::Array(_)) => Header::Unusable("is an array, not text"),
            Some(Value::Object(_)) => Header::Unusable("is an object, not text"),
            Some(_) => Header::Unusable("is not text"),
        }
    }
}

impl Inject for Map<String, Value> {
    fn set(&mut self, name: &'static str, value: &str) {
        Inject::remove(self, name);
        self.insert(name.to_owned(), Value::String(value.to_owned()));
    }

    fn remove(&mut self, name: &'static str) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name))
    }
}

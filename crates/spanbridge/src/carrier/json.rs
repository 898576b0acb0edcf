//! JSON objects as headers. (For the hidden field of a payload, see `payload`.)

use super::{Extract, Header, Inject};
use crate::w3c::is_other_case;
use serde_json::{Map, Value};

impl Extract for Map<String, Value> {
    fn get(&self, name: &str) -> Header<'_> {
        match Map::get(self, name) {
            None | Some(Value::Null) => Header::Absent,
            Some(Value::String(s)) => Header::Value(s.as_bytes().into()),
            Some(Value::Array(_)) => Header::Unusable("is an array, not text"),
            Some(Value::Object(_)) => Header::Unusable("is an object, not text"),
            Some(_) => Header::Unusable("is not text"),
        }
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.keys().for_each(|name| f(name))
    }
}

impl Inject for Map<String, Value> {
    fn set(&mut self, name: &'static str, value: &str) {
        self.insert(name.to_owned(), Value::String(value.to_owned()));
    }

    fn remove(&mut self, name: &'static str) {
        self.remove(name);
    }

    fn remove_other_case(&mut self) {
        if self.keys().any(is_other_case) {
            self.retain(|name, _| !is_other_case(name))
        }
    }
}

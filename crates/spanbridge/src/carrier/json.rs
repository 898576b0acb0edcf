//! JSON objects as headers. (For the hidden field of a payload, see `payload`.)

use super::in_place::{FEW, replace};
use super::{Extract, Header, Inject, one_by_one};
use crate::w3c::is_other_case;
use serde_json::{Map, Value};

impl Extract for Map<String, Value> {
    fn get(&self, name: &str) -> Header<'_> {
        Map::get(self, name).map_or(Header::Absent, header)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.keys().for_each(|name| f(name))
    }

    #[inline]
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        if self.len() > FEW {
            return false;
        }
        self.iter().for_each(|(name, value)| f(name.as_bytes(), header(value)));
        true
    }
}

fn header(value: &Value) -> Header<'_> {
    match value {
        Value::Null => Header::Absent,
        Value::String(s) => Header::Value(s.as_bytes().into()),
        Value::Array(_) => Header::Unusable("is an array, not text"),
        Value::Object(_) => Header::Unusable("is an object, not text"),
        _ => Header::Unusable("is not text"),
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

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        if self.len() > FEW {
            return one_by_one(self, values);
        }
        let entries = self.iter_mut().map(|(name, value)| (name.as_str(), value));
        replace(entries, values, |value| Some(value.into())).finish(self)
    }
}

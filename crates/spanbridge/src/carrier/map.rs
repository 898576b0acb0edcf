//! Maps from text to text.

use super::{Extract, Header, Inject};
use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

impl<K, V, S> Extract for HashMap<K, V, S>
where
    K: Borrow<str> + Eq + Hash,
    V: AsRef<[u8]>,
    S: BuildHasher,
{
    fn get(&self, name: &str) -> Header<'_> {
        self.get(name).map_or(Header::Absent, |v| Header::Value(v.as_ref().into()))
    }
}

impl<K, V, S> Inject for HashMap<K, V, S>
where
    K: Borrow<str> + Eq + Hash + From<&'static str>,
    V: for<'a> From<&'a str>,
    S: BuildHasher,
{
    fn set(&mut self, name: &'static str, value: &str) {
        self.insert(name.into(), value.into());
    }

    fn remove(&mut self, name: &'static str) {
        self.remove(name);
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<[u8]>> Extract for BTreeMap<K, V> {
    fn get(&self, name: &str) -> Header<'_> {
        self.get(name).map_or(Header::Absent, |v| Header::Value(v.as_ref().into()))
    }
}

impl<K, V> Inject for BTreeMap<K, V>
where
    K: Borrow<str> + Ord + From<&'static str>,
    V: for<'a> From<&'a str>,
{
    fn set(&mut self, name: &'static str, value: &str) {
        self.insert(name.into(), value.into());
    }

    fn remove(&mut self, name: &'static str) {
        self.remove(name);
    }
}

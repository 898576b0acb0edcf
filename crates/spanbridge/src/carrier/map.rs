//! Maps from text to text.

use super::in_place::{FEW, replace};
use super::{Extract, Header, Inject, one_by_one};
use crate::w3c::is_other_case;
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

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.keys().for_each(|name| f(name.borrow()))
    }

    #[inline]
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        if self.len() > FEW {
            return false;
        }
        self.iter().for_each(|(name, v)| f(name.borrow().as_bytes(), Header::Value(v.as_ref().into())));
        true
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

    fn remove_other_case(&mut self) {
        self.retain(|name, _| !is_other_case(name.borrow()))
    }

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        if self.len() > FEW {
            return one_by_one(self, values);
        }
        let entries = self.iter_mut().map(|(name, value)| (name.borrow(), value));
        replace(entries, values, |value| Some(value.into())).finish(self)
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<[u8]>> Extract for BTreeMap<K, V> {
    fn get(&self, name: &str) -> Header<'_> {
        self.get(name).map_or(Header::Absent, |v| Header::Value(v.as_ref().into()))
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.keys().for_each(|name| f(name.borrow()))
    }

    #[inline]
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        if self.len() > FEW {
            return false;
        }
        self.iter().for_each(|(name, v)| f(name.borrow().as_bytes(), Header::Value(v.as_ref().into())));
        true
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

    fn remove_other_case(&mut self) {
        self.retain(|name, _| !is_other_case(name.borrow()))
    }

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        if self.len() > FEW {
            return one_by_one(self, values);
        }
        let entries = self.iter_mut().map(|(name, value)| (name.borrow(), value));
        replace(entries, values, |value| Some(value.into())).finish(self)
    }
}

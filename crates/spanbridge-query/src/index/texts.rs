//! Names and services by their numbers in the index.

use crate::Result;
use rusqlite::{Connection, OptionalExtension};
use spanbridge_store::codec::bytes::{Reader, put_varint};
use std::collections::HashMap;

/// How many texts are remembered. Names may come from outside.
const REMEMBERED: usize = 100_000;

/// Texts that are known to be in the index.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<Box<str>, u32>,
    sets: HashMap<Box<[u8]>, i64>,
}

impl Texts {
    /// Forgets everything: a transaction that added texts was undone, or there are too many.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget_when_too_many(&mut self) {
        if self.numbers.len() > REMEMBERED || self.sets.len() > REMEMBERED {
            self.forget();
        }
    }

    /// The number of a text, which is added if it is new.
    pub(super) fn number(&mut self, connection: &Connection, text: &str) -> Result<u32> {
        if let Some(known) = self.numbers.get(text) {
            return Ok(*known);
        }
        let number = match find(connection, text)? {
            Some(number) => number,
            None => connection.prepare_cached("INSERT INTO text(text) VALUES (?)")?.insert([text])? as u32,
        };
        self.numbers.insert(text.into(), number);
        Ok(number)
    }

    /// The number of a set of services, which is added if it is new. Sorts them.
    pub(super) fn set(&mut self, connection: &Connection, services: &mut [u32]) -> Result<i64> {
        services.sort_unstable();
        let mut key = Vec::with_capacity(2 * services.len());
        services.iter().for_each(|service| put_varint(&mut key, u64::from(*service)));
        if let Some(known) = self.sets.get(&key[..]) {
            return Ok(*known);
        }
        let mut find = connection.prepare_cached("SELECT id FROM service_set WHERE texts = ?")?;
        let number = match find.query_row([&key], |row| row.get(0)).optional()? {
            Some(number) => number,
            None => connection.prepare_cached("INSERT INTO service_set(texts) VALUES (?)")?.insert([&key])?,
        };
        self.sets.insert(key.into(), number);
        Ok(number)
    }
}

/// The number of a text that is in the index.
pub(super) fn find(connection: &Connection, text: &str) -> Result<Option<u32>> {
    let mut find = connection.prepare_cached("SELECT id FROM text WHERE text = ?")?;
    Ok(find.query_row([text], |row| row.get(0)).optional()?)
}

/// A text by its number. Empty if there is none.
pub(super) fn text(connection: &Connection, number: u32) -> Result<String> {
    let mut find = connection.prepare_cached("SELECT text FROM text WHERE id = ?")?;
    Ok(find.query_row([number], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// The services of a set by their numbers.
pub(super) fn services(connection: &Connection, set: i64) -> Result<Vec<u32>> {
    let mut find = connection.prepare_cached("SELECT texts FROM service_set WHERE id = ?")?;
    let bytes: Vec<u8> = find.query_row([set], |row| row.get(0)).optional()?.unwrap_or_default();
    Ok(read_set(&bytes))
}

/// The services of a set.
pub(super) fn read_set(bytes: &[u8]) -> Vec<u32> {
    let mut r = Reader(bytes);
    std::iter::from_fn(|| r.varint()).map(|n| n as u32).collect()
}

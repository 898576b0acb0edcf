//! Texts by their numbers in the index.

use super::texts;
use crate::Result;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::Arc;

/// How many texts are remembered.
const REMEMBERED: usize = 100_000;

/// Texts by their numbers in the index, which never change.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: HashMap<u32, Arc<str>>,
    sets: HashMap<i64, Arc<[u32]>>,
}

impl Names {
    pub(super) fn text(&mut self, connection: &Connection, number: u32) -> Result<Arc<str>> {
        if let Some(known) = self.texts.get(&number) {
            return Ok(Arc::clone(known));
        }
        if self.texts.len() > REMEMBERED {
            self.texts.clear();
        }
        let text: Arc<str> = texts::text(connection, number)?.into();
        self.texts.insert(number, Arc::clone(&text));
        Ok(text)
    }

    pub(super) fn set(&mut self, connection: &Connection, number: i64) -> Result<Arc<[u32]>> {
        if let Some(known) = self.sets.get(&number) {
            return Ok(Arc::clone(known));
        }
        if self.sets.len() > REMEMBERED {
            self.sets.clear();
        }
        let set: Arc<[u32]> = texts::services(connection, number)?.into();
        self.sets.insert(number, Arc::clone(&set));
        Ok(set)
    }
}

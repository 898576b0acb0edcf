//! The texts that many records have in common, each combination once: the table `shape`.
//!
//! A row of `record` has the number of its shape instead of its service, type, name, primitive, kind and status.

use crate::error::Result;
use crate::session::{Session, Uuid};
use crate::text::without_nul;
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_128;

/// So many are remembered. Then they are forgotten, and asked for again.
const MAX_KNOWN: usize = 100_000;

/// So many are stored in one statement.
const AT_ONCE: usize = 5_000;

/// The service, the type, the name, the primitive, the kind and the status of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape<'r> {
    pub(crate) texts: [&'r str; 6],
}

impl Shape<'_> {
    fn exact(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for text in self.texts {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out
    }

    /// By this it is found: an index cannot hold a long text.
    pub(crate) fn digest(&self) -> u128 {
        xxh3_128(&self.exact())
    }
}

pub(crate) type Texts = [Box<str>; 6];

/// Shapes that were read.
#[derive(Default)]
pub(crate) struct Known(HashMap<i32, Texts>);

impl Known {
    pub(crate) fn get(&self, number: i32) -> Option<&Texts> {
        self.0.get(&number)
    }

    /// Reads those of these that are not known.
    pub(crate) fn read(&mut self, session: &Session, numbers: impl Iterator<Item = i32>) -> Result<()> {
        if self.0.len() > MAX_KNOWN {
            self.0.clear();
        }
        let mut missing: Vec<i32> = numbers.filter(|number| !self.0.contains_key(number)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let doing = "read the names of records";
        let query = "SELECT id, service, type, name, primitive, kind, status, exact FROM shape WHERE id = ANY($1)";
        for row in session.query(doing, query, &[&missing])? {
            let get = |at: usize| row.try_get::<_, &str>(at).map(Box::from);
            let read = || -> Result<_, tokio_postgres::Error> {
                let shown = [get(1)?, get(2)?, get(3)?, get(4)?, get(5)?, get(6)?];
                let exact = row.try_get::<_, Option<&[u8]>>(7)?.and_then(read_exact);
                Ok((row.try_get(0)?, exact.unwrap_or(shown)))
            };
            let (number, texts) = read().map_err(|error| session.failed(doing, &error))?;
            self.0.insert(number, texts);
        }
        Ok(())
    }
}

fn read_exact(mut bytes: &[u8]) -> Option<Texts> {
    let mut texts: Texts = Default::default();
    for place in &mut texts {
        let (length, rest) = bytes.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        (*place, bytes) = (std::str::from_utf8(text).ok()?.into(), rest);
    }
    Some(texts)
}

/// The numbers of shapes, by their digests.
#[derive(Default)]
pub(crate) struct Numbers(HashMap<u128, i32>);

impl Numbers {
    pub(crate) fn get(&self, digest: u128) -> Option<i32> {
        self.0.get(&digest).copied()
    }

    /// Forgets them: others may have removed some.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Finds the numbers of all of these, and stores those that have none. Not in a transaction: whoever stores the same ones would wait.
    pub(crate) fn find(&mut self, session: &Session, shapes: &HashMap<u128, Shape<'_>>) -> Result<()> {
        if self.0.len() > MAX_KNOWN {
            self.0.clear();
        }
        let mut missing: Vec<u128> = shapes.keys().filter(|digest| !self.0.contains_key(digest)).copied().collect();
        missing.sort_unstable();
        for some in missing.chunks(AT_ONCE) {
            let wanted: Vec<Uuid> = some.iter().copied().map(Uuid).collect();
            self.look_up(session, &wanted)?;
            let new: Vec<u128> = some.iter().filter(|digest| !self.0.contains_key(digest)).copied().collect();
            if new.is_empty() {
                continue;
            }
            insert(session, &new, shapes)?;
            self.look_up(session, &wanted)?;
        }
        Ok(())
    }

    fn look_up(&mut self, session: &Session, digests: &[Uuid]) -> Result<()> {
        let doing = "look up the names of records";
        for row in session.query(doing, "SELECT digest, id FROM shape WHERE digest = ANY($1)", &[&digests])? {
            let read = || Ok((row.try_get::<_, Uuid>(0)?.0, row.try_get(1)?));
            let (digest, number) = read().map_err(|error| session.failed(doing, &error))?;
            self.0.insert(digest, number);
        }
        Ok(())
    }
}

fn insert(session: &Session, new: &[u128], shapes: &HashMap<u128, Shape<'_>>) -> Result<()> {
    let all: Vec<&Shape<'_>> = new.iter().filter_map(|digest| shapes.get(digest)).collect();
    let digests: Vec<Uuid> = new.iter().copied().map(Uuid).collect();
    let column =
        |at: usize| -> Vec<String> { all.iter().map(|shape| without_nul(shape.texts[at]).into_owned()).collect() };
    let columns: [Vec<String>; 6] = std::array::from_fn(column);
    let has_nul = |shape: &&Shape<'_>| shape.texts.iter().any(|text| text.contains('\0'));
    let exact: Vec<Option<Vec<u8>>> = all.iter().map(|shape| has_nul(shape).then(|| shape.exact())).collect();
    let statement = "INSERT INTO shape (digest, service, type, name, primitive, kind, status, exact) SELECT * FROM \
         unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]) AS new(digest) \
         ORDER BY digest ON CONFLICT DO NOTHING";
    let [service, kind, name, primitive, role, status] = &columns;
    session.execute(
        "store the names of records",
        statement,
        &[&digests, service, kind, name, primitive, role, status, &exact],
    )?;
    Ok(())
}

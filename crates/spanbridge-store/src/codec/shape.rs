//! Shapes: what a record shares with others of its block.

use super::bytes::{Reader, put_varint};
use super::intern::Interner;
use std::ops::Range;

/// How much of each stream a record takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) words: u32,
    pub(super) times: u32,
    pub(super) numbers: u32,
    pub(super) texts: u32,
}

/// Ends a name in a shape. No UTF-8 text contains it, so no two shapes look the same.
const NAME_END: u8 = 0xff;

/// The shapes of a block in the making, and the one of the record being written.
#[derive(Debug, Default)]
pub(super) struct ShapeWriter {
    known: Interner,
    table: Vec<u8>,
    current: Vec<u8>,
    names: Vec<Range<usize>>,
    pub(super) counts: Counts,
}

impl ShapeWriter {
    pub(super) fn begin(&mut self) {
        self.current.clear();
        self.names.clear();
        self.counts = Counts::default();
    }

    #[inline]
    pub(super) fn code(&mut self, code: u8) {
        self.current.push(code);
    }

    #[inline]
    pub(super) fn name(&mut self, name: &str) {
        let start = self.current.len();
        self.current.extend_from_slice(name.as_bytes());
        self.names.push(start..self.current.len());
        self.current.push(NAME_END);
    }

    /// The number of the shape that was put together. A new one is added to the table, its names to those of the block.
    pub(super) fn finish(&mut self, names: &mut Interner) -> u32 {
        let (number, new) = self.known.intern(&self.current);
        if new {
            let out = &mut self.table;
            for n in [self.counts.words, self.counts.times, self.counts.numbers, self.counts.texts] {
                put_varint(out, u64::from(n));
            }
            let name_bytes: usize = self.names.iter().map(|n| n.len() + 1).sum();
            put_varint(out, (self.current.len() - name_bytes) as u64);
            let mut at = 0;
            for name in &self.names {
                out.extend_from_slice(&self.current[at..name.start]);
                at = name.end + 1;
            }
            out.extend_from_slice(&self.current[at..]);
            put_varint(out, self.names.len() as u64);
            for name in &self.names {
                put_varint(out, u64::from(names.intern(&self.current[name.clone()]).0));
            }
        }
        number
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn table(&self) -> &[u8] {
        &self.table
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.table.clear();
    }
}

/// A shape as it is read: codes and names in the order of the fields.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    pub(super) counts: Counts,
    pub(super) codes: &'a [u8],
    /// Among the names of [`Shapes`].
    names: Range<usize>,
}

/// The shapes of a block.
#[derive(Debug, Default)]
pub(super) struct Shapes<'a> {
    shapes: Vec<Shape<'a>>,
    names: Vec<&'a str>,
}

impl<'a> Shapes<'a> {
    /// Reads `count` shapes that refer to these names.
    pub(super) fn read(count: usize, table: &'a [u8], names: &[&'a str]) -> Option<Self> {
        let mut r = Reader(table);
        let mut all = Self { shapes: Vec::with_capacity(count), names: Vec::with_capacity(4 * count) };
        for _ in 0..count {
            let mut count = || u32::try_from(r.varint()?).ok();
            let counts = Counts { words: count()?, times: count()?, numbers: count()?, texts: count()? };
            let length = r.varint()?;
            let codes = r.take(length)?;
            let first = all.names.len();
            for _ in 0..r.count_within(r.0.len())? {
                all.names.push(names.get(usize::try_from(r.varint()?).ok()?)?);
            }
            all.shapes.push(Shape { counts, codes, names: first..all.names.len() });
        }
        Some(all)
    }

    #[inline]
    pub(super) fn get(&self, number: u64) -> Option<&Shape<'a>> {
        self.shapes.get(usize::try_from(number).ok()?)
    }

    pub(super) fn names(&self, shape: &Shape<'a>) -> &[&'a str] {
        self.names.get(shape.names.clone()).unwrap_or_default()
    }
}

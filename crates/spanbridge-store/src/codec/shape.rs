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

/// The shapes of a block in the making, and the one of the record being written.
///
/// Names are numbers here: the codes tell where a name stands, so codes and names apart are as good as both in order.
#[derive(Debug, Default)]
pub(super) struct ShapeWriter {
    known: Interner,
    table: Vec<u8>,
    /// The names of the record being written, each as four bytes; its codes follow when it is finished.
    names: Vec<u8>,
    codes: Vec<u8>,
    pub(super) counts: Counts,
}

impl ShapeWriter {
    pub(super) fn begin(&mut self) {
        self.codes.clear();
        self.names.clear();
        self.counts = Counts::default();
    }

    #[inline]
    pub(super) fn code(&mut self, code: u8) {
        self.codes.push(code);
    }

    /// A name, by its number among those of the block.
    #[inline]
    pub(super) fn name(&mut self, name: u32) {
        self.names.extend_from_slice(&name.to_le_bytes());
    }

    /// The number of the shape that was put together. A new one is added to the table.
    pub(super) fn finish(&mut self) -> u32 {
        let names = self.names.len();
        // The same bytes, cut in two at another place, would be another shape.
        self.names.extend_from_slice(&(names as u32).to_le_bytes());
        self.names.extend_from_slice(&self.codes);
        let (number, new) = self.known.intern(&self.names);
        if new {
            let out = &mut self.table;
            for n in [self.counts.words, self.counts.times, self.counts.numbers, self.counts.texts] {
                put_varint(out, u64::from(n));
            }
            put_varint(out, self.codes.len() as u64);
            out.extend_from_slice(&self.codes);
            put_varint(out, (names / 4) as u64);
            for name in self.names[..names].as_chunks().0 {
                put_varint(out, u64::from(u32::from_le_bytes(*name)));
            }
        }
        number
    }

    pub(super) fn len(&self) -> usize {
        self.known.count()
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

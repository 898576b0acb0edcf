//! The sections of a block.

use crate::codec::bytes::Reader;

/// A block cut into its sections, before any of them is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections<'a> {
    pub(super) part_count: u64,
    pub(super) shape_count: usize,
    name_count: usize,
    name_lengths: &'a [u8],
    names: &'a [u8],
    pub(super) shapes: &'a [u8],
    pub(super) parts: &'a [u8],
    /// Heads, words, times, numbers, lengths, texts.
    pub(super) streams: [&'a [u8]; 6],
}

impl<'a> Sections<'a> {
    pub(super) fn of(raw: &'a [u8]) -> Option<Self> {
        let mut r = Reader(raw);
        let part_count = r.varint()?;
        let shape_count = r.count_within(raw.len())?;
        let name_count = r.count_within(raw.len())?;
        let mut lengths = [0; 10];
        for length in &mut lengths {
            *length = r.varint()?;
        }
        let mut sections = [[].as_slice(); 10];
        for (section, length) in sections.iter_mut().zip(lengths) {
            *section = r.take(length)?;
        }
        let [name_lengths, names, shapes, parts, streams @ ..] = sections;
        // Room is reserved for as many. A shape has six numbers of at least a byte, and a name its length.
        let are_there = shape_count <= shapes.len() / 6 && name_count <= name_lengths.len();
        are_there.then_some(Self { part_count, shape_count, name_count, name_lengths, names, shapes, parts, streams })
    }

    /// The names that parts and shapes refer to.
    pub(super) fn names(&self) -> Option<Vec<&'a str>> {
        let (mut names, mut lengths) = (Vec::with_capacity(self.name_count), Reader(self.name_lengths));
        let mut rest = std::str::from_utf8(self.names).ok()?;
        for _ in 0..self.name_count {
            let (name, after) = rest.split_at_checked(usize::try_from(lengths.varint()?).ok()?)?;
            names.push(name);
            rest = after;
        }
        Some(names)
    }
}

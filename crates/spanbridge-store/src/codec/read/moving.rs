//! Blocks as they are taken apart to move their records elsewhere: parts and streams, with nothing decoded.

use super::parts::{Part, Parts};
use super::sections::Sections;
use super::streams::Streams;
use crate::codec::bytes::Reader;
use std::ops::Range;

/// A block whose records are moved to another. Whoever reads it takes the values of a part from the streams, as the
/// [plan](crate::codec::Plan) of each record's shape says, and then goes on to the next part.
#[derive(Debug)]
pub struct MovingBlock<'a> {
    names: Vec<&'a str>,
    shapes: Vec<RawShape<'a>>,
    shape_names: Vec<u32>,
    parts: Parts<'a>,
    /// The values. The number of a record's shape comes from `heads`.
    pub streams: Streams<'a>,
}

/// A shape as it stands in a block.
#[derive(Debug)]
struct RawShape<'a> {
    codes: &'a [u8],
    names: Range<usize>,
}

impl<'a> MovingBlock<'a> {
    /// `None` if the block is not as a block should be.
    pub fn open(raw: &'a [u8]) -> Option<Self> {
        let sections = Sections::of(raw)?;
        let names = sections.names()?;
        let (mut shapes, mut shape_names) = (Vec::with_capacity(sections.shape_count), Vec::new());
        let mut r = Reader(sections.shapes);
        for _ in 0..sections.shape_count {
            r.skip_varints(4)?;
            let length = r.varint()?;
            let codes = r.take(length)?;
            let first = shape_names.len();
            for _ in 0..r.count_within(r.0.len())? {
                let name = u32::try_from(r.varint()?).ok()?;
                names.get(name as usize)?;
                shape_names.push(name);
            }
            shapes.push(RawShape { codes, names: first..shape_names.len() });
        }
        let parts = Parts::new(sections.part_count, sections.parts);
        Some(Self { names, shapes, shape_names, parts, streams: Streams::new(sections.streams)? })
    }

    /// The names that shapes refer to.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// The shapes: the codes of each, and its names by their numbers.
    pub fn shapes(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &[u32])> {
        self.shapes.iter().map(|shape| (shape.codes, &self.shape_names[shape.names.clone()]))
    }

    /// The next part; `Some(None)` after the last. The streams must stand behind the part before.
    pub fn next_part(&mut self) -> Option<Option<Part<'a>>> {
        self.parts.next(&self.names)
    }
}

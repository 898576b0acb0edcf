//! The names and shapes of a fold, numbered across all blocks that are read and written.

use spanbridge_store::codec::bytes::put_varint;
use spanbridge_store::codec::{Interner, MovingBlock, NO_NAME, Plan, Step};

/// Not the number of a shape: this release does not know it.
const UNKNOWN: u32 = u32::MAX;

/// All names and shapes that a fold has met.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    names: Interner,
    /// Codes and names of the shapes as they were read.
    known: Interner,
    shapes: Vec<KnownShape>,
    /// Codes and names of the shapes as they are written.
    written: Interner,
    written_shapes: Vec<WrittenShape>,
    key: Vec<u8>,
    block_names: Vec<u32>,
}

/// A shape as it was read: its values, and the shape that its records have afterwards.
#[derive(Debug)]
pub(super) struct KnownShape {
    /// Their names are numbers in the vocabulary.
    pub(super) steps: Vec<Step>,
    pub(super) written: u32,
}

/// A shape as it is written.
#[derive(Debug)]
pub(super) struct WrittenShape {
    pub(super) codes: Vec<u8>,
    /// Numbers in the vocabulary.
    pub(super) names: Vec<u32>,
}

/// The number in the vocabulary of each shape of a block.
#[derive(Debug, Default)]
pub(crate) struct ShapeMap(pub(super) Vec<u32>);

impl Vocabulary {
    /// Forgets everything once it has grown large: names may come from outside. Says whether it did.
    pub(crate) fn forget_when_too_many(&mut self) -> bool {
        let too_many = self.names.count() > 100_000 || self.shapes.len() > 20_000;
        if too_many {
            *self = Self::default();
        }
        too_many
    }

    pub(super) fn name(&mut self, name: &str) -> u32 {
        self.names.intern(name.as_bytes()).0
    }

    pub(super) fn name_bytes(&self, number: u32) -> &[u8] {
        self.names.get(number as usize)
    }

    pub(super) fn name_count(&self) -> usize {
        self.names.count()
    }

    #[inline]
    pub(super) fn shape(&self, number: u32) -> &KnownShape {
        &self.shapes[number as usize]
    }

    pub(super) fn written(&self, number: u32) -> &WrittenShape {
        &self.written_shapes[number as usize]
    }

    pub(super) fn written_count(&self) -> usize {
        self.written_shapes.len()
    }

    /// Learns the names and shapes of a block. `None` if this release does not know one of the shapes.
    pub(crate) fn learn(&mut self, block: &MovingBlock<'_>) -> Option<ShapeMap> {
        let mut block_names = std::mem::take(&mut self.block_names);
        block_names.clear();
        block_names.extend(block.names().iter().map(|name| self.name(name)));
        let mut map = Vec::with_capacity(block.shapes().len());
        for (codes, names) in block.shapes() {
            self.set_key(codes, names.iter().map(|name| block_names[*name as usize]));
            let (number, new) = self.known.intern(&self.key);
            if new {
                let names = names.iter().map(|name| block_names[*name as usize]).collect();
                self.add(codes, names);
            }
            if self.shape(number).written == UNKNOWN {
                return None;
            }
            map.push(number);
        }
        self.block_names = block_names;
        Some(ShapeMap(map))
    }

    #[cold]
    fn add(&mut self, codes: &[u8], names: Vec<u32>) {
        let plan = Plan::of(codes).filter(|plan| plan.names as usize == names.len());
        let Some(Plan { mut steps, codes, .. }) = plan else {
            return self.shapes.push(KnownShape { steps: Vec::new(), written: UNKNOWN });
        };
        for step in &mut steps {
            if let Step::Number(name) | Step::Text(name) = step
                && *name != NO_NAME
            {
                *name = names[*name as usize];
            }
        }
        self.set_key(&codes, names.iter().copied());
        let (written, new) = self.written.intern(&self.key);
        if new {
            self.written_shapes.push(WrittenShape { codes, names });
        }
        self.shapes.push(KnownShape { steps, written });
    }

    fn set_key(&mut self, codes: &[u8], names: impl Iterator<Item = u32>) {
        self.key.clear();
        // The same bytes, cut in two at another place, would be another shape.
        put_varint(&mut self.key, codes.len() as u64);
        self.key.extend_from_slice(codes);
        names.for_each(|name| self.key.extend_from_slice(&name.to_le_bytes()));
    }
}

//! Rows that wait to be written: one after the other in one buffer, and from there to leaves.

use super::cells::{Pairs, Row};
use crate::leaf::{Leaf, slot};
use bytes::Bytes;
use parquet::data_type::ByteArray;

/// Appends a row.
pub(crate) fn pack(out: &mut Vec<u8>, row: &Row<'_>) {
    let present = |at: usize, is: bool| u64::from(is) << at;
    let texts = row.texts.iter().enumerate().fold(0, |bits, (at, text)| bits | present(at, text.is_some()));
    let numbers = row.numbers.iter().enumerate().fold(0, |bits, (at, number)| bits | present(at, number.is_some()));
    put_number(out, texts);
    out.push(numbers as u8);
    row.texts.iter().flatten().for_each(|text| put_text(out, text));
    row.numbers.iter().flatten().for_each(|number| put_number(out, *number));
    put_pairs(out, &row.attributes);
    put_length(out, row.changed_columns.len());
    row.changed_columns.iter().for_each(|column| put_text(out, column));
    put_length(out, row.links.len());
    for link in &row.links {
        put_text(out, &link.trace_id);
        put_text(out, &link.span_id);
        put_pairs(out, &link.attributes);
        out.push(u8::from(link.attribute_types.is_some()));
        put_text(out, link.attribute_types.as_deref().unwrap_or_default());
    }
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// The writer refuses rows of 4 GiB.
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_pairs(out: &mut Vec<u8>, pairs: &Pairs<'_>) {
    put_length(out, pairs.len());
    for (key, value) in pairs {
        put_text(out, key);
        put_text(out, value);
    }
}

/// Appends the row that begins at this place of the buffer to the leaves, and returns where it ends. `None`: there is none, which is a
/// fault of ours.
pub(crate) fn unpack(rows: &Bytes, at: usize, leaves: &mut [Leaf]) -> Option<usize> {
    let mut packed = Packed { rows, at };
    let texts = packed.number()?;
    let numbers = packed.byte()?;
    for (at, leaf) in leaves[..slot::ATTRIBUTE_KEY].iter_mut().enumerate() {
        let is_there = match at.checked_sub(crate::columns::TEXTS) {
            None => texts >> at & 1 == 1,
            Some(at) => numbers >> at & 1 == 1,
        };
        leaf.definitions.push(i16::from(is_there));
        match (is_there, at < crate::columns::TEXTS) {
            (false, _) => {}
            (true, true) => leaf.texts.push(packed.text()?),
            (true, false) => leaf.numbers.push(packed.number()? as i64),
        }
    }
    packed.pairs(leaves, [slot::ATTRIBUTE_KEY, slot::ATTRIBUTE_VALUE], 0, 1)?;
    let columns = packed.length()?;
    let changed = &mut leaves[slot::CHANGED_COLUMN];
    if columns == 0 {
        changed.level(0, 0);
    }
    for n in 0..columns {
        changed.text(i16::from(n > 0), 1, packed.text()?);
    }
    let links = packed.length()?;
    if links == 0 {
        leaves[slot::LINK_TRACE_ID..=slot::LINK_ATTRIBUTE_TYPES].iter_mut().for_each(|leaf| leaf.level(0, 0));
    }
    for n in 0..links {
        let repetition = i16::from(n > 0);
        leaves[slot::LINK_TRACE_ID].text(repetition, 1, packed.text()?);
        leaves[slot::LINK_SPAN_ID].text(repetition, 1, packed.text()?);
        packed.pairs(leaves, [slot::LINK_ATTRIBUTE_KEY, slot::LINK_ATTRIBUTE_VALUE], repetition, 2)?;
        let has_types = packed.byte()? == 1;
        let types = packed.text()?;
        match has_types {
            true => leaves[slot::LINK_ATTRIBUTE_TYPES].text(repetition, 2, types),
            false => leaves[slot::LINK_ATTRIBUTE_TYPES].level(repetition, 1),
        }
    }
    Some(packed.at)
}

struct Packed<'b> {
    rows: &'b Bytes,
    at: usize,
}

impl Packed<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let found = self.rows.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(*found)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.take().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// A part of the buffer, which is not copied.
    fn text(&mut self) -> Option<ByteArray> {
        let (length, start) = (self.length()?, self.at);
        self.at = start.checked_add(length).filter(|end| *end <= self.rows.len())?;
        Some(ByteArray::from(self.rows.slice(start..self.at)))
    }

    /// The entries of a map whose leaves have these slots. `depth` is the repetition and the definition level of an entry.
    fn pairs(&mut self, leaves: &mut [Leaf], [key, value]: [usize; 2], repetition: i16, depth: i16) -> Option<()> {
        let count = self.length()?;
        if count == 0 {
            leaves[key].level(repetition, depth - 1);
            leaves[value].level(repetition, depth - 1);
        }
        for n in 0..count {
            let repetition = if n == 0 { repetition } else { depth };
            leaves[key].text(repetition, depth, self.text()?);
            leaves[value].text(repetition, depth, self.text()?);
        }
        Some(())
    }
}

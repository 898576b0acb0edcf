//! The columns of a row.

use super::bytes::Bytes;
use super::error::ParseError;

/// The columns of a row, in the order of its [relation](super::Relation). They were checked when the message was parsed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuple<'a> {
    bytes: &'a [u8],
    columns: usize,
}

/// A column of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TupleValue<'a> {
    /// NULL; in an old row that has only the replica identity, also every other column.
    Null,
    /// A value outside of the row (TOAST) that an update left as it was. It is not told.
    Unchanged,
    /// As text. UTF-8, except from a database without an encoding.
    Text(&'a [u8]),
    /// In the type's binary form. Only with the option `binary`.
    Binary(&'a [u8]),
}

impl<'a> Tuple<'a> {
    pub(super) fn parse(bytes: &mut Bytes<'a>) -> Result<Self, ParseError> {
        let columns = bytes.columns()?;
        let start = bytes.offset();
        for _ in 0..columns {
            value(bytes)?;
        }
        Ok(Self { bytes: bytes.since(start), columns })
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns
    }

    /// Whether it has no columns, as a row of a table without columns.
    pub fn is_empty(&self) -> bool {
        self.columns == 0
    }

    /// Its columns.
    pub fn iter(&self) -> TupleIter<'a> {
        TupleIter { bytes: Bytes::new(self.bytes), left: self.columns }
    }
}

impl<'a> IntoIterator for &Tuple<'a> {
    type Item = TupleValue<'a>;
    type IntoIter = TupleIter<'a>;

    fn into_iter(self) -> TupleIter<'a> {
        self.iter()
    }
}

/// The columns of a [`Tuple`].
#[derive(Clone, Debug)]
pub struct TupleIter<'a> {
    bytes: Bytes<'a>,
    left: usize,
}

impl<'a> Iterator for TupleIter<'a> {
    type Item = TupleValue<'a>;

    fn next(&mut self) -> Option<TupleValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        value(&mut self.bytes).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for TupleIter<'_> {}

fn value<'a>(bytes: &mut Bytes<'a>) -> Result<TupleValue<'a>, ParseError> {
    let before = *bytes;
    Ok(match bytes.u8()? {
        b'n' => TupleValue::Null,
        b'u' => TupleValue::Unchanged,
        b't' => TupleValue::Text(sized(bytes)?),
        b'b' => TupleValue::Binary(sized(bytes)?),
        _ => return Err(before.error("an unknown kind of value")),
    })
}

fn sized<'a>(bytes: &mut Bytes<'a>) -> Result<&'a [u8], ParseError> {
    let length = bytes.length()?;
    bytes.take(length)
}

//! The bytes of a file, with an eye on what its pages claim.

use crate::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{Cursor, Read};

/// The largest page that is read, in bytes without compression. Writers begin another page after about 1 MiB, or after one value.
pub(super) const MAX_PAGE_BYTES: u64 = 128 << 20;

/// The metadata at the end of a file may take so much: it is some 8 KiB for a row group of ours.
const MAX_FOOTER_BYTES: u64 = 64 << 20;

const MAGIC: &[u8] = b"PAR1";

/// The length of the metadata, and the magic bytes.
const TAIL_BYTES: u64 = 8;

/// A file, or its bytes.
pub(super) enum Input {
    File(File),
    Bytes(Bytes),
}

impl Input {
    /// Looks at both ends.
    pub(super) fn check(&self) -> Result<()> {
        let corrupt = |why: &str| Error::new(ErrorKind::Corrupt, why);
        let length = self.len();
        let part = |start, length| ChunkReader::get_bytes(self, start, length);
        if length < MAGIC.len() as u64 || part(0, MAGIC.len())? != MAGIC {
            return Err(corrupt("it is no Parquet file"));
        }
        let tail = if length > TAIL_BYTES + MAGIC.len() as u64 {
            part(length - TAIL_BYTES, TAIL_BYTES as usize)?
        } else {
            Bytes::new()
        };
        if !tail.ends_with(MAGIC) {
            return Err(corrupt("it is cut off: a Parquet file ends with PAR1"));
        }
        let footer = tail.first_chunk().map_or(u64::MAX, |length| u32::from_le_bytes(*length).into());
        if footer > MAX_FOOTER_BYTES || footer > length - TAIL_BYTES {
            return Err(corrupt("its metadata cannot be as long as it says"));
        }
        Ok(())
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        match self {
            Input::File(file) => file.len(),
            Input::Bytes(bytes) => Length::len(bytes),
        }
    }
}

impl ChunkReader for Input {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> ParquetResult<Box<dyn Read>> {
        Ok(match self {
            Input::File(file) => Box::new(file.get_read(start)?),
            Input::Bytes(bytes) => Box::new(bytes.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF("it is cut off".to_owned()));
        }
        match self {
            Input::File(file) => file.get_bytes(start, length),
            Input::Bytes(bytes) => bytes.get_bytes(start, length),
        }
    }
}

/// The same, for reading pages: [`get_read`](ChunkReader::get_read) gives what begins with the header of a page, and refuses one that is
/// too large before memory is set aside for it.
pub(super) struct Pages(pub(super) Input);

/// The first three fields of the header of a page are numbers of at most five bytes, each behind a byte that says so.
const HEAD_BYTES: u64 = 18;

impl Length for Pages {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Pages {
    type T = std::io::Chain<Cursor<Vec<u8>>, Box<dyn Read>>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let mut read = self.0.get_read(start)?;
        let mut head = Vec::with_capacity(HEAD_BYTES as usize);
        (&mut read).take(HEAD_BYTES).read_to_end(&mut head)?;
        match sizes(&head) {
            Some(sizes) if sizes.iter().all(|size| *size <= MAX_PAGE_BYTES) => Ok(Cursor::new(head).chain(read)),
            Some(_) => {
                Err(ParquetError::General(format!("a page says that it is larger than {} MiB", MAX_PAGE_BYTES >> 20)))
            }
            None => Err(ParquetError::General("what stands where a page should begin is none".to_owned())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// The sizes that the header of a page begins with: without compression, and with. They are the fields 2 and 3 of a struct in Thrift's
/// compact form, behind the type of the page.
fn sizes(mut head: &[u8]) -> Option<[u64; 2]> {
    /// A number of 32 bits whose field comes after the one before.
    const NEXT_I32: u8 = 0x15;
    let mut field = || {
        let (first, rest) = head.split_first()?;
        head = rest;
        let mut number = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let (byte, rest) = head.split_first()?;
            head = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // Numbers below zero are odd here, and sizes are not.
                return (*first == NEXT_I32 && number & 1 == 0).then_some(number >> 1);
            }
        }
        None
    };
    field()?;
    Some([field()?, field()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_a_page_are_read_ahead() {
        for (head, expected) in [
            (&[0x15, 0, 0x15, 0x14, 0x15, 0x80, 0x01, 0x2c][..], Some([10, 64])),
            (&[0x15, 4, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 2], Some([(1 << 31) - 1, 1])),
            (&[0x15, 0, 0x15, 1, 0x15, 2], None),
            (&[0x15, 0, 0x15, 2], None),
            (&[0x15, 0, 0x25, 2, 0x15, 2], None),
            (&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0x15, 2], None),
            (&[], None),
        ] {
            assert_eq!(sizes(head), expected, "{head:x?}");
        }
    }
}

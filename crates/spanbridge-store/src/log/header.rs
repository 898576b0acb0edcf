//! The header of a log file.

use super::name::LogName;
use crate::codec::bytes::{Reader, put_text};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: [u8; 8] = *b"SPBRLOG1";
/// Magic, length and check.
const PREAMBLE: usize = 16;
/// The format that this release writes.
const FORMAT: u32 = 1;
/// More than any header has.
const LIMIT: usize = 64 << 10;
/// The most bytes of a service's name that are kept.
const SERVICE_LIMIT: usize = 1024;

/// What the header of a log file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Writer and number. They count, not the name of the file, which may have been changed.
    pub name: LogName,
    /// When the file was begun, in nanoseconds since 1970.
    pub created_at: u64,
    /// The service that recorded, or an empty text.
    pub service: String,
}

/// What stands at the beginning of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Beginning {
    /// A header. The frames begin at this offset.
    Whole(Header, u64),
    /// A header in a later format.
    Newer(u32),
    /// An incomplete header, or none.
    Unreadable,
}

impl Header {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.name.writer.to_le_bytes());
        out.extend_from_slice(&self.name.number.to_le_bytes());
        out.extend_from_slice(&self.created_at.to_le_bytes());
        let kept = (0..=SERVICE_LIMIT).rev().find_map(|n| self.service.get(..n)).unwrap_or_default();
        put_text(out, kept.as_bytes());
        let rest = &out[from + PREAMBLE..];
        let (length, check) = (rest.len() as u32, xxh3_64(rest) as u32);
        out[from + 8..from + 12].copy_from_slice(&length.to_le_bytes());
        out[from + 12..from + 16].copy_from_slice(&check.to_le_bytes());
    }

    /// How many bytes a reader needs to see the whole header, by those that it has. `None`: no header begins there.
    pub(super) fn needs(bytes: &[u8]) -> Option<usize> {
        let Some(preamble) = bytes.first_chunk::<PREAMBLE>() else { return Some(PREAMBLE) };
        let length = Reader(&preamble[8..]).half()? as usize;
        (preamble.starts_with(&MAGIC) && length <= LIMIT).then_some(PREAMBLE + length)
    }

    pub(super) fn read(bytes: &[u8]) -> Beginning {
        Self::read_whole(bytes).unwrap_or(Beginning::Unreadable)
    }

    fn read_whole(bytes: &[u8]) -> Option<Beginning> {
        let mut r = Reader(bytes.get(..Self::needs(bytes)?)?);
        let frames_at = r.0.len() as u64;
        r.take(MAGIC.len() as u64 + 4)?;
        if r.half()? != xxh3_64(r.0) as u32 {
            return None;
        }
        let format = r.half()?;
        if format != FORMAT {
            return Some(Beginning::Newer(format));
        }
        let name = LogName { writer: r.word()?, number: r.half()? };
        let header = Self { name, created_at: r.word()?, service: r.text()?.to_owned() };
        Some(Beginning::Whole(header, frames_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn headers_come_back(writer: u64, number: u32, created_at: u64, service: String) {
            let header = Header { name: LogName { writer, number }, created_at, service };
            let mut out = Vec::new();
            header.put(&mut out);
            let length = out.len();
            prop_assert_eq!(Header::needs(&out), Some(length));
            out.extend_from_slice(b"frames");
            prop_assert_eq!(Header::read(&out), Beginning::Whole(header, length as u64));
        }

        #[test]
        fn no_bytes_are_trusted(mut bytes: Vec<u8>, has_magic: bool) {
            if has_magic {
                bytes.splice(..0, MAGIC);
            }
            prop_assert_eq!(Header::read(&bytes), Beginning::Unreadable);
        }
    }

    #[test]
    fn a_long_service_is_cut() {
        let header = Header { name: LogName { writer: 1, number: 1 }, created_at: 0, service: "ä€".repeat(5000) };
        let mut out = Vec::new();
        header.put(&mut out);
        let Beginning::Whole(read, _) = Header::read(&out) else { panic!("{out:?}") };
        assert!(header.service.starts_with(&read.service) && (1020..=1024).contains(&read.service.len()));
    }

    #[test]
    fn a_later_format_is_told() {
        let header = Header { name: LogName { writer: 1, number: 1 }, created_at: 0, service: String::new() };
        let mut out = Vec::new();
        header.put(&mut out);
        out[PREAMBLE] = 2;
        let check = xxh3_64(&out[PREAMBLE..]) as u32;
        out[12..16].copy_from_slice(&check.to_le_bytes());
        assert_eq!(Header::read(&out), Beginning::Newer(2));
    }
}

//! Compressing folded blocks, and taking them apart again without trusting them.

use super::LIMIT;
use super::write::Sections;
use crate::{Error, Result};
use spanbridge_graph::hash::stable;
use spanbridge_store::codec::bytes::{Reader, put_varint};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::compress_bound;

/// The form that this release writes.
const VERSION: u8 = 1;
/// Version, checksum.
const HEADER: usize = 1 + 4;
/// The level of compression: higher ones take several times as long to save a few percent.
const LEVEL: i32 = 1;

/// Packs and unpacks blocks, with buffers that are used again.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    decompressor: Decompressor<'static>,
    numeric: Vec<u8>,
    textual: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(LEVEL).map_err(failed)?,
            decompressor: Decompressor::new().map_err(failed)?,
            numeric: Vec::new(),
            textual: Vec::new(),
        })
    }

    /// The packed form of a block, in place of what was in `out`.
    pub(crate) fn pack(&mut self, block: &Sections, out: &mut Vec<u8>) -> Result<()> {
        let numeric = compress(&mut self.compressor, &block.numeric, &mut self.numeric)?;
        let textual = compress(&mut self.compressor, &block.textual, &mut self.textual)?;
        out.clear();
        out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        for length in [block.words.len(), block.numeric.len(), numeric.len(), block.textual.len()] {
            put_varint(out, length as u64);
        }
        for section in [&block.words, numeric, textual] {
            out.extend_from_slice(section);
        }
        let checksum = stable(&out[HEADER..]) as u32;
        out[1..HEADER].copy_from_slice(&checksum.to_le_bytes());
        Ok(())
    }

    /// The sections of a packed block, in place of what was in `out`.
    pub(crate) fn unpack(&mut self, packed: &[u8], out: &mut Sections) -> Result<()> {
        let Some((header, rest)) = packed.split_first_chunk::<HEADER>() else {
            return Err(Error::corrupt("a block is shorter than its header"));
        };
        let [version, checksum @ ..] = *header;
        if stable(rest) as u32 != u32::from_le_bytes(checksum) {
            return Err(Error::corrupt("a block does not match its checksum"));
        }
        if version != VERSION {
            return Err(Error::corrupt(format!("a block has the unknown form {version}")));
        }
        let lengths = || {
            let mut r = Reader(rest);
            let (words, numeric) = (r.varint()?, r.varint()?);
            let (numeric_packed, textual) = (r.varint()?, r.varint()?);
            Some((r.take(words)?, numeric, r.take(numeric_packed)?, textual, r.0))
        };
        let (words, numeric_len, numeric, textual_len, textual) =
            lengths().ok_or_else(|| Error::corrupt("a block is shorter than it claims"))?;
        out.words.clear();
        out.words.extend_from_slice(words);
        decompress(&mut self.decompressor, numeric, numeric_len, &mut out.numeric)?;
        decompress(&mut self.decompressor, textual, textual_len, &mut out.textual)
    }
}

/// Bytes that would not get fewer stay as they are.
fn compress<'o>(compressor: &mut Compressor<'_>, raw: &'o [u8], out: &'o mut Vec<u8>) -> Result<&'o [u8]> {
    out.resize(compress_bound(raw.len()), 0);
    let n = compressor.compress_to_buffer(raw, out.as_mut_slice()).map_err(failed)?;
    Ok(if n < raw.len() { &out[..n] } else { raw })
}

fn decompress(decompressor: &mut Decompressor<'_>, packed: &[u8], length: u64, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let length = usize::try_from(length).ok().filter(|n| *n <= LIMIT);
    let length = length.ok_or_else(|| Error::corrupt("a block claims to hold more than a block may"))?;
    if length == packed.len() {
        out.extend_from_slice(packed);
        return Ok(());
    }
    out.reserve(length);
    let unpacked = decompressor.decompress_to_buffer(packed, out);
    let n = unpacked.map_err(|e| Error::corrupt("a block cannot be decompressed").with_cause(e))?;
    if n != length {
        return Err(Error::corrupt("a block is not as long as it claims"));
    }
    Ok(())
}

fn failed(error: std::io::Error) -> Error {
    Error::corrupt(format!("a block cannot be compressed ({error})"))
}

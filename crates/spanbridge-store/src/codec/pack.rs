//! Compressing blocks, and taking them apart again without trusting them.

use super::{BLOCK_LIMIT, BLOCK_TARGET};
use crate::error::{Error, Result};
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};
use spanbridge_graph::hash::stable;

/// Method, raw length, checksum.
const HEADER: usize = 1 + 4 + 4;
const LZ4: u8 = 1;

/// Packs blocks, in a buffer that is used again.
#[derive(Debug, Default)]
pub struct Packer {
    room: Vec<u8>,
}

impl Packer {
    /// The packed form of a block: one byte of method, raw length and checksum as four bytes each, payload.
    pub fn pack(&mut self, raw: &[u8]) -> Result<Vec<u8>> {
        let length = u32::try_from(raw.len()).map_err(|_| Error::corrupt("a block outgrew its limit"))?;
        let room = HEADER + get_maximum_output_size(raw.len());
        if self.room.len() < room {
            self.room.resize(room, 0);
        }
        // The room is what the library itself says is enough.
        let compressed = compress_into(raw, &mut self.room[HEADER..]);
        let n = compressed.map_err(|e| Error::corrupt(format!("compress a block: {e}")))?;
        let out = &mut self.room[..HEADER + n];
        out[0] = LZ4;
        out[1..5].copy_from_slice(&length.to_le_bytes());
        let checksum = stable(&out[HEADER..]) as u32;
        out[5..9].copy_from_slice(&checksum.to_le_bytes());
        let packed = out.to_vec();
        // One record of 8 MiB is no reason to keep so much for ever.
        self.room.truncate(4 * BLOCK_TARGET);
        self.room.shrink_to(4 * BLOCK_TARGET);
        Ok(packed)
    }
}

/// The raw form of a packed block, in place of what was in `raw`.
pub fn unpack(packed: &[u8], raw: &mut Vec<u8>) -> Result<()> {
    let Some((header, payload)) = packed.split_first_chunk::<HEADER>() else {
        return Err(Error::corrupt("a block is shorter than its header"));
    };
    let [method, l0, l1, l2, l3, checksum @ ..] = *header;
    if stable(payload) as u32 != u32::from_le_bytes(checksum) {
        return Err(Error::corrupt("a block does not match its checksum"));
    }
    if method != LZ4 {
        return Err(Error::corrupt(format!("a block is compressed by the unknown method {method}")));
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    // lz4 cannot make more than 255 bytes of one, so a block that claims more would only waste memory.
    if length > BLOCK_LIMIT || length / 255 > payload.len() {
        return Err(Error::corrupt(format!("a block of {} bytes claims to hold {length}", payload.len())));
    }
    raw.clear();
    raw.resize(length, 0);
    match decompress_into(payload, raw) {
        Ok(n) if n == length => Ok(()),
        Ok(_) => Err(Error::corrupt("a block is shorter than it claims")),
        Err(_) => Err(Error::corrupt("a block cannot be decompressed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn every_changed_byte_is_noticed() {
        let raw: Vec<u8> = (0..5000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let packed = Packer::default().pack(&raw).unwrap();
        let mut out = Vec::new();
        unpack(&packed, &mut out).unwrap();
        assert_eq!(out, raw);
        for at in 0..packed.len() {
            let mut bad = packed.clone();
            bad[at] ^= 1 << (at % 8);
            assert_eq!(unpack(&bad, &mut out).unwrap_err().kind(), ErrorKind::Corrupt, "byte {at}");
            assert!(unpack(&packed[..at], &mut out).is_err());
        }
    }
}

//! ClickHouse's own form of compressed data: frames with LZ4.
//!
//! ```text
//! frame = checksum (16 bytes), method, size with this header, size of the content, LZ4 block
//! ```
//!
//! The checksum is a hash of its own (an old CityHash). The server is told not to look at it: TCP has one, and so have the rows.

const LZ4: u8 = 0x82;
const HEADER: usize = 9;

/// Bytes of content in a frame.
const FRAME: usize = 1 << 20;

/// Compresses what is inserted.
pub(super) fn compress(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() / 2 + 64);
    for part in content.chunks(FRAME) {
        let packed = lz4_flex::block::compress(part);
        out.extend_from_slice(&[0; 16]);
        out.push(LZ4);
        out.extend_from_slice(&((packed.len() + HEADER) as u32).to_le_bytes());
        out.extend_from_slice(&(part.len() as u32).to_le_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

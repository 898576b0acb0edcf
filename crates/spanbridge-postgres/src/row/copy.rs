//! The binary form of `COPY`: rows one after the other, each value with its length in front.

use bytes::{BufMut, Bytes, BytesMut};

/// Rows for `COPY … FROM STDIN (FORMAT binary)`.
pub(crate) struct CopyRows {
    out: BytesMut,
    rows: u64,
}

impl CopyRows {
    pub(crate) fn new() -> Self {
        let mut out = BytesMut::with_capacity(1 << 16);
        out.put_slice(b"PGCOPY\n\xff\r\n\0");
        out.put_u64(0);
        Self { out, rows: 0 }
    }

    /// Begins a row of this many values.
    pub(crate) fn row(&mut self, values: u16) {
        self.rows += 1;
        self.out.put_u16(values);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        // No value of ours is longer than what a message may have.
        self.out.put_i32(value.len() as i32);
        self.out.put_slice(value);
    }

    /// Bytes or a text.
    pub(crate) fn optional(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.bytes(value),
            None => self.out.put_i32(-1),
        }
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn optional_i64(&mut self, value: Option<i64>) {
        self.optional(value.map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    }

    pub(crate) fn uuid(&mut self, value: u128) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn optional_uuid(&mut self, value: Option<u128>) {
        self.optional(value.map(u128::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All rows, complete.
    pub(crate) fn finish(mut self) -> Bytes {
        self.out.put_i16(-1);
        self.out.freeze()
    }
}

//! ClickHouse's format `RowBinary`: values one after the other, numbers with the lowest byte first, lengths as varints.

use std::io::{self, Read};

/// Appends a length.
pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut n = length as u64;
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a `String`.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_length(out, text.len());
    out.extend_from_slice(text);
}

/// Reads values from an answer. Whatever is not there is an error of the kind `UnexpectedEof`.
pub(crate) struct Values<R> {
    input: R,
    /// The next byte, if it was looked at.
    peeked: Option<u8>,
}

/// No text of ours is longer. A length above it means that the bytes are no `RowBinary`.
const MAX_TEXT: u64 = 1 << 30;

impl<R: Read> Values<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, peeked: None }
    }

    /// Whether nothing follows.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        if self.peeked.is_none() {
            let mut byte = [0];
            loop {
                match self.input.read(&mut byte) {
                    Ok(0) => return Ok(true),
                    Ok(_) => break self.peeked = Some(byte[0]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(false)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        let from = match self.peeked.filter(|_| N > 0) {
            Some(byte) => {
                self.peeked = None;
                bytes[0] = byte;
                1
            }
            None => 0,
        };
        self.input.read_exact(&mut bytes[from..])?;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> io::Result<u8> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> io::Result<u16> {
        self.fixed().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> io::Result<u32> {
        self.fixed().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> io::Result<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    pub(crate) fn length(&mut self) -> io::Result<usize> {
        let mut n = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.u8()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(n).map_err(|_| invalid("a length is too large"));
            }
        }
        Err(invalid("a length has too many bytes"))
    }

    /// A `String`, which may hold any bytes.
    pub(crate) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let length = self.length()? as u64;
        if length > MAX_TEXT {
            return Err(invalid("a text is too long"));
        }
        // The memory grows with what is there, whatever the length claims.
        let mut bytes = Vec::with_capacity((length as usize).min(1 << 16));
        (&mut self.input).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    /// A `String` of text.
    pub(crate) fn text(&mut self) -> io::Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| invalid("a text is not UTF-8"))
    }

    /// An `Array`, of what `one` reads.
    pub(crate) fn array<T>(&mut self, mut one: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        (0..self.length()?).map(|_| one(self)).collect()
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        let mut out = Vec::new();
        let long = "ü".repeat(70);
        for text in ["", "a", &long] {
            put_text(&mut out, text.as_bytes());
        }
        out.extend_from_slice(&7u64.to_le_bytes());
        let mut values = Values::new(&out[..]);
        assert!(!values.is_at_end().unwrap());
        assert_eq!([(); 3].map(|()| values.text().unwrap()), [String::new(), "a".to_owned(), long]);
        assert!(!values.is_at_end().unwrap());
        assert_eq!(values.u64().unwrap(), 7);
        assert!(values.is_at_end().unwrap());
        assert!(values.u8().is_err());
    }

    #[test]
    fn lengths_that_cannot_be_are_errors() {
        for bytes in [&[0xff; 10][..], &[0xff, 0xff, 0xff, 0xff, 0x7f], &[5, b'a'], &[]] {
            assert!(Values::new(bytes).bytes().is_err(), "{bytes:?}");
        }
    }
}

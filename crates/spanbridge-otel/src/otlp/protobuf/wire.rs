//! Fields of protobuf, as they stand in bytes that are not trusted
//! ([encoding](https://protobuf.dev/programming-guides/encoding/)).

use crate::error::{Error, Result};

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Message<'a>),
    Fixed32(u32),
    /// A group, which has been stepped over. OTLP has none.
    Group,
}

/// A message, or the bytes of a field that may be one. It knows where it stands in the whole, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    at: usize,
}

impl<'a> Message<'a> {
    pub(super) fn whole(bytes: &'a [u8]) -> Self {
        Message { bytes, at: 0 }
    }

    /// Takes the next field.
    #[inline]
    pub(super) fn field(&mut self) -> Result<Option<(u32, Wire<'a>)>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let (number, kind) = self.tag()?;
        Ok(Some((number, self.value(number, kind)?)))
    }

    fn tag(&mut self) -> Result<(u32, u8)> {
        let at = self.at;
        let tag = self.varint()?;
        match u32::try_from(tag >> 3) {
            Ok(number) if number != 0 && number < 1 << 29 => Ok((number, tag as u8 & 7)),
            _ => Err(Error::protobuf("a field has no valid number", at)),
        }
    }

    #[inline]
    fn value(&mut self, number: u32, kind: u8) -> Result<Wire<'a>> {
        Ok(match kind {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Wire::Bytes(self.message()?),
            3 => {
                self.skip_group(number)?;
                Wire::Group
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Error::protobuf("a field has no valid wire type", self.at)),
        })
    }

    /// Steps over a group, and the groups in it, without recursion.
    #[cold]
    fn skip_group(&mut self, number: u32) -> Result<()> {
        // A group ends with its own number. What is open takes no more than the bytes that opened it, and nothing for a group in which
        // no other one is: a request may have millions of those.
        let (mut innermost, mut outer) = (number, Vec::new());
        loop {
            match self.tag()? {
                (number, 3) => outer.push(std::mem::replace(&mut innermost, number)),
                (number, 4) if number == innermost => match outer.pop() {
                    Some(number) => innermost = number,
                    None => return Ok(()),
                },
                (number, kind) => drop(self.value(number, kind)?),
            }
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (place, byte) in self.bytes.iter().take(10).enumerate() {
            // Of the tenth byte one bit is left.
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                self.skip(place + 1);
                return Ok(value);
            }
        }
        let what = if self.bytes.len() < 10 { CUT_OFF } else { "a number has more than ten bytes" };
        Err(Error::protobuf(what, self.at))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let array = self.bytes.first_chunk().copied().ok_or_else(|| Error::protobuf(CUT_OFF, self.at))?;
        self.skip(N);
        Ok(array)
    }

    #[inline]
    fn message(&mut self) -> Result<Message<'a>> {
        let at = self.at;
        let len = self.varint()?;
        let bytes = usize::try_from(len).ok().and_then(|len| self.bytes.get(..len));
        let bytes = bytes.ok_or_else(|| Error::protobuf(CUT_OFF, at))?;
        let message = Message { bytes, at: self.at };
        self.skip(bytes.len());
        Ok(message)
    }

    fn skip(&mut self, n: usize) {
        self.bytes = &self.bytes[n..];
        self.at += n;
    }
}

const CUT_OFF: &str = "a field is cut off";

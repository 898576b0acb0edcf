//! Walking over the bytes of a message.

use super::error::ParseError;
use std::borrow::Cow;

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// An error about what comes next.
    pub(super) fn error(&self, what: &'static str) -> ParseError {
        ParseError::new(what, self.at)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], ParseError> {
        let taken = self.at.checked_add(length).and_then(|end| self.all.get(self.at..end));
        let taken = taken.ok_or_else(|| self.error("it ends early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, ParseError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, ParseError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, ParseError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, ParseError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, ParseError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// How many columns follow: an Int16 that is not negative.
    pub(super) fn columns(&mut self) -> Result<usize, ParseError> {
        let before = *self;
        usize::try_from(i16::from_be_bytes(self.array()?)).map_err(|_| before.error("a negative number of columns"))
    }

    /// How many bytes or relations follow: an Int32 that is not negative.
    pub(super) fn length(&mut self) -> Result<usize, ParseError> {
        let before = *self;
        usize::try_from(self.i32()?).map_err(|_| before.error("a negative length"))
    }

    /// Text that ends with a zero byte. In a database without an encoding it may be anything.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| *b == 0).ok_or_else(|| self.error("a text without an end"))?;
        let text = self.take(length)?;
        self.at += 1;
        Ok(String::from_utf8_lossy(text))
    }

    /// The name of a schema. The server leaves out that of what is built in.
    pub(super) fn namespace(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let name = self.text()?;
        Ok(if name.is_empty() { Cow::Borrowed("pg_catalog") } else { name })
    }

    /// How far it is, in bytes.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What was taken since this offset.
    pub(super) fn since(&self, offset: usize) -> &'a [u8] {
        self.all.get(offset..self.at).unwrap_or_default()
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), ParseError> {
        if self.at == self.all.len() { Ok(()) } else { Err(self.error("something follows its end")) }
    }
}

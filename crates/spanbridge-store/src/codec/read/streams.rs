//! What the fields of records are read from.

use crate::codec::bytes::Reader;

/// A reader for each kind of content.
#[derive(Clone, Debug)]
pub(super) struct Streams<'a> {
    pub(super) heads: Reader<'a>,
    pub(super) words: Reader<'a>,
    pub(super) times: Reader<'a>,
    pub(super) numbers: Reader<'a>,
    pub(super) lengths: Reader<'a>,
    pub(super) texts: &'a str,
    pub(super) text_at: usize,
}

impl<'a> Streams<'a> {
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let from = self.text_at;
        self.skip_text()?;
        self.texts.get(from..self.text_at)
    }

    /// Whether there is so much text is found out when the next one is read.
    #[inline]
    pub(super) fn skip_text(&mut self) -> Option<()> {
        self.text_at = self.text_at.checked_add(usize::try_from(self.lengths.varint()?).ok()?)?;
        Some(())
    }
}

/// A number of 128 bits, in two words.
pub(super) fn wide(words: &mut Reader<'_>) -> Option<u128> {
    let (low, high) = (words.word()?, words.word()?);
    Some(u128::from(high) << 64 | u128::from(low))
}

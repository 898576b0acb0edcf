//! What the fields of records are read from.

use crate::codec::bytes::Reader;

/// A reader for each kind of content.
#[derive(Clone, Debug)]
pub struct Streams<'a> {
    pub heads: Reader<'a>,
    pub words: Reader<'a>,
    pub times: Reader<'a>,
    pub numbers: Reader<'a>,
    pub lengths: Reader<'a>,
    pub texts: &'a str,
    pub text_at: usize,
}

impl<'a> Streams<'a> {
    /// Of the sections with heads, words, times, numbers, lengths and texts.
    pub(super) fn new([heads, words, times, numbers, lengths, texts]: [&'a [u8]; 6]) -> Option<Self> {
        let [heads, words, times, numbers, lengths] = [heads, words, times, numbers, lengths].map(Reader);
        let texts = std::str::from_utf8(texts).ok()?;
        Some(Self { heads, words, times, numbers, lengths, texts, text_at: 0 })
    }

    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        let from = self.text_at;
        self.skip_text()?;
        self.texts.get(from..self.text_at)
    }

    /// Whether there is so much text is found out when the next one is read.
    #[inline]
    pub fn skip_text(&mut self) -> Option<()> {
        self.text_at = self.text_at.checked_add(usize::try_from(self.lengths.varint()?).ok()?)?;
        Some(())
    }
}

/// A number of 128 bits, in two words.
pub(super) fn wide(words: &mut Reader<'_>) -> Option<u128> {
    let (low, high) = (words.word()?, words.word()?);
    Some(u128::from(high) << 64 | u128::from(low))
}

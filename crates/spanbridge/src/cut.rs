//! How much of a text is recorded, and cutting it to that.

/// Bytes of a copied text that are recorded. The rest is cut off, and counted.
pub(crate) const MAX_TEXT: usize = 4096;

/// Bytes of a payload that may be recorded whole.
pub(crate) const MAX_WHOLE: usize = 1 << 20;

/// The longest beginning of `text` that has at most `max` bytes and only whole characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    &text[..end]
}

//! A list of texts: the type `text[]`.

use crate::row::copy::CopyRows;
use crate::text::without_nul;

/// The number of the type `text`.
const TEXT: u32 = 25;

pub(super) fn put(out: &mut CopyRows, texts: &[String]) {
    let mut value = Vec::new();
    let dimensions = i32::from(!texts.is_empty());
    value.extend_from_slice(&dimensions.to_be_bytes());
    // No value of it is missing.
    value.extend_from_slice(&0i32.to_be_bytes());
    value.extend_from_slice(&TEXT.to_be_bytes());
    if !texts.is_empty() {
        value.extend_from_slice(&(texts.len() as i32).to_be_bytes());
        value.extend_from_slice(&1i32.to_be_bytes());
    }
    for text in texts {
        let text = without_nul(text);
        value.extend_from_slice(&(text.len() as i32).to_be_bytes());
        value.extend_from_slice(text.as_bytes());
    }
    out.bytes(&value);
}

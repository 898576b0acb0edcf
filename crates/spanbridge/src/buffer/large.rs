//! Texts that are too large for a chunk, on their way to the delivering thread: payloads that are recorded whole.
//!
//! They are rare, and as large as hundreds of other records, so a lock costs nothing beside copying them. What is recorded
//! otherwise does not come here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Mutex, PoisonError};

/// The large texts of one recorder that wait to be read.
pub(crate) struct LargeTexts {
    texts: Mutex<HashMap<u64, Box<str>>>,
    bytes: AtomicUsize,
    limit: usize,
}

impl LargeTexts {
    /// Room for so many bytes at once.
    pub(crate) fn new(limit: usize) -> Self {
        LargeTexts { texts: Mutex::default(), bytes: AtomicUsize::new(0), limit }
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// It is time to read them.
    pub(crate) fn is_filling(&self) -> bool {
        self.bytes() > self.limit / 4
    }

    /// Keeps a text until its record is read. It comes first: then the reader finds it. `Err`: there is no room.
    pub(crate) fn put(&self, id: u64, text: String) -> Result<(), String> {
        let fits = |bytes: usize| bytes.checked_add(text.len()).filter(|bytes| *bytes <= self.limit);
        if self.bytes.fetch_update(AcqRel, Relaxed, fits).is_err() {
            return Err(text);
        }
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(id, text.into());
        Ok(())
    }

    /// Takes the text of a record.
    pub(crate) fn take(&self, id: u64) -> Option<Box<str>> {
        let text = self.texts.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)?;
        self.bytes.fetch_sub(text.len(), AcqRel);
        Some(text)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_makes_room() {
        let large = LargeTexts::new(10);
        large.put(1, "12345678".to_owned()).unwrap();
        assert_eq!(large.put(2, "123".to_owned()), Err("123".to_owned()));
        large.put(3, "12".to_owned()).unwrap();
        assert_eq!((large.bytes(), large.take(1).as_deref()), (10, Some("12345678")));
        assert_eq!((large.bytes(), large.take(1), large.take(2)), (2, None, None));
        large.put(2, "123".to_owned()).unwrap();
    }
}

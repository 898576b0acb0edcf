//! Cursors of a store, as the ids of events.

use crate::place::Place;
use spanbridge_query::engine::Cursor;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A longer one would not fit into the headers of a request. Then the event has no id, and the one before it counts.
const MAX_BYTES: usize = 4096;

/// Digits that say which store a cursor is of.
const MARK: usize = 16;

/// Writes and reads the cursors of one store.
#[derive(Clone, Debug)]
pub(super) struct Cursors {
    mark: String,
}

impl Cursors {
    /// Those of this store. It exists. If a directory is removed and another one is made there, that one has others, where the file
    /// system knows when a file was made.
    pub(super) fn of(store: &Place) -> Self {
        let mut hasher = DefaultHasher::new();
        match store.as_directory() {
            Ok(path) => {
                path.canonicalize().unwrap_or_else(|_| path.to_owned()).hash(&mut hasher);
                path.metadata().and_then(|metadata| metadata.created()).ok().hash(&mut hasher);
            }
            // Whoever asks with another password has the same.
            Err(database) => (database.name, store.to_string()).hash(&mut hasher),
        }
        Self { mark: format!("{:0MARK$x}", hasher.finish()) }
    }

    /// As the id of an event. `None` if it is too long.
    pub(super) fn id(&self, cursor: &Cursor) -> Option<String> {
        let bytes = cursor.as_bytes();
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut id = self.mark.clone();
        for byte in bytes {
            let _ = write!(id, "{byte:02x}");
        }
        Some(id)
    }

    /// From the id of an event. `None` if it is not of this store.
    pub(super) fn read(&self, id: &str) -> Option<Cursor> {
        let digits = id.strip_prefix(&self.mark)?.as_bytes();
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(*pair.get(1)?)?).ok();
        Some(Cursor::from_bytes(digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let cursors = Cursors::of(&"/tmp".into());
        for bytes in [&[][..], &[0], &[255, 1, 0x7f]] {
            let cursor = Cursor::from_bytes(bytes);
            let id = cursors.id(&cursor).unwrap();
            assert_eq!(cursors.read(&id), Some(cursor));
            assert_eq!(Cursors::of(&"/".into()).read(&id), None);
        }
        assert_eq!(cursors.id(&Cursor::from_bytes(vec![0; MAX_BYTES + 1])), None);
    }

    /// Whoever comes back with a cursor of the old one must load anew.
    #[test]
    fn another_store_at_the_same_path_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let (path, cursor) = (dir.path().join("store"), Cursor::from_bytes([1, 2]));
        std::fs::create_dir(&path).unwrap();
        if path.metadata().unwrap().created().is_err() {
            return;
        }
        let id = Cursors::of(&(&path).into()).id(&cursor).unwrap();
        std::fs::write(path.join("file"), "more").unwrap();
        assert_eq!(Cursors::of(&(&path).into()).read(&id), Some(cursor));
        std::thread::sleep(std::time::Duration::from_millis(50));
        std::fs::remove_dir_all(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(Cursors::of(&(&path).into()).read(&id), None);
    }

    #[test]
    fn what_is_no_cursor_is_not_read() {
        let cursors = Cursors::of(&"/tmp".into());
        let mark = cursors.mark.clone();
        for tail in ["0", "zz", "0g", "é", "00 "] {
            assert_eq!(cursors.read(&format!("{mark}{tail}")), None, "{tail}");
        }
        assert_eq!(cursors.read(""), None);
        assert_eq!(cursors.read(&mark[1..]), None);
    }
}

//! How far someone has read.

/// How far someone has read what is stored. The default is the beginning.
///
/// To go on later, also in another process, keep the [bytes](Cursor::as_bytes). Only the engine that made a cursor
/// understands it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// A cursor of an engine, from what the engine needs to know. No bytes: the beginning.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// What the engine needs to know to go on. Empty at the beginning.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

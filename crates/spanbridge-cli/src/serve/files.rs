//! Files that were put into the binary.

/// A file: its name, its content, and a hash of that.
pub(super) type Embedded = (&'static str, &'static [u8], u64);

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file with this name. The list is sorted.
pub(super) fn embedded(all: &[Embedded], name: &str) -> Option<Embedded> {
    all.binary_search_by_key(&name, |(name, ..)| name).ok().map(|at| all[at])
}

//! The engines of this crate, and those of others.

use crate::engine::{Engine, Old, Removed, Snapshot, Stored};
use crate::index::Index;
use crate::joined::Joined;
use crate::old::OldFile;
use crate::{Error, ErrorKind, Result};
use spanbridge::record::Record;

/// What reads a store.
pub(crate) enum Engines {
    /// A store of an earlier release alone.
    Old(Box<OldFile>),
    /// A directory with logs.
    Directory(Box<Index>),
    /// An old store, and the directory in which its services go on.
    Both(Box<Joined<OldFile, Index>>),
    /// The engine of another crate.
    Other(Box<dyn Engine>),
}

impl Engines {
    /// The old store, if there is one.
    pub(crate) fn old(&self) -> Option<&OldFile> {
        match self {
            Engines::Old(old) => Some(old),
            Engines::Both(joined) => Some(&joined.earlier),
            Engines::Directory(_) | Engines::Other(_) => None,
        }
    }

    /// The index of the directory, if there is one.
    pub(crate) fn index(&self) -> Option<&Index> {
        match self {
            Engines::Directory(index) => Some(index),
            Engines::Both(joined) => Some(&joined.later),
            Engines::Old(_) | Engines::Other(_) => None,
        }
    }
}

impl Engine for Engines {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        match self {
            Engines::Old(old) => old.snapshot(),
            Engines::Directory(index) => index.snapshot(),
            Engines::Both(joined) => joined.snapshot(),
            Engines::Other(other) => other.snapshot(),
        }
    }

    /// Only those of other crates. A directory takes records by its log of imports.
    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored> {
        match self {
            Engines::Other(other) => other.store(records),
            Engines::Old(_) | Engines::Directory(_) | Engines::Both(_) => {
                Err(Error::new(ErrorKind::ReadOnly, "store records: a directory takes them by its log of imports"))
            }
        }
    }
    /// Only those of other crates. A directory is pruned by its path.
    fn prune(&mut self, old: &Old, after_step: &mut dyn FnMut(&Removed) -> bool) -> Result<Removed> {
        match self {
            Engines::Other(other) => other.prune(old, after_step),
            Engines::Old(_) | Engines::Directory(_) | Engines::Both(_) => {
                Err(Error::new(ErrorKind::ReadOnly, "remove old runs: a directory is pruned by its path"))
            }
        }
    }
}

//! Where what is read goes, and how far the reading is.

use super::tally::Tally;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::size;
use spanbridge_query::Store;
use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// Where what is read goes, and what it is called.
pub(super) struct Into<'i> {
    pub(super) store: &'i mut Store,
    pub(super) name: &'i str,
    pub(super) tally: &'i mut Tally,
}

impl Into<'_> {
    pub(super) fn failed(&self, error: &io::Error) -> Failure {
        Failure::io(format_args!("read {}", self.name), error)
    }
}

/// How far the reading of a file is.
pub(super) struct Reading {
    pub(super) progress: Progress,
    pub(super) taken: Rc<Cell<u64>>,
    pub(super) bytes: u64,
}

impl Reading {
    pub(super) fn show(&mut self) {
        self.progress.show("importing", self.taken.get(), self.bytes, size::show);
    }
}

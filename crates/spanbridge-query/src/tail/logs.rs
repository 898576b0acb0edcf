//! Following the logs of a directory.

use super::files::Files;
use super::lease::Lease;
use super::read::TailRead;
use super::seen::Seen;
use crate::Result;
use crate::index::Index;
use spanbridge::record::Record;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait until something new may be there. Recorders deliver as often.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// The logs of a directory, and how far they were read.
#[derive(Debug)]
pub(super) struct Logs {
    directory: PathBuf,
    files: Files,
    seen: Seen,
    /// `None` if the store cannot be written: then nothing folds into it either.
    lease: Option<Lease>,
}

impl Logs {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        // Before the files are listed: what is there then stays.
        let lease = Index::open(directory).ok().and_then(Lease::take);
        Ok(Self { directory: directory.to_owned(), files: Files::now(directory)?, seen: Seen::default(), lease })
    }

    pub(super) fn read(&mut self, mut each: impl FnMut(Record<'_>)) -> Result<TailRead> {
        let mut read = TailRead::default();
        self.files.read(&self.directory, &mut read, |frame, read| {
            if !self.seen.is_new(frame.directory.batch, frame.directory.hash) {
                return Ok(());
            }
            frame.records(|record| {
                read.records += 1;
                each(record)
            })
        })?;
        if let Some(lease) = &mut self.lease {
            lease.renew(self.files.take_finished());
        }
        Ok(read)
    }
}

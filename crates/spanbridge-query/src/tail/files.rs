//! The log files of a directory, each read from where it was read up to.

use super::read::TailRead;
use crate::index::{Missing, list_surely};
use crate::{Error, ErrorKind, Result};
use spanbridge_store::ErrorKind as StoreErrorKind;
use spanbridge_store::log::{self, Frame, LogFile, LogName, LogReader, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

/// How many files stay open. An open file can be read to its end after it was removed.
const MAX_OPEN: usize = 256;

/// Log files, and how far each was read.
#[derive(Debug)]
pub(super) struct Files {
    files: BTreeMap<LogName, Known>,
    /// The highest number of each writer.
    numbers: BTreeMap<u64, u32>,
    /// Files that are read to their end and closed, for the lease.
    finished: Vec<(LogName, u64)>,
}

#[derive(Debug)]
struct Known {
    reader: Option<LogReader>,
    at: u64,
    /// How long it was when it was looked at last.
    length: u64,
    /// Where the reading began, in the middle of the file: a frame may have been under way there.
    began_at: u64,
    is_finished: bool,
}

impl Files {
    /// The ends of all files, as they are now.
    pub(super) fn now(directory: &Path) -> Result<Self> {
        let mut files = Files { files: BTreeMap::new(), numbers: BTreeMap::new(), finished: Vec::new() };
        // Each of these is known, whatever is missing among them.
        for file in log::list(directory)? {
            files.add(&file, file.length);
        }
        Ok(files)
    }

    fn add(&mut self, file: &LogFile, at: u64) {
        let known = Known { reader: None, at, length: at, began_at: at, is_finished: false };
        self.files.insert(file.name, known);
        let number = self.numbers.entry(file.name.writer).or_default();
        *number = file.name.number.max(*number);
    }

    /// The logs that were removed before they were seen: the numbers of a writer count up from 1.
    fn missing(&self, files: &[LogFile]) -> BTreeSet<Missing> {
        let (mut numbers, mut missing) = (BTreeMap::new(), BTreeSet::new());
        for log in files.iter().map(|file| file.name).filter(|log| !self.files.contains_key(log)) {
            let seen = self.numbers.get(&log.writer).copied().unwrap_or(0);
            let last = numbers.insert(log.writer, log.number).unwrap_or(seen);
            if log.number > last.saturating_add(1) {
                missing.insert((LogName { number: last + 1, ..log }, log));
            }
        }
        missing
    }

    /// Calls `each` with the frames that were written since the last call.
    pub(super) fn read(
        &mut self,
        directory: &Path,
        read: &mut TailRead,
        mut each: impl FnMut(&Frame<'_>, &mut TailRead) -> Result<(), spanbridge_store::Error>,
    ) -> Result<()> {
        if !directory.is_dir() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("list the logs in {}: it is gone", directory.display()),
            ));
        }
        let files = list_surely(directory, |files| self.missing(files))?;
        read.missed_logs +=
            self.missing(&files).iter().map(|(first, log)| u64::from(log.number - first.number)).sum::<u64>();
        for file in &files {
            if !self.files.contains_key(&file.name) {
                self.add(file, 0);
            }
        }
        let (now, mut open) = (SystemTime::now(), self.files.values().filter(|known| known.reader.is_some()).count());
        let mut gone = Vec::new();
        for (name, known) in &mut self.files {
            let file = files.binary_search_by_key(name, |file| file.name).ok().map(|at| &files[at]);
            known.length = file.map_or(known.length, |file| file.length.max(known.length));
            let had_reader = known.reader.is_some();
            let is_wanted = file.is_none_or(|file| file.length > known.at);
            if is_wanted && known.reader.is_none() {
                known.reader = file.map(|file| open_at(file, known.at)).transpose()?.flatten();
            }
            if is_wanted && let Some(reader) = &mut known.reader {
                read_frames(reader, &mut known.at, known.began_at, read, &mut each)?;
            }
            let Some(file) = file else {
                // What an open file had was read now.
                read.missed_bytes += if had_reader { 0 } else { known.length.saturating_sub(known.at) };
                gone.push(*name);
                continue;
            };
            let is_closed = file.is_closed(&files, now) && known.at >= file.length;
            if is_closed && !std::mem::replace(&mut known.is_finished, true) {
                self.finished.push((*name, file.length));
            }
            let keeps_open = known.reader.is_some() && !is_closed && (had_reader || open < MAX_OPEN);
            open += usize::from(keeps_open && !had_reader);
            open -= usize::from(had_reader && !keeps_open);
            if !keeps_open {
                known.reader = None;
            }
        }
        gone.iter().for_each(|name| drop(self.files.remove(name)));
        Ok(())
    }

    /// The files that were finished since the last call, with their length.
    pub(super) fn take_finished(&mut self) -> Vec<(LogName, u64)> {
        std::mem::take(&mut self.finished)
    }
}

/// `None`: it is gone, or a newer release writes it.
fn open_at(file: &LogFile, at: u64) -> Result<Option<LogReader>> {
    match LogReader::open(&file.path, at) {
        Ok(reader) => Ok(Some(reader)),
        Err(e) if matches!(e.kind(), StoreErrorKind::NotFound | StoreErrorKind::NewerFormat) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn read_frames(
    reader: &mut LogReader,
    at: &mut u64,
    began_at: u64,
    read: &mut TailRead,
    each: &mut impl FnMut(&Frame<'_>, &mut TailRead) -> Result<(), spanbridge_store::Error>,
) -> Result<()> {
    loop {
        match reader.step()? {
            Step::Frame(frame) => {
                *at = frame.to;
                match each(&frame, read).map_err(Error::from) {
                    Err(e) if e.kind() == ErrorKind::Corrupt => read.missed_bytes += frame.to - frame.from,
                    other => other?,
                }
            }
            Step::Damaged { from, to, .. } => {
                *at = to;
                // A frame that was under way when the reading began is not of what came later.
                read.missed_bytes += if from == began_at && from > 0 { 0 } else { to - from };
            }
            Step::End { .. } => return Ok(()),
        }
    }
}

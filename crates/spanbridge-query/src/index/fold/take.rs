//! Taking frames from the logs, in about the order in which they were delivered.

use super::super::source::Source;
use crate::Result;
use spanbridge_store::log::{LogFile, LogName, LogReader, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// How many files are open at once. The others are read after them.
const MAX_OPEN: usize = 64;

/// Bytes that cannot be read.
#[derive(Debug)]
pub(in crate::index) struct Unreadable {
    pub(in crate::index) log: LogName,
    pub(in crate::index) from: u64,
    pub(in crate::index) to: u64,
    pub(in crate::index) why: String,
}

/// The frames behind the watermarks.
#[derive(Debug)]
pub(in crate::index) struct Frames {
    open: Vec<OpenLog>,
    /// Files that are not open yet, newest first.
    waiting: Vec<(LogFile, u64)>,
    /// Files to which nothing is appended any more.
    closed: BTreeSet<LogName>,
    /// What was stepped over.
    pub(in crate::index) unreadable: Vec<Unreadable>,
    /// Up to where each file was read.
    pub(in crate::index) passed: BTreeMap<LogName, u64>,
}

#[derive(Debug)]
struct OpenLog {
    log: LogName,
    reader: LogReader,
    next: Source,
}

impl Frames {
    /// The frames of these files from the given offsets on.
    pub(in crate::index) fn new(files: &[LogFile], passed: &BTreeMap<LogName, u64>) -> Self {
        let at = |file: &LogFile| passed.get(&file.name).copied().unwrap_or(0);
        let mut waiting: Vec<_> =
            files.iter().filter(|file| file.length > at(file)).map(|file| (file.clone(), at(file))).collect();
        // Files of one writer stay in order: a later one was written later.
        waiting.sort_by_key(|(file, _)| std::cmp::Reverse((file.modified, file.name)));
        let now = SystemTime::now();
        let closed = files.iter().filter(|file| file.is_closed(files, now)).map(|file| file.name).collect();
        Self { open: Vec::new(), waiting, closed, unreadable: Vec::new(), passed: BTreeMap::new() }
    }

    /// The next frame: of the open files, the one that was delivered first.
    pub(in crate::index) fn next(&mut self) -> Result<Option<Source>> {
        while self.open.len() < MAX_OPEN
            && let Some((file, from)) = self.waiting.pop()
        {
            self.start(&file, from)?;
        }
        let first = self.open.iter().enumerate().min_by_key(|(_, open)| (open.next.last_at, open.next.at));
        let Some(first) = first.map(|(at, _)| at) else { return Ok(None) };
        let OpenLog { log, mut reader, next } = self.open.swap_remove(first);
        self.passed.insert(log, next.to);
        if let Some(after) = self.advance(log, &mut reader)? {
            self.open.push(OpenLog { log, reader, next: after });
        }
        Ok(Some(next))
    }

    fn start(&mut self, file: &LogFile, from: u64) -> Result<()> {
        let mut reader = match LogReader::open(&file.path, from) {
            Ok(reader) => reader,
            // It was removed meanwhile, or a newer release will read it.
            Err(e) if matches!(e.kind(), spanbridge_store::ErrorKind::NotFound) => return Ok(()),
            Err(e) if matches!(e.kind(), spanbridge_store::ErrorKind::NewerFormat) => {
                let why = e.to_string();
                self.unreadable.push(Unreadable { log: file.name, from, to: from, why });
                return Ok(());
            }
            Err(e) => return Err(e.into()),
        };
        if let Some(next) = self.advance(file.name, &mut reader)? {
            self.open.push(OpenLog { log: file.name, reader, next });
        }
        Ok(())
    }

    /// The next frame of a file. What cannot be read is noted, and passed with the frame after it.
    fn advance(&mut self, log: LogName, reader: &mut LogReader) -> Result<Option<Source>> {
        loop {
            match reader.step() {
                Ok(Step::Frame(frame)) => return Ok(Some(Source::of(log, &frame))),
                Ok(Step::Damaged { from, to, why }) => {
                    self.unreadable.push(Unreadable { log, from, to, why: why.to_string() });
                }
                Ok(Step::End { at, rest }) => {
                    if rest > 0 && self.closed.contains(&log) {
                        let why = "the last frame is incomplete".to_owned();
                        self.unreadable.push(Unreadable { log, from: at, to: at + rest, why });
                        self.passed.insert(log, at + rest);
                    }
                    return Ok(None);
                }
                Err(e) if e.kind() == spanbridge_store::ErrorKind::NewerFormat => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Bytes that are left in files that have frames, as far as known.
    pub(in crate::index) fn remaining(&self, files: &[LogFile], before: &BTreeMap<LogName, u64>) -> u64 {
        let passed = |name| self.passed.get(name).or(before.get(name)).copied().unwrap_or(0);
        files.iter().map(|file| file.length.saturating_sub(passed(&file.name))).sum()
    }
}

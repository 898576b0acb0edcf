//! What is not folded yet: the frames behind the watermarks, kept in memory without their blocks.
//!
//! Before each question, the logs are read from where the last question ended. A frame is checked once, when it is seen first;
//! then its directory stays in memory, and its blocks are read from the file when they are needed. The files stay open, so their
//! blocks can be read even if somebody folds and removes them meanwhile. A process may not open very many files, so of further ones
//! the blocks stay in memory.

use super::logs::list;
use super::source::{Position, Source};
use crate::engine::Damaged;
use crate::{Error, ErrorKind, Result};
use spanbridge_store::ErrorKind as StoreErrorKind;
use spanbridge_store::log::{LogFile, LogName, LogReader, Step};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// How many files stay open, twice each.
const MAX_OPEN: usize = 32;

/// The frames of all logs that are not folded.
#[derive(Debug, Default)]
pub(super) struct Tails {
    files: BTreeMap<LogName, TailFile>,
}

#[derive(Debug)]
struct TailFile {
    /// `None`: too many files are open.
    open: Option<OpenFile>,
    at: u64,
    frames: Vec<Arc<TailFrame>>,
    damaged: BTreeMap<u64, String>,
}

#[derive(Debug)]
struct OpenFile {
    reader: LogReader,
    /// The same file, for the blocks.
    file: Arc<File>,
}

/// A frame that is not folded.
#[derive(Debug)]
pub(super) struct TailFrame {
    /// Its directory, and the blocks if they are in memory.
    pub(super) source: Source,
    /// Where the blocks are otherwise.
    file: Option<Arc<File>>,
    /// Where the packed blocks are.
    blocks: Vec<(u64, usize)>,
}

impl TailFrame {
    /// A frame with its blocks in memory.
    pub(super) fn made(source: Source) -> Self {
        Self { source, file: None, blocks: Vec::new() }
    }

    /// What says that its batch came with other records before.
    pub(super) fn conflict(&self) -> Result<Option<Source>> {
        if self.file.is_none() {
            return self.source.conflict(&self.source.blocks);
        }
        let blocks = (0..self.blocks.len().min(1)).map(|block| self.packed(block)).collect::<Result<Vec<_>>>()?;
        self.source.conflict(&blocks)
    }

    fn packed(&self, number: usize) -> Result<Vec<u8>> {
        let Some(file) = &self.file else { return Err(Error::corrupt("a block is missing")) };
        let (from, length) = self.blocks.get(number).copied().ok_or_else(|| Error::corrupt("a block is missing"))?;
        let mut packed = vec![0; length];
        let read = read_at(file, &mut packed, from);
        read.map_err(|e| Error::new(ErrorKind::Io, format!("a log cannot be read ({e})")))?;
        Ok(packed)
    }

    /// How many blocks it has.
    pub(super) fn block_count(&self) -> usize {
        if self.file.is_some() { self.blocks.len() } else { self.source.blocks.len() }
    }

    /// A block, unpacked.
    pub(super) fn block(&self, number: usize) -> Result<Vec<u8>> {
        let mut raw = Vec::new();
        match self.file {
            None => self.source.unpack(number, &mut raw)?,
            Some(_) => spanbridge_store::codec::pack::unpack(&self.packed(number)?, &mut raw)?,
        }
        Ok(raw)
    }
}

#[cfg(unix)]
fn read_at(file: &File, to: &mut [u8], from: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, from)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, to: &mut [u8], from: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(from))?;
    file.read_exact(to)
}

impl OpenFile {
    /// `None`: it is gone, or a newer release will read it, as the fold has noted.
    fn open(file: &LogFile, at: u64) -> Result<Option<Self>> {
        let reader = match LogReader::open(&file.path, at) {
            Ok(reader) => reader,
            Err(e) if matches!(e.kind(), StoreErrorKind::NotFound | StoreErrorKind::NewerFormat) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let same = reader.file().try_clone();
        let same = same.map_err(|e| Error::new(ErrorKind::Io, format!("a log cannot be opened ({e})")))?;
        Ok(Some(Self { reader, file: Arc::new(same) }))
    }
}

impl Tails {
    /// Reads what was written since the last time, from the watermarks on, and forgets what is folded by now. Answers whether
    /// anything is new.
    pub(super) fn read(&mut self, directory: &Path, passed: &BTreeMap<LogName, u64>) -> Result<bool> {
        let files = list(directory)?;
        let mut changed = false;
        let mut left = MAX_OPEN.saturating_sub(self.files.values().filter(|file| file.open.is_some()).count());
        for file in &files {
            let folded = passed.get(&file.name).copied().unwrap_or(0);
            if file.length > folded.max(self.files.get(&file.name).map_or(0, |known| known.at)) {
                changed |= self.read_file(file, folded, &mut left)?;
            }
        }
        // A file that is gone is folded, or lost; either way the index says so in the next snapshot.
        self.files.retain(|name, file| {
            let folded = passed.get(name).copied().unwrap_or(0);
            file.frames.retain(|frame| frame.source.at.from >= folded);
            !file.frames.is_empty() || files.binary_search_by_key(name, |f| f.name).is_ok()
        });
        Ok(changed)
    }

    /// Reads what is new in a file. So many more may stay open.
    fn read_file(&mut self, file: &LogFile, folded: u64, left: &mut usize) -> Result<bool> {
        let known = self.files.entry(file.name);
        let at = match &known {
            Entry::Occupied(known) => known.get().at,
            Entry::Vacant(_) => folded,
        };
        let known = known.or_insert_with(|| TailFile { open: None, at, frames: Vec::new(), damaged: BTreeMap::new() });
        let was_open = known.open.is_some();
        let Some(mut open) = known.open.take().map_or_else(|| OpenFile::open(file, at), |open| Ok(Some(open)))? else {
            return Ok(false);
        };
        let stays_open = was_open || *left > 0;
        *left -= usize::from(stays_open && !was_open);
        let before = known.frames.len();
        loop {
            match open.reader.step()? {
                Step::Frame(frame) if stays_open => {
                    let blocks = frame.blocks().map(|block| (block.from, block.bytes.len())).collect();
                    let source = Source::directory_of(file.name, &frame);
                    known.at = frame.to;
                    known.frames.push(Arc::new(TailFrame { source, file: Some(Arc::clone(&open.file)), blocks }));
                }
                Step::Frame(frame) => {
                    known.at = frame.to;
                    known.frames.push(Arc::new(TailFrame::made(Source::of(file.name, &frame))));
                }
                Step::Damaged { from, to, why } => {
                    known.at = to;
                    known.damaged.insert(from, why.to_string());
                }
                Step::End { .. } => break,
            }
        }
        if stays_open {
            known.open = Some(open);
        }
        Ok(known.frames.len() > before)
    }

    /// The frames at or after both of these offsets, in about the order in which they were delivered.
    pub(super) fn frames(
        &self,
        passed: &BTreeMap<LogName, u64>,
        known: &BTreeMap<LogName, u64>,
    ) -> Vec<Arc<TailFrame>> {
        let mut all = Vec::new();
        for (name, file) in &self.files {
            let folded = passed.get(name).max(known.get(name)).copied().unwrap_or(0);
            all.extend(file.frames.iter().filter(|frame| frame.source.at.from >= folded).map(Arc::clone));
        }
        // The order of a fold: within a file as written, and else the first delivered first.
        let mut latest: BTreeMap<LogName, u64> = BTreeMap::new();
        let mut keyed: Vec<(u64, Position, Arc<TailFrame>)> = Vec::with_capacity(all.len());
        for frame in all {
            let at = latest.entry(frame.source.at.log).or_default();
            *at = frame.source.last_at.max(*at);
            keyed.push((*at, frame.source.at, frame));
        }
        keyed.sort_by_key(|(at, position, _)| (*at, *position));
        keyed.into_iter().map(|(_, _, frame)| frame).collect()
    }

    /// Where each file was read up to.
    pub(super) fn ends(&self) -> impl Iterator<Item = (LogName, u64)> {
        self.files.iter().map(|(name, file)| (*name, file.at))
    }

    /// What cannot be read in files that are not folded so far.
    pub(super) fn damaged(&self, passed: &BTreeMap<LogName, u64>) -> Vec<Damaged> {
        let mut all = Vec::new();
        for (name, file) in &self.files {
            let folded = passed.get(name).copied().unwrap_or(0);
            for (from, why) in file.damaged.range(folded..) {
                all.push(Damaged::new(format!("log {name} at {from}"), why.clone()));
            }
        }
        all
    }
}

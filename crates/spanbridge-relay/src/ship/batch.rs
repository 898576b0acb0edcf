//! Putting a batch together.

use super::far_end::FarEnd;
use super::logs;
use super::loss::{Loss, LossKind};
use super::options::Options;
use super::position::Position;
use super::result::Result;
use spanbridge_store::log::{Frame, LogFile, Step};

/// A batch in the making.
pub(super) struct Batch<'e> {
    far_end: &'e mut dyn FarEnd,
    max_bytes: usize,
    max_records: u64,
    weight: usize,
    filled: Filled,
}

/// What is in a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filled {
    /// Records.
    pub(super) records: u64,
    /// Bytes of logs that were read.
    pub(super) bytes: u64,
    /// Losses that it tells of.
    pub(super) losses: usize,
    /// There may be more to read.
    pub(super) is_full: bool,
}

impl Filled {
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0 && self.bytes == 0
    }
}

impl<'e> Batch<'e> {
    pub(super) fn new(far_end: &'e mut dyn FarEnd, options: &Options) -> Self {
        let (max_bytes, max_records) = (options.max_bytes, options.max_records as u64);
        Self { far_end, max_bytes, max_records, weight: 0, filled: Filled::default() }
    }

    pub(super) fn end(self) -> Filled {
        self.filled
    }

    /// Adds what the far end was not told of, and what these logs have, until the batch is full. Returns what cannot be read.
    pub(super) fn read(&mut self, waiting: &[(LogFile, bool)], position: &mut Position) -> Result<Vec<Loss>> {
        let mut damaged = Vec::new();
        for loss in &position.untold {
            self.weight += self.far_end.add(loss.record());
            self.filled.records += 1;
            self.filled.losses += 1;
        }
        for (file, is_closed) in waiting {
            if self.filled.is_full {
                break;
            }
            let Some(progress) = position.logs.get_mut(&file.name) else { continue };
            let before = progress.read;
            progress.read = self.read_log(file, *is_closed, before, &mut damaged)?;
            progress.length = progress.length.max(progress.read);
            self.filled.bytes += progress.read - before;
        }
        Ok(damaged)
    }

    /// Adds the frames of a log from this offset on. Returns where they end.
    fn read_log(&mut self, file: &LogFile, is_closed: bool, from: u64, damaged: &mut Vec<Loss>) -> Result<u64> {
        let Some(mut reader) = logs::open(file, from)? else { return Ok(from) };
        let mut read = from;
        let mut damage = |from: u64, to: u64| {
            damaged.push(Loss { log: file.name.to_string(), from, bytes: to - from, logs: 1, why: LossKind::Damaged });
        };
        while !self.filled.is_full {
            match reader.step()? {
                Step::Frame(frame) => {
                    if !self.add(&frame)? {
                        damage(frame.from, frame.to);
                    }
                    read = frame.to;
                }
                Step::Damaged { from, to, .. } => {
                    damage(from, to);
                    read = to;
                }
                // Its process died while it wrote.
                Step::End { at, rest } if is_closed && rest > 0 => {
                    damage(at, at + rest);
                    return Ok(at + rest);
                }
                Step::End { .. } => break,
            }
        }
        Ok(read)
    }

    /// Adds the records of a frame. `false`: some of them cannot be read.
    fn add(&mut self, frame: &Frame<'_>) -> Result<bool> {
        let added = frame.records(|record| {
            self.weight += self.far_end.add(record);
            self.filled.records += 1;
        });
        self.filled.is_full = self.weight >= self.max_bytes || self.filled.records >= self.max_records;
        match added {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == spanbridge_store::ErrorKind::Corrupt => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

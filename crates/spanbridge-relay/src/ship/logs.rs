//! The logs of the store: which there are, and what of them has to be sent.

use super::loss::{Loss, LossKind};
use super::position::{Gone, Position, Progress};
use super::result::Result;
use spanbridge_query::index::{list_surely, missing};
use spanbridge_store::log::{self, LogFile, LogName, LogReader, Step};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the last log of a writer is remembered after it went: it tells how many there were before the next one.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The position of a shipper that begins now: at the beginning of each log that is there. Logs that went before are none of its.
pub(super) fn begin(directory: &Path) -> Result<Position> {
    let mut position = Position::default();
    for file in log::list(directory)? {
        position.logs.insert(file.name, Progress { length: file.length, ..Progress::default() });
        // They are sorted.
        let before = Gone { number: file.name.number.saturating_sub(1), seen: now() };
        position.gone.entry(file.name.writer).or_insert(before);
    }
    Ok(position)
}

/// The position of a shipper that begins now and sends the store's records first: at the end of each log. A snapshot of the store that
/// is taken later has all before.
pub(super) fn begin_at_ends(directory: &Path) -> Result<Position> {
    let mut position = begin(directory)?;
    position.from_start = true;
    for file in log::list(directory)? {
        let Some(mut reader) = open(&file, 0)? else { continue };
        let at = loop {
            if let Step::End { at, .. } = reader.step()? {
                break at;
            }
        };
        position.logs.insert(file.name, Progress { arrived: at, read: at, length: file.length.max(at) });
    }
    Ok(position)
}

/// What is there.
pub(super) struct Found {
    /// All logs, sorted by name.
    pub(super) files: Vec<LogFile>,
    /// Those with something to read, and whether they are closed. Those that were written longest ago come first, as these are removed
    /// first.
    pub(super) waiting: Vec<(LogFile, bool)>,
    /// What was lost since the last look.
    pub(super) losses: Vec<Loss>,
}

/// Looks at what is there now. Logs that are new get a place in the position, and what is gone without having been read becomes a
/// loss, which the position keeps until the far end was told.
pub(super) fn look(directory: &Path, position: &mut Position) -> Result<Found> {
    let known = position.known();
    let files = list_surely(directory, |files| missing(files, &known))?;
    let mut losses = Vec::new();
    for (first, log) in missing(&files, &known) {
        let logs = u64::from(log.number.saturating_sub(first.number));
        losses.push(Loss { log: first.to_string(), from: 0, bytes: 0, logs, why: LossKind::Unseen });
    }
    let is_there = |name: &LogName| files.binary_search_by_key(name, |file| file.name).is_ok();
    for file in &files {
        let progress = position.logs.entry(file.name).or_default();
        progress.length = progress.length.max(file.length);
    }
    let (now, gone) = (now(), &mut position.gone);
    position.logs.retain(|name, progress| {
        if is_there(name) {
            return true;
        }
        if progress.read < progress.length {
            let (from, bytes) = (progress.read, progress.length - progress.read);
            losses.push(Loss { log: name.to_string(), from, bytes, logs: 1, why: LossKind::Removed });
            progress.length = progress.read;
        }
        let last = gone.entry(name.writer).or_insert(Gone { number: name.number, seen: now });
        (last.number, last.seen) = (last.number.max(name.number), now);
        // What is in the batch at hand has not arrived.
        progress.arrived < progress.read
    });
    let logs = &position.logs;
    position.gone.retain(|writer, gone| {
        let has_log =
            logs.range(LogName { writer: *writer, number: 0 }..).next().is_some_and(|(log, _)| log.writer == *writer);
        gone.seen = if has_log { now } else { gone.seen };
        now.saturating_sub(gone.seen) < REMEMBERED.as_secs()
    });
    position.lose(&losses);
    let now = SystemTime::now();
    let is_waiting = |file: &&LogFile| position.logs.get(&file.name).is_some_and(|at| at.read < file.length);
    let mut waiting: Vec<(LogFile, bool)> =
        files.iter().filter(is_waiting).map(|file| (file.clone(), file.is_closed(&files, now))).collect();
    waiting.sort_by_key(|(file, _)| file.modified);
    Ok(Found { files, waiting, losses })
}

/// Opens a log. `None`: it is gone.
pub(super) fn open(file: &LogFile, at: u64) -> Result<Option<LogReader>> {
    match LogReader::open(&file.path, at) {
        Ok(reader) => Ok(Some(reader)),
        Err(e) if e.kind() == spanbridge_store::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

impl Position {
    /// The logs that are or were there. Of a writer whose logs are gone, its last one.
    fn known(&self) -> BTreeMap<LogName, u64> {
        let gone = self.gone.iter().map(|(writer, gone)| (LogName { writer: *writer, number: gone.number }, 0));
        self.logs.iter().map(|(name, at)| (*name, at.read)).chain(gone).collect()
    }

    /// Counts losses, and keeps them until the far end was told. What is kept already was found again after a kill.
    pub(super) fn lose(&mut self, losses: &[Loss]) {
        for loss in losses {
            if self.untold.contains(loss) {
                continue;
            }
            if loss.why == LossKind::Damaged {
                self.lost.damaged_bytes += loss.bytes;
            } else {
                self.lost.logs += loss.logs;
                self.lost.bytes += loss.bytes;
            }
            self.untold.push(loss.clone());
        }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

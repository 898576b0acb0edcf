//! Up to where everything has arrived, in a file in the store.

use super::loss::Loss;
use super::result::{Result, failed};
use serde::{Deserialize, Serialize};
use spanbridge_store::log::LogName;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The format of the file.
const FORMAT: u32 = 1;

/// What is known of the logs: how far each has arrived, and what was lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Position {
    /// The store's own records are to be sent before the logs, and not all have arrived.
    pub(super) from_start: bool,
    /// The logs that are there, or were not sent to their end.
    pub(super) logs: BTreeMap<LogName, Progress>,
    /// The highest number of each writer among the logs that are gone, and when it was seen last, in seconds since 1970.
    pub(super) gone: BTreeMap<u64, Gone>,
    /// Losses that the far end has not been told of.
    pub(super) untold: Vec<Loss>,
    /// All that was lost so far.
    pub(super) lost: Lost,
}

/// How far a log has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// All before has arrived.
    pub(super) arrived: u64,
    /// All before is at least in the batch at hand. Not stored.
    pub(super) read: u64,
    /// How long it was when it was looked at last.
    pub(super) length: u64,
}

/// The last log of a writer that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) number: u32,
    pub(super) seen: u64,
}

/// What was lost since the shipper ran first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lost {
    /// Logs of which something was removed before it was sent.
    pub(super) logs: u64,
    /// Their bytes, as far as their length is known.
    pub(super) bytes: u64,
    /// Bytes of logs that are there and cannot be read.
    pub(super) damaged_bytes: u64,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    format: u32,
    /// Where the records go, for people.
    to: String,
    from_start: bool,
    logs: BTreeMap<String, [u64; 2]>,
    gone: BTreeMap<String, Gone>,
    untold: Vec<Loss>,
    lost: Lost,
}

impl Position {
    /// Reads the file. `None`: there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let doing = || format!("read the position in {}", path.display());
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(doing(), e)),
        };
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|e| failed(doing(), e))?;
        if stored.format != FORMAT {
            let format = stored.format;
            return Err(failed(doing(), format_args!("it has format {format}, of another release")));
        }
        let log = |name: &str| {
            LogName::parse(name).ok_or_else(|| failed(doing(), format_args!("{name:?} is not the name of a log")))
        };
        let logs = stored.logs.iter().map(|(name, [arrived, length])| {
            Ok((log(name)?, Progress { arrived: *arrived, read: *arrived, length: *length }))
        });
        let writer = |hex: &str| {
            u64::from_str_radix(hex, 16).map_err(|e| failed(doing(), format_args!("{hex:?} is not a writer: {e}")))
        };
        let gone = stored.gone.iter().map(|(hex, gone)| Ok((writer(hex)?, *gone)));
        Ok(Some(Self {
            from_start: stored.from_start,
            logs: logs.collect::<Result<_>>()?,
            gone: gone.collect::<Result<_>>()?,
            untold: stored.untold,
            lost: stored.lost,
        }))
    }

    /// Writes the file, whole or not at all. It survives a power cut: the index may remove a log once this says that it has arrived,
    /// and an earlier position would then call it lost.
    pub(super) fn write(&self, path: &Path, to: &str) -> Result<()> {
        let stored = Stored {
            format: FORMAT,
            to: to.to_owned(),
            from_start: self.from_start,
            logs: self.logs.iter().map(|(name, at)| (name.to_string(), [at.arrived, at.length])).collect(),
            gone: self.gone.iter().map(|(writer, gone)| (format!("{writer:016x}"), *gone)).collect(),
            untold: self.untold.clone(),
            lost: self.lost,
        };
        let doing = || format!("write the position in {}", path.display());
        let text = serde_json::to_vec(&stored).map_err(|e| failed(doing(), e))?;
        replace(path, &text).map_err(|e| failed(doing(), e))
    }

    /// What is stored of it.
    pub(super) fn to_store(&self) -> Self {
        let mut stored = self.clone();
        stored.logs.values_mut().for_each(|log| log.read = log.arrived);
        stored
    }

    /// What was read has arrived.
    pub(super) fn arrive(&mut self) {
        self.logs.values_mut().for_each(|log| log.arrived = log.read);
    }

    /// Bytes of logs that have not arrived.
    pub(super) fn backlog(&self) -> u64 {
        self.logs.values().map(|log| log.length.saturating_sub(log.arrived)).sum()
    }
}

/// Replaces the content of a file at once.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new: PathBuf = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // Not every file system can sync a directory.
    match path.parent().filter(|_| cfg!(unix)).map(File::open).transpose()?.map(|directory| directory.sync_all()) {
        Some(Err(e)) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}

//! Writing a log file.

use super::frame::{self, BatchId};
use super::header::Header;
use crate::delivery::Delivery;
use crate::error::Result;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of the buffer that are kept between deliveries.
const KEPT: usize = 1 << 20;

/// Writes one log file. Frames are put together in memory, and written with one call.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    header: Header,
    file: File,
    /// Device and number of the file.
    #[cfg(unix)]
    identity: (u64, u64),
    /// Bytes that are in the file: whole frames.
    length: u64,
    /// Frames that are in the file.
    frames: u64,
    /// What is to be written next, and how many frames that is.
    pending: Vec<u8>,
    pending_frames: u64,
    /// The end of the file is not known, and nothing more can be written.
    is_broken: bool,
    /// Something was written since the last sync.
    is_dirty: bool,
    /// The directory is known to have the file after a power cut.
    is_linked: bool,
}

/// What became of the file that a writer has open.
#[derive(Debug, PartialEq)]
pub enum Presence {
    /// It is where it was made, and as long as this process has made it.
    There {
        /// When it was written last.
        modified: Option<SystemTime>,
    },
    /// It is gone, or another is there, or somebody else has written to it.
    Lost {
        /// When it was written last.
        modified: Option<SystemTime>,
    },
}

impl LogWriter {
    /// Creates the file, which must not exist. Only this user can read it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(directory: &Path, header: Header) -> io::Result<Self> {
        let path = directory.join(header.name.to_string());
        let file = private().open(&path)?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            let about = file.metadata()?;
            (about.dev(), about.ino())
        };
        Ok(Self {
            path,
            header,
            file,
            #[cfg(unix)]
            identity,
            length: 0,
            frames: 0,
            pending: Vec::new(),
            pending_frames: 0,
            is_broken: false,
            is_dirty: false,
            is_linked: false,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes in the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Frames in the file.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Nothing more can be written: what was written in part could not be removed.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Adds a frame to what is written next.
    ///
    /// # Errors
    /// If it is larger than a frame may be. Then nothing is left to be written.
    pub fn put(&mut self, batch: Option<BatchId>, delivery: &Delivery) -> Result<()> {
        if self.length == 0 && self.pending.is_empty() {
            self.header.put(&mut self.pending);
        }
        let at = self.length + self.pending.len() as u64;
        let put = frame::put(&mut self.pending, self.header.name, at, batch, delivery);
        self.pending_frames += 1;
        if put.is_err() {
            self.forget();
        }
        put
    }

    /// Writes what was put, all of it or nothing.
    ///
    /// # Errors
    /// Those of the system. Then nothing of it is there, or the writer [is broken](LogWriter::is_broken).
    pub fn write(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.pending);
        match written {
            Ok(()) => {
                self.length += self.pending.len() as u64;
                self.frames += self.pending_frames;
                self.is_dirty = true;
            }
            // Part of it may be there.
            Err(_) => self.is_broken = self.file.set_len(self.length).is_err(),
        }
        self.forget();
        written
    }

    /// Nothing is left to be written.
    fn forget(&mut self) {
        self.pending.clear();
        self.pending.shrink_to(KEPT);
        self.pending_frames = 0;
    }

    /// Whether the file is still there. One system call.
    pub fn presence(&self) -> Presence {
        match fs::metadata(&self.path) {
            Ok(found) if found.len() == self.length && self.is_open_here(&found) => {
                Presence::There { modified: found.modified().ok() }
            }
            // The path cannot be looked at, which says nothing about the file.
            Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Presence::There { modified: None }
            }
            _ => Presence::Lost { modified: self.file.metadata().and_then(|open| open.modified()).ok() },
        }
    }

    #[cfg(unix)]
    fn is_open_here(&self, found: &fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.identity == (found.dev(), found.ino())
    }

    #[cfg(not(unix))]
    fn is_open_here(&self, _: &fs::Metadata) -> bool {
        true
    }

    /// Makes what was written survive a power cut.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.is_linked {
            sync_directory(&self.path)?;
            self.is_linked = true;
        }
        if self.is_dirty {
            self.file.sync_data()?;
            self.is_dirty = false;
        }
        Ok(())
    }
}

/// To create a file that must not exist, and that only this user can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create_new(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Syncs the directory of this file, where directories can be synced: not on Windows, and not on every network file system.
fn sync_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent().filter(|_| cfg!(unix)).and_then(|path| File::open(path).ok()) else {
        return Ok(());
    };
    match directory.sync_all() {
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

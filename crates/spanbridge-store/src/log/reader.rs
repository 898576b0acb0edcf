//! Reading a log file, frame by frame.

use super::frame::{Frame, HEAD, Head, MAGIC};
use super::header::{Beginning, Header};
use super::name::LogName;
use super::source::ReadAt;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes that are read at once.
const WINDOW: usize = 256 << 10;

/// Reads the frames of one log file, which others may write meanwhile.
///
/// Between frames it holds a buffer of 256 KiB or the largest frame; after an [end](Step::End) it holds none.
#[derive(Debug)]
pub struct LogReader<S = File> {
    source: S,
    path: PathBuf,
    /// By the name of the file. It counts if the header cannot be read.
    named: Option<LogName>,
    header: Option<Header>,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

/// What comes next in a log file.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every step is a frame, and none is kept")]
pub enum Step<'b> {
    /// A whole frame that matches its checksum.
    Frame(Frame<'b>),
    /// These bytes cannot be read. A whole frame begins at `to`.
    Damaged {
        /// Where the damage begins.
        from: u64,
        /// Where it ends.
        to: u64,
        /// What is wrong at `from`.
        why: Damage,
    },
    /// No whole frame follows, at least not yet. Ask again when the file has grown.
    End {
        /// Where the last whole frame ends.
        at: u64,
        /// Bytes after that. In a closed file they are lost: a frame that was not written to its end, or is damaged.
        rest: u64,
    },
}

/// Why bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Damage {
    /// The header of the file is damaged.
    Header,
    /// No frame begins there.
    NoFrame,
    /// The frame is incomplete or does not match its checksum.
    Checksum,
    /// The frame matches its checksum, and is not as a frame should be.
    Content,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "the header of the file is damaged",
            Self::NoFrame => "no frame begins there",
            Self::Checksum => "the frame is incomplete or does not match its checksum",
            Self::Content => "the frame does not match the format",
        })
    }
}

impl LogReader<File> {
    /// Opens a log file, to read it from `offset` on: 0, or where a frame ended.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::NewerFormat`] if a newer release wrote it.
    pub fn open(path: &Path, offset: u64) -> Result<Self> {
        let named = path.file_name().and_then(|name| name.to_str()).and_then(LogName::parse);
        let file = File::open(path).map_err(|e| failed(path, e))?;
        Self::start(file, path.to_owned(), named, offset)
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.source
    }
}

impl<S: ReadAt> LogReader<S> {
    /// Reads what is not in a file.
    #[doc(hidden)]
    pub fn over(source: S, named: LogName, offset: u64) -> Result<Self> {
        Self::start(source, named.to_string().into(), Some(named), offset)
    }

    fn start(source: S, path: PathBuf, named: Option<LogName>, offset: u64) -> Result<Self> {
        let mut reader = Self { source, path, named, header: None, at: offset, buffer: Vec::new(), buffer_at: 0 };
        reader.read_header()?;
        Ok(reader)
    }

    /// The header. `None` if it is damaged, or not written yet.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Writer and number, by the header, or else by the name of the file.
    pub fn name(&self) -> Option<LogName> {
        self.header.as_ref().map(|header| header.name).or(self.named)
    }

    /// Where the next step begins.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Reads what comes next.
    ///
    /// # Errors
    /// If the file cannot be read. [`ErrorKind::NewerFormat`] if a newer release wrote it.
    pub fn step(&mut self) -> Result<Step<'_>> {
        if self.header.is_none() {
            self.read_header()?;
        }
        let mut look = self.look(self.at).map_err(|e| failed(&self.path, e))?;
        if !matches!(look, Look::Whole(..)) {
            // Others may have written meanwhile what was looked at before.
            self.buffer.clear();
            look = self.look(self.at).map_err(|e| failed(&self.path, e))?;
        }
        let from = self.at;
        let why = match look {
            Look::Whole(length) => return Ok(self.frame(length)),
            Look::Not(_) if from == 0 => Damage::Header,
            Look::Not(why) => why,
        };
        match self.find(from.saturating_add(1)).map_err(|e| failed(&self.path, e))? {
            // What is before it was complete when that was written. If the writer was only busy at the first look, it is whole now.
            Some(to) => match self.look_again()? {
                Look::Whole(length) => Ok(self.frame(length)),
                Look::Not(_) => {
                    let from = std::mem::replace(&mut self.at, to);
                    Ok(Step::Damaged { from, to, why })
                }
            },
            None => {
                self.buffer = Vec::new();
                let length = self.source.length().map_err(|e| failed(&self.path, e))?;
                Ok(Step::End { at: from, rest: length.saturating_sub(from) })
            }
        }
    }

    /// Looks at what is next as it is now.
    fn look_again(&mut self) -> Result<Look> {
        if self.header.is_none() {
            self.read_header()?;
        }
        self.buffer.clear();
        self.look(self.at).map_err(|e| failed(&self.path, e))
    }

    /// The frame of this length at `at`, which is whole and in the buffer; goes on to the next.
    fn frame(&mut self, length: usize) -> Step<'_> {
        let start = (self.at - self.buffer_at) as usize;
        let from = self.at;
        self.at += length as u64;
        match Frame::read(from, &self.buffer[start + HEAD..start + length]) {
            Some(frame) => Step::Frame(frame),
            None => Step::Damaged { from, to: from + length as u64, why: Damage::Content },
        }
    }

    fn read_header(&mut self) -> Result<()> {
        self.buffer.clear();
        let mut header = vec![0; 512];
        let read = |to: &mut Vec<u8>| {
            let n = self.source.read_full(to, 0)?;
            to.truncate(n);
            io::Result::Ok(())
        };
        read(&mut header).map_err(|e| failed(&self.path, e))?;
        if let Some(needed) = Header::needs(&header).filter(|n| *n > header.len() && header.len() == 512) {
            header.resize(needed, 0);
            read(&mut header).map_err(|e| failed(&self.path, e))?;
        }
        match Header::read(&header) {
            Beginning::Whole(header, frames_at) => {
                self.header = Some(header);
                self.at = self.at.max(frames_at);
                Ok(())
            }
            Beginning::Newer(format) => {
                let message =
                    format!("read the log {}: it has format {format}, of another release", self.path.display());
                Err(Error::new(ErrorKind::NewerFormat, message))
            }
            Beginning::Unreadable => Ok(()),
        }
    }

    /// Whether a whole frame begins there.
    fn look(&mut self, at: u64) -> io::Result<Look> {
        let Some(name) = self.name() else { return Ok(Look::Not(Damage::NoFrame)) };
        let head = self.fill(at, HEAD)?.first_chunk().and_then(|bytes| Head::read(bytes, name, at));
        let Some(head) = head else { return Ok(Look::Not(Damage::NoFrame)) };
        let length = HEAD + head.length as usize;
        let body = self.fill(at, length)?.get(HEAD..length);
        Ok(if body.is_some_and(|body| head.fits(body)) { Look::Whole(length) } else { Look::Not(Damage::Checksum) })
    }

    /// Where the next whole frame begins, from this offset on. Few bytes look like a head, and nearly none of those are, so this
    /// takes little more than reading.
    fn find(&mut self, mut from: u64) -> io::Result<Option<u64>> {
        loop {
            let bytes = self.fill(from, MAGIC.len())?;
            if bytes.len() < MAGIC.len() {
                return Ok(None);
            }
            match bytes.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) {
                Some(n) => {
                    from += n as u64;
                    if let Look::Whole(_) = self.look(from)? {
                        return Ok(Some(from));
                    }
                    from += 1;
                }
                None => from += (bytes.len() - MAGIC.len() + 1) as u64,
            }
        }
    }

    /// The bytes from this offset on that are in the buffer: as many as are wanted, or fewer if the file ends before.
    fn fill(&mut self, at: u64, wanted: usize) -> io::Result<&[u8]> {
        let in_buffer = at.checked_sub(self.buffer_at).and_then(|n| usize::try_from(n).ok());
        if let Some(start) = in_buffer
            && self.buffer.len().checked_sub(start).is_some_and(|n| n >= wanted)
        {
            return Ok(&self.buffer[start..]);
        }
        // No length is trusted before that many bytes are known to be there.
        let left = usize::try_from(self.source.length()?.saturating_sub(at)).unwrap_or(usize::MAX);
        self.buffer_at = at;
        self.buffer.resize(if wanted > left { 0 } else { left.min(wanted.max(WINDOW)) }, 0);
        let n = self.source.read_full(&mut self.buffer, at)?;
        self.buffer.truncate(n);
        Ok(&self.buffer)
    }
}

/// What was seen at an offset.
#[derive(Debug)]
enum Look {
    /// A whole frame of this length, with its head.
    Whole(usize),
    Not(Damage),
}

fn failed(path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    Error::new(kind, format!("read the log {}: {error}", path.display()))
}

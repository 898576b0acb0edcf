//! Where logs are read from.

use std::fs::File;
use std::io;

/// Bytes that are read by position: a file, or bytes in memory for tests.
pub trait ReadAt {
    /// Reads bytes from this position on; 0 at the end.
    ///
    /// # Errors
    /// Those of the file.
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize>;

    /// How many bytes there are.
    ///
    /// # Errors
    /// Those of the file.
    fn length(&self) -> io::Result<u64>;

    /// Reads until `to` is full or nothing is left. Returns how many bytes were read.
    ///
    /// # Errors
    /// Those of the file.
    fn read_full(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        let mut n = 0;
        while n < to.len() {
            match self.read_at(&mut to[n..], at + n as u64) {
                Ok(0) => break,
                Ok(read) => n += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(n)
    }
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, to, at)
    }

    #[cfg(windows)]
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, to, at)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        use std::io::{Read, Seek};
        let mut file = self;
        file.seek(io::SeekFrom::Start(at))?;
        file.read(to)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(to.len());
        to[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

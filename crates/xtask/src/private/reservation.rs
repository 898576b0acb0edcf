//! Reserves ports and a directory that no other private broker on this machine uses at the same time.
//!
//! The directory is the lock: its name contains the first port, and only one process succeeds in creating it. The ranges are
//! below Linux's ephemeral ports, so a port is still free when a killed broker is started again.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::net::is_free;

/// The ports of one kind of broker: blocks of equal size. No two kinds share a port.
#[derive(Debug)]
pub(crate) struct Range {
    /// Part of the directories' names.
    pub(crate) name: &'static str,
    pub(crate) first: u16,
    pub(crate) end: u16,
    pub(crate) block: u16,
}

/// The ports and the directory of one broker. Removing the directory frees them.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) directory: PathBuf,
    /// The first of its block.
    pub(crate) port: u16,
}

impl Range {
    /// Reserves a block of ports that are free now.
    pub(crate) fn take(&self) -> Result<Reservation> {
        let temporary = std::env::temp_dir().canonicalize().context("failed to find the temporary directory")?;
        let blocks = u64::from((self.end - self.first) / self.block);
        let start = RandomState::new().build_hasher().finish();
        for step in 0..blocks {
            let port = self.first + (start.wrapping_add(step) % blocks) as u16 * self.block;
            let directory = temporary.join(format!("spanbridge-{}-{port}", self.name));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) if (port..port + self.block).all(is_free) => return Ok(Reservation { directory, port }),
                // Another process uses a port. If this fails, an empty directory is left and one block fewer is usable.
                Ok(()) => drop(std::fs::remove_dir(&directory)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("failed to create {}", directory.display())),
            }
        }
        bail!("failed to find free ports between {} and {}", self.first, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reservations_share_nothing() {
        let range = Range { name: "test", first: 31_900, end: 32_700, block: 4 };
        let (a, b) = (range.take().unwrap(), range.take().unwrap());
        assert!(a.directory != b.directory && a.port.abs_diff(b.port) >= range.block);
        for reservation in [a, b] {
            std::fs::remove_dir(reservation.directory).unwrap();
        }
    }
}

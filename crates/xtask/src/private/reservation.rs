//! Ports and a directory that no other private broker of this machine uses at the same time.
//!
//! The name of the directory holds the first port, and creating a directory either succeeds for one or fails:
//! that is the lock. The ranges lie below the ports that Linux gives to outgoing connections, so that a
//! port is still free when a killed broker comes back to it.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::net::is_free;

/// Where one kind of broker finds its ports: blocks of a size, from one port up to another. No two kinds share any.
#[derive(Debug)]
pub(crate) struct Range {
    /// In the names of the directories.
    pub(crate) name: &'static str,
    pub(crate) first: u16,
    pub(crate) end: u16,
    pub(crate) block: u16,
}

/// What one broker occupies. Removing the directory gives it back.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) directory: PathBuf,
    /// The first of its block.
    pub(crate) port: u16,
}

impl Range {
    /// Takes a block of ports that is free now.
    pub(crate) fn take(&self) -> Result<Reservation> {
        let temporary = std::env::temp_dir().canonicalize().context("failed to find the temporary directory")?;
        let blocks = u64::from((self.end - self.first) / self.block);
        let start = RandomState::new().build_hasher().finish();
        for step in 0..blocks {
            let port = self.first + (start.wrapping_add(step) % blocks) as u16 * self.block;
            let directory = temporary.join(format!("spanbridge-{}-{port}", self.name));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) if (port..port + self.block).all(is_free) => return Ok(Reservation { directory, port }),
                // Somebody else's port. An error leaves an empty directory: one block less, nothing worse.
                Ok(()) => drop(std::fs::remove_dir(&directory)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("failed to create {}", directory.display())),
            }
        }
        bail!("no free ports between {} and {}", self.first, self.end)
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

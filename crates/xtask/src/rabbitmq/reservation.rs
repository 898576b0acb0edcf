//! Three ports and a directory that no other private broker of this machine uses at the same time.
//!
//! The name of the directory holds the port, and creating a directory either succeeds for one or fails:
//! that is the lock. The range lies below the ports that Linux gives to outgoing connections, so that a
//! port is still free when a killed broker comes back to it.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::net::is_free;

const FIRST: u16 = 21_000;
const BLOCK: u16 = 4;
const BLOCKS: u16 = 2_700;

/// What one broker occupies. Removing the directory gives it back.
#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) directory: PathBuf,
    pub(super) amqp: u16,
    pub(super) dist: u16,
    pub(super) epmd: u16,
}

impl Reservation {
    /// Takes a block of ports that is free now.
    pub(super) fn take() -> Result<Self> {
        let temporary = std::env::temp_dir().canonicalize().context("failed to find the temporary directory")?;
        let start = RandomState::new().build_hasher().finish();
        for step in 0..u64::from(BLOCKS) {
            let block = (start.wrapping_add(step) % u64::from(BLOCKS)) as u16;
            let amqp = FIRST + block * BLOCK;
            let directory = temporary.join(format!("spanbridge-rabbitmq-{amqp}"));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) if (amqp..amqp + BLOCK).all(is_free) => {
                    return Ok(Self { directory, amqp, dist: amqp + 1, epmd: amqp + 2 });
                }
                // Somebody else's port. An error leaves an empty directory: one block less, nothing worse.
                Ok(()) => drop(std::fs::remove_dir(&directory)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("failed to create {}", directory.display())),
            }
        }
        bail!("no free ports between {FIRST} and {}", FIRST + BLOCK * BLOCKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reservations_share_nothing() {
        let (a, b) = (Reservation::take().unwrap(), Reservation::take().unwrap());
        assert!(a.directory != b.directory && a.amqp.abs_diff(b.amqp) >= BLOCK);
        for reservation in [a, b] {
            std::fs::remove_dir(reservation.directory).unwrap();
        }
    }
}

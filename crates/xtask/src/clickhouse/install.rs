//! Finds ClickHouse, or installs it from the system's packages.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cache::named;
use crate::debian;

/// What to do if ClickHouse is missing and cannot be installed here.
pub(crate) const ADVICE: &str =
    "install it (apt-get install clickhouse-server, as root), or set CLICKHOUSE_BIN to its bin directory";

/// Debian's package has the program here, which is not on everyone's `PATH`.
const PLACES: [&str; 2] = ["/usr/sbin", "/usr/bin"];

/// The program `clickhouse-server`: in `CLICKHOUSE_BIN` if that is set, else on the `PATH` or where packages put it.
pub fn installed() -> Option<PathBuf> {
    const PROGRAM: &str = "clickhouse-server";
    match named("CLICKHOUSE_BIN") {
        Some(place) => Some(PathBuf::from(place).join(PROGRAM)).filter(|program| program.is_file()),
        None => {
            let packaged = || PLACES.map(|place| PathBuf::from(place).join(PROGRAM)).into_iter().find(|p| p.is_file());
            debian::find(PROGRAM).or_else(packaged)
        }
    }
}

/// Installs ClickHouse if it is missing and it is possible: as root on Debian, Ubuntu and their derivatives. Starts no service.
///
/// # Errors
///
/// It is missing, and we may not install it, or the packages cannot be reached. This takes seconds.
pub fn ensure_installed() -> Result<()> {
    if !debian::ensure_any(&[&["clickhouse-server"]], || installed().is_some())? {
        bail!("failed to find ClickHouse: {ADVICE}");
    }
    Ok(())
}

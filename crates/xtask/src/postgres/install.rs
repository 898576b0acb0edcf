//! Finds PostgreSQL, or installs it from the system's packages.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cache::named;
use crate::debian;

/// What to do if PostgreSQL is missing and cannot be installed here.
pub(crate) const ADVICE: &str =
    "install it (apt-get install postgresql, as root), or set POSTGRES_BIN to its bin directory";

/// Debian has one directory per version here, with the programs in `bin`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The directory of PostgreSQL's `initdb` and `postgres`: `POSTGRES_BIN` if that is set, else that of Debian's newest version,
/// else one on the `PATH`.
pub fn installed() -> Option<PathBuf> {
    let places = match named("POSTGRES_BIN") {
        Some(place) => vec![PathBuf::from(place)],
        None => {
            let on_path = debian::find("initdb").and_then(|initdb| initdb.parent().map(Path::to_owned));
            versions(Path::new(VERSIONS)).into_iter().chain(on_path).collect()
        }
    };
    places.into_iter().find(|place| ["initdb", "postgres"].iter().all(|program| place.join(program).is_file()))
}

/// The directories of the programs, the newest version first.
fn versions(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

/// Installs PostgreSQL if it is missing and it is possible: as root on Debian, Ubuntu and their derivatives. Starts no service.
///
/// # Errors
///
/// It is missing, and we may not install it, or the packages cannot be reached. This takes seconds.
pub fn ensure_installed() -> Result<()> {
    if !debian::ensure_any(&[&["postgresql"]], || installed().is_some())? {
        bail!("failed to find PostgreSQL: {ADVICE}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        for version in ["9", "17", "15", "common"] {
            std::fs::create_dir(directory.path().join(version)).unwrap();
        }
        let found = versions(directory.path());
        assert_eq!(found, ["17/bin", "15/bin", "9/bin"].map(|path| directory.path().join(path)));
        assert!(versions(&directory.path().join("absent")).is_empty());
    }
}

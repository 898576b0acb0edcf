//! Java and Maven: found, or installed from the system's packages where we may.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{debian, process};

/// The oldest Java that runs Kafka's broker.
const OLDEST: u32 = 17;

/// Java's packages, with the compiler, and Maven's: the first that this system has.
const PACKAGES: [&[&str]; 3] =
    [&["openjdk-17-jdk-headless", "maven"], &["openjdk-21-jdk-headless", "maven"], &["default-jdk-headless", "maven"]];

/// A `java` that is new enough: `JAVA_HOME`'s, else the one on the `PATH`.
pub(crate) fn installed() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
    let named = home.map(|home| PathBuf::from(home).join("bin/java"));
    named.into_iter().chain(debian::find("java")).find(|java| version(java).is_some_and(|version| version >= OLDEST))
}

/// Java, and Maven beside it; both are installed where one is missing and where we can.
///
/// # Errors
///
/// When one is missing and cannot be installed.
pub(crate) fn ensure() -> Result<PathBuf> {
    let there = || installed().is_some() && debian::on_path("mvn");
    if !debian::ensure_any(&PACKAGES, there)? {
        bail!("no Java {OLDEST} or newer with Maven: apt-get install openjdk-17-jdk-headless maven (as root)");
    }
    match installed() {
        Some(java) => Ok(java),
        None => bail!("no Java {OLDEST} or newer"),
    }
}

fn version(java: &PathBuf) -> Option<u32> {
    let output = process::try_capture(Command::new(java).arg("-version")).ok()?;
    read_version(&String::from_utf8_lossy(&output.stderr))
}

/// Of what `java -version` says: `openjdk version "17.0.15" 2025-04-15`, and before Java 9 `java version "1.8.0_402"`.
fn read_version(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    version.split(['.', '-', '_', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_however_it_is_told() {
        for (text, expected) in [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment", Some(17)),
            ("openjdk version \"25\" 2025-09-16", Some(25)),
            ("openjdk version \"24-ea\"", Some(24)),
            ("java version \"1.8.0_402\"", Some(1)),
            ("", None),
            ("Unable to locate a Java Runtime.", None),
        ] {
            assert_eq!(read_version(text), expected, "{text}");
        }
    }
}

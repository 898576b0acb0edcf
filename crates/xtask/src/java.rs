//! Finds Java and Maven, or installs them from the system's packages if we may.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{debian, process};

/// The oldest version of Java that runs Kafka's broker.
const OLDEST: u32 = 17;

/// The packages of Java (with the compiler) and Maven. The first set that this system has is installed.
const PACKAGES: [&[&str]; 3] =
    [&["openjdk-17-jdk-headless", "maven"], &["openjdk-21-jdk-headless", "maven"], &["default-jdk-headless", "maven"]];

/// A `java` that is new enough: the one in `JAVA_HOME`, else the one on the `PATH`.
pub(crate) fn installed() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
    let named = home.map(|home| PathBuf::from(home).join("bin/java"));
    named.into_iter().chain(debian::find("java")).find(|java| version(java).is_some_and(|version| version >= OLDEST))
}

/// Finds Java and Maven. If one is missing and it is possible, installs both.
///
/// # Errors
///
/// One is missing and cannot be installed.
pub(crate) fn ensure() -> Result<PathBuf> {
    let there = || installed().is_some() && debian::on_path("mvn");
    if !debian::ensure_any(&PACKAGES, there)? {
        bail!(
            "failed to find Java {OLDEST} or newer and Maven: install them (apt-get install openjdk-17-jdk-headless maven, \
             as root)"
        );
    }
    match installed() {
        Some(java) => Ok(java),
        None => bail!("failed to find Java {OLDEST} or newer"),
    }
}

fn version(java: &PathBuf) -> Option<u32> {
    let output = process::try_capture(Command::new(java).arg("-version")).ok()?;
    read_version(&String::from_utf8_lossy(&output.stderr))
}

/// The version in what `java -version` prints: `openjdk version "17.0.15" 2025-04-15`, and before Java 9 `java version "1.8.0_402"`.
fn read_version(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    version.split(['.', '-', '_', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_version_is_read() {
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

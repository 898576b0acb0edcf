//! The common part of private brokers: reserved ports and a directory, scripts that start and kill them, and a guardian that
//! removes everything.

mod reservation;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::guardian::Guardian;
use crate::process;
pub(crate) use reservation::{Range, Reservation};

const COMMON: &str = include_str!("common.sh");

/// Number of attempts with other ports, if another process takes the ports between the check and the start.
const ATTEMPTS: usize = 3;

/// The place of one broker. When it is dropped, or this process ends in any way, everything that runs there is ended and the
/// directory is removed.
#[derive(Debug)]
pub(crate) struct Place {
    // Dropped first: this removes everything.
    _guardian: Guardian,
    reservation: Reservation,
}

impl Place {
    /// Writes the files into a reserved directory: `control.sh` from `assignments` and `script`, the scripts `kill`, `start` and
    /// `restart` that call it, and the other files.
    pub(crate) fn furnish(
        reservation: Reservation,
        assignments: &str,
        script: &str,
        others: Vec<(String, String)>,
    ) -> Result<Self> {
        let control = reservation.directory.join("control.sh");
        let call = |name: &str| format!("#!/bin/sh\nexec sh {} {name} \"$@\"\n", quote(&control));
        let calls = ["kill", "start", "restart"].map(|name| (name.to_owned(), call(name)));
        let text = format!("dir={}\n{assignments}{COMMON}{script}", quote(&reservation.directory));
        for (name, text) in [("control.sh".to_owned(), text)].into_iter().chain(calls).chain(others) {
            let path = reservation.directory.join(name);
            std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        Ok(Self { _guardian: Guardian::start(&control)?, reservation })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.reservation.directory
    }

    /// The first port of its block.
    pub(crate) fn port(&self) -> u16 {
        self.reservation.port
    }

    /// Runs `control.sh` with these arguments, and returns what it printed.
    pub(crate) fn control(&self, arguments: &[&str]) -> Result<String> {
        process::capture(Command::new("sh").arg(self.directory().join("control.sh")).args(arguments))
    }

    /// The pid in a file, if it is a running process of this broker.
    pub(crate) fn noted_pid(&self, file: &str) -> Option<u32> {
        let pid = std::fs::read_to_string(self.directory().join(file)).ok()?.trim().parse().ok()?;
        // The pid may belong to another process by now, or to a zombie.
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mark = format!("SPANBRIDGE_BROKER={}", self.directory().display());
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes()).then_some(pid)
    }
}

/// Starts something that listens on reserved ports. If its error contains `taken`, another process has taken a port meanwhile,
/// and it is started on other ports.
pub(crate) fn somewhere<T>(taken: &str, start: impl Fn() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start() {
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains(taken) => attempt += 1,
            result => return result,
        }
    }
}

/// The path, quoted for a shell script.
pub(crate) fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_paths_are_one_word() {
        let output =
            Command::new("sh").arg("-c").arg(format!("printf %s {}", quote(Path::new("/a b/it's $x")))).output();
        assert_eq!(output.unwrap().stdout, b"/a b/it's $x");
    }
}

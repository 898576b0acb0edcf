//! Cleans up, however this process ends.
//!
//! A destructor does not run when a process is killed, when a test runner gives up on it, or for a value in a `static`. So a
//! small shell cleans up. It waits at the other end of a pipe until the pipe closes, and the operating system closes the pipe
//! for every kind of end.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

/// Runs a shell script when it is dropped, or when this process ends in any other way.
///
/// The script gets the argument `guard`. It must ignore SIGINT, SIGTERM and SIGHUP, wait for the end of its stdin, and then
/// clean up.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Starts the script, which waits from now on.
    pub(crate) fn start(script: &Path) -> Result<Self> {
        let shell = Command::new("sh")
            .arg(script)
            .arg("guard")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("failed to start sh, which would clean up at the end")?;
        Ok(Self { shell })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing can be done about an error here, and the script does its work without us.
        let _ = self.shell.wait();
    }
}

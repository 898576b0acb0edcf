//! Cleaning up whatever happens to us.
//!
//! A destructor does not run when a process is killed, when a test runner loses patience, or for a
//! value in a `static`. So what must be removed is removed by a small shell that waits at the other
//! end of a pipe: it starts when the pipe closes, and the system closes it for every kind of end.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

/// Runs a shell script when dropped, or when this process ends in any other way.
///
/// The script gets `guard` as its argument, must wait for the end of its stdin, ignore SIGINT, SIGTERM and
/// SIGHUP, and then clean up.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Starts the script; it waits from now on.
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
            .context("failed to start sh, which would clean up after us")?;
        Ok(Self { shell })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing could be done about an error here, and the script does its work without us.
        let _ = self.shell.wait();
    }
}

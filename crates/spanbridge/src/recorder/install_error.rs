//! Why a recorder could not be set up.

use std::fmt;

/// Why a recorder could not be set up. The message follows "failed to install: ".
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// Another recorder is installed, and still works.
    AlreadyInstalled,
    /// The recorder has no sink: what it records would go nowhere.
    NoSink,
    /// The operating system refused a thread.
    Thread(std::io::Error),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstallError::AlreadyInstalled => "a recorder is already installed",
            InstallError::NoSink => "the recorder has no sink",
            InstallError::Thread(_) => "the operating system refused a thread",
        })
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InstallError::AlreadyInstalled | InstallError::NoSink => None,
            InstallError::Thread(e) => Some(e),
        }
    }
}

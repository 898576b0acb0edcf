//! The files of the page.

mod file;

pub(super) use file::File;
use std::path::PathBuf;

/// Where the files of the page are.
pub(super) struct Assets {
    /// `None`: in the binary.
    directory: Option<PathBuf>,
}

impl Assets {
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    pub(super) fn file(&self, name: &str) -> Option<File> {
        match &self.directory {
            Some(directory) => File::read(directory, name),
            None => File::embedded(name),
        }
    }
}

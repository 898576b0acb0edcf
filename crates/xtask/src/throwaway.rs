//! A package in a temporary directory, like that of a user who depends on our crates from outside the workspace.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{process, workspace};

/// A package with dependencies and one program per source file. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Throwaway {
    directory: TempDir,
}

impl Throwaway {
    /// Creates the package. `dependencies` are lines of the manifest. Without programs, it has an empty library.
    pub(crate) fn new(dependencies: &[String], programs: &[(&str, PathBuf)]) -> Result<Self> {
        let directory = tempfile::tempdir().context("failed to make a directory")?;
        let package = Throwaway { directory };
        let mut manifest = "[package]\nname = \"throwaway\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n".to_owned();
        for (name, source) in programs {
            manifest += &format!("[[bin]]\nname = {name:?}\npath = {source:?}\n\n");
        }
        // The empty table keeps cargo from looking for a workspace above the directory.
        manifest += &format!("[dependencies]\n{}\n\n[workspace]\n", dependencies.join("\n"));
        if programs.is_empty() {
            package.write("src/lib.rs", "")?;
        }
        package.write("Cargo.toml", &manifest)?;
        Ok(package)
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.directory.path().join(file);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        written.with_context(|| format!("failed to write {}", path.display()))
    }

    /// The path of a file in the package.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Starts from the workspace's versions instead of the latest ones.
    pub(crate) fn with_our_lock_file(self) -> Result<Self> {
        let (from, to) = (workspace::root().join("Cargo.lock"), self.path("Cargo.lock"));
        std::fs::copy(&from, to).with_context(|| format!("failed to copy {}", from.display()))?;
        Ok(self)
    }

    /// `cargo` for this package.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = workspace::cargo(arguments);
        command.arg("--manifest-path").arg(self.path("Cargo.toml")).env("CARGO_TERM_COLOR", "never");
        command
    }

    /// Lets cargo choose versions and write the lock file.
    pub(crate) fn resolve(&self, arguments: &[&str]) -> Result<Output> {
        process::try_capture(&mut self.cargo(&[&["generate-lockfile"], arguments].concat()))
    }

    /// The versions of a package in the lock file.
    pub(crate) fn locked(&self, package: &str) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.path("Cargo.lock")).context("failed to read the lock file")?;
        Ok(versions(&text, package))
    }
}

/// The versions of a package in a lock file, which has `version` on the line after `name`.
fn versions(lock_file: &str, package: &str) -> Vec<String> {
    let name = format!("name = {package:?}");
    let lines = lock_file.lines().zip(lock_file.lines().skip(1));
    let versions = lines.filter(|(line, _)| *line == name).map(|(_, next)| next);
    versions.filter_map(|line| Some(line.strip_prefix("version = \"")?.trim_end_matches('"').to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"a-b\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"2.0.0\"\ndependencies = [\n \"a-b\",\n]\n";
        assert_eq!(versions(text, "a"), ["1.2.3", "2.0.0"]);
        assert_eq!(versions(text, "b"), [""; 0]);
    }
}

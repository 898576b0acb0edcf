//! A module with children is a directory with a `mod.rs`: no `x.rs` beside `x/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::source::{files_below, packages, root};

/// Checks the source directory of every package.
#[test]
fn modules_with_children_are_directories() {
    let mut problems = Vec::new();
    for package in packages() {
        problems.extend(beside_their_children(&files_below(&root().join(package.directory).join("src"))));
    }
    assert!(problems.is_empty(), "move each of these to the mod.rs of its directory:\n{problems:#?}");
}

/// The files that are beside the directory of their children.
fn beside_their_children(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let directories = files.iter().filter_map(|file| file.parent());
    directories.map(|directory| directory.with_extension("rs")).filter(|file| files.contains(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beside_its_directory_is_reported() {
        let files =
            ["src/lib.rs", "src/a.rs", "src/a/b.rs", "src/c/mod.rs", "src/c/d.rs", "src/e.rs"].map(PathBuf::from);
        assert!(beside_their_children(&files).iter().eq([Path::new("src/a.rs")]));
    }
}

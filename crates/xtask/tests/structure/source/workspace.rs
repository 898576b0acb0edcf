//! The packages of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::tree::Tree;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its path in the repository: `crates/xtask`.
    pub(crate) directory: String,
    pub(crate) features: Vec<String>,
    /// The root files of its library and programs: `src/lib.rs`.
    pub(crate) roots: Vec<String>,
}

impl Package {
    /// Reads the source of each library and program.
    pub(crate) fn trees(&self) -> Vec<Tree> {
        let directory = root().join(&self.directory);
        let text = |path: &str| std::fs::read_to_string(directory.join(path)).ok();
        let read =
            |root: &String| Tree::read(root, &text).unwrap_or_else(|error| panic!("{}: {error}", self.directory));
        self.roots.iter().map(read).collect()
    }
}

/// Every package of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(root()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(metadata: &Value) -> Package {
    let manifest = Path::new(metadata["manifest_path"].as_str().unwrap());
    let directory = manifest.parent().unwrap();
    let source = |target: &Value| {
        let path = Path::new(target["src_path"].as_str().unwrap()).strip_prefix(directory).unwrap();
        path.starts_with("src").then(|| path.to_str().unwrap().to_owned())
    };
    let mut features: Vec<_> = metadata["features"].as_object().unwrap().keys().cloned().collect();
    features.sort();
    Package {
        name: metadata["name"].as_str().unwrap().to_owned(),
        directory: directory.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
        features,
        roots: metadata["targets"].as_array().unwrap().iter().filter_map(source).collect(),
    }
}

/// All `.rs` files below a directory, except in target directories.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                directories.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

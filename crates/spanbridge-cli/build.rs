//! Puts the files of the page and the published schemas into the binary: writes the lists of them that `src/serve/files.rs` includes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let here = variable("CARGO_MANIFEST_DIR")?;
    let mut tables = table("PAGE", &here.join("page"))?;
    tables.push_str(&table("SCHEMAS", &here.join("../../docs/schema"))?);
    fs::write(variable("OUT_DIR")?.join("files.rs"), tables)
}

/// A constant with every file below the directory.
fn table(name: &str, directory: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut files = BTreeMap::new();
    find(directory, "", &mut files)?;
    let mut table = format!("pub(super) const {name}: &[Embedded] = &[\n");
    for (name, path) in files {
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(&path)?);
        let hash = hasher.finish();
        let _ = writeln!(table, "    ({name:?}, include_bytes!({path:?}), {hash}),");
    }
    table.push_str("];\n");
    Ok(table)
}

/// Files by their names, which have slashes on every system. Tests of the page and notes are not part of it.
fn find(directory: &Path, before: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            find(&entry.path(), &format!("{name}/"), files)?;
        } else if !name.ends_with(".test.js") && !name.ends_with(".md") {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

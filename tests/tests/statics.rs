//! A fork in one thread leaves locked what another has locked. So a lock that a static has is a `PerProcess`, which no fork
//! leaves locked, or one that is named here with the reason.

use std::fs;
use std::path::{Path, PathBuf};

/// File, static, and why no forked child can hang on it.
const OTHERS: [(&str, &str, &str); 7] = [
    ("spanbridge/src/fork.rs", "LOCKS", "held over every fork: it is the list of those that are"),
    (
        "spanbridge-lambda/src/consume/signals.rs",
        "INSTALLED",
        "nobody waits for it: one thread sets it, and others only look",
    ),
    ("spanbridge/src/context/intake.rs", "GLOBAL", "held over every fork"),
    (
        "spanbridge/src/context/source.rs",
        "SOURCES",
        "nobody waits for it: a program sets it once, with what is made before, and others only look",
    ),
    ("spanbridge/src/encoder/clock.rs", "BASE", "initialised before every fork"),
    ("spanbridge/src/encoder/clock.rs", "FIRST", "initialised before every fork"),
    ("spanbridge/src/encoder/clock.rs", "ONCE", "initialised before every fork"),
];

/// What another thread can be in the midst of.
const LOCKING: [&str; 7] = ["Mutex", "RwLock", "Once", "OnceLock", "LazyLock", "Condvar", "Barrier"];

#[test]
fn no_static_has_a_lock_of_its_own() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut found = vec![];
    let mut files = vec![];
    for each in fs::read_dir(&crates).unwrap() {
        // What builds and tests the workspace is no part of an application.
        let each = each.unwrap();
        if each.file_name() != "xtask" {
            collect(&each.path().join("src"), &mut files)
        }
    }
    assert!(files.len() > 200, "{} files", files.len());
    for file in files {
        let name = file.strip_prefix(&crates).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        found.extend(code.lines().filter_map(lock).map(|lock| (name.clone(), lock.to_owned())));
        found.extend(code.contains("lazy_static!").then(|| (name.clone(), "lazy_static".to_owned())));
    }
    found.sort();
    let mut known = OTHERS.map(|(file, lock, _)| (file.to_owned(), lock.to_owned()));
    known.sort();
    assert_eq!(found, known);
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files)
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path)
        }
    }
}

/// The name of the static that a line declares, if its type locks.
fn lock(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let declared = line
        .split_once("static ")
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub") || before.starts_with("thread_local!("))?;
    let (name, of_type) = declared.1.split_once(':')?;
    let of_type = of_type.split(" = ").next().unwrap_or_default();
    let words = of_type.split(|c: char| !c.is_alphanumeric()).filter(|word| LOCKING.contains(word));
    (words.count() > 0).then_some(name)
}

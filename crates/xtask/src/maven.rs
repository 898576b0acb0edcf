//! Downloads jars from Maven Central into the user's cache: the dependencies of a pom, and theirs.
//!
//! The registry is the one in Maven's settings. If it cannot be reached, this fails within seconds.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// The goal of Maven that copies jars into a directory.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// The timeouts until the first download, and from each download to the next.
const PATIENCE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(60)];

/// By default, Maven waits for minutes for hosts that do not answer. (Its two transports have different names for this.)
const IMPATIENT: [&str; 4] = [
    "-Daether.connector.connectTimeout=5000",
    "-Daether.connector.requestTimeout=20000",
    "-Daether.connector.http.retryHandler.count=0",
    "-Dmaven.wagon.http.retryHandler.count=0",
];

/// The directory with the jars of a pom, if they are already in the cache.
pub(crate) fn cached(name: &str, pom: &str) -> Option<PathBuf> {
    place(name, pom).ok().map(|place| place.join("jars")).filter(|jars| jars.is_dir())
}

/// The directory with the jars of a pom and all their dependencies: the class path is everything in it. They are downloaded if
/// they are not in the cache.
///
/// # Errors
///
/// Maven fails, for instance because the registry cannot be reached.
pub(crate) fn jars(name: &str, pom: &str) -> Result<PathBuf> {
    resolve(name, pom, |partial| {
        let mut maven = Command::new("mvn");
        maven.args(["-B", "-U"]).args(IMPATIENT).arg("-f").arg(partial.join("pom.xml")).arg(COPY);
        maven.arg(output_directory(&partial.join("jars"))).arg("-DincludeScope=runtime");
        run(&mut maven)
    })
}

fn output_directory(jars: &Path) -> OsString {
    let mut argument = OsString::from("-DoutputDirectory=");
    argument.push(jars);
    argument
}

/// Each pom has a place of its own, so checkouts with different poms do not disturb each other.
fn place(name: &str, pom: &str) -> Result<PathBuf> {
    workspace::cache_for(&format!("maven-{name}"), pom)
}

/// `download` gets a directory with the `pom.xml`, and fills its `jars`. The directory gets its final name when everything is
/// there, so an unfinished one is never used. One process downloads at a time, and the next one finds the result.
fn resolve(name: &str, pom: &str, download: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if let Some(jars) = cached(name, pom) {
        return Ok(jars);
    }
    let place = place(name, pom)?;
    let _turn = take_turn(&place.with_extension("lock"))?;
    let jars = place.join("jars");
    if jars.is_dir() {
        return Ok(jars);
    }
    eprintln!("xtask: resolving {name} from Maven Central into {}", place.display());
    let partial = place.with_extension("partial");
    // From a process that was killed.
    let _ = std::fs::remove_dir_all(&partial);
    std::fs::create_dir_all(&partial).with_context(|| format!("failed to create {}", partial.display()))?;
    std::fs::write(partial.join("pom.xml"), pom).context("failed to write a pom.xml")?;
    download(&partial)?;
    std::fs::rename(&partial, &place).with_context(|| format!("failed to create {}", place.display()))?;
    Ok(jars)
}

/// Waits for the lock. It is released when the file is closed, at the latest when the process ends.
fn take_turn(path: &Path) -> Result<File> {
    let file = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| File::create(path));
    let file = file.with_context(|| format!("failed to create {}", path.display()))?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error).context("failed to lock the cache"),
        }
        process::check()?;
        if !said {
            eprintln!("xtask: waiting for another process that is downloading the same jars");
            said = true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs Maven, and kills it if its downloads stall. The error is the last part of Maven's first error, which has the cause.
fn run(maven: &mut Command) -> Result<()> {
    let mut first = None;
    let status = process::watch(maven, Instant::now() + PATIENCE[0], |line| {
        let error = line.strip_prefix("[ERROR] ").map(str::to_owned);
        first = first.take().or(error);
        line.contains("Downloaded").then(|| Instant::now() + PATIENCE[1])
    })?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("mvn ended with {status}: {}", first.as_deref().map_or("", cause)),
        None => bail!("mvn was killed: its registry sent nothing in time"),
    }
}

/// `… could not be resolved: …: Unknown host example.org: Temporary failure in name resolution -> [Help 1]`
fn cause(error: &str) -> &str {
    let error = error.split(" -> [Help").next().unwrap_or_default();
    error.rmatch_indices(": ").nth(1).map_or(error, |(at, separator)| &error[at + separator.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn fill(partial: &Path) -> Result<()> {
        std::fs::create_dir(partial.join("jars"))?;
        std::fs::write(partial.join("jars/a.jar"), "")?;
        Ok(())
    }

    /// A name that no other run of the tests uses, so it is not in the cache. Its files are removed at the end.
    struct Name(String);

    impl Name {
        fn new(what: &str) -> Self {
            Name(format!("test-{what}-{}", std::process::id()))
        }
    }

    impl Drop for Name {
        fn drop(&mut self) {
            let place = place(&self.0, "").unwrap();
            let _ = std::fs::remove_dir_all(&place);
            let _ = std::fs::remove_dir_all(place.with_extension("partial"));
            let _ = std::fs::remove_file(place.with_extension("lock"));
        }
    }

    #[test]
    fn a_half_done_download_is_not_used() {
        let name = Name::new("half");
        let broken = resolve(&name.0, "", |partial| fill(partial).and_then(|()| bail!("the cable was pulled")));
        assert_eq!(broken.unwrap_err().to_string(), "the cable was pulled");
        assert_eq!(cached(&name.0, ""), None);
        let jars = resolve(&name.0, "", fill).unwrap();
        assert_eq!(cached(&name.0, ""), Some(jars.clone()));
        assert!(jars.join("a.jar").exists() && jars.join("../pom.xml").exists());
    }

    #[test]
    fn of_many_at_once_one_downloads() {
        let (name, downloads) = (Name::new("once"), AtomicUsize::new(0));
        let resolve = || {
            resolve(&name.0, "", |partial| {
                downloads.fetch_add(1, SeqCst);
                std::thread::sleep(Duration::from_millis(50));
                fill(partial)
            })
        };
        let all = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(resolve));
            threads.map(|thread| thread.join().unwrap().unwrap())
        });
        assert!(all.iter().all(|jars| *jars == all[0]));
        assert_eq!(downloads.into_inner(), 1);
    }

    #[test]
    fn mavens_first_error_is_reported() {
        let mut maven = Command::new("sh");
        maven.args(["-c", "echo '[INFO] hello'; echo '[ERROR] no jar: at x: host y: no route -> [Help 1]'; echo '[ERROR] more'; exit 1"]);
        assert_eq!(run(&mut maven).unwrap_err().to_string(), "mvn ended with exit status: 1: host y: no route");
        assert_eq!(cause("no colon"), "no colon");
    }
}

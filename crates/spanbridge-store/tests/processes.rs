//! Processes that die while they write, and disks that are full or read-only.
//!
//! A writing process is this test binary again; its environment says what to do. It reports its progress on standard output, so
//! nothing here waits for time to pass.
#![cfg(unix)]

mod support;

use spanbridge::Sink;
use spanbridge_store::log;
use spanbridge_store::{ErrorKind, Limits, StoreSink};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};
use support::*;
use tempfile::{TempDir, tempdir};

fn variable(name: &str) -> Option<String> {
    env::var(format!("SPANBRIDGE_TEST_{name}")).ok()
}

/// Not a test by itself: the other tests start it as a process. Writes until it is killed, or until it has written so many.
#[test]
fn writer() {
    let Some(directory) = variable("DIRECTORY") else { return };
    let number = |name| variable(name).unwrap().parse::<u64>().unwrap();
    let (instance, count) = (number("INSTANCE"), number("COUNT"));
    let mut sink = StoreSink::open_with(directory, Limits::new().file_bytes(20_000)).unwrap();
    for n in 1..=count {
        while let Err(error) = sink.deliver_records(instance, n, &several(n)) {
            assert_eq!(error.kind(), ErrorKind::Full);
            println!("\nfailed {n}");
        }
        println!("\nstored {n}");
    }
}

/// The records of a delivery: few in most, many in some.
fn several(n: u64) -> Vec<spanbridge::record::Record<'static>> {
    records(&n.to_string(), if n.is_multiple_of(7) { 400 } else { 3 })
}

fn command(directory: &Path, instance: u64, count: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "writer", "--nocapture"]);
    variables(&mut command, directory, instance, count);
    command
}

fn variables(command: &mut Command, directory: &Path, instance: u64, count: u64) {
    command.env("SPANBRIDGE_TEST_DIRECTORY", directory);
    command.env("SPANBRIDGE_TEST_INSTANCE", instance.to_string()).env("SPANBRIDGE_TEST_COUNT", count.to_string());
    command.stdout(Stdio::piped());
}

/// How many deliveries of each process are there. They must be the first ones, in order, each once and whole.
fn counts(directory: &Path) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for read in read_with_rests(directory).0 {
        let batch = read.batch.unwrap();
        let count = counts.entry(batch.instance).or_insert(0);
        *count += 1;
        assert_eq!((batch.number, read.said.len()), (*count, several(*count).len()), "of {}", batch.instance);
        assert_eq!(read.said[2], format!("{count} 2"));
    }
    counts
}

#[test]
fn killed_writers_leave_whole_deliveries() {
    let dir = tempdir().unwrap();
    let mut promised = BTreeMap::new();
    for round in 0..25 {
        let start = |n: u64| (round * 4 + n, command(dir.path(), round * 4 + n, u64::MAX).spawn().unwrap());
        let mut children: Vec<(u64, Child)> = (1..=4).map(start).collect();
        for (instance, child) in &mut children {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            // Each dies at another moment.
            let wanted = format!("stored {}", 1 + *instance * 7 % 31);
            assert!(lines.any(|line| line == wanted));
            // On Unix this is SIGKILL: no destructor runs.
            child.kill().unwrap();
            let last = lines.filter_map(|line| line.strip_prefix("stored ")?.parse::<u64>().ok()).last();
            promised.insert(*instance, last.unwrap_or(1 + *instance * 7 % 31));
        }
        children.iter_mut().for_each(|(_, child)| drop(child.wait()));
    }
    let counts = counts(dir.path());
    assert_eq!(counts.len(), 100);
    for (instance, count) in counts {
        // One more may be there than its process had time to tell.
        assert!(
            (promised[&instance]..=promised[&instance] + 1).contains(&count),
            "{instance}: {count} of {promised:?}"
        );
    }
}

/// A limit on the size of files cuts a write short, as a full disk does.
#[test]
fn a_short_write_is_taken_back() {
    let dir = tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -f 6; exec \"$0\" --exact writer --nocapture";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(env::current_exe().unwrap());
    variables(&mut command, dir.path(), 5, 100);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nfailed "), "{output:?}");
    assert_eq!(counts(dir.path()), BTreeMap::from([(5, 100)]));
    assert_eq!(read_with_rests(dir.path()).1, [0u64; 0]);
    assert!(log::list(dir.path()).unwrap().len() > 2);
}

/// A small file system in memory. Only root can make one.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn mount(options: &str) -> Option<Self> {
        let dir = tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(dir)),
            _ => {
                eprintln!("SKIPPED: no file system can be mounted here");
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_asks_for_a_retry() {
    let Some(disk) = Tmpfs::mount("size=128k") else { return };
    let store = disk.path().join("store");
    let mut sink = StoreSink::open_with(&store, Limits::new()).unwrap();
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, [1; 70_000]).unwrap();
    let mut n = 1;
    let error = loop {
        match sink.deliver_records(1, n, &several(n)) {
            Ok(_) => n += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    let expected = format!("write to the store {}: the disk is full (", store.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(n > 20);
    // Nothing of it stays behind, and it fails again as long as there is no room.
    assert_eq!(sink.deliver_records(1, n, &several(n)).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!((counts(&store), read_with_rests(&store).1), (BTreeMap::from([(1, n - 1)]), vec![]));
    fs::remove_file(&ballast).unwrap();
    for n in n..n + 10 {
        drop(sink.deliver_records(1, n, &several(n)).unwrap());
    }
    sink.flush().unwrap();
    assert_eq!((counts(&store), read_with_rests(&store).1), (BTreeMap::from([(1, n + 9)]), vec![]));
    assert_eq!(log::list(&store).unwrap().len(), 1);
}

/// The disk is full when the file is begun.
#[test]
fn a_disk_full_from_the_start() {
    let Some(disk) = Tmpfs::mount("size=64k,nr_inodes=4") else { return };
    let mut sink = StoreSink::open_with(disk.path(), Limits::new()).unwrap();
    fs::write(disk.path().join("ballast"), []).unwrap();
    let _ = fs::write(disk.path().join("more"), vec![1; 100_000]);
    let _ = fs::write(disk.path().join("nodes"), []);
    assert_eq!(sink.deliver_records(1, 1, &several(1)).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(StoreSink::open_with(disk.path(), Limits::new()).unwrap_err().kind(), ErrorKind::Full);
    fs::remove_file(disk.path().join("nodes")).unwrap();
    assert_eq!(sink.deliver_records(1, 1, &several(1)).unwrap_err().kind(), ErrorKind::Full);
    fs::remove_file(disk.path().join("more")).unwrap();
    drop(sink.deliver_records(1, 1, &several(1)).unwrap());
    assert_eq!(counts(&disk.path()), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_read_only_disk_is_an_error_at_once() {
    let Some(disk) = Tmpfs::mount("ro") else { return };
    for path in [disk.path(), disk.path().join("store")] {
        let error = StoreSink::open_with(&path, Limits::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(
            error.to_string().starts_with(&format!("open the store {}: it is read-only (", path.display())),
            "{error}"
        );
    }
}

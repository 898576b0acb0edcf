//! The private Kafka: it survives a crash with its data, disturbs no other one, and leaves nothing behind, however the
//! process that started it ends. If there can be none, the command says so within seconds.

mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{Foreground, accepts, processes_of};
use xtask::kafka::{Cluster, installed};

const KAFKA: Foreground = Foreground {
    task: "kafka",
    address: "KAFKA_BROKERS=127.0.0.1:",
    directory: "SPANBRIDGE_TEST_KAFKA_DIR=",
    processes: 1,
};
const NOT_HERE: &str = "Kafka is not installed; `cargo xtask kafka` installs it if it can";

#[test]
fn a_killed_broker_comes_back_alone() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    let (three, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| Cluster::start(1).unwrap());
        (Cluster::start(3).unwrap(), other.join().unwrap())
    });
    assert_eq!(three.brokers().split(',').count(), 3);
    let pids = |kafka: &Cluster| (1..4).map(|node| kafka.pid(node)).collect::<Vec<_>>();
    let (before, node) = (pids(&three), other.pid(1));
    assert!(before.iter().all(Option::is_some) && node.is_some() && other.pid(2).is_none());

    three.kill(2).unwrap();
    assert_eq!(three.pid(2), None);
    assert!(accepts(three.port(1)) && !accepts(three.port(2)) && accepts(three.port(3)));
    three.kill(2).unwrap();
    three.restart(2).unwrap();
    assert!(accepts(three.port(2)) && three.pid(2).is_some());
    assert_eq!([three.pid(1), three.pid(3)], [before[0], before[2]]);

    let script = |name: &str| Command::new("sh").arg(other.directory().join(name)).status().unwrap().success();
    assert!(script("kill") && !accepts(other.port(1)));
    assert!(script("start") && accepts(other.port(1)));
    assert!(other.pid(1).is_some() && other.pid(1) != node);

    let directories = [three.directory().to_owned(), other.directory().to_owned()];
    assert_eq!(directories.each_ref().map(|directory| processes_of(directory)), [3, 1]);
    drop((three, other));
    for directory in directories {
        assert_eq!(processes_of(&directory), 0);
        assert!(!directory.exists());
    }
}

/// Also after a signal while it starts: the directory is formatted, then the broker boots.
#[test]
fn nothing_is_left_however_it_ends() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    KAFKA.leaves_nothing_when_it_ends(&[(Signal::INT, Some(130)), (Signal::KILL, None)]);
    for phase in ["format1.log", "node1.group"] {
        KAFKA.leaves_nothing_when_it_starts(phase, &[Signal::INT, Signal::KILL]);
    }
}

/// `xtask kafka` with an empty cache, and with these in its environment.
fn elsewhere(environment: &[(&str, &Path)], command: &[&str]) -> Output {
    let cache = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["kafka", "--"])
        .args(command)
        .envs([("KAFKA_BROKERS", ""), ("DOCKER_HOST", "unix:///nowhere")])
        .env("XDG_CACHE_HOME", cache.path())
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim_end()
}

/// A machine with nothing but a shell.
#[test]
fn without_java_the_command_runs_all_the_same() {
    let bin = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", bin.path().join("sh")).unwrap();
    let output = elsewhere(
        &[("PATH", bin.path()), ("JAVA_HOME", bin.path())],
        &["sh", "-c", "echo \"[$KAFKA_BROKERS]\"; exit 7"],
    );
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(7), "[]"));
    let said = text(&output.stderr);
    assert!(
        said.ends_with(
            "xtask: not shown: Kafka: none (failed to find Java 17 or newer and Maven: install them (apt-get install \
         openjdk-17-jdk-headless maven, as root)): its tests run on librdkafka's in-process broker, which has no \
         transactions, no compaction, no timestamps of its own and no topic limits, and cannot be killed"
        ),
        "{said}"
    );
    let output = elsewhere(&[("PATH", bin.path()), ("JAVA_HOME", bin.path())], &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let said = text(&output.stderr);
    assert!(said.contains("xtask: failed to start Kafka: none (failed to find Java"), "{said}");
}

/// Maven is there, and the way to its registry is not.
#[test]
fn without_a_registry_it_is_known_in_seconds() {
    if Command::new("mvn").arg("--version").output().is_err() {
        return xtask::skip("Maven is not installed");
    }
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::create_dir(home.path().join(".m2")).unwrap();
    let settings = "<settings><mirrors><mirror><id>closed</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:1/</url></mirror>\
                    </mirrors></settings>";
    std::fs::write(home.path().join(".m2/settings.xml"), settings).unwrap();
    let options = format!("-Duser.home={}", home.path().display());
    let begun = Instant::now();
    let output = elsewhere(&[("MAVEN_OPTS", Path::new(&options))], &["sh", "-c", "echo \"[$KAFKA_BROKERS]\""]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "[]"));
    let said = text(&output.stderr);
    assert!(said.contains("not shown: Kafka: none (mvn ended with exit status: 1: Connect to 127.0.0.1:1"), "{said}");
    // Of a machine that has other things to do, too.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

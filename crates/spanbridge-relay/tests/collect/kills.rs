//! A collector that is killed: before it stores a batch, in the middle, and between storing and committing.

use crate::support::{Topic, assert_same, open, records};
use rustix::process::{Signal, getpid, kill_process};
use spanbridge_clickhouse::{Address, ClickHouse, Writer};
use spanbridge_query::Store;
use spanbridge_relay::collect::{CollectFigures, CollectOptions, Collected, collect};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Where the child collects from and to, and at which batch it is killed, how.
const FROM: &str = "SPANBRIDGE_TEST_FROM";
const TO: &str = "SPANBRIDGE_TEST_TO";
const KILL: &str = "SPANBRIDGE_TEST_KILL";

/// When a child is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    Halfway,
    BeforeCommit,
}

const ALL: [When; 3] = [When::BeforeCommit, When::Halfway, When::Before];

fn store(to: &str) -> Store {
    match to.parse::<Address>() {
        Ok(address) => Store::with_engine(address.to_string(), ClickHouse::open_or_create(&address).unwrap()),
        Err(_) => open(Path::new(to)),
    }
}

/// Not a test of its own: the process that is killed.
#[test]
fn child() {
    let Ok(from) = std::env::var(FROM) else { return };
    let to = std::env::var(TO).unwrap();
    let kill = std::env::var(KILL).ok();
    let kill = kill.as_deref().and_then(|text| text.split_once(' '));
    let kill = kill.map(|(batch, when)| (batch.parse::<u64>().unwrap(), when.to_owned()));
    let is_engine = Address::is_one(&to);
    let mut store = store(&to);
    let mut batch = 0;
    let mut into = |mut all: Vec<spanbridge::record::Record<'_>>| {
        batch += 1;
        let dies = |when: When| {
            if kill.as_ref().is_some_and(|(at, how)| *at == batch && *how == format!("{when:?}")) {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
        };
        dies(When::Before);
        let rest = all.split_off(all.len() / 2);
        let mut add = |records| if is_engine { store.append(records) } else { store.import(records) };
        let mut report = add(all)?;
        dies(When::Halfway);
        let more = add(rest)?;
        dies(When::BeforeCommit);
        (report.stored, report.repeated) = (report.stored + more.stored, report.repeated + more.repeated);
        Ok(report)
    };
    let mut options = CollectOptions::new(from.parse().unwrap());
    (options.max_records, options.max_wait, options.until_end) = (40, Duration::from_millis(20), true);
    let figures = Arc::new(CollectFigures::default());
    let collected = collect(&options, &mut into, &figures, &AtomicBool::new(false), &|_| ()).unwrap();
    assert_eq!(collected, Collected::Everything);
}

fn run(from: &str, to: &str, kill: Option<(u64, When)>) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["kills::child", "--exact", "--nocapture", "-q"]).env(FROM, from).env(TO, to).env_remove(KILL);
    if let Some((batch, when)) = kill {
        command.env(KILL, format!("{batch} {when:?}"));
    }
    let output = command.output().unwrap();
    if kill.is_none() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    output.status
}

/// Kills so many collectors, one after the other, and lets the last one live.
fn campaign(topic: &Topic, to: &str, kills: usize) {
    // A batch has three or four runs, and half of those that are killed have committed one before.
    let all = records(0..40 + 6 * kills as u64);
    topic.send(&all);
    // Whoever comes back under its name need not wait until the dead one is missed.
    let from = topic.url("group.instance.id=one&session.timeout.ms=6000");
    for kill in 0..kills {
        let status = run(&from, to, Some((1 + kill as u64 % 2, ALL[kill % ALL.len()])));
        assert_eq!(status.signal(), Some(9), "kill {kill}");
    }
    run(&from, to, None);
    assert_same(&store(to), &all);
    assert_eq!(topic.uncommitted(), 0);
}

fn into_directory(kills: usize) {
    let Some(topic) = Topic::new("kills", 3) else { return };
    let dir = tempfile::tempdir().unwrap();
    campaign(&topic, dir.path().to_str().unwrap(), kills);
}

fn into_clickhouse(kills: usize) {
    let Some(url) = xtask::clickhouse::url() else { return };
    let Some(topic) = Topic::new("kills-clickhouse", 3) else { return };
    let (before, parameters) = url.split_once('?').unwrap_or((&url, ""));
    let before = before.rsplit_once('/').unwrap().0;
    let to = format!("{before}/collect_{}_{kills}?{parameters}", std::process::id());
    campaign(&topic, &to, kills);
    Writer::drop_database(&to.parse().unwrap()).unwrap();
}

#[test]
fn killed_collectors_into_a_directory() {
    into_directory(9);
}

#[test]
fn killed_collectors_into_clickhouse() {
    into_clickhouse(6);
}

#[test]
#[ignore = "takes a minute"]
fn fifty_kills_into_a_directory() {
    into_directory(50);
}

#[test]
#[ignore = "takes minutes"]
fn fifty_kills_into_clickhouse() {
    into_clickhouse(50);
}

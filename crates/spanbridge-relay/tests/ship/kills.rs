//! A shipper that is killed anywhere loses nothing.

use super::support::{Application, text, until};
use spanbridge_query::Store;
use spanbridge_relay::ship::{FarEnd, Name, Options, Shipper, Stop, StoreEnd};
use spanbridge_store::Limits;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// What the shipper that is to be killed is told: the store, and where to.
const VARIABLE: &str = "SPANBRIDGE_TEST_SHIPPER";

/// So many shippers are killed.
const KILLS: u64 = 30;

fn far_end(to: &str) -> Box<dyn FarEnd> {
    #[cfg(feature = "kafka")]
    if spanbridge_relay::Address::is_one(to) {
        return Box::new(spanbridge_relay::ship::KafkaEnd::new(to.parse().unwrap()).unwrap());
    }
    let to = to.to_owned();
    Box::new(StoreEnd::new(move || Store::open_or_create(&to)))
}

/// Ships in small batches, so that there are many places at which to be killed; what is left then, in larger ones.
fn ship(store: &str, to: &str, once: bool) {
    let mut options = Options::default();
    (options.interval, options.max_records, options.once) =
        (Duration::from_millis(1), if once { 5_000 } else { 20 }, once);
    let mut shipper = Shipper::open(Store::open_or_create(store).unwrap(), Name::of(to), far_end(to), options).unwrap();
    shipper.run(&Stop::default(), &mut |event| assert_eq!(text(&event), None)).unwrap();
}

/// Not a test by itself: the process that is killed.
#[test]
fn shipper_that_is_killed() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let (store, to) = told.split_once('\n').unwrap();
    ship(store, to, false);
}

fn start(store: &Path, to: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kills::shipper_that_is_killed"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.env(VARIABLE, format!("{}\n{to}", store.display())).spawn().unwrap()
}

/// When the position was stored last.
fn stored_at(store: &Path) -> Option<std::time::SystemTime> {
    let is_position = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let file = std::fs::read_dir(store).ok()?.map_while(Result::ok).map(|entry| entry.path()).find(is_position)?;
    file.metadata().ok()?.modified().ok()
}

/// Kills shippers while others write, and then ships the rest. Returns what was written.
pub(crate) fn written_under_fire(store: &Path, to: &str) -> BTreeSet<String> {
    let is_over = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let write = |which| {
            let mut application = Application::start(store, Limits::new().file_bytes(20_000), (which, 2));
            let mut lines = Vec::new();
            while !is_over.load(SeqCst) {
                lines.extend(application.write(1 + application.next % 9));
                // A host that does other things, too.
                std::thread::sleep(Duration::from_millis(5));
            }
            lines
        };
        let writers = [0, 1].map(|which| scope.spawn(move || write(which)));
        for _ in 0..KILLS {
            let before = stored_at(store);
            let mut shipper = start(store, to);
            // Something was sent by then.
            until("a position", || stored_at(store) != before);
            std::thread::sleep(Duration::from_micros(RandomState::new().hash_one(0) % 30_000));
            shipper.kill().unwrap();
            shipper.wait().unwrap();
        }
        is_over.store(true, SeqCst);
        writers.map(|writer| writer.join().unwrap()).concat()
    });
    ship(store.to_str().unwrap(), to, true);
    let all: BTreeSet<String> = written.iter().cloned().collect();
    assert_eq!(all.len(), written.len());
    all
}

/// Everything that a store has, each record as often as it has it.
pub(crate) fn stored(store: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    Store::open(store).unwrap().records(None, |record| lines.push(record.to_json())).unwrap();
    lines.sort_unstable();
    lines
}

/// A directory compares, so its lists are exact, too.
#[test]
fn no_kill_loses_or_doubles_a_record() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let written = written_under_fire(from.path(), to.path().to_str().unwrap());
    assert_eq!(stored(to.path()), written.into_iter().collect::<Vec<_>>());
    let rows = |store: &Path| {
        let rows = Store::open(store).unwrap().runs(&Default::default(), usize::MAX).unwrap();
        rows.into_iter().map(|row| (row.run_id, row.spans)).collect::<Vec<_>>()
    };
    assert_eq!(rows(to.path()), rows(from.path()));
}

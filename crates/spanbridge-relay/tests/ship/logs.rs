//! Folding, and what was folded before a shipper ran first.

use super::support::{Application, Memory, once, open, ship, ship_as, sorted, text};
use spanbridge::record::Record;
use spanbridge_query::Store;
use spanbridge_query::index::FoldBudget;
use spanbridge_relay::ship::{Away, FarEnd, Sent, Stop};
use spanbridge_store::Limits;
use spanbridge_store::log;
use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

/// Folds everything, and removes the logs that nobody waits for. Returns how many are left.
fn fold(store: &Path) -> usize {
    let store_open = Store::open_or_create(store).unwrap();
    store_open.fold(FoldBudget::everything(), |_| true).unwrap();
    log::list(store).unwrap().len()
}

/// Each delivery is a log, and only the last is open.
fn application(store: &Path) -> Application {
    Application::start(store, Limits::new().file_bytes(1), (0, 1))
}

#[test]
fn folding_removes_no_log_that_was_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (application(dir.path()), Memory::default());
    ship(dir.path(), &far_end);
    let all: Vec<_> = (0..4).flat_map(|_| application.write(3)).collect();
    assert_eq!(fold(dir.path()), 4);
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), sorted(all));
    assert_eq!(fold(dir.path()), 1);
}

/// Makes the logs as old as if nobody had written for hours.
fn age(store: &Path) {
    let long_ago = SystemTime::now() - 10 * log::CLOSED_AFTER;
    for file in log::list(store).unwrap() {
        File::options().append(true).open(file.path).unwrap().set_modified(long_ago).unwrap();
    }
}

/// After `--once`, nobody comes back for 30 days to say that a log, which was still open then, has arrived.
#[test]
fn what_was_shipped_once_takes_no_space() {
    let dir = tempfile::tempdir().unwrap();
    let far_end = Memory::default();
    let mut all = Application::alone(dir.path()).write(5);
    ship(dir.path(), &far_end);
    age(dir.path());
    assert_eq!(fold(dir.path()), 0);
    // What comes later waits for the next time.
    all.extend(Application::alone(dir.path()).write(6));
    age(dir.path());
    assert_eq!(fold(dir.path()), 1);
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    assert_eq!(fold(dir.path()), 0);
    assert_eq!(far_end.take(), sorted(all));
}

/// More was written to a log after all of it had arrived: it stays.
#[test]
fn a_log_that_grew_after_it_was_shipped_stays() {
    let dir = tempfile::tempdir().unwrap();
    let far_end = Memory::default();
    let mut application = Application::alone(dir.path());
    let mut all = application.write(5);
    ship(dir.path(), &far_end);
    all.extend(application.write(6));
    drop(application);
    age(dir.path());
    assert_eq!(fold(dir.path()), 1);
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), sorted(all));
    assert_eq!(fold(dir.path()), 0);
}

#[test]
fn what_was_folded_before_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (application(dir.path()), Memory::default());
    let all: Vec<_> = (0..4).map(|_| application.write(3)).collect();
    assert_eq!(fold(dir.path()), 1);
    assert_eq!(ship(dir.path(), &far_end), ["LeftOut"]);
    assert_eq!(far_end.take(), sorted(all[3].clone()));
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
}

#[test]
fn from_the_start_there_is_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (application(dir.path()), Memory::default());
    let mut all: Vec<_> = (0..4).flat_map(|_| application.write(3)).collect();
    fold(dir.path());
    all.extend(application.write(3));
    let mut options = once();
    (options.from_start, options.max_records) = (true, 4);
    assert_eq!(ship_as(dir.path(), "memory", &far_end, options.clone()), [""; 0]);
    // Each once: the logs go on where the store's own records end.
    assert_eq!(far_end.take(), sorted(all));
    let more = application.write(3);
    assert_eq!(ship_as(dir.path(), "memory", &far_end, options), ["NotFirst"]);
    assert_eq!(far_end.take(), sorted(more));
}

/// Tells the shipper to stop when the first batch has arrived.
struct Stopping(Memory);

impl FarEnd for Stopping {
    fn add(&mut self, record: Record<'_>) -> usize {
        self.0.add(record)
    }

    fn send(&mut self, stop: &Stop) -> Result<Sent, Away> {
        stop.set();
        self.0.send(stop)
    }
}

/// The store is sent again from its beginning: what of it had arrived comes twice, and nothing is left out.
#[test]
fn a_start_that_is_stopped_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (application(dir.path()), Memory::default());
    let all: Vec<_> = (0..4).flat_map(|_| application.write(3)).collect();
    fold(dir.path());
    let mut options = once();
    (options.from_start, options.max_records) = (true, 4);
    let mut shipper = open(dir.path(), "memory", Stopping(far_end.clone()), options).unwrap();
    shipper.run(&Stop::default(), &mut |event| assert_eq!(text(&event), None)).unwrap();
    drop(shipper);
    let few = far_end.take().len();
    assert!((1..12).contains(&few), "{few}");
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    assert_eq!(far_end.take(), sorted(all));
}

//! Where a shipper goes on, and who else may.

use super::support::{Application, Memory, once, open, ship, ship_as, sorted, text, until};
use spanbridge_query::ErrorKind;
use spanbridge_query::Store;
use spanbridge_relay::ship::{Name, Options, Stop, forget};
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

#[test]
fn it_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let first = [application.write(12), application.write(3)].concat();
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    assert_eq!(far_end.take(), sorted(first));
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    assert_eq!(far_end.take(), [""; 0]);
    let more = application.write(4);
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), sorted(more));
}

/// Batches are small, so each position is stored between them.
#[test]
fn small_batches_have_everything_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let all: Vec<String> = (0..20).flat_map(|_| application.write(7)).collect();
    for (max_bytes, max_records) in [(1, 100_000), (usize::MAX, 8)] {
        let mut options = once();
        (options.max_bytes, options.max_records) = (max_bytes, max_records);
        let name = format!("{max_records}");
        let mut shipper = open(dir.path(), &name, far_end.clone(), options).unwrap();
        shipper.run(&Stop::default(), &mut |event| assert_eq!(text(&event), None)).unwrap();
        let figures = shipper.figures();
        let loaded = |figure: &std::sync::atomic::AtomicU64| figure.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!((loaded(&figures.records), loaded(&figures.backlog_bytes)), (140, 0));
        assert!(loaded(&figures.batches) >= 10);
        assert_eq!(far_end.take(), sorted(all.clone()));
    }
}

#[test]
fn a_far_end_that_was_away_gets_all() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let mut all = application.write(5);
    far_end.set_away(true);
    let (stop, told) = (Stop::default(), Mutex::new(Vec::new()));
    let mut options = Options::default();
    options.interval = Duration::from_millis(5);
    let mut shipper = open(dir.path(), "memory", far_end.clone(), options).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| shipper.run(&stop, &mut |event| told.lock().unwrap().extend(text(&event))).unwrap());
        until("two attempts", || *far_end.attempts.lock().unwrap() >= 2);
        all.extend(application.write(6));
        far_end.set_away(false);
        until("all has arrived", || far_end.arrived.lock().unwrap().len() == all.len());
        stop.set();
    });
    assert_eq!(far_end.take(), sorted(all));
    assert_eq!(*told.lock().unwrap(), ["Away(\"the cable is out\")", "Back"]);
}

/// It can be started again at once, and has lost nothing.
#[test]
fn it_stops_while_the_far_end_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let all = application.write(5);
    far_end.set_away(true);
    let stop = Stop::default();
    let mut shipper = open(dir.path(), "memory", far_end.clone(), Options::default()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| shipper.run(&stop, &mut |_| ()).unwrap());
        until("an attempt", || *far_end.attempts.lock().unwrap() >= 1);
        stop.set();
    });
    drop(shipper);
    let far_end = Memory::default();
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), sorted(all));
}

#[test]
fn once_gives_up_and_keeps_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let all = application.write(5);
    far_end.set_away(true);
    let mut shipper = open(dir.path(), "memory", far_end.clone(), once()).unwrap();
    let error = shipper.run(&Stop::default(), &mut |_| ()).unwrap_err();
    assert_eq!(error.to_string(), "send records to memory: the cable is out");
    drop(shipper);
    let far_end = Memory::default();
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), sorted(all));
}

#[test]
fn two_shippers_have_positions_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, one, two) = (Application::alone(dir.path()), Memory::default(), Memory::default());
    let first = application.write(5);
    ship_as(dir.path(), "one", &one, once());
    let more = application.write(5);
    ship_as(dir.path(), "two", &two, once());
    ship_as(dir.path(), "one", &one, once());
    let all = sorted([first, more].concat());
    assert_eq!((one.take(), two.take()), (all.clone(), all));
}

#[test]
fn two_of_one_name_refuse_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let running = open(dir.path(), "one", Memory::default(), once()).unwrap();
    let error = open(dir.path(), "one", Memory::default(), once()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().ends_with("another process sends the records of this store to one"), "{error}");
    assert!(open(dir.path(), "two", Memory::default(), once()).is_ok());
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(forget(&store, &Name::of("one")).unwrap_err().kind(), ErrorKind::Busy);
    drop(running);
    assert!(open(dir.path(), "one", Memory::default(), once()).is_ok());
}

#[test]
fn what_is_forgotten_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let all = sorted(application.write(5));
    let store = Store::open_or_create(dir.path()).unwrap();
    assert!(!forget(&store, &Name::of("memory")).unwrap());
    for is_known in [true, true] {
        ship(dir.path(), &far_end);
        assert_eq!(far_end.take(), all);
        assert_eq!(forget(&store, &Name::of("memory")).unwrap(), is_known);
    }
}

/// It would be wrong to begin anew in silence: all would be sent again.
#[test]
fn a_position_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    Application::alone(dir.path()).write(5);
    ship(dir.path(), &Memory::default());
    let is_position = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let file = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).find(is_position).unwrap();
    let good = fs::read_to_string(&file).unwrap();
    for (bad, why) in [
        (String::new(), "EOF"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        (good.replace("\"format\":1", "\"format\":2"), "it has format 2, of another release"),
        (good.replace(".log\"", ".lag\""), "is not the name of a log"),
    ] {
        fs::write(&file, bad).unwrap();
        let error = open(dir.path(), "memory", Memory::default(), once()).unwrap_err().to_string();
        assert!(error.starts_with("read the position in ") && error.contains(why), "{error}");
    }
}

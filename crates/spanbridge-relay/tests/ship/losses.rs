//! What never arrives is counted, told, and recorded at the far end.

use super::support::{Application, Memory, once, open, ship, sorted};
use serde_json::Value;
use spanbridge_relay::ship::Stop;
use spanbridge_store::Limits;
use spanbridge_store::log::{self, LogReader, Step};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

/// Writers with files of their own: each start begins one.
fn several_logs(store: &Path, logs: u64) -> Vec<Vec<String>> {
    (0..logs).map(|n| Application::start(store, Limits::new(), (n, logs)).write(6)).collect()
}

/// The diagnostics among what has arrived, and the rest.
fn diagnostics(far_end: &Memory) -> (Vec<Value>, Vec<String>) {
    let (told, rest): (Vec<_>, Vec<_>) =
        far_end.take().into_iter().partition(|line| line.contains(r#""type":"diagnostic""#));
    (told.iter().map(|line| serde_json::from_str(line).unwrap()).collect(), rest)
}

/// The limits of a store remove logs while the far end is away. Each byte of them is counted once, however often it starts.
#[test]
fn removed_logs_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let written = several_logs(dir.path(), 4);
    let far_end = Memory::default();
    far_end.set_away(true);
    for _ in 0..2 {
        open(dir.path(), "memory", far_end.clone(), once()).unwrap().run(&Stop::default(), &mut |_| ()).unwrap_err();
    }
    let files = log::list(dir.path()).unwrap();
    let bytes: u64 = files[1..3].iter().map(|file| file.length).sum();
    for file in &files[1..3] {
        fs::remove_file(&file.path).unwrap();
    }
    // It notices them while the far end is away, and says so once it is back: after a kill, too.
    for told in [2, 0] {
        let (mut lost, mut shipper) = (0, open(dir.path(), "memory", far_end.clone(), once()).unwrap());
        let count = &mut |event: spanbridge_relay::ship::Event<'_>| {
            lost += usize::from(matches!(event, spanbridge_relay::ship::Event::Lost(_)));
        };
        shipper.run(&Stop::default(), count).unwrap_err();
        let figures = shipper.figures();
        assert_eq!((figures.lost_logs.load(SeqCst), figures.lost_bytes.load(SeqCst)), (2, bytes));
        assert_eq!(lost, told);
    }
    far_end.set_away(false);
    let far_end = Memory::default();
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    let (told, rest) = diagnostics(&far_end);
    let sum: u64 = told.iter().map(|told| told["attributes"]["spanbridge.store.bytes"].as_u64().unwrap()).sum();
    assert_eq!((told.len(), sum), (2, bytes));
    assert!(told.iter().all(|told| told["code"] == "store.logs_removed" && told["count"] == 1), "{told:?}");
    let kept: Vec<String> = written.concat().into_iter().filter(|line| rest.contains(line)).collect();
    assert_eq!((rest.len(), sorted(kept)), (12, rest));
    // Told once.
    ship(dir.path(), &far_end);
    assert_eq!(far_end.take(), [""; 0]);
}

/// Logs that came and went while nobody looked: their numbers are missing.
#[test]
fn unseen_logs_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut application = Application::start(dir.path(), Limits::new().file_bytes(1), (0, 1));
    let mut far_end = Memory::default();
    // What went before it ran first is none of its.
    application.write(3);
    let first = log::list(dir.path()).unwrap();
    application.write(3);
    fs::remove_file(&first[0].path).unwrap();
    assert_eq!(ship(dir.path(), &far_end), [""; 0]);
    far_end = Memory::default();
    let mut lines = Vec::new();
    for _ in 0..4 {
        lines.push(application.write(3));
    }
    let files = log::list(dir.path()).unwrap();
    // Numbers 2 to 6: 2 was sent.
    assert_eq!(files.iter().map(|file| file.name.number).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    for file in &files[1..4] {
        fs::remove_file(&file.path).unwrap();
    }
    let gap = format!("3 logs of one writer, from {} on, were removed before they were seen", files[1].name);
    assert_eq!(ship(dir.path(), &far_end), [gap]);
    // Its record comes with the next batch.
    ship(dir.path(), &far_end);
    let (told, rest) = diagnostics(&far_end);
    assert_eq!((told.len(), &told[0]["count"], rest), (1, &Value::from(3), sorted(lines[3].clone())));
}

/// A log that goes while a part of it is sent and acknowledged: the rest is lost, and not more.
#[test]
fn a_part_of_a_log_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    application.write(3);
    ship(dir.path(), &far_end);
    let before = log::list(dir.path()).unwrap()[0].length;
    application.write(3);
    far_end.set_away(true);
    open(dir.path(), "memory", far_end.clone(), once()).unwrap().run(&Stop::default(), &mut |_| ()).unwrap_err();
    let file = &log::list(dir.path()).unwrap()[0];
    fs::remove_file(&file.path).unwrap();
    let (bytes, name) = (file.length - before, file.name);
    let told = ship(dir.path(), &Memory::default());
    assert_eq!(
        told,
        [format!("the log {name} was removed before it was sent: {bytes} bytes from {before} on are missing")]
    );
}

#[test]
fn damage_is_counted_and_passed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut application, far_end) = (Application::alone(dir.path()), Memory::default());
    let written: Vec<_> = (0..3).map(|_| application.write(3)).collect();
    let file = &log::list(dir.path()).unwrap()[0];
    let mut reader = LogReader::open(&file.path, 0).unwrap();
    let mut ends = Vec::new();
    while let Step::Frame(frame) = reader.step().unwrap() {
        ends.push(frame.to);
    }
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[ends[0] as usize + 40] ^= 1;
    fs::write(&file.path, bytes).unwrap();
    let told = ship(dir.path(), &far_end);
    let (at, lost) = (ends[0], ends[1] - ends[0]);
    assert_eq!(told, [format!("the log {} is damaged: {lost} bytes at {at} cannot be read", file.name)]);
    let (told, rest) = diagnostics(&far_end);
    assert_eq!((told.len(), &told[0]["code"]), (1, &Value::from("store.damaged")));
    assert_eq!(rest, sorted([written[0].clone(), written[2].clone()].concat()));
}

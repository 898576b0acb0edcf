//! `spanbridge doctor` finds nothing missing in what `cargo demo` records.

use spanbridge_graph::Checkup;
use spanbridge_query::{RunFilter, Store};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn nothing_is_missing_in_what_the_demo_records() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("records.db");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    let output = demo.arg("--db").arg(&path).envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");

    let store = Store::open(&path).unwrap();
    let runs: Vec<_> = store.runs(&RunFilter::default(), 10).unwrap().iter().map(|row| row.run_id).collect();
    assert_eq!(runs.len(), 1);
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(5);
    let checkup = Checkup::new(later.as_nanos() as u64).grace(Duration::ZERO).silence(Duration::ZERO);
    let gaps = store.gaps(&runs, checkup).unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
}

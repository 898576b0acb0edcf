//! The story of old runs that go, over a directory.
#![allow(dead_code, reason = "each test binary uses some of it")]

#[path = "agreement/mod.rs"]
mod agreement;
#[path = "../../spanbridge-graph/tests/common/mod.rs"]
mod records;

use agreement::pruning::old_runs_go;
use spanbridge_query::Store;

#[test]
fn old_runs_go_from_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    old_runs_go(&|| Store::open_or_create(dir.path().join("store")).unwrap(), false);
}

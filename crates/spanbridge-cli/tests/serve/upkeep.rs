//! The server keeps the store.

use crate::common::{Recording, run};
use crate::server::{Running, import, options, order, store};
use spanbridge_query::keeping;
use std::time::{Duration, Instant};

fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_stored_is_folded() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    // More than is left in the logs.
    for n in 0..8 {
        let name: &'static str = Box::leak(format!("{n}{}", noise(300_000, n)).into_boxed_str());
        import(&path, [Recording::of(run(u128::from(n) + 1), n + 1, "shop").span(n + 1, 0, name, 0, 9)]);
    }
    let folded = || keeping::check(&path, |_| ()).unwrap().index.is_some_and(|index| index.runs > 0);
    until("nothing was folded", folded);
    assert_eq!(server.json("/api/v1/runs")["runs"].as_array().unwrap().len(), 8);
}

/// Digits that cannot be packed well.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 33) as u8 % 90)
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn old_runs_are_removed() {
    let (_dir, path) = store();
    // They ended long ago.
    import(&path, (1..4).flat_map(order));
    let mut kept = options(&path);
    kept.keep_for = Some(Duration::from_secs(3600));
    let server = Running::with(kept);
    until("nothing was removed", || server.json("/api/v1/runs")["runs"].as_array().unwrap().is_empty());
    // The list is empty a moment before the removal is counted.
    until("the removed runs are not counted", || {
        server.get("/metrics").text.contains("\nspanbridge_serve_pruned_runs_total 3\n")
    });
    assert_eq!(server.json("/healthz")["status"], "ok");
}

#[test]
fn a_store_that_is_gone_is_said_by_health() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    until("it is not well", || server.json("/healthz")["status"] == "ok");
    // The server may write a file while the directory is being removed.
    until("the store is still there", || std::fs::remove_dir_all(&path).is_ok() || !path.exists());
    until("it says that it is well", || server.json("/healthz")["status"] == "degraded");
}

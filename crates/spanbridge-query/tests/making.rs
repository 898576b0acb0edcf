//! Several processes create a store at the same time.

use spanbridge_query::Store;
use std::sync::Barrier;

#[test]
fn many_may_create_a_store_at_once() {
    const MAKERS: usize = 4;
    for _ in 0..100 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records.db");
        let together = Barrier::new(MAKERS);
        std::thread::scope(|scope| {
            for _ in 0..MAKERS {
                scope.spawn(|| {
                    together.wait();
                    Store::open_or_create(&path).map(drop).unwrap_or_else(|e| panic!("failed to {e}"))
                });
            }
        });
    }
}

//! A store that several make at the same time.

use spanbridge_store::Store;
use std::sync::Barrier;

#[test]
fn all_who_make_it_at_once_find_it_made() {
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

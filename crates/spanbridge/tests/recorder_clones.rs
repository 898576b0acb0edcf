//! Clones of a recorder's handle.
#![cfg(feature = "record")]

mod support;

use spanbridge::observe;
use support::*;

fn work(recorder: &spanbridge::Recorder) {
    recorder.in_scope(|| observe::span("s").in_scope(|| ()))
}

#[test]
fn the_last_clone_shuts_down() {
    let (recorder, memory) = recorder();
    let clone = recorder.clone();
    drop(recorder);
    work(&clone);
    flush(&clone);
    assert_eq!(spans(&memory.take()).len(), 1);
    work(&clone);
    drop(clone); // flushes
    assert_eq!(spans(&memory.take()).len(), 1);
}

#[test]
fn a_shutdown_ends_all_clones() {
    let (recorder, memory) = recorder();
    let clone = recorder.clone();
    work(&recorder);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!(spans(&memory.take()).len(), 1);
    work(&clone);
    assert!(!clone.flush_blocking(LONG).complete, "nobody delivers any more");
    assert_eq!(memory.take(), []);
    assert_eq!(clone.shutdown(LONG).dropped, 0);
}

/// So a service's parts can each hold one, and any of them may be the last.
#[test]
fn clones_may_be_dropped_on_any_thread() {
    let (recorder, memory) = recorder();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let recorder = recorder.clone();
            std::thread::spawn(move || work(&recorder))
        })
        .collect();
    drop(recorder);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(spans(&memory.take()).len(), 4);
}

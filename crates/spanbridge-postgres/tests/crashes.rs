//! What becomes of a batch, and of a question, when the server or the connection goes away.

mod common;

use common::*;
use spanbridge::RunId;
use spanbridge::record::{Record, SpanData};
use spanbridge::{SegmentId, SpanId};
use spanbridge_query::engine::Engine;
use spanbridge_query::{ErrorKind, RunFilter};
use std::sync::atomic::{AtomicBool, Ordering};
use xtask::postgres::{Server, installed};

fn spans(run: u128, count: u64) -> Vec<Record<'static>> {
    let one = |n: u64| {
        let body = SpanData::new(SpanId::new(n).unwrap(), "step", T0 + n);
        Record::new(SegmentId::new(run as u64).unwrap(), n, "shop", body).of_run(RunId::new(run), None)
    };
    (1..=count).map(one).collect()
}

/// Another connection ends ours again and again, wherever the batch is; it is stored again until that succeeds.
#[test]
fn a_lost_connection_loses_nothing() {
    let Some(place) = place() else { return };
    let (mut engine, killer, done) = (place.engine(), place.engine(), AtomicBool::new(false));
    let batches: Vec<_> = (1..=12).map(|run| spans(run, 400)).collect();
    let mut failures = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                          AND application_name = 'spanbridge' AND query LIKE '%record%' AND query NOT LIKE '%terminate%' \
                          AND state <> 'idle' AND datname = current_database() AND pid IN (SELECT pid FROM pg_locks l \
                          JOIN pg_class c ON c.oid = l.relation WHERE c.relnamespace = current_schema()::regnamespace)";
            let (mut killer, mut ended) = (killer, 0);
            while !done.load(Ordering::Relaxed) && ended < 12 {
                match killer.ask(others) {
                    Ok(found) => ended += found.len(),
                    Err(_) => killer = place.engine(),
                }
            }
        });
        for batch in &batches {
            while let Err(error) = engine.store(batch) {
                assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                failures += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(failures > 0, "no connection was lost");
    let store = place.store();
    let rows = store.runs(&RunFilter::default(), 100).unwrap();
    assert_eq!(rows.iter().map(|row| row.spans).collect::<Vec<_>>(), [400; 12]);
    assert_eq!(all(&store, None).len(), 12 * 400);
}

/// The question fails and says why; the next one is answered.
#[test]
fn a_server_that_restarts_is_told() {
    if installed().is_none() {
        return;
    }
    let server = Server::start().unwrap();
    let place = place_at(server.url());
    let mut engine = place.engine();
    insert(&mut engine, &spans(1, 5_000));
    insert(&mut engine, &spans(2, 25_000));
    let mut pieces = 0;
    let snapshot = engine.snapshot().unwrap();
    let error = snapshot
        .pieces(&[RunId::new(2).unwrap()], &mut |_, _| {
            pieces += 1;
            if pieces == 1 {
                server.kill().unwrap();
            }
            Ok(())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    assert!(text.starts_with("read records in 127.0.0.1:"), "{text}");
    drop(snapshot);
    let error = engine.snapshot().map(drop).unwrap_err();
    assert!(error.to_string().starts_with("connect to 127.0.0.1:"), "{error}");
    assert_eq!(engine.store(&spans(3, 5)).unwrap_err().kind(), ErrorKind::Io);
    server.restart().unwrap();
    insert(&mut engine, &spans(3, 5));
    let rows = engine.snapshot().unwrap().runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(rows.len(), 3);
}

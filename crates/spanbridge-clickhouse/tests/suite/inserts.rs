//! What was inserted twice, or in part, counts once; what contradicts itself stays; and there is no half answer.

use crate::common::*;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, Status};
use spanbridge_clickhouse::{Address, ClickHouse, ErrorKind, Writer};
use spanbridge_graph::RunStatus;
use spanbridge_query::{Found, RunFilter, Store};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The records of some runs, each begun in the last minute of a day and ended in the next, with ten spans.
pub(crate) fn over_midnight(runs: u64) -> Vec<Record<'static>> {
    let to_midnight = DAY - T0 / MS % DAY;
    let one = |n: u64| {
        let mut recording = Recording::of(run(n.into()), n, "shop");
        let mut records = vec![recording.run_start("order", to_midnight - 30_000)];
        for span in 1..=10 {
            let from = to_midnight - 25_000 + span * 5_000;
            records.push(recording.span(n * 100 + span, 0, "step", from, from + 1_000));
        }
        records.push(recording.run_end(to_midnight + 30_000, Status::Ok));
        records
    };
    (1..=runs).flat_map(one).collect()
}

/// Every count, by every question that counts.
pub(crate) fn counts(store: &Store, runs: u64, records: usize) {
    assert_eq!(all(store, None).len(), records);
    let rows = store.runs(&RunFilter::default(), 1000).unwrap();
    assert_eq!(rows.len() as u64, runs);
    for row in rows {
        assert_eq!((row.spans, row.errors, row.status), (10, 0, RunStatus::Ok));
        assert_eq!(all(store, Some(row.run_id)).len(), records / runs as usize);
        assert_eq!(store.graph(row.run_id).unwrap().unwrap().spans.len(), 10);
    }
    assert_eq!(store.runs_since(None).unwrap().1 as u64, runs);
}

/// Into two partitions by day, and again in other batches.
#[test]
fn a_batch_sent_twice_counts_once() {
    let Some(place) = place() else { return };
    let (writer, records) = (place.writer(), over_midnight(20));
    insert(&writer, &records);
    insert(&writer, &records);
    insert(&place.writer(), &records[30..90]);
    counts(&place.store(), 20, records.len());
}

/// Under one id: both are kept, and readers see the contradiction.
#[test]
fn other_content_is_a_conflict() {
    let Some(place) = place() else { return };
    let (writer, records) = (place.writer(), over_midnight(2));
    insert(&writer, &records);
    let mut other = records[1].clone();
    let Body::Span(span) = &mut other.body else { panic!("a span") };
    span.name = "another step".into();
    for _ in 0..2 {
        insert(&writer, std::slice::from_ref(&other));
    }
    let store = place.store();
    assert_eq!(all(&store, Some(run(1))).len(), 13);
    assert_eq!(all(&store, None).len(), 25);
    let row = &store.rows(&[run(1)]).unwrap()[0];
    assert_eq!(row.status, RunStatus::Conflicted);
    let graph = store.graph(run(1)).unwrap().unwrap();
    assert!(graph.diagnostics.iter().any(|diagnostic| diagnostic.code == "conflict"), "{:?}", graph.diagnostics);
    assert_eq!(store.rows(&[run(2)]).unwrap()[0].status, RunStatus::Ok);
    let conflicted = store.runs(&RunFilter::default().status(RunStatus::Conflicted), 9).unwrap();
    assert_eq!(conflicted.iter().map(|row| row.run_id).collect::<Vec<_>>(), [run(1)]);
}

#[test]
fn followers_miss_nothing() {
    let Some(place) = place() else { return };
    let (writer, records) = (place.writer(), over_midnight(4));
    let (first, second) = records.split_at(20);
    insert(&writer, first);
    let store = place.store();
    let mut seen = Vec::new();
    let cursor = store.follow(&Default::default(), |record| seen.push(format!("{record:?}"))).unwrap();
    assert_eq!(seen.len(), 20);
    insert(&writer, second);
    store.follow(&cursor, |record| seen.push(format!("{record:?}"))).unwrap();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), records.len());
}

/// Passes on so many bytes of what each connection sends, then breaks it.
fn breaking(to: u16, after: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", to)).unwrap());
            let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut back));
            std::thread::spawn(move || {
                let (mut left, mut buffer) = (after, [0; 512]);
                while left > 0 {
                    let most = buffer.len().min(left);
                    let Ok(read @ 1..) = client.read(&mut buffer[..most]) else { break };
                    server.write_all(&buffer[..read]).unwrap();
                    left -= read;
                }
                for end in [client, server] {
                    let _ = end.shutdown(std::net::Shutdown::Both);
                }
            });
        }
    });
    port
}

/// The server has nothing, a part or all of it, and the writer does not know.
#[test]
fn a_server_that_goes_away_in_mid_insert() {
    let Some(place) = place() else { return };
    drop(place.writer());
    let records = over_midnight(20);
    let shown = place.address.to_string();
    let node = shown.split(['@', ',', '/']).find(|part| part.starts_with("127.0.0.1:")).unwrap();
    let port = node.rsplit_once(':').unwrap().1.parse().unwrap();
    let url = crate::url().unwrap();
    let database = shown.split(['/', '?']).nth(3).unwrap();
    let views = || records.iter().map(|record| record.view());
    let mut broken = 0;
    for after in [2_000, 6_000, 10_000, 14_000, 18_000] {
        let front = breaking(port, after);
        let (before, after) = url.split_once('@').unwrap();
        let parameters = after.split_once('?').map_or("", |(_, parameters)| parameters);
        let address: Address = format!("{before}@127.0.0.1:{front}/{database}?{parameters}").parse().unwrap();
        match Writer::open(&address).and_then(|writer| writer.insert(views())) {
            Ok(inserted) => assert_eq!(inserted.records, 240),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
                broken += 1;
            }
        }
    }
    assert!(broken > 1, "{broken}");
    place.writer().insert(views()).unwrap();
    counts(&place.store(), 20, records.len());
}

/// Nothing is made by asking.
#[test]
fn an_empty_database_is_said() {
    let Some(place) = place() else { return };
    let error = ClickHouse::open(&place.address).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().ends_with("has no tables of spanbridge"), "{error}");
    drop(place.writer());
    drop(place.writer());
    let store = place.store();
    assert_eq!(store.runs(&RunFilter::default(), 9).unwrap(), []);
    assert_eq!(store.find("1111").unwrap(), Found::Nothing);
    assert!(store.graph(RunId::new(7).unwrap()).unwrap().is_none());
}

//! Stores of older releases are brought to the current format, while a process of that release may still write.

mod common;

use common::*;
use rusqlite::{Connection, params};
use spanbridge::Status;
use spanbridge::record::{Body, Link, Record};
use spanbridge_graph::LinkDirection;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;

/// Run `from` links to run `to`.
fn linked(from: u128, to: u128) -> Vec<Record<'static>> {
    let (id, target) = (from as u64, to as u64);
    let mut work = start(id, 0, "work", 20 + id);
    work.links.push(Link::new(trace(to), span_id(target), attributes(&[])));
    let work = Recording::of(run(from), id, "mail").record(Body::Span(work.with_end(Some(end(40, Status::Ok)))));
    vec![Recording::of(run(to), target, "shop").span(target, 0, "publish", 0, 5), work]
}

/// Turns the file into one of format 2.
fn as_format_2(connection: &Connection) {
    connection.execute_batch("ALTER TABLE delivery DROP COLUMN links").unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
}

/// Writes a delivery like a release of format 2: here a copy of another one, under other numbers.
const OLD_INSERT: &str = "
    INSERT INTO delivery(instance, number, hash, records, spans, first_at, last_at, block_list, run_heads, run_tails,
        traces, parents, aggregates, span_heads)
    SELECT instance, ?, hash + ?, records, spans, first_at, last_at, block_list, run_heads, run_tails,
        traces, parents, aggregates, span_heads FROM delivery WHERE id = 1";
const OLD_BLOCK: &str = "INSERT INTO block SELECT ? << 20, data FROM block WHERE id = 1 << 20";

#[test]
fn an_older_release_writes_beside_this_one() {
    let (_dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, &linked(2, 1));
    let old = Connection::open(&path).unwrap();
    as_format_2(&old);
    let mut insert = old.prepare(OLD_INSERT).unwrap();
    let mut block = old.prepare(OLD_BLOCK).unwrap();
    let mut write = |number: i64| {
        assert_eq!(insert.execute(params![number, number]).unwrap(), 1);
        assert_eq!(block.execute([number]).unwrap(), 1);
    };
    write(2);
    let mut new = StoreSink::open(&path).unwrap();
    write(3);
    deliver(&mut new, 2, 1, &linked(4, 3));
    let store = Store::open(&path).unwrap();
    write(5);
    assert_eq!(all(&store, None).len(), 5 * 2);
    assert_eq!(store.runs(&RunFilter::default(), 9).unwrap().len(), 4);
    let far_end = |n| -> Vec<_> {
        let runs = store.graph(run(n)).unwrap().unwrap().linked_runs;
        runs.into_iter().map(|l| (l.run.run_id, l.direction)).collect()
    };
    assert_eq!(far_end(3), [(run(4), LinkDirection::From)]);
    // For what the older release wrote, the link is known for the run that has it, but not for the run it leads to.
    assert_eq!(far_end(2), [(run(1), LinkDirection::To)]);
    assert_eq!(far_end(1), []);
    // Exporting and importing adds that.
    let (_other, path) = place();
    let mut lines = Vec::new();
    store.records(None, |record| lines.push(record.to_json().to_string())).unwrap();
    let mut anew = Store::open_or_create(&path).unwrap();
    anew.import(lines.iter().filter_map(|line| Record::from_json(line).unwrap())).unwrap();
    let runs = anew.graph(run(1)).unwrap().unwrap().linked_runs;
    assert_eq!(runs.iter().map(|l| (l.run.run_id, l.direction)).collect::<Vec<_>>(), [(run(2), LinkDirection::From)]);
}

#[test]
fn older_formats_are_read_and_written() {
    for format in [1, 2, 3, 4] {
        let (_dir, path) = place();
        deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, &linked(2, 1));
        let old = Connection::open(&path).unwrap();
        if format < 3 {
            as_format_2(&old);
        }
        old.pragma_update(None, "user_version", format).unwrap();
        drop(old);
        assert_eq!(Store::open(&path).unwrap().graph(run(2)).unwrap().unwrap().linked_runs.len(), 1);
        deliver(&mut StoreSink::open(&path).unwrap(), 1, 2, &linked(2, 1));
        assert_eq!(Store::open(&path).unwrap().graph(run(1)).unwrap().unwrap().linked_runs.len(), 1);
    }
}

/// Its process opened the file while another one brought that to the current format.
#[test]
fn format_2_may_reset_the_format_version() {
    let (_dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, &linked(2, 1));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.graph(run(1)).unwrap().unwrap().linked_runs.len(), 1);
    let format: i64 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(format, 5);
}

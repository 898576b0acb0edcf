//! Live events: each change once, also over a restart; and what a slow reader gets.

use crate::common::{Recording, attributes, run, run_start, span_id, start, trace};
use crate::events::Events;
use crate::server::{Running, import, order, store};
use serde_json::Value;
use spanbridge::record::{Body, Link, Record};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

fn ids(numbers: &[u64]) -> Vec<String> {
    let mut ids: Vec<_> = numbers.iter().map(|n| run(u128::from(*n)).to_string()).collect();
    ids.sort_unstable();
    ids
}

/// One delivery of all of them, so that they become one update.
fn deliver(path: &Path, numbers: &[u64]) {
    import(path, numbers.iter().flat_map(|n| order(*n)).collect::<Vec<Record<'static>>>());
}

#[test]
fn new_and_changed_runs_are_told() {
    let (_dir, path) = store();
    deliver(&path, &[1]);
    let server = Running::at(&path);
    let mut events = Events::of(&server, "", None);
    let first = events.next();
    assert_eq!((first.name.as_str(), &first.data), ("runs", &serde_json::json!({ "runs": [] })));
    deliver(&path, &[2]);
    let (runs, event) = events.runs(1);
    assert_eq!(runs, ids(&[2]));
    assert_eq!(
        event.data["runs"],
        server.json("/api/v1/runs?limit=1&sort=newest")["runs"]
            .as_array()
            .map(|all| {
                Value::from(all.iter().filter(|row| row["runId"] == run(2).to_string()).cloned().collect::<Vec<_>>())
            })
            .unwrap()
    );
    // A run that is there already.
    import(&path, [Recording::of(run(1), 100, "billing").span(99, 9, "charge", 3, 4)]);
    let (runs, event) = events.runs(1);
    assert_eq!(runs, ids(&[1]));
    assert_eq!(event.data["runs"][0]["services"], serde_json::json!(["billing", "shop"]));
}

/// Three runs come while the server is not there. Whoever comes back with the last id gets each of them once, and nothing else.
#[test]
fn what_came_during_a_restart_is_told_once() {
    let (_dir, path) = store();
    let mut server = Running::at(&path);
    let mut events = Events::of(&server, "", None);
    events.next();
    deliver(&path, &[1, 2]);
    let (_, last) = events.runs(2);
    drop(events);
    server.end();
    deliver(&path, &[3]);
    deliver(&path, &[4, 5]);
    let server = Running::at(&path);
    let mut events = Events::of(&server, "", Some(&last.id));
    let (runs, caught_up) = events.runs(3);
    assert_eq!(runs, ids(&[3, 4, 5]));
    deliver(&path, &[6]);
    let (runs, _) = events.runs(1);
    assert_eq!(runs, ids(&[6]));
    drop(events);
    // Nothing is new since: an empty event says so at once.
    let mut events = Events::of(&server, "", Some(&caught_up.id));
    assert_eq!(events.runs(1).0, ids(&[6]));
}

#[test]
fn a_reader_of_one_run_gets_that_run() {
    let (_dir, path) = store();
    deliver(&path, &[1]);
    let server = Running::at(&path);
    let mut events = Events::of(&server, &format!("?runId={}", run(1)), None);
    events.next();
    deliver(&path, &[2]);
    import(&path, [Recording::of(run(1), 100, "billing").span(99, 9, "charge", 3, 4)]);
    assert_eq!(events.runs(1).0, ids(&[1]));
}

/// A batch in another trace links to the step that sent its message, so the run of that one has changed, too. The list has not.
#[test]
fn a_reader_is_told_of_links_to_its_run() {
    let (_dir, path) = store();
    deliver(&path, &[1, 2]);
    let server = Running::at(&path);
    let mut of_sender = Events::of(&server, &format!("?runId={}", run(1)), None);
    let mut of_other = Events::of(&server, &format!("?runId={}", run(2)), None);
    let mut of_all = Events::of(&server, "", None);
    for events in [&mut of_sender, &mut of_other, &mut of_all] {
        events.next();
    }
    let mut batch = start(40, 0, "process", 20);
    let link = |run, span| Link::new(trace(run), span_id(span), attributes(&[]));
    batch.links = vec![link(1, 9), link(77, 77)];
    import(&path, [Recording::of(run(3), 300, "archive").record(Body::Span(batch))]);
    assert_eq!(of_all.runs(1).0, ids(&[3]));
    assert_eq!(of_sender.runs(1).0, ids(&[1]));
    deliver(&path, &[4]);
    import(&path, [Recording::of(run(2), 200, "billing").span(99, 9, "charge", 3, 4)]);
    assert_eq!(of_other.runs(1).0, ids(&[2]));
}

/// A run that another one started is in the line of that one, as in the list.
#[test]
fn what_a_run_started_is_in_its_line() {
    let (_dir, path) = store();
    deliver(&path, &[1]);
    let server = Running::at(&path);
    let mut list = Events::of(&server, "", None);
    let mut each = Events::of(&server, "?children=true", None);
    let mut of_first = Events::of(&server, &format!("?runId={}", run(1)), None);
    for events in [&mut list, &mut each, &mut of_first] {
        assert_eq!(events.next().data["runs"], serde_json::json!([]));
    }
    let mut mail = Recording::of(run(2), 2, "mailer");
    let parent = Some((run(1), crate::common::span_id(9)));
    import(&path, [mail.record(run_start("mail", 5, parent)), mail.span(17, 0, "mail", 5, 6)]);
    let (runs, event) = list.runs(1);
    assert_eq!(runs, ids(&[1]));
    assert_eq!(event.data["runs"], server.json("/api/v1/runs")["runs"]);
    assert_eq!(event.data["runs"][0]["descendants"], 1);
    assert_eq!(each.runs(1).0, ids(&[2]));
    assert_eq!(of_first.runs(1).0, ids(&[1]));
}

/// Whoever looks at a run is told of what it started, directly or through others, also if it is not the first of its operation.
#[test]
fn a_reader_in_the_middle_is_told_of_children() {
    let (_dir, path) = store();
    let child = |n: u64, parent: u64| {
        let parent = Some((run(parent.into()), crate::common::span_id(9)));
        Recording::of(run(n.into()), n, "mailer").record(run_start("mail", 5, parent))
    };
    deliver(&path, &[1]);
    import(&path, [child(2, 1), child(3, 2)]);
    let server = Running::at(&path);
    let mut of_middle = Events::of(&server, &format!("?runId={}", run(2)), None);
    of_middle.next();
    import(&path, [Recording::of(run(3), 4, "mailer").span(99, 9, "mail", 3, 4)]);
    assert_eq!(of_middle.runs(1).0, ids(&[2]));
}

#[test]
fn records_are_told_as_tail_prints_them() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let mut events = Events::of(&server, "?records=true", None);
    assert_eq!(events.next().data, serde_json::json!({ "records": [] }));
    deliver(&path, &[1]);
    let event = events.next();
    let mut expected = Vec::new();
    let store = spanbridge_query::Store::open(&path).unwrap();
    store
        .records(Some(run(1)), |record| expected.push(serde_json::from_str::<Value>(&record.to_json()).unwrap()))
        .unwrap();
    assert_eq!((event.name.as_str(), &event.data["records"]), ("records", &Value::from(expected.clone())));
    // Behind a cursor, too.
    deliver(&path, &[2]);
    let mut again = Events::of(&server, &format!("?records=true&runId={}", run(2)), Some(&event.id));
    let missed = again.next();
    assert_eq!(missed.data["records"].as_array().unwrap().len(), expected.len());
}

#[test]
fn an_unknown_cursor_means_to_load_anew() {
    let (_dir, path) = store();
    deliver(&path, &[1]);
    let server = Running::at(&path);
    let (_other_dir, other) = store();
    let of_another = Events::of(&Running::at(&other), "", None).next().id;
    for last in ["17", "not an id", &of_another, &format!("{}ff", &Events::of(&server, "", None).next().id[..16])] {
        let mut events = Events::of(&server, "", Some(last));
        let event = events.next();
        assert_eq!(event.name, "resync", "{last}");
        // From there on, it goes on.
        let after = Events::of(&server, "", Some(&event.id)).next();
        assert_eq!((after.name.as_str(), &after.data["runs"]), ("runs", &serde_json::json!([])), "{last}");
    }
}

/// More runs than anyone would look at one by one.
#[test]
fn whoever_missed_too_much_loads_anew() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let id = Events::of(&server, "", None).next().id;
    deliver(&path, &(1..1100).collect::<Vec<_>>());
    assert_eq!(Events::of(&server, "", Some(&id)).next().name, "resync");
}

/// A reader that takes nothing loses what is oldest. Others are told all along, and when it reads again, it is told to load anew; if
/// it took nothing for half a minute, when it comes back.
#[test]
fn a_slow_reader_disturbs_nobody() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let mut slow = server.connect();
    write!(slow, "GET /api/v1/live?records=true HTTP/1.1\r\nhost: {}\r\n\r\n", server.address).unwrap();
    slow.read_exact(&mut [0; 64]).unwrap();
    let mut quick = Events::of(&server, "?records=true", None);
    quick.next();
    // What a connection holds for its client is filled first; then as many updates are kept as there are for everybody.
    for n in 1..=80 {
        let mut shop = Recording::of(run(n), n as u64, "shop");
        let large = |at| {
            let mut span = shop.span(n as u64 * 8 + at, 0, "order", 0, 9);
            if let Body::Span(data) = &mut span.body {
                data.name = "x".repeat(200 << 10).into();
            }
            span
        };
        import(&path, (1..=4).map(large).collect::<Vec<_>>());
        assert_eq!(quick.next().name, "records", "{n}");
    }
    slow.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut told = Vec::new();
    let _ = slow.read_to_end(&mut told);
    let told = String::from_utf8_lossy(&told);
    let whole = &told[..told.rfind("\n\n").unwrap()];
    if !whole.contains("event: resync\n") {
        let last = whole.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap();
        assert_eq!(Events::of(&server, "?records=true", Some(last)).next().name, "resync", "{} MB", told.len() >> 20);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

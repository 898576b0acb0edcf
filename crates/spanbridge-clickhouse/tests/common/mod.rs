//! A database of its own for a test, on the server of the test program.
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use spanbridge_clickhouse::{Address, ClickHouse, Writer};
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

#[path = "../../../spanbridge-graph/tests/common/mod.rs"]
mod records;
pub(crate) use records::*;

#[path = "../../../spanbridge-query/tests/agreement/mod.rs"]
mod agreement;
pub(crate) use agreement::*;

/// An address with a database that nobody else uses. It is dropped with the value.
pub(crate) struct Place {
    pub(crate) address: Address,
}

/// A new database, or none because there is no server.
pub(crate) fn place() -> Option<Place> {
    crate::url().map(|url| place_at(&url))
}

pub(crate) fn place_at(url: &str) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Place { address: url.parse::<Address>().unwrap().with_database(name) }
}

/// The same address with another parameter.
pub(crate) fn url_with(parameter: &str) -> Option<String> {
    crate::url().map(|url| format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' }))
}

impl Place {
    pub(crate) fn writer(&self) -> Writer {
        Writer::open(&self.address).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::with_engine(self.address.to_string(), ClickHouse::open(&self.address).unwrap().with_clock(due::clock))
    }
}

/// Runs a statement on each node, and returns what the last one said. `settings` are more parameters: `&name=value`.
pub(crate) fn sql(place: &Place, statement: &str, settings: &str) -> String {
    ask(place, usize::MAX, statement, settings)
}

/// The same, on the first node only.
pub(crate) fn sql_once(place: &Place, statement: &str, settings: &str) -> String {
    ask(place, 1, statement, settings)
}

fn ask(place: &Place, most: usize, statement: &str, settings: &str) -> String {
    let url = crate::url().unwrap();
    let login = url.trim_start_matches("clickhouse://").split('@').next().unwrap();
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let shown = place.address.to_string();
    let (nodes, database) = shown.split_once('@').unwrap().1.split_once('/').unwrap();
    let database = database.split('?').next().unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let one = |node: &str| {
        let request = agent.post(format!("http://{node}/?database={database}&wait_end_of_query=1{settings}"));
        let request = request.header("X-ClickHouse-User", user).header("X-ClickHouse-Key", password);
        let mut answer = request.send(statement).unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "{statement}: {said}");
        said.trim_end().to_owned()
    };
    nodes.split(',').take(most).map(one).last().unwrap()
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a killed node keeps goes with its directory.
        let _ = Writer::drop_database(&self.address);
    }
}

pub(crate) fn insert(writer: &Writer, records: &[Record<'_>]) {
    let inserted = writer.insert(records.iter().map(|record| record.view())).unwrap();
    assert_eq!((inserted.records, inserted.unknown), (records.len() as u64, Vec::new()));
}

/// Without what contradicts an earlier record about when a run began: lists find a run by the earliest start that any record of it names,
/// which need not be that of its row (ADR 0062). Contradictions about all else stay, such as two starts with other names and parents.
pub(crate) fn consistent(mut deliveries: Vec<Vec<Record<'static>>>) -> Vec<Vec<Record<'static>>> {
    let mut starts = BTreeMap::new();
    for record in deliveries.iter_mut().flatten() {
        let run = run_of(&*record);
        if let Body::RunStart(start) = &mut record.body {
            start.started_at = *starts.entry(run).or_insert(start.started_at);
        }
    }
    let mut said = BTreeSet::new();
    let mut is_new = |record: &Record<'_>| {
        let about = match &record.body {
            Body::Span(span) => (2, span.span_id.get()),
            Body::SpanEnd(end) => (3, end.span_id.get()),
            _ => return true,
        };
        said.insert((run_of(record), about))
    };
    deliveries.iter_mut().for_each(|delivery| delivery.retain(&mut is_new));
    deliveries.retain(|delivery| !delivery.is_empty());
    deliveries
}

//! `GET /metrics`: figures of this process, as Prometheus reads them.

use super::app::App;
use super::meter::Route;
use super::reply::reply;
use super::upkeep::Kept;
use crate::metrics::{MEDIA, Text};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let mut text = Text::of("serve");
    let requests = app.meter.all();
    let labels =
        |route: &Route, code: u16| format!("{{method=\"{}\",path=\"{}\",code=\"{code}\"}}", route.method, route.path);
    text.family("requests_total", "counter", "Requests that were answered.");
    requests.iter().for_each(|(route, code, count, _)| text.value("requests_total", &labels(route, *code), count));
    text.family("request_seconds_total", "counter", "Time that answers took, all together.");
    requests.iter().for_each(|(route, code, _, sum)| {
        text.value("request_seconds_total", &labels(route, *code), sum.as_secs_f64());
    });
    text.family("waiting_requests", "gauge", "Requests that wait for their turn at the store.");
    text.value("waiting_requests", "{kind=\"read\"}", app.readers.waiting());
    text.value("waiting_requests", "{kind=\"search\"}", app.searchers.waiting());
    text.value("waiting_requests", "{kind=\"large\"}", app.large.waiting());
    text.value("waiting_requests", "{kind=\"write\"}", app.ingest.waiting());
    text.one("connections", "gauge", "Open connections.", app.connections.open());
    text.one("live_readers", "gauge", "Open streams of live events.", app.live.readers());
    let failures = app.upkeep.failures.load(Relaxed);
    let pruned = match &app.upkeep.kept {
        Kept::Directory(folding) => {
            let (spans, bytes) = (folding.folded_spans.load(Relaxed), folding.folded_bytes.load(Relaxed));
            text.one("folded_spans_total", "counter", "Spans that were folded.", spans);
            text.one("folded_bytes_total", "counter", "Bytes of logs that were folded.", bytes);
            text.one("upkeep_failures_total", "counter", "Times that folding or removing failed.", failures);
            Some(&folding.pruned_runs)
        }
        Kept::Database(database) => {
            let help = "Times that the database was found away, or removing failed.";
            text.one("store_failures_total", "counter", help, failures);
            Some(&database.pruned_runs).filter(|_| database.is_pruned())
        }
    };
    if let Some(pruned) = pruned {
        text.one("pruned_runs_total", "counter", "Runs that were removed by --keep.", pruned.load(Relaxed));
    }
    let ingest = app.ingest.counts();
    text.family("ingest_requests_total", "counter", "Requests with records or spans, by what became of them.");
    for (result, count) in [("taken", &ingest.taken), ("busy", &ingest.busy), ("refused", &ingest.refused)] {
        text.value("ingest_requests_total", &format!("{{result=\"{result}\"}}"), count.load(Relaxed));
    }
    text.family("ingest_records_total", "counter", "Records that were sent, by what became of them.");
    for (result, count) in [
        ("stored", &ingest.stored),
        ("repeated", &ingest.repeated),
        ("conflict", &ingest.conflicts),
        ("rejected", &ingest.rejected),
        ("late", &ingest.late),
    ] {
        text.value("ingest_records_total", &format!("{{result=\"{result}\"}}"), count.load(Relaxed));
    }
    reply(StatusCode::OK, MEDIA, text.into_string())
}

/// Counts the requests of one route. A stream counts when it begins.
pub(super) async fn count(State((app, route)): State<(App, Route)>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    app.meter.add(route, response.status().as_u16(), began.elapsed());
    response
}

//! A run as columns, and the details of its spans, over HTTP.

use crate::common::{run, span_id};
use crate::server::{Running, import, order, store};
use serde_json::Value;

/// Everything of a span, by its id or the first digits of it, also for an id that is written in capitals.
#[test]
fn a_span_is_chosen_by_its_id() {
    let (_dir, path) = store();
    import(&path, (1..3).flat_map(order));
    let server = Running::at(&path);
    let one = run(1).to_string();
    let rows = server.json(&format!("/api/v1/runs/{one}/rows?followChildren=true&criticalPath=true"));
    assert_eq!(rows["selected"], Value::Null);
    let graph = server.json(&format!("/api/v1/runs/{one}"));
    let ids: Vec<&str> = rows["spans"]["spanId"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(ids.len(), graph["spans"].as_array().unwrap().len());
    for span in graph["spans"].as_array().unwrap() {
        let id = span["spanId"].as_str().unwrap();
        assert!(ids.contains(&id), "{id}");
        let details = server.json(&format!("/api/v1/runs/{one}/spans/{}", id.to_uppercase()));
        assert_eq!(details["span"], *span);
        let selected = server.json(&format!("/api/v1/runs/{id}/rows"));
        assert_eq!((&selected["selected"], &selected["run"]), (&span["spanId"], &graph["run"]));
    }
}

/// Spans of other runs, of none, and what is no id.
#[test]
fn a_span_that_is_not_there_is_not_found() {
    let (_dir, path) = store();
    import(&path, (1..3).flat_map(order));
    let server = Running::at(&path);
    let (one, two) = (run(1), run(2));
    let of_two = server.json(&format!("/api/v1/runs/{two}"))["spans"][0]["spanId"].as_str().unwrap().to_owned();
    for (id, status) in [(of_two, 404), (span_id(77).to_string(), 404), (two.to_string(), 404), ("xyz".into(), 400)] {
        let reply = server.get(&format!("/api/v1/runs/{one}/spans/{id}"));
        assert_eq!(reply.status, status, "{id}: {}", reply.text);
    }
}

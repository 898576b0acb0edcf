//! `spanbridge serve` over a database: it answers, takes in and tells of what is new.

use crate::common::{Recording, run};
use crate::events::Events;
use crate::program::{Database, Running as Program, said};
use crate::server::{Running, options, order};
use serde_json::Value;
use spanbridge::record::Record;

fn lines(records: &[Record<'_>]) -> String {
    records.iter().map(|record| record.to_json() + "\n").collect()
}

fn post(server: &Running, path: &str, media: &str, body: &str) -> Value {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let request = agent.post(format!("{}{path}", server.url)).header("content-type", media);
    let mut response = request.send(body).unwrap();
    serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
}

fn ids(event: &crate::events::Event) -> Vec<&str> {
    event.data["runs"].as_array().unwrap().iter().filter_map(|row| row["runId"].as_str()).collect()
}

/// What is sent is stored once, and told to those who watch: also to one who was away, by the id of the last event.
#[test]
fn it_takes_in_and_tells() {
    let Some(database) = Database::new() else { return };
    let mut server = Running::with(options(database.url.as_ref()));
    let mut events = Events::of(&server, "", None);
    assert!(ids(&events.next()).is_empty());
    let sent = lines(&order(1));
    let report = post(&server, "/api/v1/records", "application/x-ndjson", &sent);
    assert_eq!((&report["stored"], &report["repeated"]), (&3.into(), &0.into()), "{report}");
    let report = post(&server, "/api/v1/records", "application/x-ndjson", &sent);
    assert_eq!((&report["stored"], &report["repeated"]), (&0.into(), &3.into()), "{report}");
    let first = events.next();
    assert_eq!(ids(&first), [run(1).to_string()]);
    assert_eq!(first.data["runs"], server.json("/api/v1/runs")["runs"]);
    let span = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"mail"}}]},"scopeSpans":[{
        "spans":[{"traceId":"00000000000000020000000000000002","spanId":"00000000000000aa","name":"send","kind":2,
        "startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000005000000"}]}]}]}"#;
    post(&server, "/v1/traces", "application/json", span);
    let of_otlp = "00000000000000020000000000000002";
    assert_eq!(ids(&events.next()), [of_otlp]);
    assert_eq!(server.json(&format!("/api/v1/runs/{of_otlp}"))["spans"][0]["name"], "send");
    drop(events);
    server.end();
    database.store(&order(3));
    let server = Running::with(options(database.url.as_ref()));
    let mut again = Events::of(&server, "", Some(&first.id));
    let missed = again.next();
    let mut expected = vec![run(3).to_string(), of_otlp.to_owned()];
    expected.sort_unstable();
    let mut missed = ids(&missed);
    missed.sort_unstable();
    assert_eq!(missed, expected, "and not what the last event had told");
    let unknown = format!("{}00", &first.id[..16]);
    assert_eq!(Events::of(&server, "", Some(&unknown)).next().name, "resync");
}

/// A database is not folded, so there is no figure of that: not even 0.
#[test]
fn it_shows_what_a_database_has() {
    let Some(database) = Database::filled(&[Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9)]) else {
        return;
    };
    let server = Running::with(options(database.url.as_ref()));
    assert_eq!(server.json("/healthz")["status"], "ok");
    let metrics = server.get("/metrics").text;
    for absent in ["folded_", "pruned_", "upkeep_"] {
        assert!(!metrics.contains(absent), "{metrics}");
    }
    assert!(metrics.contains("spanbridge_serve_store_failures_total 0"), "{metrics}");
    assert!(metrics.contains("spanbridge_serve_ingest_records_total{result=\"stored\"} 0"), "{metrics}");
    assert!(server.get("/").text.contains("<html"), "the page");
}

/// Without the password, wherever the store is named. (The users of these servers have none; any is refused.)
#[test]
fn a_password_is_in_no_line() {
    let Some(database) = Database::filled(&order(1)) else { return };
    let server = Program::start(&database.url, &["serve", "--listen", "0", "--format", "json"]);
    let store = server.json()["store"].as_str().unwrap().to_owned();
    assert!(database.url.starts_with(&store) && store.starts_with("clickhouse://"), "{store}");
    let secret = database.url.replacen('@', ":secret@", 1);
    for args in [&["serve", "--listen", "0"] as &[&str], &["runs"], &["tail"]] {
        let (code, out, error) = said(&secret, args);
        assert_eq!(code, Some(3), "{args:?}: {out}{error}");
        assert!(!out.contains("secret") && !error.contains("secret"), "{args:?}: {out}{error}");
    }
}

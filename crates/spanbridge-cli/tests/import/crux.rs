//! Records of Crux, schema versions 2 to 5.

use super::support::Place;
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// FNV-1a of 128 bits of `run_checkout-17`, computed by another program.
const CHECKOUT: &str = "549112dcd71812c73b36196bb359284a";

/// What all records of a run have, in this version.
fn record(version: u64, id: &str, record_type: &str, seq: u64, rest: Value) -> Value {
    let mut record = json!({"schemaVersion": version, "recordId": format!("rec_{id}"), "type": record_type,
        "runId": "run_checkout-17", "traceId": TRACE, "segmentId": "seg_a1", "segmentSeq": seq});
    if version >= 4 {
        record["operationId"] = json!("run_checkout-17");
        record["sessionId"] = json!("session-9");
    }
    record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    record
}

/// An agent that asks a model, as each version records it. In no order: ends before starts, a child before its parent.
pub(crate) fn story(version: u64) -> Vec<Value> {
    let of = |id: &str, record_type: &str, seq, rest| record(version, id, record_type, seq, rest);
    vec![
        of(
            "9",
            "run:end",
            9,
            json!({"endedAt": "2026-11-20T09:25:49Z", "durationMs": 3000, "status": "error",
            "error": {"message": "budget used up"}}),
        ),
        of(
            "7",
            "span:end",
            7,
            json!({"spanId": "span_model", "endedAt": "2026-11-20T09:25:48.5Z", "status": "error",
            "durationMs": 1500, "error": {"message": "429", "name": "RateLimit", "retryable": true},
            "metrics": {"inputTokens": 120, "outputTokens": 8, "totalTokens": 128, "costUsd": 0.0021, "gen.ttftMs": 90}}),
        ),
        of(
            "4",
            "span:start",
            4,
            json!({"spanId": "span_model", "parentSpanId": "span_agent", "name": "draft", "family": "generation",
            "primitive": "generation.call", "startedAt": "2026-11-20T09:25:47Z", "status": "running", "model": "large-3",
            "provider": "acme", "attributes": {"temperature": 0.5, "tools": [{"name": "search"}]}}),
        ),
        of(
            "2",
            "span",
            2,
            json!({"spanId": "span_agent", "name": "checkout agent", "family": "agents", "primitive": "agent.run",
            "startedAt": "2026-11-20T09:25:46.5Z", "endedAt": "2026-11-20T09:25:48.9Z", "status": "ok", "agentId": "agent_7",
            "promptId": "prompt_1"}),
        ),
        of(
            "5",
            "span:event",
            5,
            json!({"spanId": "span_model", "eventId": "event_1", "name": "first token",
            "timestamp": "2026-11-20T09:25:47.090Z", "attributes": {"n": 1}}),
        ),
        of(
            "6",
            "artifact",
            6,
            json!({"spanId": "span_model", "artifactId": "artifact_1", "createdAt": "2026-11-20T09:25:48Z",
            "kind": "output", "encoding": "json", "preview": {"text": "Dear customer"}}),
        ),
        of(
            "8",
            "edge",
            8,
            json!({"edgeId": "edge_1", "edgeType": "consumed", "from": {"kind": "span", "id": "span_agent"},
            "to": {"kind": "artifact", "id": "artifact_1"}, "attributes": {"weight": 2}}),
        ),
        of(
            "1",
            "run:start",
            1,
            json!({"name": "checkout", "rootPrimitive": "agent.run", "startedAt": "2026-11-20T09:25:46Z",
            "status": "running", "parentRunId": "run_parent", "triggeredBySpanId": "00f067aa0ba902b7"}),
        ),
    ]
}

fn document(records: &[Value]) -> String {
    json!({"records": records}).to_string()
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Each version, as a document and as lines, in any order: the same graph, and the same counts each time.
#[test]
fn every_version_is_a_run_of_ours() {
    for version in 2..=5 {
        let records = story(version);
        let place = Place::new();
        assert_eq!(place.import(&["-"], document(&records)), (0, "8 records read: 8 new\n".into(), String::new()));
        let graph = place.graph(CHECKOUT);
        let mut reversed = records.clone();
        reversed.reverse();
        for text in [lines(&records), lines(&reversed), document(&reversed)] {
            let (code, out, _) = place.import(&["--from", "crux"], text);
            assert_eq!((code, &*out), (0, "8 records read: 0 new, 8 already stored\n"));
        }
        let elsewhere = Place::new();
        elsewhere.import(&[], lines(&reversed));
        let mut same = elsewhere.graph(CHECKOUT);
        same["childRuns"] = graph["childRuns"].clone();
        assert_eq!(same, graph, "{version}");

        let run = &graph["run"];
        assert_eq!(
            (&run["name"], &run["status"], &run["error"]),
            (&json!("checkout"), &json!("error"), &json!("budget used up"))
        );
        assert_eq!(
            (&run["endedAt"], &run["triggeredBySpanId"]),
            (&json!("2026-11-20T09:25:49.000000000Z"), &json!("00f067aa0ba902b7"))
        );
        assert_eq!(
            (&run["attributes"]["crux.runId"], &run["attributes"]["crux.parentRunId"]),
            (&json!("run_checkout-17"), &json!("run_parent"))
        );
        assert_eq!(run["attributes"].get("session.id").is_some(), version >= 4);
        assert_eq!(run["attributes"].get("crux.operationId"), None, "the run is its operation");
        assert_eq!(graph["diagnostics"], json!([]));
    }
}

/// Families, primitives and types of edges of theirs stay, members become attributes, and nothing is dropped.
#[test]
fn spans_keep_what_crux_says() {
    let place = Place::new();
    place.import(&[], lines(&story(5)));
    let graph = place.graph(CHECKOUT);
    let [agent, model] = &graph["spans"].as_array().unwrap()[..] else { panic!("{graph}") };
    assert_eq!(
        (&agent["family"], &agent["primitive"], &agent["kind"]),
        (&json!("agent"), &json!("agent.run"), &json!("internal"))
    );
    assert_eq!(
        agent["attributes"],
        json!({"crux.runId": "run_checkout-17", "crux.segmentId": "seg_a1", "crux.spanId": "span_agent", "crux.family": "agents",
            "crux.operationId": "run_checkout-17", "crux.promptId": "prompt_1", "gen_ai.agent.id": "agent_7",
            "session.id": "session-9", "crux.edge.edge_1": {"attributes": {"weight": 2}}})
    );
    assert_eq!(
        (&model["parentSpanId"], &model["status"], &model["error"]),
        (&agent["spanId"], &json!("error"), &json!("429"))
    );
    let expected = json!({"crux.runId": "run_checkout-17", "crux.segmentId": "seg_a1", "crux.spanId": "span_model",
        "crux.parentSpanId": "span_agent", "crux.operationId": "run_checkout-17", "session.id": "session-9",
        "gen_ai.request.model": "large-3", "gen_ai.provider.name": "acme", "temperature": 0.5, "tools": [{"name": "search"}],
        "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 8, "crux.metrics.totalTokens": 128,
        "crux.metrics.costUsd": 0.0021, "crux.metrics.gen.ttftMs": 90, "error.type": "RateLimit",
        "crux.error": {"message": "429", "name": "RateLimit", "retryable": true},
        "crux.artifact.artifact_1": {"createdAt": "2026-11-20T09:25:48Z"}});
    assert_eq!(model["attributes"], expected);
    assert_eq!(model["events"][0]["eventId"], "event_1");
    let artifact = &graph["artifacts"][0];
    assert_eq!(
        ["artifactId", "kind", "contentType", "encoding", "preview"].map(|key| artifact[key].as_str().unwrap()),
        ["artifact_1", "output", "application/json", "utf-8", "{\"text\":\"Dear customer\"}"]
    );
    let edge = &graph["edges"][0];
    assert_eq!((&edge["edgeType"], &edge["to"]), (&json!("consumed"), &json!({"artifactId": "artifact_1"})));
    assert_eq!(edge["from"]["spanId"], agent["spanId"]);
    // Their ids of records stay, too.
    assert!(place.records().iter().any(|line| line.contains("\"recordId\":\"rec_4\"")));
}

/// Unknown types, unknown fields, repeated and conflicting ids, broken ones: each counted once, whatever it is stored as.
#[test]
fn counts_are_those_of_the_file() {
    let mut records = story(5);
    records.extend(story(5).into_iter().take(3));
    let mut other_end = records[0].clone();
    other_end["status"] = json!("ok");
    // The same edge, but for what is stored beside it.
    let mut other_edge = records[6].clone();
    other_edge["attributes"] = json!({"weight": 3});
    // Other order of members, and a null: the same content.
    let same = records[7].to_string().replacen('{', "{\"sessionName\":null,", 1);
    records.extend([other_end, other_edge, serde_json::from_str(&same).unwrap()]);
    let mut unknown = records[1].clone();
    (unknown["type"], unknown["recordId"]) = (json!("plan:revision"), json!("rec_10"));
    let mut broken = records[2].clone();
    (broken["startedAt"], broken["recordId"]) = (json!("yesterday"), json!("rec_11"));
    records.extend([unknown, broken]);
    let place = Place::new();
    let (code, out, err) = place.import(&["-", "--format", "json"], lines(&records));
    let report: Value = serde_json::from_str(&out).unwrap();
    let counts = ["read", "stored", "repeated", "conflicts", "unknown", "bad"].map(|key| report[key].as_u64().unwrap());
    assert_eq!((code, counts), (1, [15, 10, 4, 2, 1, 1]), "{err}");
    assert_eq!(report["unknownTypes"], json!({"plan:revision": 1}));
    assert_eq!(place.graph(CHECKOUT)["run"]["status"], "conflicted");
    let reason = report["badLines"].as_array().unwrap().last().unwrap()["reason"].as_str().unwrap();
    assert_eq!(reason, "failed to read a record of Crux: `startedAt` is not an RFC 3339 time between 1970 and 2554");
}

/// A run with a start and no end is open; one that was suspended is suspended, and neither has ended.
#[test]
fn open_and_suspended_runs_have_not_ended() {
    let place = Place::new();
    let suspend = |id: &str, segment: &str, at: &str| {
        let mut record = record(3, id, "run:suspend", 5, json!({"suspendedAt": at, "reason": "approval"}));
        record["segmentId"] = json!(segment);
        record
    };
    let resume = |id: &str, segment: &str, at: &str, previous: Option<&str>| {
        let mut record = record(3, id, "run:resume", 1, json!({"resumedAt": at, "reason": "approved"}));
        record["segmentId"] = json!(segment);
        record["previousSegmentId"] = json!(previous);
        record
    };
    let start = story(3).pop().unwrap();
    let status = |place: &Place| {
        let run = place.graph(CHECKOUT)["run"].clone();
        assert_eq!(run.get("endedAt"), None);
        run["status"].as_str().unwrap().to_owned()
    };
    place.import(&[], start.to_string());
    assert_eq!(status(&place), "open");
    place.import(&[], suspend("20", "seg_a1", "2026-11-20T10:00:00Z").to_string());
    assert_eq!(status(&place), "suspended");
    let named = resume("21", "seg_a2", "2026-11-20T11:00:00Z", Some("seg_a1"));
    assert_eq!(place.import(&[], named.to_string()).1, "1 record read: 1 new\n");
    assert_eq!(status(&place), "open");

    // The second one does not say what it resumes: it is the last suspension before it, wherever that stands.
    let second =
        [resume("23", "seg_a3", "2026-11-20T13:00:00Z", None), suspend("22", "seg_a2", "2026-11-20T12:00:00Z")];
    assert_eq!(place.import(&[], lines(&second)).1, "2 records read: 2 new\n");
    assert_eq!(status(&place), "open");
    assert_eq!(place.import(&[], lines(&second)).1, "2 records read: 0 new, 2 already stored\n");
    let graph = place.graph(CHECKOUT);
    let suspensions = graph["run"]["suspensions"].as_array().unwrap();
    let pairs: Vec<_> = suspensions.iter().map(|s| (s["reason"].as_str(), s["resumedAt"].as_str().is_some())).collect();
    assert_eq!(pairs, [(Some("approval"), true), (Some("approval"), true)]);
    assert_eq!(graph["run"]["attributes"]["crux.run.resume.rec_23"], json!({"reason": "approved"}));
}

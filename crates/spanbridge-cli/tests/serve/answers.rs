//! The server answers as the commands do.

use crate::common::{run, span_id};
use crate::server::{Running, import, order, store};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn command(store: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(args).args(["--format", "json", "--db"]).arg(store).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{args:?}: {e}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn answers_are_those_of_the_commands() {
    let (_dir, path) = store();
    import(&path, (1..7).flat_map(order));
    let server = Running::at(&path);
    let (one, two) = (run(1).to_string(), run(2).to_string());
    let all: [(String, &[&str]); 12] = [
        ("runs".into(), &["runs"]),
        ("runs?limit=2&page=2&sort=oldest".into(), &["runs", "--limit", "2", "--page", "2", "--sort", "oldest"]),
        ("runs?status=error&service=shop".into(), &["runs", "--status", "error", "--service", "shop"]),
        ("runs?name=nobody&since=2020-01-01".into(), &["runs", "--name", "nobody", "--since", "2020-01-01"]),
        (
            "runs?error=no%20luck&attribute=a%3Db&attribute=c".into(),
            &["runs", "--error", "no luck", "--attribute", "a=b", "--attribute", "c"],
        ),
        ("runs?until=2020-01-01&minDuration=5ms".into(), &["runs", "--until", "2020-01-01", "--min-duration", "5ms"]),
        ("runs?count=true&error=luck".into(), &["runs", "--count", "--error", "luck"]),
        (format!("runs/{one}"), &["trace", &one]),
        (
            format!("runs/{one}?followChildren=true&criticalPath=true"),
            &["trace", &one, "--follow-children", "--critical-path"],
        ),
        (format!("runs/{one}/why"), &["why", &one]),
        (format!("diff/{one}/{two}?percent=5&least=1ms"), &["diff", &one, &two, "--percent", "5", "--least", "1ms"]),
        ("doctor?limit=2".into(), &["doctor", "--limit", "2"]),
    ];
    for (asked, args) in all {
        assert_eq!(server.json(&format!("/api/v1/{asked}")), command(&path, args), "{asked}");
    }
    // What it says of time differs from moment to moment only for runs that began lately.
    assert_eq!(server.json(&format!("/api/v1/runs/{one}/doctor")), command(&path, &["doctor", &one]));
}

#[test]
fn an_id_is_found_in_any_form() {
    let (_dir, path) = store();
    import(&path, (1..3).flat_map(order));
    let server = Running::at(&path);
    let (run_id, span) = (run(1).to_string(), span_id(9).to_string());
    let found = |id: &str| server.json(&format!("/api/v1/find/{id}"));
    let whole = json!({ "schemaVersion": 1, "kind": "run", "id": run_id, "runIds": [run_id] });
    assert_eq!(found(&run_id), whole);
    assert_eq!(found(&run_id[..8]), whole);
    assert_eq!(found(&format!("00-{run_id}-{span}-01"))["runIds"], json!([run_id]));
    assert_eq!(found(&span), json!({ "schemaVersion": 1, "kind": "span", "id": span, "runIds": [run_id] }));
    // The run of a span.
    assert_eq!(server.json(&format!("/api/v1/runs/{span}"))["run"]["runId"], run_id);
}

#[test]
fn the_last_good_run_is_compared() {
    let (_dir, path) = store();
    import(&path, order(1));
    let server = Running::at(&path);
    let reply = server.get(&format!("/api/v1/diff/{}/last-good", run(1)));
    assert_eq!((reply.status, reply.json()["error"]["code"].clone()), (404, "not_found".into()), "{}", reply.text);
    let mut good = crate::common::Recording::of(run(2), 2, "shop");
    // It began before the other one.
    let records =
        vec![good.run_start("order", 0), good.span(17, 0, "order", 0, 9), good.run_end(9, spanbridge::Status::Ok)];
    let mut late = crate::common::Recording::of(run(3), 3, "shop");
    let failed = vec![
        late.run_start("order", 100),
        late.failed(25, 0, "order", 100, 109),
        late.run_end(109, spanbridge::Status::Error),
    ];
    import(&path, records.into_iter().chain(failed));
    let diff = server.json(&format!("/api/v1/diff/{}/last-good", run(3)));
    assert_eq!(diff, command(&path, &["diff", &run(3).to_string(), "--last-good"]));
}

#[test]
fn large_answers_are_packed_if_asked_for() {
    let (_dir, path) = store();
    import(&path, (1..20).flat_map(order));
    let server = Running::at(&path);
    let plain = server.get("/api/v1/runs");
    assert_eq!((plain.header("content-encoding"), plain.header("content-type")), ("", "application/json"));
    let packed = server.ask(ureq::http::Method::GET, "/api/v1/runs", &[("accept-encoding", "br, gzip")]);
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed.bytes[..]), &mut text).unwrap();
    assert_eq!(text, plain.text);
}

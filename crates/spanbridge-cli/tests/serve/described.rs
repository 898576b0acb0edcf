//! Answers have the form that `docs/openapi.json` says.

use crate::common::{Recording, run, span_id};
use crate::published::Published;
use crate::server::{Running, import, order, store};
use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use spanbridge::record::{Body, Mutation, MutationOp};
use std::collections::BTreeSet;

const BASE: &str = "https://github.com/spanbridge/spanbridge/blob/main/docs/openapi.json";

/// The description, whose schemas have no room for what they do not name.
fn strict(server: &Running) -> Value {
    fn close(value: &mut Value) {
        if let Some(object) = value.as_object_mut() {
            if object.get("type").is_some_and(|t| t == "object") && object.contains_key("properties") {
                object.insert("unevaluatedProperties".into(), false.into());
            }
            object.values_mut().for_each(close);
        }
        value.as_array_mut().into_iter().flatten().for_each(close);
    }
    let mut described = server.json("/api/openapi.json");
    close(&mut described["components"]["schemas"]);
    described
}

/// Where the schema of an answer is.
fn pointer(described: &Value, path: &str, status: u16) -> String {
    let at = format!("/paths/{}/get/responses/{status}", path.replace('/', "~1"));
    let response = described.pointer(&at).unwrap_or_else(|| panic!("{path} is not said to answer {status}"));
    let at = response["$ref"].as_str().map_or(at, |to| to.trim_start_matches('#').to_owned());
    format!("{at}/content/application~1json/schema")
}

#[test]
fn answers_are_as_described() {
    let (_dir, path) = store();
    import(&path, [1, 2, 9].into_iter().flat_map(order));
    let row = Mutation::new("m1", "shop", "public.orders", "{\"id\":1}", MutationOp::Delete);
    let row = row.with_span_id(Some(span_id(9))).with_before(Some("{\"status\":\"new\"}".into()));
    import(&path, [Recording::of(run(1), 99, "shop").record(Body::Mutation(row))]);
    let server = Running::at(&path);
    let described = strict(&server);
    let (one, two) = (run(1).to_string(), run(2).to_string());
    let asked = [
        ("/api/v1/runs", "/api/v1/runs".to_owned(), 200),
        ("/api/v1/runs", "/api/v1/runs?count=true".to_owned(), 200),
        ("/api/v1/runs", "/api/v1/runs?limit=x".to_owned(), 400),
        ("/api/v1/find/{id}", format!("/api/v1/find/{one}"), 200),
        ("/api/v1/find/{id}", "/api/v1/find/1111".to_owned(), 409),
        ("/api/v1/runs/{id}", format!("/api/v1/runs/{one}?criticalPath=true"), 200),
        ("/api/v1/runs/{id}", "/api/v1/runs/abcdabcd".to_owned(), 404),
        ("/api/v1/runs/{id}/rows", format!("/api/v1/runs/{one}/rows?criticalPath=true&findings=true"), 200),
        ("/api/v1/runs/{id}/spans/{spanId}", format!("/api/v1/runs/{one}/spans/{}?findings=true", span_id(9)), 200),
        ("/api/v1/runs/{id}/why", format!("/api/v1/runs/{one}/why"), 200),
        ("/api/v1/runs/{id}/doctor", format!("/api/v1/runs/{one}/doctor"), 200),
        ("/api/v1/diff/{a}/{b}", format!("/api/v1/diff/{one}/{two}"), 200),
        ("/api/v1/doctor", "/api/v1/doctor".to_owned(), 200),
        (
            "/api/v1/state/history",
            "/api/v1/state/history?table=orders&key=1&column=status&since=2020-01-01".to_owned(),
            200,
        ),
        ("/api/v1/state/history", "/api/v1/state/history?table=orders&key=%7B%22id%22:1%7D&database=x".to_owned(), 404),
        ("/api/v1/state/history", "/api/v1/state/history?table=orders&key=1&column=nope".to_owned(), 404),
        ("/api/v1/state/history", "/api/v1/state/history?table=orders".to_owned(), 400),
        ("/api/v1/state/history", "/api/v1/state/history?table=orders&key=1&key=2".to_owned(), 400),
        ("/api/v1/state/blame", "/api/v1/state/blame?table=orders&key=1&database=shop".to_owned(), 200),
        ("/api/v1/state/blame", "/api/v1/state/blame?table=orders&key=1&column=status".to_owned(), 400),
        ("/healthz", "/healthz".to_owned(), 200),
    ];
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.add_resource(BASE, described.clone()).unwrap();
    for schema in Published::read().strict().0.into_values() {
        compiler.add_resource(schema["$id"].as_str().unwrap(), schema.clone()).unwrap();
    }
    for (path, asked, status) in &asked {
        let reply = server.get(asked);
        assert_eq!(reply.status, *status, "{asked}: {}", reply.text);
        let at = format!("{BASE}#{}", pointer(&described, path, *status));
        let index = compiler.compile(&at, &mut schemas).unwrap_or_else(|e| panic!("{at}: {e:#}"));
        let mut answer = reply.json();
        schemas.validate(&answer, index).unwrap_or_else(|e| panic!("{asked}: {e:#}"));
        // It would say so if something was not described.
        answer["more than is known"] = json!(1);
        let strict = *status != 200 || *path == "/healthz" || path.starts_with("/api/v1/find");
        assert!(!strict || schemas.validate(&answer, index).is_err(), "{asked}");
    }
    let untested: BTreeSet<&str> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, methods)| !methods["get"]["responses"]["200"]["content"]["application/json"].is_null())
        .map(|(path, _)| path.as_str())
        .filter(|path| asked.iter().all(|(asked, ..)| asked != path))
        .collect();
    assert_eq!(untested, BTreeSet::from(["/api/openapi.json"]));
}

#[test]
fn every_reference_leads_to_a_schema() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let text = server.get("/api/openapi.json").text;
    let names: BTreeSet<&str> =
        text.split("\"schema/").skip(1).map(|rest| rest.split(['"', '#']).next().unwrap()).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let schema = server.json(&format!("/api/schema/{name}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
    }
}

#[test]
fn every_metric_is_in_the_conventions() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    assert_eq!(server.get("/api/v1/runs").status, 200);
    let reply = server.get("/metrics");
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        reply.text.contains("\nspanbridge_serve_requests_total{method=\"GET\",path=\"/api/v1/runs\",code=\"200\"} 1\n")
    );
    let told: BTreeSet<(&str, &str)> =
        reply.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let (_, table) = include_str!("../../../../docs/conventions.md").split_once("### Of `spanbridge serve`\n").unwrap();
    let rows = table.lines().take_while(|line| !line.starts_with('#'));
    let described: BTreeSet<(&str, &str)> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` | "))
        .filter_map(|(name, rest)| Some((name, rest.split_once(" |")?.0)))
        .collect();
    assert_eq!(told, described);
    // Each value has a name that was told, and is a number.
    for line in reply.text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = name.split('{').next().unwrap();
        assert!(told.iter().any(|(told, _)| *told == name) && value.parse::<f64>().is_ok(), "{line}");
    }
}

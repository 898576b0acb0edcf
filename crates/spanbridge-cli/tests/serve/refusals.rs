//! What is not answered, and what the server says then.

use crate::common::run;
use crate::server::{Running, import, options, order, store};
use ureq::http::Method;

#[test]
fn wrong_questions_are_said_to_be_wrong() {
    let (_dir, path) = store();
    // Their ids begin with the same seven digits.
    import(&path, [1, 9].into_iter().flat_map(order));
    let server = Running::at(&path);
    for (method, asked, status, code) in [
        (Method::GET, "/api/v1/runs?limit=many", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?limit=1001", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?page=0", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?status=great", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?sort=up", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?since=soon", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?name=a&name=b", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs?colour=red", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs/xyz", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs/%FF%FE", 400, "bad_argument"),
        (Method::GET, "/api/v1/runs/abcd1234", 404, "not_found"),
        (Method::GET, "/api/v1/runs/abcd1234/why", 404, "not_found"),
        (Method::GET, "/api/v1/runs/1111", 409, "ambiguous"),
        (Method::GET, "/api/v1/diff/1111/last-good", 409, "ambiguous"),
        (Method::GET, "/api/v1/live?runId=abcd1234", 404, "not_found"),
        (Method::GET, "/api/schema/nothing.json", 404, "not_found"),
        (Method::GET, "/api/v2/runs", 404, "not_found"),
        (Method::DELETE, "/api/v1/runs", 405, "method"),
        (Method::DELETE, "/runs", 404, "not_found"),
    ] {
        let reply = server.ask(method, asked, &[]);
        assert_eq!(
            (reply.status, reply.json()["error"]["code"].as_str()),
            (status, Some(code)),
            "{asked}: {}",
            reply.text
        );
        // The page puts "Failed to" before it.
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(["read ", "find ", "look up "].iter().any(|verb| message.starts_with(verb)), "{asked}: {message}");
    }
    let candidates = server.get("/api/v1/runs/1111").json()["error"]["candidates"].clone();
    let mut ids: Vec<&str> = candidates.as_array().unwrap().iter().filter_map(|c| c["id"].as_str()).collect();
    ids.sort_unstable();
    assert!(ids.contains(&&*run(1).to_string()) && ids.contains(&&*run(9).to_string()), "{candidates}");
}

/// Senders of OTLP get a `google.rpc.Status` in the encoding of their request, whoever refuses it.
#[test]
fn senders_of_otlp_get_a_status() {
    let (_dir, path) = store();
    let server = Running::with(options(&path).token("open sesame"));
    let right = ("authorization", "Bearer open sesame");
    let foreign = ("origin", "http://evil.example");
    let any = ("x-none", "");
    for (asked, headers, status, code, words) in [
        ("/v1/traces", [any, any], 401, 16, "read the token: Authorization is missing"),
        ("/v1/traces", [("authorization", "Bearer open"), any], 401, 16, "accept the token: it is not this server's"),
        ("/v1/traces", [right, foreign], 403, 7, "accept the origin http://evil.example: it is not this server's page"),
        ("/v1/metrics", [right, any], 404, 12, "find POST /v1/metrics: only traces are taken, at /v1/traces"),
        ("/v1/logs", [right, any], 404, 12, "find POST /v1/logs: only traces are taken, at /v1/traces"),
        ("/v1/trace", [right, any], 404, 12, "find POST /v1/trace: no such endpoint; spans of OTLP go to /v1/traces"),
    ] {
        let with = |media| [headers[0], headers[1], ("content-type", media)];
        let json = server.ask(Method::POST, asked, &with("application/json"));
        assert_eq!((json.status, json.header("content-type")), (status, "application/json"), "{asked}");
        assert_eq!((&json.json()["code"], json.json()["error"].is_null()), (&code.into(), true), "{}", json.text);
        assert!(json.json()["message"].as_str().unwrap().starts_with(words), "{}", json.text);
        assert_eq!(json.header("www-authenticate"), if status == 401 { "Bearer" } else { "" });
        let protobuf = server.ask(Method::POST, asked, &with("application/x-protobuf"));
        assert_eq!((protobuf.status, protobuf.header("content-type")), (status, "application/x-protobuf"), "{asked}");
        // Field 1 is the code, field 2 the message.
        assert_eq!(protobuf.bytes[..3], [0x08, code, 0x12], "{asked}: {}", protobuf.text);
        assert!(protobuf.text.contains(words), "{asked}: {}", protobuf.text);
    }
    let get = server.ask(Method::GET, "/v1/traces", &[right]);
    assert_eq!((get.status, &get.json()["code"]), (405, &12.into()), "{}", get.text);
    let lost = server.ask(Method::POST, "/", &[right, ("content-type", "application/x-protobuf")]);
    assert_eq!(lost.status, 404);
    assert!(lost.json()["error"]["message"].as_str().unwrap().contains("go to /v1/traces"), "{}", lost.text);
}

/// A page of someone else's, whose name leads here, or that sends a form.
#[test]
fn a_foreign_host_or_origin_is_refused() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let port = server.address.port();
    let own = format!("http://127.0.0.1:{port}");
    for (header, value, status) in [
        ("host", "evil.example", 403),
        ("host", "127.0.0.1.evil.example", 403),
        ("host", "localhost", 200),
        ("host", "[::1]:4318", 200),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:1", 403),
        ("origin", &own, 200),
    ] {
        for asked in ["/api/v1/runs", "/", "/healthz", "/metrics"] {
            let reply = server.ask(Method::GET, asked, &[(header, value)]);
            assert_eq!(reply.status, status, "{header}: {value}: {}", reply.text);
        }
    }
}

/// A picture or a script in someone else's page: browsers send no `Origin` with it.
#[test]
fn a_foreign_page_cannot_have_us_search() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    for (site, data) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        for (asked, status) in [("/api/v1/doctor", data), ("/metrics", data), ("/", 200), ("/runs/1", 200)] {
            let reply = server.ask(Method::GET, asked, &[("sec-fetch-site", site)]);
            assert_eq!(reply.status, status, "{site} {asked}");
        }
    }
}

#[test]
fn white_space_around_the_token_does_not_count() {
    let (_dir, path) = store();
    let server = Running::with(options(&path).token(" open sesame\n"));
    let right = [("authorization", "Bearer open sesame")];
    assert_eq!(server.ask(Method::GET, "/api/v1/runs", &right).status, 200);
}

#[test]
fn what_is_stored_needs_the_token() {
    let (_dir, path) = store();
    let server = Running::with(options(&path).token("open sesame"));
    let data = ["/api/v1/runs", "/api/v1/live", "/metrics", "/api/openapi.json", "/api/v1/nothing"];
    for asked in data {
        for wrong in [&[][..], &[("authorization", "Bearer open")], &[("authorization", "Basic open sesame")]] {
            let reply = server.ask(Method::GET, asked, wrong);
            assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer"), "{asked}");
            assert_eq!(reply.json()["error"]["code"], "token");
        }
    }
    let right = [("authorization", "Bearer open sesame")];
    assert_eq!(server.ask(Method::GET, "/api/v1/runs", &right).status, 200);
    // The page can ask for the token only if it is there, whatever name leads to it.
    for asked in ["/", "/runs/1", "/assets/index.html", "/healthz"] {
        assert_eq!(server.ask(Method::GET, asked, &[("host", "traces.example")]).status, 200, "{asked}");
    }
    let foreign = [right[0], ("origin", "http://evil.example")];
    assert_eq!(server.ask(Method::GET, "/api/v1/runs", &foreign).status, 403);
}

#[test]
fn every_answer_tells_browsers_to_be_careful() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    for asked in ["/", "/assets/app.js", "/api/v1/runs", "/api/v1/runs/xyz", "/api/nothing", "/healthz", "/metrics"] {
        let reply = server.get(asked);
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{asked}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{asked}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{asked}");
        let is_data = asked.starts_with("/api/") || asked == "/metrics";
        assert_eq!(reply.header("cache-control") == "no-store", is_data, "{asked}");
    }
    assert_eq!(server.ask(Method::GET, "/", &[("host", "evil.example")]).header("x-frame-options"), "DENY");
}

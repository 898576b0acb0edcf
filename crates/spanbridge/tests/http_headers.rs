//! Requests as they arrive from browsers, proxies and services, by the forms that the documentation of each shows. (What was
//! taken off the wire is in `captures.txt`.)
#![cfg(feature = "http")]

use http::{HeaderMap, HeaderName, HeaderValue};
use spanbridge::carrier::{extract, inject};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Who sends it, its headers line by line, and what is read: `traceparent`, `tracestate`, `baggage`.
const REQUESTS: [(&str, &str, [&str; 3]); 18] = [
    (
        "a browser with OpenTelemetry for JavaScript, over HTTP/2: cookies in several headers",
        "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0
accept: application/json
accept-language: en-US,en;q=0.5
accept-encoding: gzip, deflate, br, zstd
origin: https://shop.example.com
cookie: session=1
cookie: theme=dark
sec-fetch-mode: cors
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        [PARENT, "", ""],
    ),
    (
        "Go's net/http, which writes names in its canonical form",
        "Host: orders
User-Agent: Go-http-client/1.1
Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
Tracestate: rojo=00f067aa0ba902b7
Baggage: tier=gold%20&%20silver
Accept-Encoding: gzip",
        [PARENT, "rojo=00f067aa0ba902b7", "tier=gold%20&%20silver"],
    ),
    (
        "requests under OpenTelemetry for Python: the random flag, and a plus for a space",
        "User-Agent: python-requests/2.32.3
Accept: */*
Connection: keep-alive
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03
baggage: tier=gold,name=two+words",
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", "", "tier=gold,name=two+words"],
    ),
    (
        "OpenTelemetry for Rust, which always writes a tracestate",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate:
accept: */*",
        [PARENT, "", ""],
    ),
    (
        "Envoy with W3C's and B3's headers",
        "x-request-id: 7b0ad9f2-54ce-9ad1-9d38-0a4c1b6df1aa
x-forwarded-proto: http
x-envoy-expected-rq-timeout-ms: 15000
x-b3-traceid: 4bf92f3577b34da6a3ce929d0e0e4736
x-b3-spanid: 00f067aa0ba902b7
x-b3-sampled: 1
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate:",
        [PARENT, "", ""],
    ),
    (
        "a load balancer of AWS: its own header is no W3C context",
        "X-Forwarded-For: 203.0.113.7
X-Forwarded-Proto: https
X-Forwarded-Port: 443
X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        [PARENT, "", ""],
    ),
    (
        "the same for a client without a context",
        "X-Forwarded-For: 203.0.113.7
X-Amzn-Trace-Id: Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678",
        ["", "", ""],
    ),
    (
        "Google Cloud's load balancer: sampled out",
        "via: 1.1 google
x-cloud-trace-context: 4bf92f3577b34da6a3ce929d0e0e4736/67667974448284343;o=0
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "", ""],
    ),
    (
        ".NET with its older headers beside",
        "Request-Id: |4bf92f3577b34da6a3ce929d0e0e4736.00f067aa0ba902b7.
Correlation-Context: tenant=acme
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "", ""],
    ),
    (
        "Datadog",
        "x-datadog-trace-id: 11803532876627986230
x-datadog-parent-id: 67667974448284343
x-datadog-sampling-priority: 2
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: dd=s:2;p:00f067aa0ba902b7;o:rum;t.dm:-4;t.tid:4bf92f3577b34da6
baggage: session.id=abc,account.id=42",
        [PARENT, "dd=s:2;p:00f067aa0ba902b7;o:rum;t.dm:-4;t.tid:4bf92f3577b34da6", "session.id=abc,account.id=42"],
    ),
    (
        "New Relic",
        "newrelic: eyJ2IjpbMCwxXX0=
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: 33@nr=0-0-33-2827902-7d3efb1b173fecfa-e8b91a159289ff74-1-1.23456-1518469636035",
        [PARENT, "33@nr=0-0-33-2827902-7d3efb1b173fecfa-e8b91a159289ff74-1-1.23456-1518469636035", ""],
    ),
    (
        "Dynatrace behind Elastic's agent, which puts its member in front",
        "elastic-apm-traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: es=s:1,6cab5bb-7b@dt=fw4;8;66cba68c;1a64;29;0;0;61;c7c8;2h01;3h66cba68c",
        [PARENT, "es=s:1,6cab5bb-7b@dt=fw4;8;66cba68c;1a64;29;0;0;61;c7c8;2h01;3h66cba68c", ""],
    ),
    (
        "Sentry for browsers: baggage beside a header of its own",
        "sentry-trace: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1
baggage: sentry-environment=production,sentry-public_key=abc,sentry-trace_id=4bf92f3577b34da6a3ce929d0e0e4736,sentry-sampled=true",
        [
            "",
            "",
            "sentry-environment=production,sentry-public_key=abc,sentry-trace_id=4bf92f3577b34da6a3ce929d0e0e4736,sentry-sampled=true",
        ],
    ),
    (
        "a proxy that adds a header of its own to a list",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: proxy=1
tracestate: congo=t61rcWkgMzE , rojo=00f067aa0ba902b7
baggage: zone=eu
baggage: tier=gold;secret",
        [PARENT, "proxy=1,congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "zone=eu,tier=gold;secret"],
    ),
    (
        "a proxy that repeats a header",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: a=1",
        [PARENT, "a=1", ""],
    ),
    (
        "a version to come, with more behind it",
        "traceparent: cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
        [PARENT, "", ""],
    ),
    (
        "white space around values",
        "traceparent: \t 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 \t
tracestate: \t a=1 \t,\t b=2
baggage: \t k = v \t",
        [PARENT, "a=1,b=2", "k = v"],
    ),
    (
        "spanbridge, in a run with a name",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
tracestate: sb=r:0af7651916cd43dd8448eb211c80319c,dd=s:1",
        [PARENT, "dd=s:1", ""],
    ),
];

fn map(lines: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(':').expect("a header");
        // As servers do, which take one space off; the rest is up to who reads it.
        let value = HeaderValue::from_str(value.strip_prefix(' ').unwrap_or(value)).expect("a value");
        map.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
    }
    map
}

#[test]
fn requests_of_others_are_read_and_passed_on() {
    for (who, lines, expected) in REQUESTS {
        let found = extract(&map(lines));
        assert_eq!(found.problems, [], "{who}");
        let context = found.context;
        let parent = context.trace_parent().map_or(String::new(), |parent| parent.to_string());
        assert_eq!([&*parent, context.trace_state().as_str(), context.baggage().as_str()], expected, "{who}");
        // What is sent on reads alike, with nothing of the other headers.
        let mut onward = map("accept: */*");
        inject(&context, &mut onward);
        let again = extract(&onward);
        assert_eq!((again.context, again.problems), (context, vec![]), "{who}");
        let written = expected.iter().filter(|value| !value.is_empty()).count();
        assert_eq!(onward.len(), 1 + written, "{who}: {onward:?}");
    }
}

/// A proxy between two services that joins headers as if they were lists: there is no telling which parent is meant.
#[test]
fn joined_parents_start_a_new_trace() {
    let found = extract(&map(&format!("traceparent: {PARENT}, {PARENT}\ntracestate: a=1\nbaggage: k=v")));
    assert_eq!((found.context.is_empty(), found.context.baggage().as_str()), (true, "k=v"));
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["traceparent: version 00 is longer than 55 characters"]);
}

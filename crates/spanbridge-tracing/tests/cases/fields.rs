//! Fields of spans.

use super::{traced, tree_of};
use spanbridge::Kind;
use spanbridge_graph::Span;
use std::error::Error;
use std::fmt;
use tracing::field::Empty;
use tracing::info_span;

/// An error that has a cause.
#[derive(Debug)]
struct Failed(Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "cannot print" } else { "no ink" })
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

fn json(span: &Span) -> serde_json::Value {
    span.attributes.iter().cloned().collect::<serde_json::Map<_, _>>().into()
}

/// Each type of value. An integer that attributes have no kind for is recorded as its digits.
#[test]
fn values_of_every_type() {
    let recorded = traced(|| {
        let error = Failed(Some(Box::new(Failed(None))));
        let error: &(dyn Error + 'static) = &error;
        let _ = info_span!(
            "span",
            int = -3,
            unsigned = 7_u64,
            large = u64::MAX,
            huge = i128::MIN,
            small = 5_u128,
            float = 1.5,
            yes = true,
            text = "text",
            shown = %"shown",
            debug = ?Some("x"),
            error,
            empty = Empty,
            none = None::<u64>,
        );
    });
    let expected = serde_json::json!({
        "int": -3, "unsigned": 7, "large": u64::MAX.to_string(), "huge": i128::MIN.to_string(), "small": 5, "float": 1.5,
        "yes": true, "text": "text", "shown": "shown", "debug": "Some(\"x\")", "error": "cannot print: no ink",
    });
    assert_eq!(json(recorded.span("span")), expected);
}

/// What is recorded late is an attribute as well; recorded twice, the last value counts; `tracing` drops what is not declared.
#[test]
fn recorded_late_twice_and_undeclared() {
    let recorded = traced(|| {
        let span = info_span!("span", late = Empty, twice = 1, never = Empty);
        span.record("late", "value");
        span.in_scope(|| span.record("twice", 2));
        let thread = span.clone();
        std::thread::spawn(move || {
            thread.record("twice", 3);
        })
        .join()
        .unwrap();
        span.record("undeclared", true);
    });
    assert_eq!(json(recorded.span("span")), serde_json::json!({ "late": "value", "twice": 3 }));
}

/// `otel.name` and `otel.kind` are the name and the kind, if the span begins with them.
#[test]
fn name_and_kind_by_otel_fields() {
    let recorded = traced(|| {
        let _ = info_span!("a", otel.name = "GET /", otel.kind = "server", http.route = "/");
        let _ = info_span!("b", otel.name = %format_args!("{} jobs", "send"), otel.kind = ?Producer, otel.other = 1);
        let _ = info_span!("c", otel.kind = "odd");
        let _ = info_span!("d", otel.name = "");
    });
    let kind = |name| recorded.span(name).kind;
    assert_eq!([kind("GET /"), kind("send jobs"), kind("c")], [Kind::Server, Kind::Producer, Kind::Internal]);
    assert_eq!(kind("d"), Kind::Internal, "a span without a name is named as if it gave none");
    assert_eq!(json(recorded.span("GET /")), serde_json::json!({ "http.route": "/" }));
    assert_eq!(json(recorded.span("send jobs")), serde_json::json!({ "otel.other": 1 }));
    assert_eq!(json(recorded.span("c")), serde_json::json!({ "otel.kind": "odd" }));
}

/// Later they are attributes: a span's name may have been delivered already.
#[test]
fn a_late_name_is_an_attribute() {
    let tree = tree_of(&["otel.name"], || {
        let span = info_span!("request", otel.name = Empty);
        span.record("otel.name", "GET /");
    });
    assert_eq!(tree, "request otel.name=\"GET /\"\n");
}

/// The kind `Producer`, as its `Debug` shows it.
#[derive(Debug)]
struct Producer;

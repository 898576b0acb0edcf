//! Events.

use super::{NOISY, traced, under};
use crate::MODE;
use spanbridge::observe;
use spanbridge_graph::Span;
use tracing::{Level, debug, error, info, info_span, warn};
use tracing_log::LogTracer;
use tracing_log::log::{self, Log};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

fn events(span: &Span) -> Vec<String> {
    let event = |event: &spanbridge_graph::Event| {
        let rest = event.attributes.iter().map(|(key, value)| format!(" {key}={value}"));
        event.name.clone() + &rest.collect::<String>()
    };
    span.events.iter().map(event).collect()
}

/// An event belongs to the current span, of whichever library. Its message is its name.
#[test]
fn events_belong_to_the_current_span() {
    let recorded = traced(|| {
        info!("outside of any span");
        info_span!("a").in_scope(|| {
            info!(n = 1, "in {}", "a");
            observe::span("b").in_scope(|| warn!(target: "x", big = u64::MAX, "in b"));
            observe::event("ours", &[]);
            info!(parent: None, "of no span");
        });
        let c = info_span!("c");
        info!(parent: &c, ok = true);
        info!(parent: &c, message = 7, "err" = 5);
    });
    let here = module_path!();
    assert_eq!(events(recorded.span("a")), [format!("in a level=\"INFO\" target=\"{here}\" n=1"), "ours".to_owned()]);
    assert_eq!(events(recorded.span("b")), [format!("in b level=\"WARN\" target=\"x\" big=\"{}\"", u64::MAX)]);
    let c = events(recorded.span("c"));
    assert!(c[0].starts_with("event ") && c[0].ends_with("ok=true"), "{c:?}");
    assert_eq!(c[1], format!("7 level=\"INFO\" target=\"{here}\" err=\"5\""));
}

/// An event that names a span which is hidden belongs to the current span: it is not lost.
#[test]
fn an_event_of_a_hidden_span() {
    let recorded = traced(|| {
        let hidden = info_span!(target: NOISY, "hidden");
        info_span!("a").in_scope(|| info!(parent: &hidden, "event"));
    });
    assert_eq!(recorded.span("a").events.len(), usize::from(MODE.is_filtered));
}

/// An error without a message is an `exception`.
#[test]
fn an_error_is_an_exception() {
    let recorded = traced(|| info_span!("a").in_scope(|| error!(error = "no ink", printer = 3)));
    let event =
        format!("exception level=\"ERROR\" target=\"{}\" exception.message=\"no ink\" printer=3", module_path!());
    assert_eq!(events(recorded.span("a")), [event]);
}

/// Events can be kept from a level on, or not at all. What they say of the span's end counts all the same.
#[test]
fn events_from_a_level() {
    let work = || {
        info_span!("a").in_scope(|| {
            debug!("debug");
            warn!("warning");
            error!(error = "no ink");
        })
    };
    for (from, kept) in
        [(LevelFilter::OFF, 0), (Level::ERROR.into(), 1), (Level::WARN.into(), 2), (LevelFilter::TRACE, 3)]
    {
        let subscriber = tracing_subscriber::registry().with(spanbridge_tracing::layer().events(from));
        let recorded = spanbridge_graph::testing::record(|| under(&subscriber.into(), work));
        assert_eq!(recorded.span("a").events.len(), kept);
        assert_eq!(recorded.tree(), "a [error]\n");
    }
}

/// What can be added to spans and events.
#[test]
fn metadata_as_attributes() {
    let subscriber =
        tracing_subscriber::registry().with(spanbridge_tracing::layer().level(true).target(true).location(true));
    let line = line!() + 2;
    let recorded = spanbridge_graph::testing::record(|| {
        under(&subscriber.into(), || info_span!("a", n = 1).in_scope(|| info!("event")))
    });
    let (file, here) = (file!(), module_path!());
    let place = format!("code.file.path=\"{file}\" code.line.number={line}");
    let attributes: Vec<String> =
        recorded.span("a").attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(attributes.join(" "), format!("level=\"INFO\" target=\"{here}\" {place} n=1"));
    assert_eq!(events(recorded.span("a")), [format!("event level=\"INFO\" target=\"{here}\" {place}")]);
}

/// What is known of each event is not replaced by a field of that name.
#[test]
fn fields_named_level_and_target() {
    let here = module_path!();
    let recorded = traced(|| {
        info_span!("a").in_scope(|| info!(target = "10.0.0.7", level = 3, "connected"));
    });
    let event = format!("connected level=\"INFO\" target=\"{here}\" field.target=\"10.0.0.7\" field.level=3");
    assert_eq!(events(recorded.span("a")), [event]);
}

/// Records of the `log` crate: their own target, and no field about their place.
#[test]
fn records_of_log() {
    let metadata = log::Metadata::builder().level(log::Level::Warn).target("driver").build();
    let recorded = traced(|| {
        info_span!("a").in_scope(|| {
            let mut record = log::Record::builder();
            record.metadata(metadata).module_path(Some("driver::net")).file(Some("net.rs")).line(Some(7));
            LogTracer::new().log(&record.args(format_args!("connection lost")).build())
        })
    });
    assert_eq!(events(recorded.span("a")), ["connection lost level=\"WARN\" target=\"driver\""]);
}

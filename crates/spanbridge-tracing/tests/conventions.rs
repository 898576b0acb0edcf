//! What the layer adds is what `docs/conventions.md` says, in both directions.

#[path = "../../../tests/src/tables.rs"]
#[expect(unreachable_pub, reason = "elsewhere it is a part of a library")]
mod tables;

use spanbridge_graph::testing;
use std::collections::BTreeSet;
use tracing::{error, info, info_span};
use tracing_subscriber::prelude::*;

#[test]
fn attributes_are_those_of_the_table() {
    let layer = spanbridge_tracing::layer().level(true).target(true).location(true);
    let work = || {
        info_span!("span").in_scope(|| {
            info!(level = 3, target = "10.0.0.7", "message");
            error!(error = "no ink");
        })
    };
    let subscriber = tracing_subscriber::registry().with(layer);
    let recorded = testing::record(|| tracing::subscriber::with_default(subscriber, work));
    let plain = tracing_subscriber::registry().with(spanbridge_tracing::layer());
    let plain = testing::record(|| tracing::subscriber::with_default(plain, work));
    assert_eq!(plain.span("span").attributes, [("error.type".to_owned(), "_OTHER".into())]);

    let known = tables::attributes("Attributes of tracing");
    let span = recorded.span("span");
    let mut seen = BTreeSet::new();
    let of_span = span.attributes.iter().map(|(name, _)| ("span".to_owned(), name.clone()));
    seen.extend(of_span);
    for event in span.events.iter().chain(&plain.span("span").events) {
        let names: BTreeSet<&str> = event.attributes.iter().map(|(name, _)| &**name).collect();
        let always = known.iter().filter(|((of, _), always)| of == "event" && **always);
        always.for_each(|((_, name), _)| assert!(names.contains(&**name), "{event:?} has no `{name}`"));
        seen.extend(names.into_iter().map(|name| ("event".to_owned(), name.to_owned())))
    }
    assert_eq!(seen, known.into_keys().collect());
    assert_eq!(span.events[1].name, "exception");
}

//! Runs that are summarised.

use crate::common::*;
use spanbridge::record::*;
use spanbridge::{Kind, Status};

/// A run that its owner ended as ok, with many messages that failed, equal steps, a chain that is too deep to show, steps of many
/// kinds, and steps whose parents are not recorded. `more`: it has one more step of the equal ones.
pub(crate) fn run_of_many(id: u128, more: bool) -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(id), 60 + id as u64, "shop");
    let first = id as u64 * 1_000_000;
    let mut out = vec![shop.record(Body::RunStart(RunStart::new("import", T0)))];
    out.push(shop.span(first + 1, 0, "import", 0, 900));
    for n in 0..300 {
        let mut span = start(first + 1_000 + n, first + 1, "row", 1 + n % 50);
        (span.primitive, span.kind) = ("messaging.process".into(), Kind::Consumer);
        span.end = Some(End::new(T0 + 60 * MS, Status::Error).with_error(Some("no room".into())));
        out.push(shop.record(Body::Span(span)));
    }
    for n in 0..300 + u64::from(more) {
        let mut span = start(first + 2_000 + n, first + 1, "item", 100 + n);
        span.end = Some(end(101 + n, Status::Ok));
        span.links = vec![Link::new(trace(9), span_id(9), Attributes::new())];
        out.push(shop.record(Body::Span(span)));
    }
    out.extend((0..300).map(|n| shop.span(first + 3_000 + n, first + n + 2_999, "level", n, 700 - n)));
    let mut deepest = start(first + 3_300, first + 3_299, "deepest", 300);
    deepest.end = Some(End::new(T0 + 301 * MS, Status::Panicked));
    out.push(shop.record(Body::Span(deepest)));
    out.extend((0..200).map(|n| shop.span(first + 4_000 + n, first + 1, NAMES[n as usize % 8], 100 + n, 500)));
    out.extend((0..100).map(|n| shop.span(first + 5_000 + n, first + 900_000 + n, "lost", n, n + 1)));
    out.push(shop.record(Body::Span(start(first + 6_000, first + 1, "never ended", 5))));
    // Of one that is not shown.
    let row = Mutation::new("m", "shop", "orders", "{\"id\":1}", MutationOp::Delete);
    out.push(shop.record(Body::Mutation(row.with_span_id(Some(span_id(first + 2_150))))));
    out.push(shop.record(Body::RunEnd(RunEnd::new(T0 + 901 * MS, Status::Ok))));
    out
}

/// A run of steps that all succeeded.
pub(crate) fn steps_alone(id: u128) -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(id), 60 + id as u64, "shop");
    (1..90).map(|n| shop.span(8_000_000 + n, 0, "step", n, n + 1)).collect()
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

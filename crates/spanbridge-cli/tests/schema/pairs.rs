//! Runs of one kind: a good one, and others that differ from it.

use crate::common::*;
use spanbridge::record::*;
use spanbridge::{Kind, Status};

/// Run 30 is good, 31 failed, 32 was slower, and 33 is like the first.
pub(crate) fn all() -> Vec<Record<'static>> {
    let mut out = Vec::new();
    for (n, began) in [(30, 0), (31, 10_000), (32, 20_000), (33, 5_000)] {
        let mut shop = Recording::of(run(n), 10 * n as u64, "shop");
        let base = 100 * n as u64;
        let mut step = |id: u64, name: &'static str, to: u64, status: Status, more: Said| {
            let mut span = start(base + id, if id == 0 { 0 } else { base }, name, began + 10 * id);
            (span.kind, span.primitive) = (Kind::Internal, "flow.step".into());
            span.attributes = attributes(&more);
            let error = (status == Status::Error).then(|| "card declined".into());
            let end = end(began + to, status).with_error(error);
            shop.record(Body::Span(span.with_end(Some(end))))
        };
        let (failed, slow) = (n == 31, n == 32);
        let status = if failed { Status::Error } else { Status::Ok };
        out.push(step(0, "nightly", if slow { 3000 } else { 1000 }, status, vec![]));
        out.push(step(1, "reserve", if slow { 2900 } else { 15 }, Status::Ok, vec![]));
        out.push(step(2, "charge", 25, status, vec![("payment.provider", text("old"))]));
        let changed = match failed {
            true => vec![("template", text("new")), ("added", text("x"))],
            false => vec![("template", text("old")), ("removed", text("x"))],
        };
        out.push(step(3, if failed { "send a mail instead" } else { "send" }, 35, Status::Ok, vec![]));
        out.push(step(4, "print", 45, Status::Ok, changed));
    }
    out
}

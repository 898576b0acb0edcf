//! Runs of every status, and connected in every way.

use crate::common::*;
use spanbridge::record::*;
use spanbridge::{RunId, Status};

/// The neighbours of run 1 in `steps`: its parent 2, a run that it links to, and others by status.
pub(crate) fn all() -> Vec<Record<'static>> {
    let mut out = Vec::new();
    let mut parent = Recording::of(run(2), 21, "shop");
    out.extend([parent.run_start("day", 0), parent.span(201, 0, "start an order", 0, 5)]);
    // A link from here to run 1, and one from run 1 to here.
    let mut both = Recording::of(run(3), 31, "shop");
    out.push(both.record(linked(301, trace(1), 1)));
    out.push(Recording::of(run(4), 41, "shop").span(401, 0, "linked", 0, 1));
    out.push(Recording::of(run(6), 61, "shop").record(linked(601, trace(1), 1)));
    // In the trace of run 1.
    out.push(Recording::of(run(7), 71, "shop").in_trace(trace(1)).span(701, 1, "related", 0, 1));
    for (n, status) in [(8, Some(Status::Ok)), (9, Some(Status::Cancelled)), (10, None)] {
        let mut child = Recording::of(run(n), 10 * n as u64, "shop").in_trace(trace(n));
        out.push(child.record(run_start("child", 1, Some((run(1), span_id(4))))));
        out.push(child.span(1000 * n as u64, 0, "work", 1, 2));
        out.extend(status.map(|status| child.run_end(5, status)));
    }
    let mut twice = Recording::of(run(11), 111, "shop");
    out.extend([twice.run_start("twice", 0), twice.run_end(5, Status::Ok), twice.run_end(6, Status::Error)]);
    out.push(Recording::of(run(13), 131, "shop").span(1301, 0, "takes no time", 5, 5));
    let mut waits = Recording::of(run(12), 121, "shop");
    out.push(waits.run_start("waits", 0));
    out.push(waits.record(Body::RunSuspend(RunSuspend::new("s", T0 + 5 * MS))));
    out
}

fn linked(id: u64, trace: spanbridge::TraceId, to: u64) -> Body<'static> {
    let mut span = start(id, 0, "links", 0);
    span.links = vec![Link::new(trace, span_id(to), Attributes::new())];
    Body::Span(span.with_end(Some(end(1, Status::Ok))))
}

/// A run of today, and old ones that it is connected with in every way. Pruning removes these.
pub(crate) fn beside_old_ones() -> (RunId, Vec<Record<'static>>) {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let now = (now - T0) / MS;
    let mut out = Vec::new();
    let mut kept = Recording::of(run(20), 201, "shop");
    out.push(kept.record(run_start("kept", now, Some((run(21), span_id(2101))))));
    let mut span = start(2001, 0, "work", now);
    span.links = vec![Link::new(trace(23), span_id(2301), Attributes::new())];
    out.push(kept.record(Body::Span(span.with_end(Some(end(now + 1, Status::Ok))))));
    out.push(kept.run_end(now + 2, Status::Ok));
    out.push(Recording::of(run(21), 211, "shop").span(2101, 0, "parent", 0, 1));
    let mut child = Recording::of(run(22), 221, "shop").in_trace(trace(22));
    out.extend([child.record(run_start("child", 1, Some((run(20), span_id(2001))))), child.run_end(2, Status::Ok)]);
    out.push(Recording::of(run(23), 231, "shop").span(2301, 0, "linked", 0, 1));
    out.push(Recording::of(run(24), 241, "shop").in_trace(trace(20)).span(2401, 0, "related", 0, 1));
    (run(20), out)
}

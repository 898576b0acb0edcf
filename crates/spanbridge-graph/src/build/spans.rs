//! The spans of a run, each from the records about it.

use super::input::Input;
use super::links::{add_link_sources, links_inside};
use crate::model::{Event, Link, Span, trace_of};
use crate::record::{end_of, late_link, start_of};
use crate::tree::{Attachment, Placed};
use crate::values::merged;
use serde_json::Value;
use spanbridge::Kind;
use spanbridge::record::{Body, End, SpanData};
use spanbridge::semconv::ERROR_TYPE;
use std::collections::{BTreeMap, BTreeSet};

/// The spans, in the order of the tree.
pub(super) fn spans(input: &Input<'_, '_>) -> Vec<Span> {
    let joined = &input.outline.joined;
    let mut added = joined.added.clone();
    // The order within a segment is the only one that means anything.
    added.sort_by_key(|(span, at)| (*span, input.records[*at].segment_id, input.records[*at].segment_seq));
    let mut events = joined.events.clone();
    events.sort_by_key(|(span, at)| match input.body(*at) {
        Body::Event(event) => (*span, event.timestamp, event.event_id.as_ref()),
        _ => (*span, 0, ""),
    });
    let of = |all: &'_ [(usize, usize)], span: usize| {
        let from = all.partition_point(|(s, _)| *s < span);
        let to = all.partition_point(|(s, _)| *s <= span);
        from..to
    };
    let placed_span = |placed: &Placed| {
        let added = &added[of(&added, placed.node())];
        let events = &events[of(&events, placed.node())];
        span(input, placed, added, events)
    };
    let mut spans: Vec<Span> = input.outline.order.iter().map(placed_span).collect();
    add_late_links(input, &mut spans);
    let inside = links_inside(&spans);
    add_link_sources(&mut spans, inside);
    spans
}

/// A link that came after its span's start was delivered is an edge among the records. Here it becomes a link of the span.
fn add_late_links(input: &Input<'_, '_>, spans: &mut [Span]) {
    let late: Vec<_> = input.outline.joined.edges.iter().filter_map(|at| late_link(input.body(*at))).collect();
    if late.is_empty() {
        return;
    }
    let places: BTreeMap<_, _> = spans.iter().enumerate().map(|(i, s)| (s.span_id, i)).collect();
    let with_more: BTreeSet<usize> = late.iter().filter_map(|(from, _)| places.get(from).copied()).collect();
    // A set, since a batch has as many links as messages.
    let known = with_more.iter().flat_map(|at| spans[*at].links.iter().map(|l| (*at, l.trace_id, l.span_id)));
    let mut known: BTreeSet<_> = known.collect();
    for (from, (trace_id, span_id)) in late {
        let Some(place) = places.get(&from) else { continue };
        if known.insert((*place, trace_id, span_id)) {
            spans[*place].links.push(Link::new(trace_id, span_id))
        }
    }
}

fn span(input: &Input<'_, '_>, placed: &Placed, added: &[(usize, usize)], events: &[(usize, usize)]) -> Span {
    let parts = &input.outline.joined.spans[placed.node()];
    let start = parts.start.and_then(|at| start_of(input.body(at as usize)));
    let end = parts.end.and_then(|at| end_of(input.body(at as usize)));
    // The start says who recorded it, else whatever else there is.
    let record = &input.records[parts.start.or(parts.end).unwrap_or(parts.first) as usize];
    let late = parts.end.and_then(|at| match input.body(at as usize) {
        Body::SpanEnd(end) => Some(&end.attributes),
        _ => None,
    });
    let between = added.iter().filter_map(|(_, at)| match input.body(*at) {
        Body::SpanAttributes(added) => Some(&added.attributes),
        _ => None,
    });
    let first = start.map(|s| &s.attributes);
    Span {
        span_id: parts.id,
        parent_span_id: start.and_then(|s| s.parent_span_id),
        parent: placed.parent(),
        depth: placed.depth(),
        orphan: placed.attachment == Attachment::Orphan,
        trace_id: record.trace_id.unwrap_or(trace_of(input.run_id)),
        run_id: input.run_id,
        segment_id: record.segment_id,
        service: record.service.clone().into_owned(),
        name: start.map(|s| s.name.clone().into_owned()).unwrap_or_default(),
        has_start: start.is_some(),
        primitive: start.map(|s| s.primitive.clone().into_owned()).unwrap_or_default(),
        kind: start.map_or(Kind::Internal, |s| s.kind),
        status: input.outline.span_status(placed.node(), input.records),
        error: end.and_then(|e| e.error.as_deref().map(str::to_owned)),
        started_at: input.outline.nodes[placed.node()].started_at,
        ended_at: end.map(|e| e.ended_at),
        attributes: with_class(merged(first.into_iter().chain(between).chain(late)), end),
        links: start.map(links).unwrap_or_default(),
        linked_from: Vec::new(),
        events: events.iter().filter_map(|(_, at)| event(input.body(*at))).collect(),
    }
}

/// With the class of the error as `error.type`, unless the span was given one: that says more. (Earlier releases recorded the
/// class as this attribute.)
fn with_class(mut attributes: Vec<(String, Value)>, end: Option<&End<'_>>) -> Vec<(String, Value)> {
    let class = end.and_then(|end| end.error_type.as_deref());
    if let Some(class) = class.filter(|_| !attributes.iter().any(|(key, _)| key == ERROR_TYPE)) {
        attributes.push((ERROR_TYPE.to_owned(), class.into()))
    }
    attributes
}

fn links(start: &SpanData<'_>) -> Vec<Link> {
    let link = |l: &spanbridge::record::Link<'_>| Link {
        trace_id: l.trace_id,
        span_id: l.span_id,
        attributes: merged([&l.attributes]),
    };
    start.links.iter().map(link).collect()
}

fn event(body: &Body<'_>) -> Option<Event> {
    let Body::Event(event) = body else { return None };
    Some(Event {
        event_id: event.event_id.clone().into_owned(),
        name: event.name.clone().into_owned(),
        timestamp: event.timestamp,
        attributes: merged([&event.attributes]),
    })
}

//! Beginning to send a message.

use super::handoff::Handoff;
use crate::carrier::{self, Budget, Extract, Inject, Outgoing, inject_within};
use crate::messaging::values::Values;
use crate::observe::{self, Span, SpanBuilder};
use crate::{Context, semconv, w3c};

/// Begins the span of a message that is about to be sent under what is current, and writes its context into the message.
///
/// A context of another trace that the message carries already is kept, and linked to; one of this trace is replaced. What the
/// budget has no room for is left out in a fixed order ([`inject_within`]), and a diagnostic says what. The send goes on in
/// any case.
///
/// `values` are those of the span: what their redaction failed for is recorded, and the text of an error goes through the same
/// policy. `budget` is asked for only if something is written.
pub fn send<C: Extract + Inject>(
    span: SpanBuilder,
    values: &Values<'_>,
    carrier: &mut C,
    budget: impl FnOnce(&C, &Context) -> Budget,
) -> Handoff {
    // What is current has the span's trace; or there is none, and no header can be of it.
    let outgoing = carrier::outgoing(&observe::current_context(), carrier);
    let theirs = match outgoing {
        Outgoing::Keep(theirs) => theirs,
        Outgoing::Write => return write(span, values, carrier, budget),
    };
    let carries = theirs.trace_parent().map(|parent| (parent.trace_id, parent.span_id));
    Handoff::carrying(values.finish(span.link(&theirs).open()), carries)
}

fn write<C: Extract + Inject>(
    span: SpanBuilder,
    values: &Values<'_>,
    carrier: &mut C,
    budget: impl FnOnce(&C, &Context) -> Budget,
) -> Handoff {
    let span = values.finish(span.open());
    let context = span.context();
    let mut carries = None;
    if context.travels() {
        let budget = budget(carrier, context);
        carries = context.trace_parent();
        if let Some(left_out) = inject_within(context, budget, carrier) {
            span.diagnostic(semconv::INJECTION_DROPPED, &left_out);
            carries = carries.filter(|_| carrier.get(w3c::TRACEPARENT) != carrier::Header::Absent)
        }
    }
    let carries = carries.map(|parent| (parent.trace_id, parent.span_id));
    Handoff::carrying(span, carries)
}

/// As [`send`], for a span that is open already: for clients that show a message only after its span has begun.
///
/// `write` writes the context, and returns what it had to leave out; [`inject_within`] does both. Returns whether it was
/// called. It is not if there is nothing to write, or if the carrier's context is of another trace, and therefore kept.
pub fn send_in<C: Extract>(
    span: &Span,
    carrier: &mut C,
    write: impl FnOnce(&mut C, &Context) -> Option<String>,
) -> bool {
    let context = span.context();
    if !context.travels() {
        return false;
    }
    if let Outgoing::Keep(theirs) = carrier::outgoing(context, carrier) {
        span.link(&theirs);
        return false;
    }
    if let Some(left_out) = write(carrier, context) {
        span.diagnostic(semconv::INJECTION_DROPPED, &left_out)
    }
    true
}

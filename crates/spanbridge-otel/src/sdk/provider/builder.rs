//! Builds the spans of one delivery: parents first.

use super::known::{Key, Known, KnownSpans, key, parent_key};
use crate::export::destination::Answer;
use crate::otlp::model::{KeyValue, Link, Span, StatusCode};
use crate::sdk::caller::Caller;
use crate::sdk::{context, span_data, value};
use crate::spans::Assembler;
use opentelemetry_0_33::Context;
use opentelemetry_0_33::global::{BoxedSpan, BoxedTracer};
use opentelemetry_0_33::trace::{self as otel, Span as _, SpanBuilder, SpanContext, TraceContextExt};
use spanbridge::semconv;
use std::collections::HashMap;

/// What the link from a provider's span to the span that was recorded is called.
const COPY: &str = "custom.copy";
const NO_PROVIDER: &str = "no tracer provider is registered, or it is shut down";
const ENDED_ALREADY: &str = "the tracer provider had ended the span before its end came, because too many were open";

pub(super) struct Builder<'b> {
    tracer: &'b BoxedTracer,
    known: &'b mut KnownSpans,
    /// Knows the spans that have not ended.
    assembler: &'b Assembler,
    caller: &'b mut Caller,
    /// Those that are not built yet.
    spans: Vec<Option<Span<'static>>>,
    places: HashMap<Key, usize>,
}

/// What became of one span.
enum Outcome {
    Built,
    /// By the sampler.
    LeftOut,
    Lost(String),
}

impl<'b> Builder<'b> {
    pub(super) fn new(
        tracer: &'b BoxedTracer,
        known: &'b mut KnownSpans,
        assembler: &'b Assembler,
        caller: &'b mut Caller,
        spans: Vec<Span<'static>>,
    ) -> Self {
        let places = spans.iter().enumerate().map(|(place, span)| (key(span), place)).collect();
        Builder { tracer, known, assembler, caller, spans: spans.into_iter().map(Some).collect(), places }
    }

    pub(super) fn build_all(mut self) -> Answer {
        let (mut rejected, mut left_out, mut warning) = (0, 0, None);
        for place in 0..self.spans.len() {
            for span in self.with_ancestors(place) {
                match self.build(span) {
                    Outcome::Built => {}
                    Outcome::LeftOut => left_out += 1,
                    Outcome::Lost(why) => {
                        rejected += 1;
                        warning = Some(why)
                    }
                }
            }
        }
        Answer::Taken { rejected, left_out, warning }
    }

    /// Takes a span and those above it that are not built yet, the uppermost first. Between them there may be some that are open.
    fn with_ancestors(&mut self, place: usize) -> Vec<Span<'static>> {
        let Some(span) = self.spans[place].take() else { return vec![] };
        let (mut next, mut open_ones) = (parent_key(&span), 0..=self.assembler.counts().open);
        let mut line = vec![span];
        while let Some(key) = next {
            // What was taken is not found again, and there are only so many open ones: ids that form a circle do no harm.
            if let Some(span) = self.places.get(&key).and_then(|place| self.spans[*place].take()) {
                next = parent_key(&span);
                line.push(span)
            } else if self.known.context(&key).is_none() && open_ones.next().is_some() {
                next = self.assembler.open_span(key.0, key.1).and_then(parent_key)
            } else {
                break;
            }
        }
        line.reverse();
        line
    }

    fn build(&mut self, mut span: Span<'static>) -> Outcome {
        let key = key(&span);
        let built = match self.known.take(&key) {
            Some(Known::Open(open)) => {
                let links = self.own_links(&mut span);
                self.caller.call(|| finish(open, span, links))
            }
            Some(Known::GivenUp(context)) => {
                self.known.ended(key, context);
                return Outcome::Lost(ENDED_ALREADY.to_owned());
            }
            // An id of the user's own may come again: it gets a span as well.
            Some(Known::Ended(_)) | None => {
                let above = self.above(&span);
                let links = self.links(&mut span);
                let builder = begin(&span, links);
                let Builder { tracer, caller, .. } = self;
                let built = caller.call(|| {
                    let mut made = builder
                        .with_attributes(value::all(std::mem::take(&mut span.attributes)))
                        .with_events(std::mem::take(&mut span.events).into_iter().map(span_data::event).collect())
                        .start_with_context(*tracer, &under(&above));
                    let is_recording = made.is_recording();
                    let context = made.span_context().clone();
                    end(&mut made, span);
                    (context, is_recording)
                });
                match built {
                    Ok((context, _)) if is_of_nobody(&context, &above) => return Outcome::Lost(NO_PROVIDER.to_owned()),
                    built => built,
                }
            }
        };
        match built {
            Ok((context, is_recording)) => {
                self.known.ended(key, context);
                if is_recording { Outcome::Built } else { Outcome::LeftOut }
            }
            Err(why) => Outcome::Lost(format!("the tracer provider failed: {why}")),
        }
    }

    /// The provider's span above a span. It begins now, if it is open and has not begun yet.
    fn above(&mut self, span: &Span<'_>) -> Option<SpanContext> {
        // Those that have to begin, the lowest first.
        let (mut line, mut next) = (vec![], parent_key(span));
        let mut above = loop {
            let Some(key) = next else { break None };
            if let Some(context) = self.known.context(&key) {
                break Some(context.clone());
            }
            match self.assembler.open_span(key.0, key.1) {
                // Hostile ids may form a circle.
                Some(open) if line.len() <= self.assembler.counts().open => {
                    line.push(open);
                    next = parent_key(open);
                }
                // It was never here, or it is long gone.
                _ => break Some(context::context(key.0, key.1, SAMPLED, true, "")),
            }
        };
        for open in line.into_iter().rev() {
            let mut head = head(open);
            let links = self.links(&mut head);
            let builder = begin(open, links);
            let Builder { tracer, caller, .. } = self;
            let Ok(begun) = caller.call(|| builder.start_with_context(*tracer, &under(&above))) else { return above };
            if is_of_nobody(begun.span_context(), &above) {
                return above;
            }
            above = Some(begun.span_context().clone());
            self.known.begun(key(open), begun)
        }
        above
    }

    /// The links of a span: first to itself as it was recorded, then its own.
    fn links(&self, span: &mut Span<'_>) -> Vec<otel::Link> {
        let trace_state = std::mem::take(&mut span.trace_state);
        let (attributes, flags) = (vec![KeyValue::new(semconv::EDGE_TYPE, COPY)], span.flags & 0xff | Span::IS_REMOTE);
        let copy = Link { trace_state, attributes, flags, ..Link::new(span.trace_id, span.span_id) };
        std::iter::once(span_data::link(copy)).chain(self.own_links(span)).collect()
    }

    /// Its own, to what the provider made of the others.
    fn own_links(&self, span: &mut Span<'_>) -> Vec<otel::Link> {
        let links = std::mem::take(&mut span.links).into_iter().map(|link| {
            let known = self.known.context(&(link.trace_id, link.span_id)).cloned();
            let mut made = span_data::link(link);
            made.span_context = known.unwrap_or(made.span_context);
            made
        });
        links.collect()
    }
}

/// The flag of W3C Trace Context.
const SAMPLED: u32 = 1;

/// Of a span that goes on, what does not change any more.
fn head(span: &Span<'_>) -> Span<'static> {
    let mut head = Span::new(span.trace_id, span.span_id);
    head.flags = span.flags;
    head.trace_state = span.trace_state.clone().into_owned().into();
    head
}

fn begin(span: &Span<'_>, links: Vec<otel::Link>) -> SpanBuilder {
    SpanBuilder::from_name(span.name.clone().into_owned())
        .with_kind(span_data::kind(span.kind))
        .with_start_time(context::time(span.start_time))
        .with_links(links)
}

/// A context with this parent, and without what is current on this thread, such as that nothing is to be traced.
fn under(above: &Option<SpanContext>) -> Context {
    let context = Context::new();
    match above {
        Some(parent) => context.with_remote_span_context(parent.clone()),
        None => context,
    }
}

/// Without a provider, a span is nothing, or has its parent's ids.
fn is_of_nobody(context: &SpanContext, above: &Option<SpanContext>) -> bool {
    !context.is_valid() || above.as_ref().is_some_and(|above| above.span_id() == context.span_id())
}

/// Ends a span that began before its end was known. Returns its ids, and whether the provider records it.
fn finish(mut open: BoxedSpan, mut span: Span<'static>, links: Vec<otel::Link>) -> (SpanContext, bool) {
    let (context, is_recording) = (open.span_context().clone(), open.is_recording());
    value::all(std::mem::take(&mut span.attributes)).into_iter().for_each(|attribute| open.set_attribute(attribute));
    for event in std::mem::take(&mut span.events) {
        open.add_event_with_timestamp(event.name.into_owned(), context::time(event.time), value::all(event.attributes))
    }
    links.into_iter().for_each(|link| open.add_link(link.span_context, link.attributes));
    end(&mut open, span);
    (context, is_recording)
}

fn end(made: &mut BoxedSpan, span: Span<'static>) {
    if span.status.code != StatusCode::Unset {
        made.set_status(span_data::status(span.status))
    }
    made.end_with_timestamp(context::time(span.end_time))
}

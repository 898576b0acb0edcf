//! OpenTelemetry's API as a source: one module per version, of one text.

use spanbridge::w3c::Baggage;
use spanbridge::{Context, RunId};

/// The `tracestate` of a context as OpenTelemetry keeps it: ours is a member like others.
fn trace_state(context: &Context) -> String {
    let mut text = String::new();
    let run = context.run_id().filter(|run| context.trace_id().map(RunId::of_trace) != Some(*run));
    context.trace_state().write(run, &mut text);
    text
}

/// From the text that OpenTelemetry writes. Members that are no baggage are left out.
fn read_baggage(text: &str) -> Baggage {
    Baggage::parse(text.as_bytes()).0
}

macro_rules! source {
    ($name:ident, $api:ident) => {
        pub(super) mod $name {
            use super::{read_baggage, trace_state};
            use spanbridge::adapter::{ContextSource, SourceContext, SourceScope};
            use spanbridge::{Context, w3c};
            use $api::Context as Theirs;
            use $api::baggage::{Baggage, BaggageExt};
            use $api::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

            #[derive(Debug)]
            pub(in crate::bridge) struct Source;

            /// In a context that was restored: the baggage as it came. OpenTelemetry keeps it decoded and without order; what
            /// nobody has changed is passed on as it was.
            struct Came {
                /// Keeps their baggage alive, so that its address stays its own.
                with: Theirs,
                text: w3c::Baggage,
            }

            impl ContextSource for Source {
                fn current(&self) -> Option<SourceContext> {
                    Theirs::map_current(|theirs| {
                        let span = theirs.span();
                        let span = span.span_context();
                        let baggage = theirs.baggage();
                        if !span.is_valid() && baggage.is_empty() {
                            return None;
                        }
                        let context = SourceContext::new(parent(span)).baggage(carried(theirs, baggage));
                        Some(context.trace_state(span.trace_state().header()))
                    })
                }

                fn scope(&self, context: &Context) -> Box<dyn SourceScope> {
                    let outer = Theirs::current();
                    let with_span = match context.trace_parent() {
                        Some(parent) => outer.with_remote_span_context(SpanContext::new(
                            TraceId::from(parent.trace_id.get()),
                            SpanId::from(parent.span_id.get()),
                            TraceFlags::new(parent.flags),
                            true,
                            state(&trace_state(context)),
                        )),
                        // An invalid span would do, but some of their SDKs take its trace id.
                        None if outer.has_active_span() => without_span(&outer),
                        None => outer,
                    };
                    Box::new(Scope(with_baggage(&with_span, context.baggage())))
                }
            }

            struct Scope(Theirs);

            impl SourceScope for Scope {
                fn enter(&self, f: &mut dyn FnMut()) {
                    let _current = self.0.clone().attach();
                    f()
                }
            }

            fn parent(span: &SpanContext) -> Option<w3c::TraceParent> {
                Some(w3c::TraceParent {
                    trace_id: spanbridge::TraceId::new(u128::from_be_bytes(span.trace_id().to_bytes()))?,
                    span_id: spanbridge::SpanId::new(u64::from_be_bytes(span.span_id().to_bytes()))?,
                    flags: span.trace_flags().to_u8(),
                })
            }

            fn carried(theirs: &Theirs, baggage: &Baggage) -> w3c::Baggage {
                match theirs.get::<Came>() {
                    Some(came) if std::ptr::eq(came.with.baggage(), baggage) => came.text.clone(),
                    _ if baggage.is_empty() => w3c::Baggage::new(),
                    _ => read_baggage(&baggage.to_string()),
                }
            }

            /// Members that their rules forbid are left out.
            fn state(text: &str) -> TraceState {
                let whole = text.parse();
                whole.unwrap_or_else(|_| {
                    let is_taken = |member: &&str| member.parse::<TraceState>().is_ok();
                    let taken: Vec<_> = text.split(',').filter(is_taken).collect();
                    taken.join(",").parse().unwrap_or_default()
                })
            }

            fn without_span(outer: &Theirs) -> Theirs {
                let empty = Theirs::new();
                if outer.is_telemetry_suppressed() { empty.with_telemetry_suppressed() } else { empty }
            }

            fn with_baggage(theirs: &Theirs, baggage: &w3c::Baggage) -> Theirs {
                if baggage.is_empty() {
                    return if theirs.baggage().is_empty() { theirs.clone() } else { theirs.with_cleared_baggage() };
                }
                let mut decoded = Baggage::new();
                for member in baggage.iter() {
                    let (value, properties) = (member.value().into_owned(), member.raw_properties());
                    decoded.insert_with_metadata(member.key().to_owned(), value, properties);
                }
                let with = theirs.with_baggage(decoded);
                with.with_value(Came { with: with.clone(), text: baggage.clone() })
            }
        }
    };
}

#[cfg(feature = "opentelemetry_0_31")]
source!(v0_31, opentelemetry_0_31);
#[cfg(feature = "opentelemetry_0_32")]
source!(v0_32, opentelemetry_0_32);
#[cfg(feature = "opentelemetry_0_33")]
source!(v0_33, opentelemetry_0_33);

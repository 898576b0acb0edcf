//! Who a span is, in the words of OpenTelemetry's API for Rust.

use crate::otlp::model::{Link, Span};
use opentelemetry_0_33::trace::{self as otel, TraceState};
use opentelemetry_0_33::{SpanId, TraceFlags, TraceId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Members of a `tracestate` that are kept
/// ([Trace Context, section 3.3.1.1](https://www.w3.org/TR/trace-context-2/#list)).
const MAX_MEMBERS: usize = 32;

pub(super) fn of_link(link: &Link<'_>) -> otel::SpanContext {
    context(link.trace_id, link.span_id, link.flags, link.flags & Span::IS_REMOTE != 0, &link.trace_state)
}

/// The flags are those of OTLP: what counts is their low byte.
pub(super) fn context(
    trace: spanbridge::TraceId,
    span: spanbridge::SpanId,
    flags: u32,
    is_remote: bool,
    trace_state: &str,
) -> otel::SpanContext {
    let flags = TraceFlags::new((flags & 0xff) as u8);
    otel::SpanContext::new(trace_id(trace), span_id(span), flags, is_remote, state(trace_state))
}

fn trace_id(id: spanbridge::TraceId) -> TraceId {
    TraceId::from(id.get())
}

pub(super) fn span_id(id: spanbridge::SpanId) -> SpanId {
    SpanId::from(id.get())
}

/// The API refuses a whole `tracestate` because of one member. Here, only that member is left out.
fn state(header: &str) -> TraceState {
    let members = header.split(',').filter_map(|member| member.trim_matches([' ', '\t']).split_once('='));
    let valid = members.filter(|member| TraceState::from_key_value([*member]).is_ok());
    TraceState::from_key_value(valid.take(MAX_MEMBERS)).unwrap_or_default()
}

pub(super) fn time(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

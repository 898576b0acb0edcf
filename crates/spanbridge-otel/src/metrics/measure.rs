//! What a span counts for.

use super::related::{Related, Role};
use crate::otlp::model::{AnyValue, Span, StatusCode};
use spanbridge::{Kind, Primitive, semconv};

/// What a span counts for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Messages sent.
    pub(super) sent: u64,
    /// Messages that came.
    pub(super) consumed: u64,
    /// Its duration is that of a client's call.
    pub(super) is_operation: bool,
    /// Its duration is that of the work on a message.
    pub(super) is_process: bool,
}

pub(super) fn measure(span: &Span<'_>, related: &Related) -> Measured {
    let primitive = span.attribute(semconv::PRIMITIVE).and_then(AnyValue::as_str);
    let is = |primitive_of: Primitive| primitive == Some(primitive_of.name());
    let count = match span.attribute(semconv::MESSAGING_BATCH_COUNT) {
        Some(AnyValue::I64(count)) => u64::try_from(*count).ok(),
        _ => None,
    };
    let parent = span.parent_span_id.map(|parent| (span.trace_id, parent));
    let parent_role = parent.and_then(|parent| related.role(parent));
    let mut roles = span.links.iter().filter_map(|link| related.role((link.trace_id, link.span_id))).chain(parent_role);
    if is(Primitive::MESSAGING_PUBLISH) {
        let sent = if span.kind == Some(Kind::Producer) { count.unwrap_or(1) } else { 0 };
        let is_operation = sent == 0 || parent_role != Some(Role::Call);
        Measured { sent, is_operation, ..Measured::default() }
    } else if is(Primitive::MESSAGING_RECEIVE) {
        let is_failed = span.status.code == StatusCode::Error;
        let consumed = count.unwrap_or(if is_failed { 0 } else { 1 });
        Measured { consumed, is_operation: true, ..Measured::default() }
    } else if is(Primitive::MESSAGING_SETTLE) {
        Measured { is_operation: true, ..Measured::default() }
    } else if is(Primitive::MESSAGING_PROCESS) {
        // Those that have spans of their own are measured by these.
        let own = match related.role((span.trace_id, span.span_id)) {
            Some(Role::Batch(own)) => own,
            _ => 0,
        };
        let rest = count.unwrap_or(1).saturating_sub(own);
        let is_received = roles.any(|role| role == Role::Receive);
        let consumed = if is_received { 0 } else { rest };
        Measured { consumed, is_process: own == 0, ..Measured::default() }
    } else {
        Measured::default()
    }
}

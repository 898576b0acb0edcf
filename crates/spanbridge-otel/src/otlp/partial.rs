//! What both readers need while a span is not whole yet.

use super::model::{Span, StatusCode};
use spanbridge::{Kind, SpanId, TraceId};
use std::borrow::Cow;

/// The kinds of spans, from number 1.
const KINDS: [(&str, Kind); 5] = [
    ("SPAN_KIND_INTERNAL", Kind::Internal),
    ("SPAN_KIND_SERVER", Kind::Server),
    ("SPAN_KIND_CLIENT", Kind::Client),
    ("SPAN_KIND_PRODUCER", Kind::Producer),
    ("SPAN_KIND_CONSUMER", Kind::Consumer),
];

/// The codes of a status, from number 1.
const STATUSES: [(&str, StatusCode); 2] =
    [("STATUS_CODE_OK", StatusCode::Ok), ("STATUS_CODE_ERROR", StatusCode::Error)];

pub(super) fn kind(number: u64) -> Option<Kind> {
    by_number(&KINDS, number)
}

pub(super) fn kind_named(name: &str) -> Option<Kind> {
    by_name(&KINDS, name)
}

pub(super) fn status(number: u64) -> StatusCode {
    by_number(&STATUSES, number).unwrap_or_default()
}

pub(super) fn status_named(name: &str) -> StatusCode {
    by_name(&STATUSES, name).unwrap_or_default()
}

fn by_number<T: Copy>(all: &[(&str, T)], number: u64) -> Option<T> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    all.get(index).map(|(_, value)| *value)
}

fn by_name<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// A span whose ids are not known yet: those that it has are replaced, or it is given to nobody.
pub(super) fn span_without_ids<'a>() -> Span<'a> {
    const IDS: (TraceId, SpanId) = match (TraceId::new(1), SpanId::new(1)) {
        (Some(trace), Some(span)) => (trace, span),
        _ => panic!("1 is an id"),
    };
    Span::new(IDS.0, IDS.1)
}

/// Keeps an item, or counts it.
pub(super) fn push<T>(list: &mut Vec<T>, dropped: &mut u32, item: Option<T>) {
    match item {
        Some(item) => list.push(item),
        None => add(dropped, 1),
    }
}

/// Adds what the sender says that it dropped to what was dropped here.
pub(super) fn add(dropped: &mut u32, n: u64) {
    *dropped = dropped.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
}

/// Text, with `U+FFFD` in place of what is not UTF-8.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

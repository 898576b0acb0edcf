//! The hidden field of JSON payloads as a carrier.

use super::{Extract, Extraction, Header, Inject, Problem, extract, inject};
use crate::payload::{HiddenFields, splice, take};
use crate::{Context, w3c};
use std::borrow::Cow;

impl Extract for HiddenFields<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        match name {
            w3c::TRACEPARENT if !self.traceparent.is_empty() => Some(&*self.traceparent),
            w3c::TRACESTATE => self.tracestate.as_deref(),
            w3c::BAGGAGE => self.baggage.as_deref(),
            _ => None,
        }
        .into()
    }
}

impl Inject for HiddenFields<'_> {
    fn set(&mut self, name: &'static str, value: &str) {
        let value = || Cow::Owned(value.to_owned());
        match name {
            w3c::TRACEPARENT => self.traceparent = value(),
            w3c::TRACESTATE => self.tracestate = Some(value()),
            w3c::BAGGAGE => self.baggage = Some(value()),
            _ => {}
        }
    }

    fn remove(&mut self, name: &'static str) {
        match name {
            w3c::TRACEPARENT => self.traceparent = Cow::Borrowed(""),
            w3c::TRACESTATE => self.tracestate = None,
            w3c::BAGGAGE => self.baggage = None,
            _ => {}
        }
    }
}

/// Puts a context into a JSON object, as the hidden field `__spanbridge`, without parsing the payload. If there is nothing to send,
/// or the payload is not an [object](crate::payload#what-is-an-object), it is returned unchanged.
///
/// ```
/// use spanbridge::carrier::{extract_payload, inject_payload};
/// # let context = spanbridge::Context::EMPTY;
/// let sent = inject_payload(&context, br#"{"order":42}"#);
/// let (found, payload) = extract_payload(&sent);
/// assert_eq!(*payload, *br#"{"order":42}"#);
/// assert_eq!(found.context, context);
/// ```
pub fn inject_payload<'a>(context: &Context, payload: &'a [u8]) -> Cow<'a, [u8]> {
    let mut fields = HiddenFields::default();
    inject(context, &mut fields);
    splice(payload, &fields).map_or(Cow::Borrowed(payload), Cow::Owned)
}

/// Takes a context out of a JSON object. Returns the context, and the payload as the sender's application wrote it.
pub fn extract_payload(payload: &[u8]) -> (Extraction, Cow<'_, [u8]>) {
    let taken = take(payload);
    let mut found = taken.fields.as_ref().map(extract).unwrap_or_default();
    found.problems.extend(taken.problem.map(|p| Problem { header: crate::payload::FIELD, reason: Cow::Borrowed(p) }));
    (found, taken.payload())
}

//! Single values and texts that may be personal go through the same policy and the same hook as payloads.

use super::capture::{CaptureMode, CapturePolicy, failed};
use super::part::PartKind;
use crate::Context;
use crate::observe::{Span, SpanBuilder};
use crate::span::{Guard, Redact, Unredacted, may_record, passed};
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

impl CapturePolicy {
    /// What may be recorded of a value that is no payload and no header: nothing where payloads are [`Off`](CaptureMode::Off),
    /// else what the hook leaves of it.
    fn value<'v>(&self, kind: PartKind<'v>, value: &'v [u8]) -> Result<Option<Cow<'v, [u8]>>, Unredacted> {
        if self.takes_no_values() {
            return Ok(None);
        }
        self.shown(kind, value).map(Some).ok_or(Unredacted)
    }

    /// Whether keys, URLs and the texts of errors are left out altogether.
    fn takes_no_values(&self) -> bool {
        self.mode() == CaptureMode::Off
    }

    /// Whether they are recorded as they are, as by default.
    fn takes_values_as_they_are(&self) -> bool {
        !self.takes_no_values() && !self.has_hook()
    }

    /// The span of an adapter: if it ends with an error, the text of that is recorded as this policy says. Costs nothing if texts
    /// are recorded as they are.
    pub fn guard(&self, span: Span) -> Span {
        match self.guard_of_texts() {
            Some(guard) if span.id().is_some() => span.guarded(guard),
            _ => span,
        }
    }

    fn guard_of_texts(&self) -> Option<Guard> {
        if self.takes_values_as_they_are() {
            None
        } else if self.takes_no_values() {
            Some(Guard::Silent)
        } else {
            Some(Guard::Redacted(Arc::new(Texts(AssertUnwindSafe(self.clone())))))
        }
    }

    /// The text of an error, as far as it may be recorded with the span of this context: for events and diagnostics that quote
    /// one.
    pub fn error_text(&self, span: &Context, text: String) -> String {
        passed(self.guard_of_texts().as_ref(), span, text)
    }

    /// Of several the one that lets the least pass of keys and texts.
    pub(crate) fn strictest<'c>(several: impl Iterator<Item = &'c CapturePolicy>) -> Option<&'c CapturePolicy> {
        several.filter(|one| !one.takes_values_as_they_are()).min_by_key(|one| !one.takes_no_values())
    }
}

/// The texts of errors, through a hook. A panic of that is caught, and closes it for that text.
struct Texts(AssertUnwindSafe<CapturePolicy>);

impl Redact for Texts {
    fn redacted(&self, text: String) -> Result<String, Unredacted> {
        let replaced = match self.0.shown(PartKind::ErrorText, text.as_bytes()).ok_or(Unredacted)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        };
        Ok(replaced.unwrap_or(text))
    }
}

/// The values of one span that may be personal, on their way to attributes.
///
/// ```
/// use spanbridge::adapter::Values;
/// use spanbridge::messaging::{CaptureMode, CapturePolicy, PartKind};
/// use spanbridge::{observe, semconv};
///
/// let capture = CapturePolicy::from(CaptureMode::Reference).redact(|part| {
///     if part.kind() == PartKind::MessageKey {
///         part.replace("***")
///     }
///     Ok::<_, std::convert::Infallible>(())
/// });
/// let mut values = Values::of(Some(&capture));
/// let span = observe::span("send orders");
/// let span = values.attribute(span, PartKind::MessageKey, semconv::KAFKA_MESSAGE_KEY, b"amelie@example.org");
/// let span = values.open(span); // where the hook had failed, this would say so; and the text of its error goes the same way
/// # span.end();
/// ```
#[derive(Debug)]
pub struct Values<'c> {
    capture: Option<&'c CapturePolicy>,
    /// What the hook has failed for.
    failed: Vec<&'static str>,
}

impl<'c> Values<'c> {
    /// With this policy, or the default.
    pub fn of(capture: Option<&'c CapturePolicy>) -> Self {
        Values { capture: capture.filter(|capture| !capture.takes_values_as_they_are()), failed: vec![] }
    }

    /// Whether values are recorded as they are.
    pub fn are_plain(&self) -> bool {
        self.capture.is_none()
    }

    /// What may be recorded of a value, as text: nothing if it is not text, or if no span that begins here is recorded.
    pub fn text<'v>(&mut self, kind: PartKind<'v>, value: &'v [u8]) -> Option<Cow<'v, str>> {
        let Some(capture) = self.capture else { return std::str::from_utf8(value).ok().map(Cow::Borrowed) };
        if !may_record() {
            return None;
        }
        match capture.value(kind, value) {
            Ok(None) => None,
            Ok(Some(Cow::Borrowed(value))) => std::str::from_utf8(value).ok().map(Cow::Borrowed),
            Ok(Some(Cow::Owned(value))) => String::from_utf8(value).ok().map(Cow::Owned),
            Err(Unredacted) => {
                if !self.failed.contains(&kind.name()) {
                    self.failed.push(kind.name())
                }
                None
            }
        }
    }

    /// The same as an attribute of a span. Nothing is looked at if the span is not recorded.
    #[inline]
    pub fn attribute(&mut self, span: SpanBuilder, kind: PartKind<'_>, key: &'static str, value: &[u8]) -> SpanBuilder {
        if span.id().is_none() {
            return span;
        }
        match self.text(kind, value) {
            Some(text) => span.attribute(key, &*text),
            None => span,
        }
    }

    /// Opens the span, [guarded](CapturePolicy::guard), and records what the hook has failed for.
    pub fn open(&self, span: SpanBuilder) -> Span {
        self.finish(span.open())
    }

    /// The same for a span that is open already.
    pub fn finish(&self, span: Span) -> Span {
        for what in &self.failed {
            failed(&span, what)
        }
        match self.capture {
            Some(capture) => capture.guard(span),
            None => span,
        }
    }
}

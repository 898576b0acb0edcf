//! A payload that passes piece by piece: the body of a request or a response.

use super::capture::{CaptureMode, CapturePolicy, Hasher, not_recorded};
use super::part::PartKind;
use crate::cut::{MAX_TEXT, MAX_WHOLE};
use crate::observe::{ActiveSpan, NewArtifact};
use crate::{Context, semconv};
use std::fmt;

/// Copies a payload while it passes, as far as a policy records it. Nothing is held back, and no more than the policy's bound
/// is kept: with a redaction hook at most 1 MiB, because the hook sees all of a payload or nothing of it is recorded.
///
/// ```
/// use spanbridge::messaging::{CaptureMode, CapturePolicy};
/// use spanbridge::observe;
///
/// let policy = CapturePolicy::from(CaptureMode::Whole { max: 65_536 });
/// let span = observe::span("read").open();
/// if let Some(mut body) = policy.streamed("output", "text/plain", None) {
///     for piece in ["a", "b"] {
///         body.passed(piece.as_bytes())
///     }
///     body.ended(span.context());
/// }
/// # span.end();
/// ```
pub struct StreamedPayload {
    capture: CapturePolicy,
    kind: &'static str,
    content_type: Box<str>,
    /// How long it is, if that was said before.
    declared: Option<u64>,
    kept: Vec<u8>,
    /// Maximum number of bytes that are kept as long as all of it may fit, and once it is known not to.
    limits: (usize, usize),
    size: u64,
    hasher: Option<Hasher>,
}

impl CapturePolicy {
    /// For a payload of this kind that begins to pass. `None`: no more is recorded of it than of a message whose size is an
    /// attribute. `declared`: its length in bytes, if that is known.
    pub fn streamed(
        &self,
        kind: &'static str,
        content_type: &str,
        declared: Option<u64>,
    ) -> Option<Box<StreamedPayload>> {
        if !self.makes_artifacts() {
            return None;
        }
        let limits = match self.mode() {
            _ if self.has_hook() => (MAX_WHOLE, 0),
            CaptureMode::Off | CaptureMode::Reference => (0, 0),
            CaptureMode::Inline { max } => (max.min(MAX_TEXT), max.min(MAX_TEXT)),
            CaptureMode::Whole { max } => (max.min(MAX_WHOLE), max.min(MAX_TEXT)),
        };
        let mut payload = StreamedPayload {
            capture: self.clone(),
            kind,
            content_type: content_type.into(),
            declared,
            kept: vec![],
            limits,
            size: 0,
            hasher: self.is_hashed().then(Hasher::default),
        };
        if declared.is_some_and(|bytes| bytes > limits.0 as u64) {
            payload.is_too_long()
        }
        Some(payload.into())
    }
}

impl StreamedPayload {
    /// The next piece has passed.
    pub fn passed(&mut self, piece: &[u8]) {
        self.size = self.size.saturating_add(piece.len() as u64);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece)
        }
        if self.size > self.limits.0 as u64 {
            self.is_too_long()
        }
        let room = self.limits.0.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&piece[..piece.len().min(room)])
    }

    /// It has ended: records it with the span of this context, as an artifact.
    pub fn ended(self, span: &Context) {
        let hash = self.hasher.as_ref().map(Hasher::finish);
        let size = self.size;
        self.record(span, size, hash)
    }

    /// It broke off, or nobody wants the rest: records what has passed. The size of the artifact is greater than that: the
    /// length that was declared, or one byte more.
    pub fn broke_off(self, span: &Context) {
        let size = self.declared.unwrap_or(0).max(self.size.saturating_add(1));
        self.record(span, size, None)
    }

    /// Only the beginning can be recorded, so only that is kept.
    fn is_too_long(&mut self) {
        self.limits.0 = self.limits.1;
        if self.kept.len() > self.limits.0 {
            self.kept = self.kept[..self.limits.0].to_vec()
        }
    }

    fn record(self, span: &Context, size: u64, hash: Option<String>) {
        let Some(span) = ActiveSpan::of(span.clone()) else { return };
        let StreamedPayload { capture, kind, content_type, kept, .. } = &self;
        let is_all = size == kept.len() as u64;
        let whole = NewArtifact::new(kind, content_type, kept).size(size);
        if !capture.has_hook() {
            let new = hash.as_deref().map_or(whole, |hash| whole.hash(hash));
            return span.artifact(&capture.mode().shows(new));
        }
        if !is_all {
            span.artifact(&NewArtifact::new(kind, content_type, &[]).size(size));
            return span.diagnostic(semconv::REDACTION_FAILED, UNSEEN);
        }
        match capture.shown(PartKind::Payload, kept) {
            Some(shown) => capture.record_shown(&span, kind, content_type, &shown),
            None => span.diagnostic(semconv::REDACTION_FAILED, &not_recorded(PartKind::Payload.name())),
        }
    }
}

const UNSEEN: &str = "nothing of the payload but its size was recorded: the redaction hook could not see all of it";

impl fmt::Debug for StreamedPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedPayload").field("kind", &self.kind).field("size", &self.size).finish_non_exhaustive()
    }
}

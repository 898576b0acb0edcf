//! What is recorded of payloads and headers: no more than you ask for, and nothing that your redaction hook has not seen.

use super::part::{Part, PartKind};
use super::step::Step;
use crate::observe::{ActiveSpan, NewArtifact, Span};
#[cfg(feature = "record")]
use crate::{Value, cut::MAX_TEXT};
use crate::{panics, semconv, w3c};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// How much is recorded of a payload, or of headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureMode {
    /// Nothing, not even the size. For payloads this also leaves out other values that may be personal: message keys, routing
    /// keys, URLs and their queries, user agents, addresses of clients, and the texts of errors and panics. (The classes of errors are recorded.)
    Off,
    /// The size: of a payload as an attribute of the span, of headers as an artifact. With [`CapturePolicy::hashed`] both are
    /// artifacts with a hash.
    #[default]
    Reference,
    /// An artifact with the size, the hash if you ask for it, and the beginning.
    Inline {
        /// Maximum number of bytes that are recorded; never more than 4 KiB.
        max: usize,
    },
    /// An artifact with the whole, so that a run can be replayed: payloads of at most `max` bytes are recorded whole, of longer
    /// ones the beginning as with [`Inline`](CaptureMode::Inline). For payloads this also records what is needed to make the
    /// same input again, as `input.properties` (`docs/guide/messages.md`).
    ///
    /// Everything personal in payloads and headers is recorded with it. Use a [redaction hook](CapturePolicy::redact).
    Whole {
        /// Maximum number of bytes of what is recorded whole; never more than 1 MiB.
        max: usize,
    },
}

impl CaptureMode {
    /// The artifact with as much of its content as is recorded.
    pub(super) fn shows(self, artifact: NewArtifact<'_>) -> NewArtifact<'_> {
        match self {
            CaptureMode::Off | CaptureMode::Reference => artifact,
            CaptureMode::Inline { max } => artifact.inline(max),
            CaptureMode::Whole { max } => artifact.whole(max),
        }
    }

    /// Whether content is recorded, and not its size alone.
    fn shows_content(self) -> bool {
        matches!(self, CaptureMode::Inline { .. } | CaptureMode::Whole { .. })
    }
}

/// A message that is about to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    step: Step,
    content_type: &'a str,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message that is being sent or worked on, by its payload.
    pub const fn new(step: Step, payload: &'a [u8]) -> Self {
        Message { step, content_type: UNKNOWN_TYPE, payload }
    }

    /// Its media type. Default: [`UNKNOWN_TYPE`].
    pub const fn content_type(self, content_type: &'a str) -> Self {
        Message { content_type, ..self }
    }
}

/// The media type of a payload whose type is not known.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Hook = dyn Fn(&mut Part<'_>) -> Result<(), Failure> + Send + Sync;

/// What is recorded of payloads and headers, and of other values that may be personal: message keys, routing keys, URLs, and
/// the texts of errors and panics. Default: the size of payloads, nothing of headers, and those values as they are.
#[derive(Clone)]
pub struct CapturePolicy {
    payload: CaptureMode,
    headers: CaptureMode,
    hashed: bool,
    redact: Option<Arc<Hook>>,
}

impl Default for CapturePolicy {
    fn default() -> Self {
        CaptureMode::default().into()
    }
}

impl From<&CapturePolicy> for CapturePolicy {
    fn from(policy: &CapturePolicy) -> Self {
        policy.clone()
    }
}

/// For payloads; of headers nothing is recorded.
impl From<CaptureMode> for CapturePolicy {
    fn from(payload: CaptureMode) -> Self {
        CapturePolicy { payload, headers: CaptureMode::Off, hashed: false, redact: None }
    }
}

impl CapturePolicy {
    /// What is recorded of headers: names and values as a JSON object, without our own headers.
    pub fn headers(self, headers: CaptureMode) -> Self {
        CapturePolicy { headers, ..self }
    }

    /// Adds a hash of the whole, `xxh3:` and 32 hex digits, which tells whether two payloads are the same. It is not the default
    /// because reading a payload takes time. It protects no secret: whoever can guess a payload can check the guess.
    pub fn hashed(self) -> Self {
        CapturePolicy { hashed: true, ..self }
    }

    /// Shows everything to a hook before it is recorded: payloads, headers and the [other values](PartKind). The hook may
    /// replace it. It fails closed: if it returns an error or panics, nothing of that payload, of those headers or of that value
    /// is recorded except a diagnostic `redaction.failed`.
    ///
    /// Size and hash of an artifact are those of what the hook has left.
    pub fn redact<E: Into<Failure>>(
        self,
        hook: impl Fn(&mut Part<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        CapturePolicy { redact: Some(Arc::new(move |part| hook(part).map_err(Into::into))), ..self }
    }

    /// Whether anything is recorded of payloads: of a message at least its size, as an attribute of the span.
    pub fn tells_size(&self) -> bool {
        self.payload != CaptureMode::Off
    }

    /// Whether more than an attribute is recorded of messages, so that their payloads or headers are looked at.
    pub fn looks_at_messages(&self) -> bool {
        self.makes_artifacts() || self.headers != CaptureMode::Off
    }

    /// Whether payloads are recorded whole, with what came beside them.
    pub fn keeps_whole(&self) -> bool {
        matches!(self.payload, CaptureMode::Whole { .. })
    }

    /// What is recorded of payloads.
    pub(super) fn mode(&self) -> CaptureMode {
        self.payload
    }

    pub(super) fn is_hashed(&self) -> bool {
        self.hashed
    }

    pub(super) fn has_hook(&self) -> bool {
        self.redact.is_some()
    }

    /// Whether more is recorded of the payload of a message than its size.
    pub(super) fn makes_artifacts(&self) -> bool {
        self.payload.shows_content() || self.payload == CaptureMode::Reference && self.hashed
    }

    /// Records the payload and the headers of a message with its span, if more than an attribute is recorded of them: as the
    /// `input` of the work, or the `output` of the send. `headers` gives every header to its argument; ours are left out
    /// here.
    pub fn record(&self, span: &Span, message: &Message<'_>, headers: impl FnOnce(&mut dyn FnMut(&str, &[u8]))) {
        let (kind, headers_kind) = match message.step {
            Step::Send => ("output", "output.headers"),
            _ => ("input", "input.headers"),
        };
        if self.makes_artifacts() {
            self.record_payload(span, kind, message.content_type, message.payload)
        }
        self.record_headers(span, headers_kind, headers)
    }

    /// Records a payload alone, as an artifact of this kind, unless its capture is [`Off`](CaptureMode::Off): for a step that
    /// is no message, and has no attribute for the size.
    pub fn record_payload(&self, span: &Span, kind: &str, content_type: &str, payload: &[u8]) {
        if span.id().is_none() || self.payload == CaptureMode::Off {
            return;
        }
        match self.shown(PartKind::Payload, payload) {
            Some(payload) => {
                self.artifact(self.payload, kind, content_type, &payload, |artifact| span.artifact(artifact))
            }
            None => failed(span, PartKind::Payload.name()),
        }
    }

    /// Records content with a span: as an attribute of this name if there is room for all of it, so that its readers can
    /// parse it; else as an artifact.
    #[cfg(feature = "record")]
    pub(crate) fn record_content(&self, span: &ActiveSpan, name: &'static str, is_json: bool, text: &str) {
        let kind = PartKind::Content(name);
        let Some(shown) = self.shown(kind, text.as_bytes()) else {
            return span.diagnostic(semconv::REDACTION_FAILED, &not_recorded(kind.name()));
        };
        let is_whole = match self.payload {
            CaptureMode::Inline { max } | CaptureMode::Whole { max } => shown.len() <= max.min(MAX_TEXT),
            CaptureMode::Off | CaptureMode::Reference => false,
        };
        match std::str::from_utf8(&shown) {
            Ok(text) if is_whole && is_json => span.attribute(name, Value::Json(text)),
            Ok(text) if is_whole => span.attribute(name, text),
            _ => {
                let content_type = if is_json { "application/json" } else { "text/plain" };
                self.artifact(self.payload, name, content_type, &shown, |artifact| span.artifact(artifact))
            }
        }
    }

    /// Records a payload that the hook has seen.
    pub(super) fn record_shown(&self, span: &ActiveSpan, kind: &str, content_type: &str, payload: &[u8]) {
        self.artifact(self.payload, kind, content_type, payload, |artifact| span.artifact(artifact))
    }

    /// Records headers alone, as an artifact of this kind. They are asked for only if they are recorded.
    pub fn record_headers(&self, span: &Span, kind: &str, headers: impl FnOnce(&mut dyn FnMut(&str, &[u8]))) {
        if span.id().is_none() || self.headers == CaptureMode::Off {
            return;
        }
        match self.object(headers) {
            Some(json) => {
                let record = |artifact: &NewArtifact<'_>| span.artifact(artifact);
                self.artifact(self.headers, kind, "application/json", json.as_bytes(), record)
            }
            None => failed(span, PartKind::Header("").name()),
        }
    }

    fn artifact(
        &self,
        capture: CaptureMode,
        kind: &str,
        content_type: &str,
        bytes: &[u8],
        record: impl FnOnce(&NewArtifact<'_>),
    ) {
        let hash = if self.hashed { hash(bytes) } else { String::new() };
        let mut artifact = NewArtifact::new(kind, content_type, bytes);
        if !hash.is_empty() {
            artifact = artifact.hash(&hash)
        }
        record(&capture.shows(artifact))
    }

    /// What the hook leaves of something, without recording it; `None` if it fails. For what is compared with a record.
    pub fn redacted<'a>(&self, kind: PartKind<'a>, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        self.shown(kind, bytes)
    }

    /// What the hook leaves; nothing if it fails.
    pub(super) fn shown<'a>(&self, kind: PartKind<'a>, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let mut part = Part { kind, bytes: Cow::Borrowed(bytes) };
        match &self.redact {
            None => Some(part.bytes),
            // Its own words are not recorded: they may hold what it was to take out.
            Some(hook) => match panics::caught(|| hook(&mut part)) {
                Ok(Ok(())) => Some(part.bytes),
                _ => None,
            },
        }
    }

    fn object(&self, headers: impl FnOnce(&mut dyn FnMut(&str, &[u8]))) -> Option<String> {
        let mut object = Some(String::from("{"));
        headers(&mut |name, value| {
            if w3c::header_named(name).is_some() {
                return;
            }
            object = object.take().and_then(|mut text| {
                let value = self.shown(PartKind::Header(name), value)?;
                if text.len() > 1 {
                    text.push(',')
                }
                quoted(name, &mut text);
                text.push(':');
                quoted(&String::from_utf8_lossy(&value), &mut text);
                Some(text)
            })
        });
        object.map(|text| text + "}")
    }
}

pub(super) fn failed(span: &Span, what: &str) {
    span.diagnostic(semconv::REDACTION_FAILED, &not_recorded(what))
}

pub(super) fn not_recorded(what: &str) -> String {
    format!("nothing of {what} was recorded: the redaction hook failed")
}

impl fmt::Debug for CapturePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("CapturePolicy");
        d.field("payload", &self.payload).field("headers", &self.headers).field("hashed", &self.hashed);
        d.field("redact", &self.redact.is_some()).finish()
    }
}

#[cfg(feature = "record")]
pub(crate) fn hash(bytes: &[u8]) -> String {
    format!("xxh3:{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// The same for a payload that passes in pieces.
#[cfg(feature = "record")]
#[derive(Default)]
pub(super) struct Hasher(xxhash_rust::xxh3::Xxh3);

#[cfg(feature = "record")]
impl Hasher {
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece)
    }

    pub(super) fn finish(&self) -> String {
        format!("xxh3:{:032x}", self.0.digest128())
    }
}

#[cfg(feature = "record")]
pub(crate) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    out.extend(crate::carrier::json_text::pieces(text));
    out.push('"')
}

/// Not asked for: no span is recorded.
#[cfg(not(feature = "record"))]
pub(crate) fn hash(_: &[u8]) -> String {
    String::new()
}

#[cfg(not(feature = "record"))]
#[derive(Default)]
pub(super) struct Hasher;

#[cfg(not(feature = "record"))]
impl Hasher {
    pub(super) fn update(&mut self, _: &[u8]) {}

    pub(super) fn finish(&self) -> String {
        String::new()
    }
}

#[cfg(not(feature = "record"))]
pub(crate) fn quoted(_: &str, _: &mut String) {}

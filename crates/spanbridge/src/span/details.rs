//! What a span records between its beginning and its end.

use crate::cut::{MAX_TEXT, MAX_WHOLE, cut};
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Item, Key, thread_recorder};
use crate::w3c::TraceParent;
use crate::{Context, RunId, SpanId, TraceId, Value, semconv};
use std::borrow::Cow;

/// A payload, or a reference to it.
///
/// Default: only its kind, media type and size are recorded. See [`inline`](NewArtifact::inline).
#[derive(Clone, Copy, Debug)]
pub struct NewArtifact<'a> {
    kind: &'a str,
    content_type: &'a str,
    payload: &'a [u8],
    hash: Option<&'a str>,
    preview: usize,
    is_whole: bool,
    /// The size of the whole, if the payload is only its beginning.
    size: Option<u64>,
}

impl<'a> NewArtifact<'a> {
    /// `kind` says what it is to the span: `input`, `output` or a word of your own.
    pub fn new(kind: &'a str, content_type: &'a str, payload: &'a [u8]) -> Self {
        NewArtifact { kind, content_type, payload, hash: None, preview: 0, is_whole: false, size: None }
    }

    /// A hash of the payload, as `<algorithm>:<hex>`.
    pub fn hash(self, hash: &'a str) -> Self {
        NewArtifact { hash: Some(hash), ..self }
    }

    /// Records the first bytes of the payload: at most `bytes`, and at most 4 KiB. A payload that is not UTF-8 is recorded as
    /// hexadecimal digits, at most 2 KiB of it.
    pub fn inline(self, bytes: usize) -> Self {
        NewArtifact { preview: bytes.min(MAX_TEXT), is_whole: false, ..self }
    }

    /// Records the whole payload if it has at most `bytes`, and at most 1 MiB; otherwise its beginning, as
    /// [`inline`](NewArtifact::inline) does. A payload that is not UTF-8 is recorded as hexadecimal digits.
    ///
    /// If the recorder has no memory for it (an eighth of its limit is for payloads of more than 4 KiB that wait), its beginning
    /// is recorded as well, and a diagnostic `cut.artifact`.
    pub fn whole(self, bytes: usize) -> Self {
        let is_whole = self.payload.len() <= bytes.min(MAX_WHOLE) && self.size_bytes() == self.payload.len() as u64;
        match is_whole {
            true => NewArtifact { preview: MAX_WHOLE, is_whole, ..self },
            false => self.inline(bytes),
        }
    }

    /// The size of the whole in bytes, if `payload` is only its beginning. Say it before [`whole`](NewArtifact::whole).
    pub fn size(self, bytes: u64) -> Self {
        NewArtifact { size: Some(bytes), ..self }
    }

    fn size_bytes(&self) -> u64 {
        self.size.unwrap_or(self.payload.len() as u64)
    }

    fn preview(&self) -> (&'static str, Cow<'a, str>) {
        let cut = &self.payload[..self.payload.len().min(self.preview)];
        let max_hex = if self.is_whole { MAX_WHOLE } else { MAX_TEXT / 2 };
        let text = match std::str::from_utf8(cut) {
            Ok(text) => Some(text),
            // The cut may be inside a character.
            Err(e) if e.error_len().is_none() && (cut.len() as u64) < self.size_bytes() => {
                std::str::from_utf8(&cut[..e.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match text {
            Some(text) => ("utf-8", Cow::Borrowed(text)),
            None => {
                let cut = &cut[..cut.len().min(max_hex)];
                let mut hex = vec![0; 2 * cut.len()];
                crate::context::ids::put_hex(cut, &mut hex);
                ("hex", Cow::Owned(String::from_utf8(hex).unwrap_or_default()))
            }
        }
    }
}

/// The type of an edge of the graph: one of a closed list, or your own `custom.*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdgeType(&'static str);

#[expect(missing_docs, reason = "the names say it; DESIGN and docs tell what each means")]
impl EdgeType {
    pub const TRIGGERED: EdgeType = EdgeType("triggered");
    pub const HANDOFF_PAYLOAD: EdgeType = EdgeType("handoff.payload");
    pub const DELEGATED: EdgeType = EdgeType("delegated");
    pub const RETRIEVAL_RETURNED: EdgeType = EdgeType("retrieval.returned");
    pub const CITATION_USED: EdgeType = EdgeType("citation.used");
    pub const FEEDBACK_FOR: EdgeType = EdgeType("feedback.for");
    pub const REPLIED_TO: EdgeType = EdgeType("replied.to");
    pub const REPLAY_OF: EdgeType = EdgeType("replay.of");
    pub const DERIVED_FROM: EdgeType = EdgeType("derived.from");
}

impl EdgeType {
    /// A type of your own. Its name begins with `custom.`.
    ///
    /// # Panics
    /// On any other name. In a `const` that is a compile error.
    pub const fn custom(name: &'static str) -> Self {
        assert!(crate::context::primitive::is_custom(name), "the name of your own edge type begins with `custom.`");
        EdgeType(name)
    }

    /// The name, as it is recorded.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// The other end of an edge: a span, a run or an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Target(End);

#[derive(Clone, Debug, PartialEq)]
enum End {
    Span(TraceId, SpanId),
    Run(RunId),
    Artifact(String),
    /// From an empty context: the edge is not recorded.
    Nothing,
}

impl Target {
    /// A span, by its ids.
    pub fn span(trace_id: TraceId, span_id: SpanId) -> Self {
        Target(End::Span(trace_id, span_id))
    }

    /// A run, by its id.
    pub fn run(run_id: RunId) -> Self {
        Target(End::Run(run_id))
    }

    /// An artifact, by its id.
    pub fn artifact(artifact_id: impl Into<String>) -> Self {
        Target(End::Artifact(artifact_id.into()))
    }
}

/// The span of the context, or its run if it has no span. From an empty context nothing is recorded.
impl From<&Context> for Target {
    fn from(context: &Context) -> Self {
        Target(match (context.trace_id(), context.span_id(), context.run_id()) {
            (Some(trace), Some(span), _) => End::Span(trace, span),
            (_, None, Some(run)) => End::Run(run),
            _ => End::Nothing,
        })
    }
}

impl From<RunId> for Target {
    fn from(run: RunId) -> Self {
        Target::run(run)
    }
}

type Attributes<'a> = &'a [(&'static str, Value<'a>)];

fn with<'a>(fields: &[(Field, Value<'a>)], attributes: Attributes<'a>) -> Vec<Item<'a>> {
    let fields = fields.iter().map(|(f, v)| (Key::Field(*f), *v));
    fields.chain(attributes.iter().map(|(k, v)| (Key::Attribute(k), *v))).collect()
}

/// Calls `f` with the shared part and the span of a context, if the context is recorded.
fn on(context: &Context, f: impl FnOnce(&crate::context::Shared, u64)) {
    if let (true, Some(shared)) = (context.is_recorded(), context.shared()) {
        f(shared, context.span)
    }
}

/// The same, if the context has a span of its own.
fn on_span(context: &Context, f: impl FnOnce(&crate::context::Shared, u64)) {
    on(context, |shared, _| {
        if let Some(span) = context.own_span() {
            f(shared, span.get())
        }
    })
}

pub(crate) fn attributes(context: &Context, attributes: Attributes<'_>) {
    on_span(context, |shared, span| as_items(attributes, |items| thread_recorder().more(shared, span, items)))
}

/// Attributes of the context's run, which its owner adds.
pub(crate) fn run_attributes(context: &Context, attributes: Attributes<'_>) {
    on(context, |shared, _| as_items(attributes, |items| thread_recorder().run_attributes(shared, items)))
}

/// Calls `f` with the attributes as items.
fn as_items(attributes: Attributes<'_>, f: impl FnOnce(&[Item<'_>])) {
    // Usually there are few: no allocation.
    let mut few = [(Key::Attribute(""), Value::Bool(false)); 4];
    if let Some(few) = few.get_mut(..attributes.len()) {
        few.iter_mut().zip(attributes).for_each(|(item, (key, value))| *item = (Key::Attribute(key), *value));
        return f(few);
    }
    f(&with(&[], attributes))
}

pub(crate) fn link(context: &Context, other: &Context) {
    let Some(p) = other.trace_parent() else { return };
    on_span(context, |shared, span| thread_recorder().more(shared, span, &link_items(p)))
}

/// A link: three items that belong together.
pub(crate) fn link_items(to: TraceParent) -> [Item<'static>; 3] {
    let trace = to.trace_id.get();
    let ids = [(trace >> 64) as u64, trace as u64, to.span_id.get()];
    ids.map(|n| (Key::Field(Field::Link), Value::I64(n as i64)))
}

pub(crate) fn event(context: &Context, name: &str, attributes: Attributes<'_>) {
    on_span(context, |shared, span| {
        let items = with(&[(Field::Name, Value::Str(name))], attributes);
        thread_recorder().fact(shared, Fact::Event, span, thread_recorder().id(), &items);
    })
}

pub(crate) fn diagnostic(context: &Context, code: &'static str, message: &str) {
    on(context, |shared, _| {
        let span = context.own_span().map_or(0, |s| s.get());
        let items = with(&[(Field::Name, Value::Static(code)), (Field::Message, Value::Str(message))], &[]);
        thread_recorder().fact(shared, Fact::Diagnostic, span, 0, &items);
    })
}

pub(crate) fn artifact(context: &Context, a: &NewArtifact<'_>) {
    on_span(context, |shared, span| {
        let (encoding, preview) = a.preview();
        let mut fields = vec![
            (Field::ArtifactKind, Value::Str(a.kind)),
            (Field::ContentType, Value::Str(a.content_type)),
            (Field::Encoding, Value::Static(encoding)),
            (Field::Size, Value::from(a.size_bytes())),
        ];
        fields.extend(a.hash.map(|h| (Field::Hash, Value::Str(h))));
        let id = thread_recorder().id();
        let preview = match preview.len() > MAX_TEXT {
            true => {
                let whole = preview.into_owned();
                match thread_recorder().large_artifact(shared, (span, id), &with(&fields, &[]), whole) {
                    Ok(()) => return,
                    Err(preview) => {
                        let message = format!("{}: cut, the recorder had no memory for all of it", cut(a.kind, 100));
                        diagnostic(context, semconv::ARTIFACT_CUT, &message);
                        Cow::Owned(preview)
                    }
                }
            }
            false => preview,
        };
        if a.preview > 0 {
            fields.push((Field::Preview, Value::Str(cut(&preview, MAX_TEXT))))
        }
        thread_recorder().fact(shared, Fact::Artifact, span, id, &with(&fields, &[]));
    })
}

pub(crate) fn edge(context: &Context, edge_type: EdgeType, to: &Target) {
    let long = |field: Field, id: u128| [(field, Value::I64((id >> 64) as i64)), (field, Value::I64(id as i64))];
    let end = |target: &Target, span: Field, run: Field| match target.0 {
        End::Span(t, s) => {
            let mut v = long(span, t.get()).to_vec();
            v.push((span, Value::I64(s.get() as i64)));
            v
        }
        End::Run(r) => long(run, r.get()).to_vec(),
        End::Artifact(_) | End::Nothing => vec![],
    };
    on(context, |shared, _| {
        let mut fields = vec![(Field::Name, Value::Static(edge_type.0))];
        fields.extend(end(&Target::from(context), Field::FromSpan, Field::FromRun));
        match &to.0 {
            End::Nothing => return,
            End::Artifact(id) => fields.push((Field::ToRun, Value::Str(id))),
            _ => fields.extend(end(to, Field::ToSpan, Field::ToRun)),
        }
        thread_recorder().fact(shared, Fact::Edge, 0, 0, &with(&fields, &[]));
    })
}

//! Records of deliveries to spans.

use super::finish;
use super::known::{Key, OpenSpans};
use super::values;
use crate::otlp::model::Span;
#[cfg(feature = "sdk")]
use spanbridge::TraceId;
use spanbridge::record::{BodyView, EndpointView, RecordView};
use spanbridge::{Kind, Primitive, RecordBatch, RunId, SpanId, semconv};
use std::collections::HashMap;

/// Memory that spans without an end may take, in bytes.
const DEFAULT_LIMIT: usize = 16 << 20;

/// Puts the spans of OTLP together from records.
///
/// A span comes once it has ended. Until then the assembler keeps what was delivered of it, within a limit: beyond that the
/// oldest give way. One span takes up a sixteenth of that: further events, links and attributes are counted in it as dropped.
/// What is delivered about a span after its end comes too late, and is counted.
///
/// ```
/// use spanbridge::{Receipt, RecordBatch, Recorder, observe};
/// use spanbridge_otel::spans::Assembler;
///
/// let mut assembler = Assembler::new();
/// let sink = move |batch: &RecordBatch| {
///     assembler.push(batch, |run, span| println!("{run} {}: {} attributes", span.name, span.attributes.len()));
///     Ok(Receipt::default())
/// };
/// let recorder = Recorder::builder("orders").sink(sink).build()?;
/// recorder.in_scope(|| observe::span("import").in_scope(|| ()));
/// # Ok::<(), spanbridge::InstallError>(())
/// ```
pub struct Assembler {
    open: OpenSpans,
    without_start: u64,
    left_out: u64,
}

/// What an [`Assembler`] holds, and what it could not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssemblerCounts {
    /// Spans that have begun and not ended, as far as is known.
    pub open: usize,
    /// Spans that gave way to younger ones before their end. If the end comes after all, it counts as one without a start, too.
    pub evicted: u64,
    /// Ends whose start is not known: it gave way, or was not delivered. These spans are lost.
    pub without_start: u64,
    /// Records about a span that has ended already or is not known, and edges that OTLP has no place for.
    pub left_out: u64,
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Assembler {
    /// An assembler that keeps at most 16 MiB of spans without an end.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// An assembler that keeps at most so many bytes of spans without an end.
    pub fn with_limit(bytes: usize) -> Self {
        Assembler { open: OpenSpans::new(bytes), without_start: 0, left_out: 0 }
    }

    /// Takes a batch, and gives each span that has ended in it to `take`, with its run. Push each batch once.
    pub fn push(&mut self, batch: &RecordBatch, take: impl FnMut(RunId, Span<'_>)) {
        self.push_records(batch.iter(), take)
    }

    /// As [`push`](Self::push), with the records of a store or a file. They are walked over twice: what belongs to a span may
    /// stand behind its end.
    pub fn push_records<'a>(
        &mut self,
        records: impl Iterator<Item = RecordView<'a>> + Clone,
        mut take: impl FnMut(RunId, Span<'_>),
    ) {
        // Spans that go on, and what belongs to a span beside its start and its end.
        let mut more: HashMap<Key, Vec<RecordView<'a>>> = HashMap::new();
        for record in records.clone() {
            let (Some(run), Some(trace)) = (record.run_id(), record.trace_id()) else { continue };
            match record.body() {
                BodyView::Span(span) if span.end().is_none() => {
                    self.open.insert((trace, span.span_id()), run, finish::begun(trace, run, span).into_owned());
                }
                _ => {
                    if let Some(key) = about(record) {
                        more.entry(key).or_default().push(record);
                    }
                }
            }
        }
        let mut parents = Parents { records: records.clone(), kinds: None };
        for record in records {
            let (Some(run), Some(trace)) = (record.run_id(), record.trace_id()) else { continue };
            let (run, mut span, end) = match record.body() {
                BodyView::Span(view) => match view.end() {
                    Some(end) => (run, finish::begun(trace, run, view), end),
                    None => continue,
                },
                BodyView::SpanEnd(view) => {
                    let Some((run, span)) = self.open.remove(&(trace, view.span_id())) else {
                        self.without_start += 1;
                        continue;
                    };
                    let mut span: Span<'a> = span;
                    values::add(&mut span.attributes, view.attributes());
                    (run, span, view.end())
                }
                _ => continue,
            };
            for record in more.remove(&(trace, span.span_id)).unwrap_or_default() {
                self.left_out += u64::from(!finish::add(&mut span, record));
            }
            span.flags |= parents.flags(&span, &self.open);
            finish::end(&mut span, end);
            take(run, span);
        }
        for (key, records) in more {
            let mut used = 0;
            self.open.change(&key, |span| {
                let mut span: Span<'a> = span;
                used = records.iter().filter(|record| finish::add(&mut span, **record)).count();
                values::unique(&mut span.attributes);
                span.into_owned()
            });
            self.left_out += (records.len() - used) as u64;
        }
    }

    /// A span that has begun and not ended, as far as is known, with what was delivered of it.
    #[cfg(feature = "sdk")]
    pub(crate) fn open_span(&self, trace: TraceId, span: SpanId) -> Option<&Span<'static>> {
        self.open.get(&(trace, span))
    }

    /// Gives the spans that have begun and not ended to `take`, with their runs, in order of start, and forgets them. Their end
    /// time is 0.
    pub fn take_open(&mut self, mut take: impl FnMut(RunId, Span<'_>)) {
        self.open.take_all().into_iter().for_each(|(run, span)| take(run, span));
    }

    /// What it holds, and what it could not use so far.
    pub fn counts(&self) -> AssemblerCounts {
        let (open, evicted) = (self.open.len(), self.open.evicted);
        AssemblerCounts { open, evicted, without_start: self.without_start, left_out: self.left_out }
    }
}

/// The span that a record belongs to, beside those that begin or end it.
fn about(record: RecordView<'_>) -> Option<Key> {
    let trace = record.trace_id()?;
    match record.body() {
        BodyView::SpanAttributes(more) => Some((trace, more.span_id())),
        BodyView::Event(event) => Some((trace, event.span_id())),
        BodyView::Artifact(artifact) => Some((trace, artifact.span_id())),
        BodyView::Diagnostic(diagnostic) => Some((trace, diagnostic.span_id()?)),
        BodyView::Edge(edge) => match edge.from() {
            EndpointView::Span { trace_id, span_id } => Some((trace_id, span_id)),
            _ => None,
        },
        _ => None,
    }
}

/// The spans of a batch by their ids: looked through when a span that receives something has a parent.
struct Parents<I> {
    records: I,
    kinds: Option<HashMap<SpanId, Kind>>,
}

impl<'a, I: Iterator<Item = RecordView<'a>> + Clone> Parents<I> {
    /// The flags that say whether the parent is remote, as far as that is known: a span that receives something has its parent
    /// from there, unless that is a span of this process that sends nothing.
    fn flags(&mut self, span: &Span<'_>, open: &OpenSpans) -> u32 {
        const RECEIVES: [Primitive; 3] =
            [Primitive::MESSAGING_PROCESS, Primitive::HTTP_SERVER, Primitive::FUNCTION_HANDLE];
        let Some(parent) = span.parent_span_id else { return 0 };
        let primitive = span.attribute(semconv::PRIMITIVE).and_then(|primitive| primitive.as_str());
        if !RECEIVES.iter().any(|receives| primitive == Some(receives.name())) {
            return 0;
        }
        let kinds = self.kinds.get_or_insert_with(|| {
            let spans = self.records.clone().filter_map(|record| match record.body() {
                BodyView::Span(span) => Some((span.span_id(), span.kind())),
                _ => None,
            });
            spans.collect()
        });
        let kind = kinds.get(&parent).copied().or_else(|| open.get(&(span.trace_id, parent))?.kind);
        match kind {
            Some(Kind::Internal | Kind::Server | Kind::Consumer) => Span::HAS_IS_REMOTE,
            Some(Kind::Producer | Kind::Client) | None => Span::HAS_IS_REMOTE | Span::IS_REMOTE,
        }
    }
}

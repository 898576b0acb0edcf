//! Writing blocks.

use super::bytes::{distance, put_varint, zigzag};
use super::intern::Interner;
use super::recent::Recent;
use super::shape::ShapeWriter;
use super::{BLOCK_TARGET, endpoint, part, span, tag, value};
use spanbridge::record::{Attributes, Body, End, Endpoint, Link, Record, Start, Via};
use spanbridge::{RunId, SegmentId, SpanId, TraceId, Value};

/// What the records of a part share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PartHead<'a> {
    /// The place of the run among the runs of the delivery.
    pub(crate) run: usize,
    /// The run under which the records are found: their own, or that of their trace. `None`: neither is named.
    pub(crate) key: Option<RunId>,
    pub(crate) run_id: Option<RunId>,
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) segment_id: SegmentId,
    pub(crate) service: &'a str,
}

impl<'a> PartHead<'a> {
    /// What this record shares with its neighbours.
    pub(crate) fn of(run: usize, record: &'a Record<'_>) -> Self {
        Self {
            run,
            key: record.run_id.or(record.trace_id.map(RunId::of_trace)),
            run_id: record.run_id,
            trace_id: record.trace_id,
            segment_id: record.segment_id,
            service: &record.service,
        }
    }

    /// The trace is named, and is another than the run's own.
    pub(crate) fn other_trace(&self) -> Option<TraceId> {
        self.trace_id.filter(|t| Some(RunId::of_trace(*t)) != self.key)
    }
}

/// A block in the making. Used again for the next one, so that its buffers are allocated once.
#[derive(Debug, Default)]
pub(crate) struct BlockWriter {
    names: Interner,
    shapes: ShapeWriter,
    parts: Vec<u8>,
    heads: Vec<u8>,
    words: Vec<u8>,
    times: Vec<u8>,
    numbers: Vec<u8>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    part_count: u64,
    last: LastPart,
    open: OpenPart,
}

/// What the header of the next part refers to.
#[derive(Debug, Default)]
struct LastPart {
    run: usize,
    segment_id: Option<SegmentId>,
    service: Option<u32>,
    base: u64,
}

/// The part that records are being added to.
#[derive(Debug, Default)]
struct OpenPart {
    key: Option<RunId>,
    trace_id: Option<TraceId>,
    time: u64,
    records: u64,
    recent: Recent,
}

impl BlockWriter {
    /// Whether the block has as many bytes as a block should.
    pub(crate) fn is_full(&self) -> bool {
        self.sections().iter().map(|s| s.len()).sum::<usize>() + self.names.len() >= BLOCK_TARGET
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.part_count == 0
    }

    /// Begins a part whose first record has this sequence number and about this time.
    pub(crate) fn begin(&mut self, head: &PartHead<'_>, first_seq: u64, base: u64) {
        self.close_part();
        let (service, _) = self.names.intern(head.service.as_bytes());
        let same_segment = self.last.segment_id == Some(head.segment_id);
        let same_service = self.last.service == Some(service);
        let other_trace = head.other_trace();
        let flags = [
            (part::RUN, head.run_id.is_some()),
            (part::OWN_TRACE, head.trace_id.is_some() && other_trace.is_none()),
            (part::OTHER_TRACE, other_trace.is_some()),
            (part::SAME_SEGMENT, same_segment),
            (part::SAME_SERVICE, same_service),
        ];
        let out = &mut self.parts;
        out.push(flags.iter().filter(|(_, holds)| *holds).fold(0, |bits, (bit, _)| bits | bit));
        put_varint(out, (head.run - self.last.run) as u64);
        if let Some(trace) = other_trace {
            out.extend_from_slice(&trace.get().to_le_bytes());
        }
        if !same_segment {
            out.extend_from_slice(&head.segment_id.get().to_le_bytes());
        }
        if !same_service {
            put_varint(out, u64::from(service));
        }
        put_varint(out, first_seq);
        put_varint(out, distance(self.last.base, base));
        self.last = LastPart { run: head.run, segment_id: Some(head.segment_id), service: Some(service), base };
        self.open.key = head.key;
        self.open.trace_id = head.trace_id;
        self.open.time = base;
        self.open.recent.clear();
        self.part_count += 1;
    }

    /// How many records there are is known, and written, last.
    fn close_part(&mut self) {
        if self.part_count > 0 {
            put_varint(&mut self.parts, std::mem::take(&mut self.open.records));
        }
    }

    /// Adds a record to the part that was begun. [`refusal`] must have found nothing against it.
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        self.open.records += 1;
        self.shapes.begin();
        self.body(record);
        let shape = self.shapes.finish(&mut self.names);
        put_varint(&mut self.heads, u64::from(shape));
    }

    /// Ends the block: appends it to `out`, and is ready for the next.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.close_part();
        for count in [self.part_count, self.shapes.len() as u64, self.names.len() as u64] {
            put_varint(out, count);
        }
        let mut name_lengths = Vec::with_capacity(self.names.len() + 16);
        self.names.lengths().for_each(|n| put_varint(&mut name_lengths, n as u64));
        let sections = self.sections();
        put_varint(out, name_lengths.len() as u64);
        sections.iter().for_each(|s| put_varint(out, s.len() as u64));
        out.extend_from_slice(&name_lengths);
        sections.iter().for_each(|s| out.extend_from_slice(s));
        self.clear();
    }

    /// In the order in which they stand in the block.
    fn sections(&self) -> [&[u8]; 9] {
        [
            self.names.bytes(),
            self.shapes.table(),
            &self.parts,
            &self.heads,
            &self.words,
            &self.times,
            &self.numbers,
            &self.lengths,
            &self.texts,
        ]
    }

    fn clear(&mut self) {
        self.names.clear();
        self.shapes.clear();
        for section in [
            &mut self.parts,
            &mut self.heads,
            &mut self.words,
            &mut self.times,
            &mut self.numbers,
            &mut self.lengths,
            &mut self.texts,
        ] {
            section.clear();
        }
        self.part_count = 0;
        self.last = LastPart::default();
    }
}

/// The fields of a record, in the order in which `read` reads them.
impl BlockWriter {
    fn body(&mut self, record: &Record<'_>) {
        let foreign = if record.id.is_some() { tag::FOREIGN } else { 0 };
        let mut tag = |tag: u8| self.shapes.code(tag | foreign);
        match &record.body {
            Body::Segment { started_at, resource, via, suspension_id } => {
                tag(tag::SEGMENT);
                self.id(record);
                self.time(*started_at);
                self.shapes.code(match via {
                    Via::Start => 1,
                    Via::Resume => 2,
                    Via::Receive => 3,
                });
                self.maybe_text(suspension_id.as_deref());
                self.attributes(resource);
            }
            Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes } => {
                tag(tag::RUN_START);
                self.id(record);
                self.time(*started_at);
                self.shapes.name(name);
                self.maybe_name(root_primitive.as_deref());
                self.shapes.code(u8::from(parent_run_id.is_some()));
                if let Some(run) = parent_run_id {
                    self.wide(run.get());
                }
                self.span(*triggered_by_span_id);
                self.attributes(attributes);
            }
            Body::RunSuspend { suspension_id, suspended_at, reason } => {
                tag(tag::RUN_SUSPEND);
                self.id(record);
                self.time(*suspended_at);
                self.text(suspension_id);
                self.maybe_text(reason.as_deref());
            }
            Body::RunResume { suspension_id, resumed_at } => {
                tag(tag::RUN_RESUME);
                self.id(record);
                self.time(*resumed_at);
                self.text(suspension_id);
            }
            Body::RunEnd { ended_at, status, error } => {
                tag(tag::RUN_END);
                self.id(record);
                self.time(*ended_at);
                self.shapes.code(*status as u8);
                self.maybe_text(error.as_deref());
            }
            Body::SpanStart(start) => {
                tag(tag::SPAN_START);
                self.id(record);
                self.start(start);
                self.links(&start.links);
            }
            Body::SpanEnd { span_id, end, attributes } => {
                tag(tag::SPAN_END);
                self.id(record);
                self.span(Some(*span_id));
                self.time(end.ended_at);
                self.end(end);
                self.attributes(attributes);
            }
            Body::Span(start, end) => {
                tag(tag::SPAN);
                self.id(record);
                self.start(start);
                // The duration; the time that the next record is measured from stays the start.
                self.shapes.counts.times += 1;
                put_varint(&mut self.times, distance(start.started_at, end.ended_at));
                self.end(end);
                self.links(&start.links);
            }
            Body::SpanAttributes { span_id, attributes } => {
                tag(tag::SPAN_ATTRIBUTES);
                self.id(record);
                self.span(Some(*span_id));
                self.attributes(attributes);
            }
            Body::Event { span_id, event_id, name, timestamp, attributes } => {
                tag(tag::EVENT);
                self.id(record);
                self.span(Some(*span_id));
                self.time(*timestamp);
                self.text(event_id);
                self.shapes.name(name);
                self.attributes(attributes);
            }
            Body::Artifact(artifact) => {
                tag(tag::ARTIFACT);
                self.id(record);
                self.span(Some(artifact.span_id));
                self.text(&artifact.artifact_id);
                self.shapes.name(&artifact.kind);
                self.shapes.name(&artifact.content_type);
                self.shapes.name(&artifact.encoding);
                self.number(artifact.size_bytes);
                self.maybe_text(artifact.hash.as_deref());
                self.maybe_text(artifact.preview.as_deref());
            }
            Body::Edge { edge_type, from, to } => {
                tag(tag::EDGE);
                self.id(record);
                self.shapes.name(edge_type);
                self.endpoint(from);
                self.endpoint(to);
            }
            Body::Diagnostic { code, message, count, span_id, attributes } => {
                tag(tag::DIAGNOSTIC);
                self.id(record);
                self.shapes.name(code);
                self.text(message);
                self.shapes.code(u8::from(count.is_some()));
                if let Some(count) = count {
                    self.number(*count);
                }
                self.span(*span_id);
                self.attributes(attributes);
            }
            // `refusal` keeps bodies away that this release does not know.
            _ => tag(0),
        }
    }

    fn id(&mut self, record: &Record<'_>) {
        if let Some(id) = &record.id {
            self.text(id);
        }
    }

    fn start(&mut self, start: &Start<'_>) {
        self.word(start.span_id.get());
        self.span(start.parent_span_id);
        self.open.recent.push(start.span_id.get());
        self.shapes.name(&start.name);
        self.shapes.name(&start.primitive);
        self.shapes.code(start.kind as u8);
        self.time(start.started_at);
        self.attributes(&start.attributes);
    }

    fn end(&mut self, end: &End<'_>) {
        self.shapes.code(end.status as u8);
        self.maybe_text(end.error.as_deref());
    }

    fn links(&mut self, links: &[Link<'_>]) {
        for link in links {
            let same_trace = Some(link.trace_id) == self.open.trace_id;
            self.shapes.code(if same_trace { 1 } else { 2 });
            if !same_trace {
                self.wide(link.trace_id.get());
            }
            // Always a word: then what a block can make a reader allocate is bounded by its streams.
            self.word(link.span_id.get());
            self.attributes(&link.attributes);
        }
        self.shapes.code(0);
    }

    fn endpoint(&mut self, endpoint: &Endpoint<'_>) {
        match endpoint {
            Endpoint::Span { trace_id, span_id } => {
                self.shapes.code(endpoint::SPAN);
                self.wide(trace_id.get());
                self.span(Some(*span_id));
            }
            Endpoint::Run(run_id) => {
                self.shapes.code(endpoint::RUN);
                self.wide(run_id.get());
            }
            Endpoint::Artifact(id) => {
                self.shapes.code(endpoint::ARTIFACT);
                self.text(id);
            }
            // Kept away by `refusal`.
            _ => self.shapes.code(0),
        }
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        for (key, value) in attributes.iter() {
            match value {
                Value::I64(n) => {
                    self.shapes.code(value::I64);
                    self.number(zigzag(n));
                }
                Value::F64(x) => {
                    self.shapes.code(value::F64);
                    self.word(x.to_bits());
                }
                Value::Bool(b) => {
                    self.shapes.code(value::BOOL);
                    self.number(u64::from(b));
                }
                Value::Static(s) | Value::Str(s) => {
                    self.shapes.code(value::STR);
                    self.text(s);
                }
                Value::Json(s) => {
                    self.shapes.code(value::JSON);
                    self.text(s);
                }
                // Kept away by `refusal`.
                _ => continue,
            }
            self.shapes.name(key);
        }
        self.shapes.code(value::END);
    }

    fn span(&mut self, id: Option<SpanId>) {
        let Some(id) = id else { return self.shapes.code(span::NONE) };
        if let Some(back) = self.open.recent.find(id.get()) {
            self.shapes.code(span::RECENT);
            self.number(back);
        } else if self.open.key.map(RunId::as_parent) == Some(id) {
            self.shapes.code(span::RUN);
        } else {
            self.shapes.code(span::WORD);
            self.word(id.get());
        }
    }

    fn maybe_name(&mut self, name: Option<&str>) {
        self.shapes.code(u8::from(name.is_some()));
        if let Some(name) = name {
            self.shapes.name(name);
        }
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        self.shapes.code(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn word(&mut self, word: u64) {
        self.shapes.counts.words += 1;
        self.words.extend_from_slice(&word.to_le_bytes());
    }

    fn wide(&mut self, wide: u128) {
        self.shapes.counts.words += 2;
        self.words.extend_from_slice(&wide.to_le_bytes());
    }

    fn time(&mut self, at: u64) {
        self.shapes.counts.times += 1;
        put_varint(&mut self.times, distance(self.open.time, at));
        self.open.time = at;
    }

    fn number(&mut self, n: u64) {
        self.shapes.counts.numbers += 1;
        put_varint(&mut self.numbers, n);
    }

    fn text(&mut self, text: &str) {
        self.shapes.counts.texts += 1;
        put_varint(&mut self.lengths, text.len() as u64);
        self.texts.extend_from_slice(text.as_bytes());
    }
}

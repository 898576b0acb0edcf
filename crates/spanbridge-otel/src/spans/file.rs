//! Records as a file of OTLP that loses nothing.
//!
//! OTLP has spans alone, and a span has room for most of what its records say, not for all: which record came when, ids of events,
//! what contradicts what, runs. So the file has the spans, for whoever reads OTLP, and the records as lines of JSON, in the scope
//! `spanbridge.records`, which has no spans (docs/adr/0036).

use super::assemble::Assembler;
use super::values;
use crate::otlp::model::{AnyValue, KeyValue, Resource, Scope, Span, get};
use crate::otlp::{json, protobuf};
use spanbridge::record::{Body, Record};
use spanbridge::{SegmentId, SpanId, TraceId, semconv};
use std::collections::HashMap;
use std::io::{self, Write};

/// The scope of the records, and its attribute that has them.
const RECORDS: &str = "spanbridge.records";

/// On the scope of spans whose records are in the same file.
const RECORDED: &str = "spanbridge.recorded";

/// What made the spans.
const SDK: &str = "spanbridge";

/// A request has about this many bytes. The Collector's receiver of files refuses lines of more than a mebibyte.
const REQUEST_BYTES: usize = 256 << 10;

/// Memory that spans without an end may take, in bytes.
const OPEN_BYTES: usize = 64 << 20;

/// The resources of so many segments are kept.
const MAX_SEGMENTS: usize = 1 << 16;

/// How requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileForm {
    /// JSON, one request a line.
    Json,
    /// Protobuf, each request behind its length in four bytes, as the OpenTelemetry Collector's file exporter writes it.
    Protobuf,
}

/// Writes records as a file of OTLP: the spans for whoever reads OTLP, and all records for [`lines`].
///
/// ```
/// use spanbridge::{Memory, Recorder, observe};
/// use spanbridge_otel::otlp::{FilePart, read_file_scopes};
/// use spanbridge_otel::spans::{FileForm, FileWriter, lines};
///
/// let memory = Memory::new();
/// let recorder = Recorder::builder("orders").sink(memory.clone()).build().unwrap();
/// recorder.in_scope(|| observe::span("import").in_scope(|| ()));
/// recorder.shutdown(std::time::Duration::from_secs(10));
/// let records = memory.take();
///
/// let mut writer = FileWriter::new(Vec::new(), FileForm::Protobuf);
/// writer.write(&records)?;
/// let file = writer.finish()?;
///
/// let (mut names, mut read) = (Vec::new(), Vec::new());
/// read_file_scopes(&file[..], |part| match part {
///     FilePart::Scope(_, scope) => read.extend(lines(scope).map(str::to_owned)),
///     FilePart::Span(_, _, span) => names.push(span.name.into_owned()),
///     _ => {}
/// })?;
/// assert_eq!(names, ["import"]);
/// assert_eq!(read, records.iter().map(|record| record.to_json()).collect::<Vec<_>>());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileWriter<W> {
    out: W,
    form: FileForm,
    assembler: Assembler,
    known: Known,
    request: Vec<u8>,
}

/// What is known of spans that have not been written.
#[derive(Default)]
struct Known {
    segments: HashMap<SegmentId, Resource<'static>>,
    recorded_by: HashMap<(TraceId, SpanId), SegmentId>,
}

impl<W: Write> FileWriter<W> {
    /// Begins a file.
    pub fn new(out: W, form: FileForm) -> Self {
        let (assembler, known) = (Assembler::with_limit(OPEN_BYTES), Known::default());
        FileWriter { out, form, assembler, known, request: Vec::new() }
    }

    /// Writes records, and the spans that have ended in them. Everything about a run is best written at once: what comes about
    /// a span in a later call than its end is among the records alone.
    ///
    /// # Errors
    /// The output fails.
    pub fn write(&mut self, records: &[Record<'_>]) -> io::Result<()> {
        self.write_records(records)?;
        self.known.learn(records);
        let mut spans = Spans::new(self.form);
        let FileWriter { assembler, known, out, request, .. } = self;
        let mut result = Ok(());
        assembler.push_records(records.iter().map(Record::view), |_, span| {
            if result.is_ok() {
                result = spans.add(&span, known, request, out);
            }
        });
        result?;
        spans.finish(known, request, out)
    }

    /// Writes the spans that have not ended, and ends the file.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> io::Result<W> {
        let mut spans = Spans::new(self.form);
        let FileWriter { assembler, known, out, request, .. } = &mut self;
        let mut result = Ok(());
        assembler.take_open(|_, span| {
            if result.is_ok() {
                result = spans.add(&span, known, request, out);
            }
        });
        result?;
        spans.finish(known, request, out)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_records(&mut self, records: &[Record<'_>]) -> io::Result<()> {
        let mut records = records.iter().peekable();
        while records.peek().is_some() {
            let (mut lines, mut size) = (Vec::new(), 0);
            while let Some(record) = records.next_if(|_| size < REQUEST_BYTES) {
                let line = record.to_json();
                size += line.len();
                lines.push(AnyValue::Str(line.into()));
            }
            let mut scope = Scope { name: RECORDS.into(), ..Scope::default() };
            scope.attributes.push(KeyValue { key: RECORDS.into(), value: AnyValue::Array(lines) });
            put_request(self.form, &sdk(), &scope, &[], &mut self.request, &mut self.out)?;
        }
        Ok(())
    }
}

impl Known {
    /// Remembers who recorded what.
    fn learn(&mut self, records: &[Record<'_>]) {
        if self.segments.len() > MAX_SEGMENTS {
            self.segments.clear();
        }
        for record in records {
            match &record.body {
                Body::Segment(segment) => {
                    let resource = self.resource(record);
                    resource.attributes.truncate(1);
                    values::add_owned(&mut resource.attributes, segment.resource.view());
                    resource.attributes.extend(sdk().attributes);
                }
                Body::Span(span) => {
                    self.resource(record);
                    if let Some(trace) = record.trace_id {
                        self.recorded_by.insert((trace, span.span_id), record.segment_id);
                    }
                }
                _ => {}
            }
        }
    }

    fn resource(&mut self, record: &Record<'_>) -> &mut Resource<'static> {
        self.segments.entry(record.segment_id).or_insert_with(|| {
            let mut resource = sdk();
            resource.attributes.insert(0, KeyValue::new(semconv::SERVICE_NAME, record.service.clone().into_owned()));
            resource
        })
    }
}

/// Spans that are being written, those of each segment together.
struct Spans {
    form: FileForm,
    of_segments: HashMap<Option<SegmentId>, Vec<u8>>,
    bytes: usize,
}

impl Spans {
    fn new(form: FileForm) -> Self {
        Spans { form, of_segments: HashMap::new(), bytes: 0 }
    }

    fn add(
        &mut self,
        span: &Span<'_>,
        known: &mut Known,
        request: &mut Vec<u8>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let segment = known.recorded_by.remove(&(span.trace_id, span.span_id));
        let spans = self.of_segments.entry(segment).or_default();
        let before = spans.len();
        match self.form {
            FileForm::Json => json::write_span(span, spans),
            FileForm::Protobuf => protobuf::write_span(span, spans),
        }
        self.bytes += spans.len() - before;
        if self.bytes >= REQUEST_BYTES { self.finish(known, request, out) } else { Ok(()) }
    }

    fn finish(&mut self, known: &Known, request: &mut Vec<u8>, out: &mut impl Write) -> io::Result<()> {
        self.bytes = 0;
        let mut all: Vec<_> = self.of_segments.drain().collect();
        all.sort_by_key(|(segment, _)| *segment);
        let mut scope = Scope { name: SDK.into(), ..Scope::default() };
        scope.attributes.push(KeyValue::new(RECORDED, true));
        for (segment, spans) in all {
            let sdk = sdk();
            let resource = segment.and_then(|segment| known.segments.get(&segment)).unwrap_or(&sdk);
            put_request(self.form, resource, &scope, &spans, request, out)?;
        }
        Ok(())
    }
}

fn sdk() -> Resource<'static> {
    Resource { attributes: vec![KeyValue::new(semconv::TELEMETRY_SDK_NAME, SDK)] }
}

fn put_request(
    form: FileForm,
    resource: &Resource<'_>,
    scope: &Scope<'_>,
    spans: &[u8],
    request: &mut Vec<u8>,
    out: &mut impl Write,
) -> io::Result<()> {
    request.clear();
    match form {
        FileForm::Json => {
            json::write_request(resource, scope, spans, request);
            request.push(b'\n');
        }
        FileForm::Protobuf => {
            protobuf::write_request(resource, scope, spans, request);
            let length = u32::try_from(request.len());
            let length =
                length.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a record is too large for OTLP"))?;
            out.write_all(&length.to_be_bytes())?;
        }
    }
    out.write_all(request)
}

/// The records that a scope has in a file of [`FileWriter`], as lines of JSON. Other scopes have none.
pub fn lines<'s>(scope: &'s Scope<'_>) -> impl Iterator<Item = &'s str> {
    let list = match get(&scope.attributes, RECORDS) {
        Some(AnyValue::Array(list)) if scope.name == RECORDS => &list[..],
        _ => &[],
    };
    list.iter().filter_map(AnyValue::as_str)
}

/// Whether the records of a scope's spans are in the same file, before them.
pub fn are_recorded(scope: &Scope<'_>) -> bool {
    get(&scope.attributes, RECORDED) == Some(&AnyValue::Bool(true))
}

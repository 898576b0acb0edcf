//! Short ways to make records for tests, of this crate and of those above it.
#![allow(dead_code, reason = "each test binary uses some of it")]

use spanbridge::record::*;
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;

pub(crate) mod gaps;

/// A time in 2026.
pub(crate) const T0: u64 = 1_790_000_000_000_000_000;
pub(crate) const MS: u64 = 1_000_000;

/// The id of a run: it repeats a digit and ends in the number. From 8 on, the eighth digit differs.
pub(crate) fn run(n: u128) -> RunId {
    RunId::new((0x1111_1111_1111_1111_0000_0000_0000_0000 * (n & 7)) ^ (n >> 3 << 96) | n).unwrap()
}

pub(crate) fn trace(n: u128) -> TraceId {
    TraceId::new(run(n).get()).unwrap()
}

pub(crate) fn span_id(n: u64) -> SpanId {
    SpanId::new(0xa000_0000_0000_0000 | n << 32 | n).unwrap()
}

/// Numbers the records of one segment.
pub(crate) struct Recording {
    pub(crate) run: RunId,
    pub(crate) trace: TraceId,
    pub(crate) segment: u64,
    pub(crate) service: &'static str,
    seq: u64,
}

impl Recording {
    pub(crate) fn of(run: RunId, segment: u64, service: &'static str) -> Self {
        Self { run, trace: TraceId::new(run.get()).unwrap(), segment, service, seq: 0 }
    }

    pub(crate) fn in_trace(self, trace: TraceId) -> Self {
        Self { trace, ..self }
    }

    pub(crate) fn record(&mut self, body: Body<'static>) -> Record<'static> {
        self.seq += 1;
        let record = Record::new(SegmentId::new(self.segment).unwrap(), self.seq, self.service, body);
        record.of_run(Some(self.run), Some(self.trace))
    }

    /// A whole span, from and to in milliseconds.
    pub(crate) fn span(&mut self, id: u64, parent: u64, name: &'static str, from: u64, to: u64) -> Record<'static> {
        self.record(Body::Span(start(id, parent, name, from).with_end(Some(end(to, Status::Ok)))))
    }

    pub(crate) fn failed(&mut self, id: u64, parent: u64, name: &'static str, from: u64, to: u64) -> Record<'static> {
        let end = end(to, Status::Error).with_error(Some("no luck".into()));
        self.record(Body::Span(start(id, parent, name, from).with_end(Some(end))))
    }

    pub(crate) fn span_start(&mut self, id: u64, parent: u64, name: &'static str, from: u64) -> Record<'static> {
        self.record(Body::Span(start(id, parent, name, from)))
    }

    pub(crate) fn span_end(&mut self, id: u64, to: u64, status: Status) -> Record<'static> {
        self.record(Body::SpanEnd(SpanEnd::new(span_id(id), end(to, status))))
    }

    pub(crate) fn run_start(&mut self, name: &'static str, at: u64) -> Record<'static> {
        self.record(run_start(name, at, None))
    }

    pub(crate) fn run_end(&mut self, at: u64, status: Status) -> Record<'static> {
        self.record(Body::RunEnd(RunEnd::new(T0 + at * MS, status)))
    }
}

pub(crate) fn run_start(name: &'static str, at: u64, parent: Option<(RunId, SpanId)>) -> Body<'static> {
    Body::RunStart(
        RunStart::new(name, T0 + at * MS)
            .with_parent_run_id(parent.map(|p| p.0))
            .with_triggered_by_span_id(parent.map(|p| p.1)),
    )
}

pub(crate) fn start(id: u64, parent: u64, name: &'static str, from: u64) -> SpanData<'static> {
    let mut start = SpanData::new(span_id(id), name, T0 + from * MS);
    start.parent_span_id = (parent != 0).then(|| span_id(parent));
    (start.primitive, start.kind) = ("messaging.process".into(), Kind::Consumer);
    start.attributes = attributes(&[("id", AttributeValue::I64(id as i64))]);
    start
}

pub(crate) fn end(to: u64, status: Status) -> End<'static> {
    End::new(T0 + to * MS, status)
}

pub(crate) fn attributes(items: &[(&'static str, AttributeValue<'static>)]) -> Attributes<'static> {
    items.iter().map(|(k, v)| (Cow::Borrowed(*k), v.clone())).collect()
}

pub(crate) fn lines(records: &[Record<'_>]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}

/// Adds attributes to a span.
pub(crate) type Said = Vec<(&'static str, AttributeValue<'static>)>;

pub(crate) fn text(text: &str) -> AttributeValue<'static> {
    AttributeValue::Str(text.to_owned().into())
}

impl Recording {
    /// The span of a messaging step, as the adapter for RabbitMQ records it: its name begins with the operation, by default the
    /// last word of the primitive.
    pub(crate) fn step(
        &mut self,
        (id, parent): (u64, u64),
        (primitive, operation): (&'static str, &'static str),
        destination: &str,
        (from, to): (u64, u64),
        more: Said,
    ) -> Record<'static> {
        let mut start = start(id, parent, "", from);
        start.name = format!("{operation} {destination}").into();
        start.primitive = primitive.into();
        start.kind = match primitive {
            "messaging.publish" => Kind::Producer,
            "messaging.settle" => Kind::Client,
            _ => Kind::Consumer,
        };
        let common = [
            ("messaging.system", text("rabbitmq")),
            ("messaging.operation.name", text(operation)),
            ("messaging.destination.name", text(destination)),
        ];
        start.attributes = common.into_iter().chain(more).map(|(k, v)| (k.into(), v)).collect();
        self.record(Body::Span(start.with_end(Some(end(to, Status::Ok)))))
    }
}

//! Spans as spanbridge records them.

use super::bench::{DELIVERED, Work};
use spanbridge::record::{AttributesView, BodyView, EndView, RecordView, SpanView};
use spanbridge::{Receipt, RecordBatch, Recorder, Sampler, Sink, SinkError, Value, observe};
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub(crate) const USER: &str = "user-1234567";
pub(crate) const REQUEST: &str = "7b0ad9f2-54ce-4ad1-9d38-0a4c1b6df1aa";

/// Reads every field of every record.
#[derive(Default)]
pub(crate) struct Count(u64);

impl Count {
    fn attributes(&mut self, attributes: AttributesView<'_>) {
        for (key, value) in attributes {
            self.0 = self.0.wrapping_add(key.len() as u64).wrapping_add(match value {
                Value::I64(v) => v as u64,
                Value::F64(v) => v as u64,
                Value::Bool(v) => v as u64,
                Value::Static(v) | Value::Str(v) | Value::Json(v) => v.len() as u64,
                _ => 0,
            })
        }
    }

    fn span(&mut self, s: SpanView<'_>) {
        self.0 ^= s.span_id().get() ^ s.parent_span_id().map_or(0, |p| p.get()) ^ s.started_at() ^ s.kind() as u64;
        self.0 = self.0.wrapping_add((s.name().len() + s.primitive().len() + s.links().iter().count()) as u64);
        if let Some(end) = s.end() {
            self.end(end)
        }
        self.attributes(s.attributes())
    }

    fn end(&mut self, e: EndView<'_>) {
        self.0 ^= e.ended_at() ^ e.status() as u64 ^ e.error().map_or(0, |e| e.len() as u64)
    }

    /// Whether a span or a run begins.
    fn record(&mut self, r: RecordView<'_>) -> bool {
        self.0 ^= r.trace_id().map_or(0, |t| t.get() as u64) ^ r.run_id().map_or(0, |r| r.get() as u64);
        self.0 ^= r.segment_id().get() ^ r.segment_seq() ^ r.service().len() as u64;
        match r.body() {
            BodyView::Span(s) => {
                self.span(s);
                true
            }
            BodyView::SpanEnd(s) => {
                self.0 ^= s.span_id().get();
                self.end(s.end());
                self.attributes(s.attributes());
                false
            }
            BodyView::RunStart(r) => {
                self.0 ^= r.started_at() ^ r.name().len() as u64;
                self.attributes(r.attributes());
                true
            }
            BodyView::RunEnd(r) => {
                self.0 ^= r.ended_at();
                false
            }
            _ => false,
        }
    }
}

impl Sink for Count {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let begun: u64 = batch.iter().map(|record| u64::from(self.record(record))).sum();
        black_box(self.0);
        DELIVERED.fetch_add(begun, Relaxed);
        Ok(Receipt::default())
    }
}

pub(crate) fn install() -> Recorder {
    set_up(Sampler::always())
}

pub(crate) fn set_up(sampler: Sampler) -> Recorder {
    let b = Recorder::builder("bench").sink(Count::default()).sampler(sampler);
    b.interval(Duration::from_millis(10)).install().unwrap()
}

/// Both libraries deliver by their own thread every 10 ms: waited for, not asked for.
pub(crate) fn settle() {
    std::thread::sleep(Duration::from_millis(24))
}

pub(crate) fn recorded(go: impl FnMut(u64) + 'static) -> Work {
    Work { go: Box::new(go), settle: Box::new(settle), _keep: Box::new(install()) }
}

#[inline(always)]
pub(crate) fn child<const ATTRIBUTES: bool>(i: u64) -> observe::SpanBuilder {
    let s = observe::span("child");
    if !ATTRIBUTES {
        return s;
    }
    s.attribute("iter", i as i64)
        .attribute("kind", Value::Static("static-value"))
        .attribute("user", black_box(USER))
        .attribute("req", black_box(REQUEST))
}

pub(crate) fn tree<const ATTRIBUTES: bool>(n: u64) {
    observe::span("root").in_scope(|| {
        for i in 0..n {
            child::<ATTRIBUTES>(i).in_scope(|| {
                black_box(());
            })
        }
    })
}

/// A root and `n` children in scopes.
pub(crate) fn scopes(n: u64, attributes: bool) -> Work {
    let tree = if attributes { tree::<true> } else { tree::<false> };
    recorded(move |iterations| (0..iterations).for_each(|_| tree(n)))
}

/// The same with spans that are held.
pub(crate) fn opened(n: u64, attributes: bool) -> Work {
    fn tree<const ATTRIBUTES: bool>(n: u64) {
        observe::span("root").in_scope(|| {
            for i in 0..n {
                let s = child::<ATTRIBUTES>(i).open();
                black_box(&s);
                s.end()
            }
        })
    }
    let tree = if attributes { tree::<true> } else { tree::<false> };
    recorded(move |iterations| (0..iterations).for_each(|_| tree(n)))
}

/// A named run with nothing in it.
pub(crate) fn runs() -> Work {
    recorded(|iterations| (0..iterations).for_each(|_| observe::run("run").in_scope(|| ())))
}

/// A trace of one span.
pub(crate) fn roots() -> Work {
    recorded(|iterations| (0..iterations).for_each(|_| observe::span("root").in_scope(|| ())))
}

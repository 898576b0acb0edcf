//! What the assembler knows of spans whose end has not come: bounded.

use crate::otlp::model::{Event, KeyValue, Link, Span};
use spanbridge::{RunId, SpanId, TraceId};
use std::collections::{HashMap, VecDeque};

/// Names a span.
pub(super) type Key = (TraceId, SpanId);

/// One span takes up this part of the room. Otherwise one that is open for long and has many events costs all others.
const SHARES: usize = 16;

/// Spans that have begun and not ended.
pub(super) struct OpenSpans {
    spans: HashMap<Key, Open>,
    /// In order of start; with spans that are not there any more.
    order: VecDeque<(Key, u64)>,
    bytes: usize,
    limit: usize,
    next: u64,
    pub(super) evicted: u64,
}

struct Open {
    run: RunId,
    span: Span<'static>,
    bytes: usize,
    number: u64,
}

impl OpenSpans {
    pub(super) fn new(limit: usize) -> Self {
        let (spans, order) = (HashMap::new(), VecDeque::new());
        OpenSpans { spans, order, bytes: 0, limit, next: 0, evicted: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Span<'static>> {
        self.spans.get(key).map(|open| &open.span)
    }

    /// Keeps a span. The oldest give way to it.
    pub(super) fn insert(&mut self, key: Key, run: RunId, mut span: Span<'static>) {
        self.remove(&key); // it began twice
        self.next += 1;
        cut(&mut span, self.limit / SHARES);
        let bytes = span.size();
        self.bytes += bytes;
        self.spans.insert(key, Open { run, span, bytes, number: self.next });
        self.order.push_back((key, self.next));
        self.make_room();
        if self.order.len() > 2 * self.spans.len() + 64 {
            let Self { order, spans, .. } = self;
            order.retain(|(key, number)| spans.get(key).is_some_and(|open| open.number == *number));
        }
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<(RunId, Span<'static>)> {
        let open = self.spans.remove(key)?;
        self.bytes -= open.bytes;
        Some((open.run, open.span))
    }

    /// Takes out all spans, in order of start.
    pub(super) fn take_all(&mut self) -> Vec<(RunId, Span<'static>)> {
        let mut all: Vec<Open> = std::mem::take(&mut self.spans).into_values().collect();
        all.sort_by_key(|open| open.number);
        self.order.clear();
        self.bytes = 0;
        all.into_iter().map(|open| (open.run, open.span)).collect()
    }

    /// Changes a span, if it is there.
    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(Span<'static>) -> Span<'static>) {
        let Some(mut open) = self.spans.remove(key) else { return };
        open.span = change(open.span);
        cut(&mut open.span, self.limit / SHARES);
        self.bytes -= open.bytes;
        open.bytes = open.span.size();
        self.bytes += open.bytes;
        self.spans.insert(*key, open);
        self.make_room();
    }

    /// The oldest give way.
    fn make_room(&mut self) {
        while self.bytes > self.limit {
            let Some((key, number)) = self.order.pop_front() else { return };
            if self.spans.get(&key).is_some_and(|open| open.number == number) {
                self.remove(&key);
                self.evicted += 1;
            }
        }
    }
}

/// Leaves out the last events, links and attributes of a span, until it fits, and counts them.
fn cut(span: &mut Span<'_>, max: usize) {
    let mut over = span.size().saturating_sub(max);
    drop_last(&mut span.events, &mut span.dropped_events, &mut over, Event::size);
    drop_last(&mut span.links, &mut span.dropped_links, &mut over, Link::size);
    drop_last(&mut span.attributes, &mut span.dropped_attributes, &mut over, KeyValue::size);
}

fn drop_last<T>(list: &mut Vec<T>, dropped: &mut u32, over: &mut usize, size: impl Fn(&T) -> usize) {
    while *over > 0 {
        let Some(last) = list.pop() else { return };
        *over = over.saturating_sub(size(&last));
        *dropped = dropped.saturating_add(1);
    }
}

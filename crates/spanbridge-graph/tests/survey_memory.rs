//! What a summary of a very large run takes on the heap: a fixed number of bytes for each span while the run is read, and a result
//! that does not grow with the run.

use spanbridge::record::{AttributeValue, Attributes, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_graph::{Graph, GraphLimit, Survey};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, with an eye on how much there is.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator. (Growing allocates anew, so that both sizes count.)
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller promises what the system's allocator needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A span with a text of 1,000 bytes: what is kept of it does not depend on that.
fn record(n: u64) -> Record<'static> {
    let id = |n: u64| SpanId::new(n);
    let end = End::new(1_000 + n, if n % 1_000 == 7 { Status::Error } else { Status::Ok });
    let text: AttributeValue<'static> = AttributeValue::Str("x".repeat(1_000).into());
    let attributes: Attributes<'static> = [("text".into(), text)].into_iter().collect();
    let parent = if n == 1 { None } else { id(n / 100 + 1).filter(|parent| parent.get() != n) };
    let start = SpanData::new(id(n).unwrap(), format!("step {}", n % 5), n).with_parent_span_id(parent);
    let start = start.with_end(Some(end)).with_attributes(attributes);
    let run = RunId::new(1 << 100);
    Record::new(SegmentId::new(1).unwrap(), n, "shop", start).of_run(run, TraceId::new(1 << 100))
}

fn summary(spans: u64) -> Graph {
    let mut survey = Survey::new(RunId::new(1 << 100).unwrap());
    (1..=spans).for_each(|n| survey.add(&record(n)));
    let mut selection = survey.select(&GraphLimit::default().shown(200));
    (1..=spans).for_each(|n| selection.add(&record(n)));
    selection.graph()
}

/// The peak of some work, and what is left of it, in bytes.
fn measured(spans: u64) -> (usize, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let graph = summary(spans);
    assert_eq!(graph.left_out.as_ref().unwrap().spans, spans);
    (PEAK.load(Relaxed) - before, NOW.load(Relaxed) - before)
}

/// Memory grows by a few words for each span, whatever the span has; whole, each span would take more than 1,000 bytes. The result
/// does not grow.
#[test]
fn memory_grows_by_a_few_words_a_span() {
    let (few, few_left) = measured(20_000);
    let (many, many_left) = measured(120_000);
    let a_span = (many - few) / 100_000;
    // While a list grows, the old one and the new one count.
    assert!(a_span < 300, "{a_span} bytes a span");
    assert!(many_left < 2 * few_left && many_left < 3_000_000, "{few_left} and {many_left} bytes are left");
}

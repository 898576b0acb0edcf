//! What may be sent to other threads and kept: promised, so a change is noticed.

use spanbridge::observe::{self, ActiveSpan, InSpan, Run, RunBuilder, Span, SpanBuilder, WithContext};
use spanbridge::{Context, ContextExt, Kind, Primitive, RunId, SpanId, Status, TraceId, Value};
use std::future::{Pending, Ready};
use std::panic::{RefUnwindSafe, UnwindSafe};

const fn all<T: Send + Sync + 'static>() {}
const fn unwind<T: UnwindSafe + RefUnwindSafe>() {}

const _: () = {
    all::<Context>();
    all::<Span>();
    all::<ActiveSpan>();
    all::<Run>();
    all::<RunBuilder<'static>>();
    all::<InSpan<Ready<()>>>();
    all::<WithContext<Pending<()>>>();
    all::<(TraceId, RunId, SpanId, Primitive, Kind, Status, Value<'static>)>();
    unwind::<Context>();
    unwind::<(TraceId, RunId, SpanId)>();
};

#[cfg(feature = "record")]
const _: () = {
    use spanbridge::record::Record;
    use spanbridge::{Flush, InstallError, Memory, RecordBatch, Recorder, RecorderBuilder, Report, Sampler, SinkError};
    const fn send<T: Send + 'static>() {}
    all::<Recorder>();
    all::<Flush>();
    all::<Report>();
    all::<Memory>();
    all::<RecordBatch>();
    all::<Record<'static>>();
    all::<Sampler>();
    all::<InstallError>();
    all::<SinkError>();
    send::<RecorderBuilder>();
};

/// Answers `false` for what is `Send`, by the method that is found first.
trait Otherwise {
    fn is_not_send(&self) -> bool {
        true
    }
}
struct Asked<T>(std::marker::PhantomData<T>);
impl<T> Otherwise for &Asked<T> {}
impl<T: Send> Asked<T> {
    fn is_not_send(&self) -> bool {
        false
    }
}

/// It writes to the thread's own buffer.
#[test]
fn a_builder_stays_on_its_thread() {
    assert!((&Asked::<SpanBuilder>(std::marker::PhantomData)).is_not_send());
    assert!(!Asked::<Span>(std::marker::PhantomData).is_not_send());
}

/// A wrapper is `Send` if what it wraps is, and a future that holds spans over an await may be spawned.
#[test]
fn futures_that_hold_spans_can_be_spawned() {
    fn spawnable<F: Future<Output = ()> + Send + 'static>(_: F) {}
    spawnable(async {
        let held = observe::span("held").open();
        observe::span("s").attribute("k", 1).run(async || {}).await;
        held.with_context(|| std::future::ready(())).await;
        observe::run("r").run(|| std::future::ready(())).in_current_context().await;
        held.end();
    });
}

#[test]
fn sizes_are_small() {
    assert_eq!(size_of::<Context>(), 16);
    assert_eq!(size_of::<WithContext<[u64; 2]>>(), 32);
    assert!(size_of::<Span>() <= 56, "{}", size_of::<Span>());
}

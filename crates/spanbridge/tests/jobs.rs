//! Ten thousand jobs on one runtime: every span under its own parent, none under a neighbour's.
#![cfg(feature = "record")]

mod support;

use futures_util::{StreamExt, stream};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, ContextExt, SpanId, TraceId, observe};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::*;
use tokio::task::yield_now;

/// What each span must be found under: by its id, the parent, the trace and the job.
type Expected = Arc<Mutex<HashMap<SpanId, (SpanId, TraceId, u64)>>>;

/// The one job that a task works on; asked at every step what is current.
#[derive(Clone)]
struct Job {
    n: u64,
    trace: TraceId,
    expected: Expected,
}

impl Job {
    /// Opens a span under `parent` and runs `body` inside it; both are told which span they are in.
    async fn span<F: Future<Output = ()>>(&self, name: &'static str, parent: SpanId, body: impl FnOnce(SpanId) -> F) {
        self.check(parent);
        let inside = {
            let builder = observe::span(name).attribute("job", self.n);
            let id = builder.id().unwrap();
            self.expected.lock().unwrap().insert(id, (parent, self.trace, self.n));
            builder.run(|| body(id))
        };
        inside.await;
        self.check(parent)
    }

    async fn steps(&self, parent: SpanId, n: usize) {
        for _ in 0..n {
            self.span("step", parent, |id| self.rest(id)).await
        }
    }

    async fn rest(&self, here: SpanId) {
        yield_now().await;
        self.check(here)
    }

    #[track_caller]
    fn check(&self, here: SpanId) {
        let cx = observe::current_context();
        assert_eq!((cx.trace_id(), cx.span_id()), (Some(self.trace), Some(here)), "job {}", self.n)
    }

    /// Nested spans, two at once, one that loses a race, one on another task, one that runs out of time.
    async fn work(self, root: SpanId) {
        self.span("process", root, |process| {
            let job = self.clone();
            async move {
                tokio::join!(job.steps(process, 2), job.span("beside", process, |id| job.steps(id, 2)));
                tokio::select! {
                    () = job.span("raced", process, |id| job.steps(id, 40)) => {}
                    () = job.steps(process, 1) => {}
                }
                let other = job.clone();
                let spawned = async move { other.span("spawned", process, |id| other.steps(id, 2)).await };
                let spawned = tokio::spawn(spawned.in_current_context());
                if job.n % 3 == 0 {
                    let _ = tokio::time::timeout(Duration::ZERO, job.span("timed out", process, |id| job.steps(id, 9)))
                        .await;
                }
                if job.n % 5 == 0 {
                    spawned.abort()
                }
                let _ = spawned.await;
                let other = job.clone();
                let blocking = observe::bind(move || other.check(process));
                if job.n % 7 == 0 {
                    tokio::task::spawn_blocking(blocking).await.unwrap()
                }
                job.check(process)
            }
        })
        .await
    }
}

#[test]
fn ten_thousand_jobs() {
    let n = size(10_000, 8);
    let (recorder, memory) = with(|b| b.interval(Duration::from_millis(20)).memory_limit(1 << 30));
    let expected = Expected::default();
    let receive = |n: u64| {
        let trace_id = TraceId::new(u128::from(n) + 1).unwrap();
        let span_id = SpanId::new(n + 1).unwrap();
        let parent = TraceParent { trace_id, span_id, flags: 1 };
        let cx = Context::remote(parent, None, TraceState::new(), Baggage::new());
        let job = Job { n, trace: trace_id, expected: expected.clone() };
        tokio::spawn(job.work(span_id).in_context(cx))
    };
    let all_jobs = async {
        let mut jobs = stream::iter(0..n).map(receive).buffer_unordered(64);
        while let Some(done) = jobs.next().await {
            done.unwrap();
            assert!(observe::current_context().is_empty())
        }
    };
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    rt.block_on(recorder.scope(|| all_jobs));
    drop(rt);
    let report = flush(&recorder);
    assert_eq!((report.dropped, report.cut, report.sinks[0].dropped), (0, 0, 0));
    let records = memory.take();
    gap_free(&records);
    let (all, expected) = (spans(&records), expected.lock().unwrap());
    assert_eq!(all.len(), expected.len());
    for s in &all {
        let (parent, trace, job) = expected[&s.id];
        assert_eq!((s.parent, s.trace), (Some(parent), trace), "{s:?}");
        assert_eq!(s.attributes, [("job".to_owned(), job.to_string())]);
        assert!(s.status.is_some(), "{s:?}");
    }
    let count = |name| all.iter().filter(|s| s.name == name).count() as u64;
    assert_eq!((count("process"), count("beside"), count("raced")), (n, n, n));
    assert_eq!(count("timed out"), n.div_ceil(3));
}

//! Recording a block, and the settings for it.

use super::recorded::Recorded;
use spanbridge::adapter::StandIn;
use spanbridge::{Memory, Recorder, Sampler};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A recorder that delivers to memory needs milliseconds. On a machine that is busy with other tests, it may be kept waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records what `work` does.
///
/// # Panics
/// As [`RecordOptions::record`].
pub fn record<R>(work: impl FnOnce() -> R) -> Recorded<R> {
    RecordOptions::new().record(work)
}

/// Records what `work` and the future that it makes do. This is [`record`] for async code:
///
/// ```
/// use spanbridge::observe;
/// use spanbridge_graph::testing;
///
/// async fn ship(order: u32) -> Result<u32, std::fmt::Error> {
///     observe::span("ship").run(|| async { Ok(order + 1) }).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let recorded = testing::record_async(|| ship(1)).await;
/// assert_eq!((recorded.tree().as_str(), recorded.output), ("ship\n", Ok(2)));
/// # }
/// ```
///
/// # Panics
/// As [`RecordOptions::record`].
pub async fn record_async<F: Future>(work: impl FnOnce() -> F) -> Recorded<F::Output> {
    RecordOptions::new().record_async(work).await
}

/// The settings of a recording.
///
/// ```
/// use spanbridge::observe;
/// use spanbridge_graph::testing::RecordOptions;
///
/// let recorded = RecordOptions::new().show(["order.item", "order.note"]).record(|| {
///     observe::span("pack").attribute("order.item", 3).attribute("order.note", "a gift").in_scope(|| ())
/// });
/// assert_eq!(recorded.tree(), "pack order.item=3 order.note=\"a gift\"\n");
/// ```
#[derive(Clone)]
#[must_use = "nothing is recorded before `record` or `record_async`"]
pub struct RecordOptions {
    service: String,
    shown: Vec<String>,
    sorted: bool,
    sampler: Sampler,
    stand_in: Option<Arc<dyn StandIn>>,
}

impl Default for RecordOptions {
    fn default() -> Self {
        RecordOptions {
            service: "test".to_owned(),
            shown: Vec::new(),
            sorted: false,
            sampler: Sampler::default(),
            stand_in: None,
        }
    }
}

impl RecordOptions {
    /// Every span is recorded, no attribute is shown, and the service is `test`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The service that records. Default: `test`.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Shows these attributes in [`Recorded::tree`], in this order, on every span and run that has them. More calls add to the list.
    ///
    /// `error.type` is the class of an error, also where only the end of the span says it.
    pub fn show(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.shown.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Orders siblings in [`Recorded::tree`] by their text rather than by start, so that work that runs at the same time has
    /// one text.
    pub fn sort_siblings(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// Which traces are recorded. Default: all.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Has this one answer calls instead of the outside: see [`StandIn`].
    pub fn stand_in(mut self, stand_in: Arc<dyn StandIn>) -> Self {
        self.stand_in = Some(stand_in);
        self
    }

    /// Records what `work` does.
    ///
    /// # Panics
    /// If `work` does. If the records do not fit into the memory of a recorder (64 MiB), since a test that looks at a part of
    /// them would show nothing. If the operating system refuses a thread.
    pub fn record<R>(self, work: impl FnOnce() -> R) -> Recorded<R> {
        let (recorder, memory) = self.begin();
        let output = recorder.in_scope(work);
        self.end(recorder, &memory, output)
    }

    /// Records what `work` and the future that it makes do. The future runs wherever the returned one is polled. When it is
    /// done, the thread is blocked for about a millisecond, until the records are there.
    ///
    /// # Panics
    /// As [`RecordOptions::record`].
    pub async fn record_async<F: Future>(self, work: impl FnOnce() -> F) -> Recorded<F::Output> {
        let (recorder, memory) = self.begin();
        let output = recorder.scope(work).await;
        self.end(recorder, &memory, output)
    }

    /// A recorder that delivers only at the end, or when the block asks for it, so that most spans are one record.
    fn begin(&self) -> (Recorder, Memory) {
        let memory = Memory::new();
        let recorder = Recorder::builder(self.service.clone()).sampler(self.sampler.clone());
        let recorder = match &self.stand_in {
            Some(stand_in) => recorder.stand_in(stand_in.clone()),
            None => recorder,
        };
        let recorder = recorder.sink(memory.clone()).on_flush_only().build();
        (recorder.unwrap_or_else(|error| panic!("failed to begin the recording: {error}")), memory)
    }

    fn end<R>(self, recorder: Recorder, memory: &Memory, output: R) -> Recorded<R> {
        let report = recorder.shutdown(PATIENCE);
        assert!(report.complete && report.dropped == 0, "failed to record everything: {report:?}");
        Recorded::new(output, memory.take(), self.shown, self.sorted)
    }
}

impl fmt::Debug for RecordOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordOptions").field("service", &self.service).finish_non_exhaustive()
    }
}

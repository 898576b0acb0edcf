//! Setting a recorder up, and holding it.

use super::deliver::Delivery;
use super::global::FlushHandle;
use super::outlet::Outlet;
use super::report::{Flush, Totals, lock};
use super::sink::Sink;
use crate::context::intake::{self, Intake};
use crate::current::{self, WithContext};
use crate::cut::{MAX_TEXT, cut};
use crate::encoder::{self, clock};
use crate::record::AttributeValue;
use crate::record::packed::Source;
use crate::recorder::summary::Report;
use crate::{Context, Sampler, fork, panics};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a recorder that is dropped waits for its sinks.
const ON_DROP: Duration = Duration::from_secs(5);

/// Records what happens and delivers it to sinks. This is the handle: dropped, it flushes for at most five seconds and
/// shuts down. So keep it for as long as you record, in `main` as a rule:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # fn main() -> Result<(), spanbridge::InstallError> {
/// spanbridge::Recorder::builder("orders").sink(spanbridge::Memory::new()).install()?; // `let recorder = …`
/// # Ok(()) }
/// ```
#[must_use = "dropped at once it shuts down, and nothing is recorded: keep it, as in `let recorder = …`"]
pub struct Recorder {
    intake: Arc<Intake>,
    flush_handle: Arc<FlushHandle>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A recorder that is being set up.
#[must_use = "a recorder begins with `install` or `build`"]
pub struct RecorderBuilder {
    service: String,
    resource: Vec<(Cow<'static, str>, AttributeValue<'static>)>,
    sinks: Vec<Box<dyn Sink>>,
    memory: usize,
    interval: Option<Duration>,
    sampler: Sampler,
}

/// Why a recorder could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// Another one is installed, and still works.
    AlreadyInstalled,
    /// It has no sink: what it records would go nowhere.
    NoSink,
    /// The system gave no thread.
    Thread(std::io::Error),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstallError::AlreadyInstalled => f.write_str("install a recorder: one is installed already"),
            InstallError::NoSink => f.write_str("install a recorder: it has no sink, so its records would go nowhere"),
            InstallError::Thread(_) => f.write_str("install a recorder: the system gave no thread"),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InstallError::AlreadyInstalled | InstallError::NoSink => None,
            InstallError::Thread(e) => Some(e),
        }
    }
}

impl RecorderBuilder {
    /// Adds a sink. Each works on a thread of its own, at its own pace.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Adds an attribute of the resource: what every segment says of this process, in 4 KiB at most. `service.name`, `process.pid` and
    /// `host.name` (where the system tells) are there already.
    pub fn resource(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), text_value(&value.into()));
        self.resource.retain(|(k, _)| *k != key);
        self.resource.push((key, value));
        self
    }

    /// The most memory that is used for records on their way, in bytes; 64 MiB where nothing is said. Half of it is for
    /// what threads record, half for batches that wait for sinks. Threads record into 32 GiB at most.
    ///
    /// Every thread that has recorded holds 32 KiB of the first half for as long as it lives, so 64 MiB are enough for
    /// about 950 threads at a time. What threads beyond those record is dropped and counted: with more of them, give
    /// 64 KiB for each and as much again for what they record at once.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// How often records are delivered; every 200 ms where nothing is said. At least once a millisecond is not.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Delivers only when a flush asks for it. For tests that want to know what is delivered when.
    pub fn on_flush_only(mut self) -> Self {
        self.interval = None;
        self
    }

    /// Which traces are recorded; all of them where nothing is said.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Sets the recorder up for the whole process.
    ///
    /// # Errors
    /// When another one is installed, when it has no sink, or when the system gives no thread.
    pub fn install(self) -> Result<Recorder, InstallError> {
        if intake::is_taken() {
            return Err(InstallError::AlreadyInstalled); // before there are threads, and sinks do anything
        }
        let mut recorder = self.build()?;
        if intake::install(&recorder.intake) {
            return Ok(recorder);
        }
        // Somebody was faster. Nothing was recorded, so there is nothing to wait for.
        recorder.stop(Duration::ZERO);
        Err(InstallError::AlreadyInstalled)
    }

    /// Sets the recorder up without installing it: it records what runs in its scope ([`Recorder::scope`]), so that
    /// tests can run side by side.
    ///
    /// # Errors
    /// When it has no sink, or when the system gives no thread.
    pub fn build(self) -> Result<Recorder, InstallError> {
        if self.sinks.is_empty() {
            return Err(InstallError::NoSink);
        }
        encoder::watch_forks(); // first: a fork waits for what begins here
        clock::init();
        panics::listen();
        let intake = Arc::new(Intake::new(self.memory / 2, self.sampler));
        let source = Source { instance: encoder::new_id(), service: self.service, resource: self.resource };
        let share = self.memory / 2 / self.sinks.len().max(1);
        let outlets = self.sinks.into_iter().map(|s| Outlet::start(s, share, intake.clone()));
        let mut outlets = outlets.collect::<Result<Vec<_>, _>>().map_err(InstallError::Thread)?;
        let tallies = outlets.iter().map(|o| o.tally.clone()).collect();
        let totals = Arc::new(Totals { sinks: tallies, forks: fork::forks(), ..Totals::default() });
        let delivery = Delivery::new(
            intake.clone(),
            Arc::new(source),
            totals.clone(),
            std::mem::take(&mut outlets),
            self.interval,
        );
        let flush_handle = Arc::new(FlushHandle { requests: delivery.requests.clone(), totals });
        let thread = std::thread::Builder::new()
            .name("spanbridge".to_owned())
            .spawn(move || delivery.run())
            .map_err(InstallError::Thread)?;
        intake.set_thread(thread.thread().clone());
        intake.set_desk(flush_handle.clone());
        Ok(Recorder { intake, flush_handle, thread: Some(thread) })
    }
}

impl Recorder {
    /// Begins to set a recorder up. `service` is this service's name, as in OpenTelemetry's `service.name`; every record says it,
    /// in 4 KiB at most.
    pub fn builder(service: impl Into<String>) -> RecorderBuilder {
        let service = cut(&service.into(), MAX_TEXT).to_owned();
        let mut resource = vec![
            (Cow::Borrowed("service.name"), text_value(&service)),
            (Cow::Borrowed("process.pid"), AttributeValue::I64(i64::from(std::process::id()))),
        ];
        resource.extend(host_name().map(|h| (Cow::Borrowed("host.name"), text_value(&h))));
        RecorderBuilder {
            service,
            resource,
            sinks: vec![],
            memory: 64 << 20,
            interval: Some(Duration::from_millis(200)),
            sampler: Sampler::default(),
        }
    }

    /// A context that names this recorder and nothing else: under it, this recorder is the one in effect.
    fn root(&self) -> Context {
        let mut shared = Context::blank(0, 0, 0);
        shared.intake = Some(self.intake.clone());
        Context::from_shared(shared, 0, false)
    }

    /// Calls `work`, and returns the future that it makes; both are recorded by this recorder rather than by the installed one.
    /// Tasks that it spawns do not inherit this: give them their context along, as always.
    pub fn scope<F, Fut>(&self, work: F) -> WithContext<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        WithContext::made(self.root(), work)
    }

    /// Calls `f`, recorded by this recorder rather than the installed one.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        current::in_scope(&self.root(), f)
    }

    /// What became of all records that were looked at until now. `complete` says that nothing waits for a sink and that
    /// nothing was dropped since the recorder began; what threads have recorded since the last delivery is not counted
    /// yet, so only a flush can tell of everything.
    pub fn report(&self) -> Report {
        let report = self.flush_handle.totals.report(true);
        let complete = report.dropped == 0 && report.sinks.iter().all(|s| s.left == 0 && s.dropped == 0);
        Report { complete, ..report }
    }

    /// The memory that recording threads have taken, in bytes.
    #[doc(hidden)]
    pub fn memory(&self) -> usize {
        self.intake.pool.made() * size_of::<crate::buffer::Chunk>()
    }

    /// Delivers everything that was recorded until now, and resolves when every sink has it, or after `within`.
    pub fn flush(&self, within: Duration) -> Flush {
        self.flush_handle.flush(&self.intake, within)
    }

    /// As [`Recorder::flush`], blocking this thread.
    pub fn flush_blocking(&self, within: Duration) -> Report {
        self.flush(within).wait()
    }

    /// Delivers everything that was recorded until now, spans that are open as such, and ends: nothing is recorded
    /// afterwards. Returns when every sink has it, or after `within`.
    pub fn shutdown(mut self, within: Duration) -> Report {
        self.stop(within)
    }

    fn stop(&mut self, within: Duration) -> Report {
        let Some(thread) = self.thread.take() else { return self.report() };
        intake::uninstall(&self.intake);
        let ticket = self.flush_handle.ticket(within);
        if self.intake.is_forked() {
            std::mem::forget(thread); // there is none here
            return self.flush_handle.totals.report(false);
        }
        self.intake.turn_off();
        {
            let mut requests = lock(&self.flush_handle.requests);
            requests.stop = Some(ticket.clone());
            if requests.over {
                ticket.finish(false)
            }
        }
        self.intake.unpark();
        let complete = ticket.wait();
        if ticket.is_done() {
            thread.join().err().into_iter().for_each(panics::discard) // it ends by the deadline, too
        }
        self.flush_handle.totals.report(complete)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop(ON_DROP);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("report", &self.report()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RecorderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecorderBuilder").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Every segment says it, so it is bounded like other text.
fn text_value(text: &str) -> AttributeValue<'static> {
    AttributeValue::Str(Cow::Owned(cut(text, MAX_TEXT).to_owned()))
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

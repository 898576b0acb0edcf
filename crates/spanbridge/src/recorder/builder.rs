//! Setting a recorder up.

use super::deliver::Delivery;
use super::global::FlushHandle;
use super::handle::Recorder;
use super::install_error::InstallError;
use super::outlet::Outlet;
use super::report::Totals;
use super::sink::Sink;
use crate::context::intake::{self, Intake};
use crate::cut::{MAX_TEXT, cut};
use crate::encoder::{self, clock};
use crate::messaging::{CaptureMode, CapturePolicy};
use crate::record::AttributeValue;
use crate::record::packed::Source;
use crate::stand_in::StandIn;
use crate::{Sampler, fork, panics};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A recorder that is being set up.
#[must_use = "a recorder begins with `install` or `build`"]
pub struct RecorderBuilder {
    service: String,
    resource: Vec<(Cow<'static, str>, AttributeValue<'static>)>,
    sinks: Vec<Box<dyn Sink>>,
    memory: usize,
    interval: Option<Duration>,
    sampler: Sampler,
    /// What the application chose, if it did.
    content: Option<CapturePolicy>,
    /// What counts if it did not.
    default_content: CapturePolicy,
    stand_in: Option<Arc<dyn StandIn>>,
}

impl RecorderBuilder {
    /// Adds a sink. Each sink works on a thread of its own, at its own pace.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Adds an attribute of the resource, which describes this process in every segment. A value is cut at 4 KiB.
    /// `service.name`, `process.pid` and, if known, `host.name` are there already.
    pub fn resource(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), text_value(&value.into()));
        self.resource.retain(|(k, _)| *k != key);
        self.resource.push((key, value));
        self
    }

    /// Maximum memory for records that are not delivered yet, in bytes. Default: 64 MiB. Half of it is for what threads
    /// record (32 GiB at most), half for batches that wait for sinks. Of the second half, payloads of more than 4 KiB that are recorded
    /// [whole](CaptureMode::Whole) may take up a quarter before they are in a batch.
    ///
    /// Every thread that has recorded holds 32 KiB of the first half until it ends, so 64 MiB are enough for about 950
    /// threads at a time. What further threads record is dropped and counted. If you have more, allow 64 KiB for each, and
    /// as much again for what they record at once.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// How often records are delivered. Default: every 200 ms. Minimum: 1 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Delivers only when a flush asks for it, for tests.
    pub fn on_flush_only(mut self) -> Self {
        self.interval = None;
        self
    }

    /// Which traces are recorded. Default: all.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// What is recorded of content that the spans of agents offer by [`agent::content`](crate::agent::content): messages to
    /// and from models, arguments and results of tools, queries and documents. Default: [`CaptureMode::Off`], which records
    /// nothing of them.
    ///
    /// With [`Reference`](CaptureMode::Reference), the size, and a hash if you ask for it. With
    /// [`Inline`](CaptureMode::Inline) or [`Whole`](CaptureMode::Whole), the text. Your redaction hook sees it before it is recorded.
    pub fn content(mut self, capture: impl Into<CapturePolicy>) -> Self {
        self.content = Some(capture.into());
        self
    }

    /// What counts unless [`content`](Self::content) is called, before or after.
    #[doc(hidden)] // for exporters, which are told what may leave
    pub fn default_content(mut self, capture: impl Into<CapturePolicy>) -> Self {
        self.default_content = capture.into();
        self
    }

    /// Has this one answer what spans of this recorder call outside: for a replay. What is received is no longer taken to be part
    /// of the run that its headers name: trace, run and parent are what is current where it is received. Baggage is taken as ever.
    ///
    /// Spans take longer with a stand-in, which is told of each. Calls of clients that no adapter wraps are made all the same.
    pub fn stand_in(mut self, stand_in: Arc<dyn StandIn>) -> Self {
        self.stand_in = Some(stand_in);
        self
    }

    /// Sets the recorder up for the whole process.
    ///
    /// # Errors
    /// If another recorder is installed, if this one has no sink, or if the operating system refuses a thread.
    pub fn install(self) -> Result<Recorder, InstallError> {
        if intake::is_taken() {
            return Err(InstallError::AlreadyInstalled); // before there are threads, and sinks do anything
        }
        let recorder = self.build()?;
        if intake::install(recorder.intake()) {
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
    /// If it has no sink, or if the operating system refuses a thread.
    pub fn build(self) -> Result<Recorder, InstallError> {
        if self.sinks.is_empty() {
            return Err(InstallError::NoSink);
        }
        encoder::watch_forks(); // first: a fork waits for what begins here
        clock::init();
        panics::listen();
        let mut intake = Intake::new(self.memory / 2, self.sampler);
        if let Some(stand_in) = self.stand_in {
            intake.set_stand_in(stand_in)
        }
        let intake = Arc::new(intake);
        let content = self.content.unwrap_or(self.default_content);
        if content.tells_size() {
            intake.set_content(content)
        }
        let source = Source { instance: encoder::new_id(), service: self.service, resource: self.resource };
        let sinks = self.sinks.len();
        let outlets = self.sinks.into_iter().map(|s| Outlet::start(s, self.memory / 2, sinks, intake.clone()));
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
        Ok(Recorder::new(intake, flush_handle, thread))
    }
}

impl Recorder {
    /// Begins to set a recorder up. `service` is this service's name, OpenTelemetry's `service.name`, which every record
    /// names. It is cut at 4 KiB. To let the environment decide, see [`Environment`](crate::Environment).
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
            content: None,
            default_content: CaptureMode::Off.into(),
            stand_in: None,
        }
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

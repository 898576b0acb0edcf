//! Exporters that misbehave.

use opentelemetry_0_33::global;
use opentelemetry_0_33::trace::Tracer as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What an exporter does with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Takes,
    Fails,
    Panics,
    /// Its future never ends.
    Hangs,
    /// It blocks the thread for ever.
    Blocks,
    /// It needs tokio.
    Spawns,
    /// It has a span of its own, of the global provider.
    Traces,
    /// It takes spans, and cannot flush them.
    KeepsThem,
}

/// An exporter that keeps what it is given, and does one thing after another.
#[derive(Clone, Debug)]
pub(crate) struct Scripted(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) script: Vec<Does>,
    /// The sizes of batches.
    pub(crate) batches: Vec<usize>,
    pub(crate) taken: Vec<SpanData>,
    pub(crate) resource: Option<Resource>,
    pub(crate) resources: usize,
    pub(crate) flushes: usize,
    pub(crate) is_shut_down: bool,
}

impl Scripted {
    /// What it does, again and again.
    pub(crate) fn new(script: &[Does]) -> Self {
        Scripted(Arc::new(Mutex::new(State { script: script.to_vec(), ..State::default() })))
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn taken(&self) -> usize {
        self.with(|state| state.taken.len())
    }
}

impl SpanExporter for Scripted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let does = self.with(|state| {
            let does = state.script[state.batches.len() % state.script.len()];
            state.batches.push(batch.len());
            does
        });
        match does {
            Does::Takes | Does::KeepsThem => {}
            Does::Fails => return Err(OTelSdkError::InternalFailure("out of paper".to_owned())),
            Does::Panics => panic!("on purpose"),
            Does::Hangs => std::future::pending().await,
            Does::Blocks => loop {
                std::thread::park()
            },
            Does::Traces => global::tracer("exporter").in_span("its own", |_| ()),
            Does::Spawns => tokio::spawn(tokio::task::yield_now()).await.unwrap(),
        }
        self.with(|state| state.taken.extend(batch));
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.with(|state| state.is_shut_down = true);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.with(|state| {
            state.flushes += 1;
            match state.script[..] {
                [Does::KeepsThem] => Err(OTelSdkError::InternalFailure("out of ink".to_owned())),
                _ => Ok(()),
            }
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.with(|state| (state.resource, state.resources) = (Some(resource.clone()), state.resources + 1));
    }
}

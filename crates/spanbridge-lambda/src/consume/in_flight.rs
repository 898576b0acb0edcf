//! Invocations while they are in progress.

use super::headers::Repairs;
use super::invocation::Invocation;
use super::settings::Settings;
use super::watchdog;
use crate::event::{Event, InvocationMetadata};
use bytes::Bytes;
use std::ops::Deref;
use std::sync::Arc;

/// An invocation in progress, which the watchdog knows. When this is dropped, spans that are still open are cancelled.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Invocation>);

impl InFlight {
    /// Begins an invocation.
    pub(super) fn begin(
        context: &lambda_runtime::Context,
        event: Event,
        payload: &Bytes,
        repairs: &Repairs,
        settings: &Settings,
    ) -> Self {
        let invocation = Arc::new(Invocation::begin(context, event, payload, repairs, settings));
        watchdog::watch(&invocation);
        let this = InFlight(invocation);
        this.capture_event(context, payload);
        this
    }

    /// Begins an invocation of which only the metadata is known.
    pub(super) fn begin_without_event(context: &lambda_runtime::Context) -> Self {
        let payload = Bytes::from_static(b"null");
        let (event, _) = Event::read(&payload, InvocationMetadata::from(context));
        InFlight::begin(context, event, &payload, &Repairs::default(), &Settings::default())
    }
}

impl Deref for InFlight {
    type Target = Arc<Invocation>;

    fn deref(&self) -> &Arc<Invocation> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        watchdog::forget(&self.0);
        self.0.cancel()
    }
}

#[cfg(test)]
mod tests {
    use super::super::invocation::End;
    use super::*;
    use crate::{CaptureMode, CapturePolicy, Part, PartKind, ReceiveOptions};
    use spanbridge::messaging::Relation;
    use spanbridge::record::Body;
    use spanbridge::{Memory, Recorder};
    use std::convert::Infallible;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::{Duration, SystemTime};

    /// A function that only chooses the relation cannot stop an invocation: that of all counts.
    #[test]
    fn a_relation_that_panics_stops_nothing() {
        let receive = ReceiveOptions::new().relation(Relation::NewRun).relation_by(|_| panic!("no relation"));
        let settings = Settings { receive, ..Settings::default() };
        let context = lambda_runtime::Context::default();
        let payload = Bytes::from_static(b"{}");
        let (event, _) = Event::read(&payload, InvocationMetadata::from(&context));
        let memory = Memory::new();
        let recorder = Recorder::builder("test").sink(memory.clone()).build().unwrap();
        recorder.in_scope(|| drop(InFlight::begin(&context, event, &payload, &Repairs::default(), &settings)));
        recorder.flush_blocking(Duration::from_secs(10));
        assert!(memory.records().iter().any(|record| matches!(record.body, Body::RunStart(_))));
    }

    /// There is one watchdog for all invocations: a hook that takes long with an error text of one must not stop it.
    #[test]
    fn no_hook_holds_up_the_watchdog() {
        let (begun, has_begun) = channel();
        let (open, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let hook = move |part: &mut Part<'_>| {
            if part.kind() == PartKind::ErrorText {
                let _ = begun.send(());
                let _ = gate.lock().unwrap().recv();
            }
            Ok::<_, Infallible>(())
        };
        let receive = ReceiveOptions::new().capture(CapturePolicy::from(CaptureMode::Reference).redact(hook));
        let settings = Settings { receive, ..Settings::default() };
        let mut context = lambda_runtime::Context::default();
        context.deadline = (SystemTime::now() + Duration::from_millis(100))
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64;
        let payload = Bytes::from_static(b"null");
        let (event, _) = Event::read(&payload, InvocationMetadata::from(&context));
        let recorder = Recorder::builder("test").sink(Memory::new()).build().unwrap();
        let in_flight =
            recorder.in_scope(|| InFlight::begin(&context, event, &payload, &Repairs::default(), &settings));
        let invocation = || in_flight.0.clone();

        let ending = thread::spawn({
            let invocation = invocation();
            move || invocation.end(&End::Failed { message: "no".to_owned(), kind: "No".to_owned() })
        });
        has_begun.recv().unwrap();
        let (warned, has_warned) = channel();
        let watchdog = thread::spawn({
            let invocation = invocation();
            move || {
                invocation.warn();
                let _ = warned.send(());
            }
        });
        let has_warned = has_warned.recv_timeout(Duration::from_secs(60));
        drop(open);
        assert!(has_warned.is_ok(), "the watchdog waits for the hook");
        ending.join().unwrap();
        watchdog.join().unwrap();
    }
}

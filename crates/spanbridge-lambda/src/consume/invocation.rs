//! An invocation that is under way: its spans, and how they end.

use super::answer::Answer;
use super::deadline::Deadline;
use super::flush;
use super::settings::Settings;
use super::watchdog;
use crate::carrier::first_of;
use crate::describe::{self, About};
use crate::event::{Event, InvocationMetadata, request_headers};
use bytes::Bytes;
use serde::Serialize;
use spanbridge::carrier::Extraction;
use spanbridge::messaging::{CapturePolicy, MessageInfo, Received, Values, waited};
use spanbridge::observe::{self, ActiveSpan, Span};
use spanbridge::{Context, Failure, Outcome, Primitive, Value, semconv};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// An invocation, found by whoever has its [`lambda_runtime::Context`].
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) event: Event,
    pub(crate) settings: Settings,
    /// The event as the handler has it, where its records are to be captured.
    pub(crate) payload: Option<Bytes>,
    /// Inside the span that the handler runs in.
    context: Context,
    /// The span of the invocation, and the one around the work on a batch, until they have ended.
    spans: Mutex<Spans>,
    /// Somebody tells how the handler ends.
    claimed: AtomicBool,
    /// The watchdog has looked after it.
    pub(crate) warned: AtomicBool,
}

#[derive(Debug)]
struct Spans {
    invocation: Option<Span>,
    batch: Option<Span>,
    /// How the body of the handler has failed, until the handler has ended.
    noted: Option<End>,
}

/// How a handler ends.
#[derive(Debug)]
pub(crate) enum End {
    Ok,
    Failed { message: String, kind: String },
    Panicked(String),
}

impl From<Failure<'_>> for End {
    fn from(failure: Failure<'_>) -> Self {
        End::Failed { message: failure.message(), kind: failure.error_type().to_owned() }
    }
}

impl Outcome for End {
    fn failure(&self) -> Option<Failure<'_>> {
        match self {
            End::Failed { message, kind } => Some(Failure::new(message).class(kind)),
            End::Ok | End::Panicked(_) => None,
        }
    }
}

impl Invocation {
    /// Begins an invocation. `repairs` says what was wrong with what came beside the event.
    pub(crate) fn begin(
        context: &lambda_runtime::Context,
        event: Event,
        payload: &Bytes,
        repairs: &[String],
        settings: &Settings,
    ) -> UnderWay {
        static IS_WARM: AtomicBool = AtomicBool::new(false);
        let config = &context.env_config;
        let about = About {
            function: &config.function_name,
            version: &config.version,
            memory_mib: u64::try_from(config.memory).unwrap_or_default(),
            invoked_arn: &context.invoked_function_arn,
            request_id: &context.request_id,
            deadline_ms: context.deadline,
            is_cold_start: !IS_WARM.swap(true, Relaxed),
        };
        let mut cause = Received::from(cause(&event));
        if let Some(receiving) = &settings.receiving {
            let name = || describe::invocation_name(&about, &event).to_owned();
            let primitive = Some(Primitive::FUNCTION_HANDLE);
            cause = cause.with(receiving, MessageInfo { relation: None, age: age(&event), name: &name, primitive })
        }
        let span = cause.process(|| {
            let mut values = Values::of(settings.capture.as_ref());
            let span = describe::invocation(&about, &event, &mut values);
            values.open(span)
        });
        repairs.iter().for_each(|what| span.diagnostic(semconv::RUNTIME_HEADER, what));
        flush::tell(&span);
        // The work on one of several may be recorded where the batch is not.
        let may_be_recorded = span.id().is_some() || event.records().len() > 1 && !span.context().is_empty();
        let is_wanted = settings.capture.as_ref().is_some_and(CapturePolicy::looks_at_messages);
        let is_kept = is_wanted && may_be_recorded && !event.records().is_empty();
        let guarded = |span| settings.capture.iter().fold(span, |span, capture| capture.guard(span));
        let batch = (event.records().len() > 1).then(|| span.in_scope(|| guarded(describe::batch(&event).open())));
        let invocation = Invocation {
            request_id: context.request_id.clone(),
            deadline: Deadline::of(context.deadline),
            context: batch.as_ref().unwrap_or(&span).context().clone(),
            event,
            settings: settings.clone(),
            payload: is_kept.then(|| payload.clone()),
            spans: Mutex::new(Spans { invocation: Some(span), batch, noted: None }),
            claimed: AtomicBool::new(false),
            warned: AtomicBool::new(false),
        };
        let invocation = Arc::new(invocation);
        watchdog::watch(&invocation);
        invocation.capture_event(payload);
        UnderWay(invocation)
    }

    /// The same, where only what came beside the event is known.
    pub(crate) fn begin_without_event(context: &lambda_runtime::Context) -> UnderWay {
        let payload = Bytes::from_static(b"null");
        let event = Event::read(&payload, beside(context)).0;
        Invocation::begin(context, event, &payload, &[], &Settings::default())
    }

    /// Whether one of its spans is.
    pub(crate) fn is_recorded(&self) -> bool {
        let spans = self.spans();
        [&spans.invocation, &spans.batch].into_iter().flatten().any(|span| span.id().is_some())
    }

    /// What the handler's body says of its end, which is more than its error tells lambda_runtime.
    pub(crate) fn note(&self, end: End) {
        self.spans().noted = Some(end)
    }

    /// What the handler runs in.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// True for the first who asks: it says how the handler ends.
    pub(crate) fn claim(&self) -> bool {
        !self.claimed.swap(true, AcqRel)
    }

    /// Captures the event, where that is wanted.
    fn capture_event(&self, payload: &Bytes) {
        self.capture(|capture, span| {
            capture.record_payload(span, "input", JSON, payload);
            if self.event.source().is_request() {
                capture.record_headers(span, "input.headers", |each| request_headers(payload, each))
            }
        })
    }

    /// Captures the handler's answer, where that is wanted.
    pub(crate) fn capture_answer<B: Serialize>(&self, answer: &mut Answer<B>) {
        self.capture(|capture, span| {
            if capture.tells_size()
                && let Some(json) = answer.write()
            {
                capture.record_payload(span, "output", JSON, json)
            }
        })
    }

    /// The span is out of reach meanwhile, so that nobody has to wait for the application's code: that writes an answer,
    /// and looks at what is captured. The watchdog delivers what is open without it.
    fn capture(&self, record: impl FnOnce(&CapturePolicy, &Span)) {
        let Some(capture) = &self.settings.capture else { return };
        let Some(span) = self.spans().invocation.take() else { return };
        if span.id().is_some() {
            record(capture, &span)
        }
        self.spans().invocation = Some(span)
    }

    /// Ends the spans, if nobody has yet. They are out of reach by then: a text goes through the application's hook, and the
    /// watchdog does not wait for that.
    pub(crate) fn end(&self, how: &End) {
        let (spans, noted) = {
            let Spans { invocation, batch, noted } = &mut *self.spans();
            ([batch.take(), invocation.take()], noted.take())
        };
        let how = noted.as_ref().filter(|_| matches!(how, End::Failed { .. })).unwrap_or(how);
        for span in spans.into_iter().flatten() {
            match how {
                End::Panicked(message) => span.panicked(message),
                End::Ok | End::Failed { .. } => span.end_with(how),
            }
        }
    }

    /// Lambda has been answered. A handler that nobody told of was not called, or is not observed. `was_called` is whether
    /// the service was ready for the event.
    pub(crate) fn answered(&self, result: &Result<(), lambda_runtime::Error>, was_called: bool) {
        match result {
            Err(error) if !self.is_open() => self.lose_answer(&error.to_string()),
            Err(error) if was_called => self.failed(error.to_string(), "Runtime.Response"),
            Err(error) => self.failed(format!("the service was not ready: {error}"), "Runtime.NotReady"),
            Ok(()) if !self.is_open() => {}
            Ok(()) if self.claimed.load(Acquire) => self.give_up(),
            Ok(()) => {
                let why = "the handler was not called: the payload is not of its type (or `observed` is not around it)";
                self.failed(why.to_owned(), "Runtime.Payload")
            }
        }
    }

    /// Something between the loop and the handler panicked, and the loop ends by it. After the handler's end that is what
    /// writes and sends its answer.
    pub(crate) fn panicked(&self, message: String) {
        if self.is_open() {
            self.end(&End::Panicked(message))
        } else {
            self.lose_answer(&format!("panicked: {message}"))
        }
    }

    fn is_open(&self) -> bool {
        self.spans().invocation.is_some()
    }

    fn lose_answer(&self, why: &str) {
        if let Some(span) = ActiveSpan::of(self.context.clone()) {
            match &self.settings.capture {
                Some(capture) => {
                    let why = capture.error_text(span.context(), why.to_owned());
                    span.diagnostic(semconv::RESPONSE_LOST, &why)
                }
                None => span.diagnostic(semconv::RESPONSE_LOST, why),
            }
        }
    }

    fn failed(&self, message: String, kind: &str) {
        self.end(&End::Failed { message, kind: kind.to_owned() })
    }

    /// Ends the spans as cancelled, if nobody has ended them.
    pub(crate) fn give_up(&self) {
        let Spans { invocation, batch, .. } = &mut *self.spans();
        [batch.take(), invocation.take()].into_iter().flatten().for_each(Span::cancel)
    }

    /// Says that the function is about to be stopped.
    pub(crate) fn warn(&self) {
        let Some(deadline) = self.deadline else { return };
        let left = deadline.left();
        let spans = self.spans();
        if let Some(span) = &spans.invocation {
            let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            span.event("deadline", &[(semconv::FUNCTION_TIME_LEFT_MS, Value::from(left))]);
            let what = format!("{left} ms are left of the function's time, and the handler has not ended");
            span.diagnostic(semconv::DEADLINE_NEAR, &what)
        }
        drop(spans);
        observe::in_scope(&self.context, || spanbridge::flush_blocking(left));
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What Lambda's events and answers are.
const JSON: &str = "application/json";

/// What an invocation hangs under. It has a segment of its own there, for the process comes back to a run again and again,
/// and is frozen in between.
fn cause(event: &Event) -> Extraction {
    let mut cause = event.carried().clone();
    // A message that is alone is the cause of the invocation; of several none is.
    if let [one] = event.records() {
        cause.problems.extend_from_slice(&one.carried.problems);
        cause.context = first_of(one.carried.context.clone(), || cause.context)
    }
    Extraction { context: cause.context.in_new_segment(), ..cause }
}

/// How long ago the cause was sent.
fn age(event: &Event) -> Option<Duration> {
    let [one] = event.records() else { return None };
    waited(one.sent, SystemTime::now()).known()
}

/// What came beside an event.
pub(crate) fn beside(context: &lambda_runtime::Context) -> InvocationMetadata<'_> {
    InvocationMetadata {
        client_context: context.client_context.as_ref().map(|client| &client.custom),
        xray: context.xray_trace_id.as_deref(),
    }
}

/// An invocation for as long as this lives. Dropped before its end it was given up.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Invocation>);

impl std::ops::Deref for UnderWay {
    type Target = Arc<Invocation>;

    fn deref(&self) -> &Arc<Invocation> {
        &self.0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        watchdog::forget(&self.0);
        self.0.give_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CaptureMode, Part, PartKind};
    use spanbridge::{Memory, Recorder};
    use std::convert::Infallible;
    use std::sync::mpsc::channel;
    use std::thread;

    /// The watchdog is one for all invocations: a hook that takes its time with the text of one's error stops it for none.
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
        let settings =
            Settings { capture: Some(CapturePolicy::from(CaptureMode::Reference).redact(hook)), ..Settings::default() };
        let mut context = lambda_runtime::Context::default();
        context.deadline = (SystemTime::now() + Duration::from_millis(100))
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64;
        let payload = Bytes::from_static(b"null");
        let event = Event::read(&payload, beside(&context)).0;
        let recorder = Recorder::builder("test").sink(Memory::new()).build().unwrap();
        let under_way = recorder.in_scope(|| Invocation::begin(&context, event, &payload, &[], &settings));
        let invocation = || under_way.0.clone();

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
        let has_warned = has_warned.recv_timeout(Duration::from_secs(10));
        drop(open);
        assert!(has_warned.is_ok(), "the watchdog waits for the hook");
        ending.join().unwrap();
        watchdog.join().unwrap();
    }
}

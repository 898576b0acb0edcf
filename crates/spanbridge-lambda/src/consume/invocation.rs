//! One invocation: its spans, and how they end.

use super::cause::Cause;
use super::deadline::Deadline;
use super::flush::{self, Flushing};
use super::headers::Repairs;
use super::response::CapturableResponse;
use super::settings::Settings;
use crate::carrier::context_or;
use crate::describe::{self, FunctionInfo};
use crate::event::{Event, request_headers};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use spanbridge::adapter::{Restored, Values, waited};
use spanbridge::carrier::Extraction;
use spanbridge::messaging::{CapturePolicy, MessageInfo, Received};
use spanbridge::observe::{self, ActiveSpan, Span};
use spanbridge::{Context, Failure, Outcome, Primitive, Value, panics, semconv};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// An invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) event: Event,
    pub(crate) settings: Settings,
    /// The event as the handler gets it, if its records are captured.
    pub(crate) payload: Option<Bytes>,
    /// The context that the handler runs in.
    context: Context,
    /// What the handler is inside of in other libraries.
    restored: Restored,
    spans: Mutex<Spans>,
    /// Whether somebody reports how the handler ends.
    claimed: AtomicBool,
    /// Whether the watchdog has warned about it.
    pub(crate) warned: AtomicBool,
}

/// The spans that are open.
#[derive(Debug)]
struct Spans {
    invocation: Option<Span>,
    /// The span around the work on a batch.
    batch: Option<Span>,
    /// How the body of the handler has failed, until the handler ends.
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
    /// Begins an invocation.
    pub(crate) fn begin(
        context: &lambda_runtime::Context,
        event: Event,
        payload: &Bytes,
        Repairs(repairs): &Repairs,
        settings: &Settings,
    ) -> Self {
        static IS_WARM: AtomicBool = AtomicBool::new(false);
        let config = &context.env_config;
        let info = FunctionInfo {
            function: &config.function_name,
            version: &config.version,
            memory_mib: u64::try_from(config.memory).unwrap_or_default(),
            invoked_arn: &context.invoked_function_arn,
            request_id: &context.request_id,
            deadline_ms: context.deadline,
            is_cold_start: !IS_WARM.swap(true, Relaxed),
        };
        let mut cause = Received::from(cause(&event));
        let receiving = &settings.receive;
        if !receiving.is_default() {
            let name = || describe::invocation_name(&info, &event).to_owned();
            // If the application's function panics, the invocation goes on: Lambda would not bring most events again.
            let relation = panics::caught(|| receiving.relation_of(|| Cause::of_invocation(&event))).ok().flatten();
            let info = MessageInfo::new().relation(relation).age(age(&event)).run_name(&name);
            cause = cause.with(receiving, info.primitive(Primitive::FUNCTION_HANDLE))
        }
        let span = cause.process(|| {
            let mut values = Values::of(settings.capture());
            let span = describe::invocation(&info, &event, &mut values);
            values.open(span)
        });
        repairs.iter().for_each(|what| span.diagnostic(semconv::RUNTIME_HEADER, what));
        flush::report_previous(&span);
        // A record may be recorded even if the batch is not.
        let may_be_recorded = span.id().is_some() || event.records().len() > 1 && !span.context().is_empty();
        let is_captured = settings.capture().is_some_and(CapturePolicy::looks_at_messages);
        let keeps_payload = is_captured && may_be_recorded && !event.records().is_empty();
        let guarded = |span| settings.capture().into_iter().fold(span, |span, capture| capture.guard(span));
        let batch = (event.records().len() > 1).then(|| span.in_scope(|| guarded(describe::batch(&event).open())));
        Invocation {
            request_id: context.request_id.clone(),
            deadline: Deadline::of(context.deadline),
            context: batch.as_ref().unwrap_or(&span).context().clone(),
            restored: Restored::of(&span),
            event,
            settings: settings.clone(),
            payload: keeps_payload.then(|| payload.clone()),
            spans: Mutex::new(Spans { invocation: Some(span), batch, noted: None }),
            claimed: AtomicBool::new(false),
            warned: AtomicBool::new(false),
        }
    }

    /// Whether one of its open spans is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        let spans = self.spans();
        [&spans.invocation, &spans.batch].into_iter().flatten().any(|span| span.id().is_some())
    }

    /// Notes how the handler's body has failed: it knows more of its error than lambda_runtime is told.
    pub(crate) fn note(&self, end: End) {
        self.spans().noted = Some(end)
    }

    /// The context that the handler runs in.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// What the handler is inside of in other libraries.
    pub(crate) fn restored(&self) -> Restored {
        self.restored.clone()
    }

    /// True for the first caller: it reports how the handler ends.
    pub(crate) fn claim(&self) -> bool {
        !self.claimed.swap(true, AcqRel)
    }

    /// Delivers what was recorded, within the time that is left.
    pub(crate) fn flush(&self) -> Flushing {
        Flushing::after_invocation(&self.context, self.deadline, self.settings.flush_within)
    }

    /// Captures the event, if that is wanted.
    pub(crate) fn capture_event(&self, context: &lambda_runtime::Context, payload: &Bytes) {
        self.capture(|capture, span| {
            capture.record_payload(span, "input", JSON, payload);
            if self.event.source().is_request() {
                capture.record_headers(span, "input.headers", |each| request_headers(payload, each))
            }
            capture.record_properties(span, "input.properties", |to| describe::properties(context, to))
        })
    }

    /// Captures the handler's response, if that is wanted.
    pub(crate) fn capture_response<B: Serialize>(&self, response: &mut CapturableResponse<B>) {
        self.capture(|capture, span| {
            if capture.tells_size()
                && let Some(json) = response.json()
            {
                capture.record_payload(span, "output", JSON, json)
            }
        })
    }

    /// Records the status of the response to an HTTP request, and returns how the handler has ended: a status of 500 or more is
    /// an error.
    pub(crate) fn answered(&self, status: impl FnOnce() -> Option<StatusCode>) -> End {
        if !self.event.source().is_request() || !self.is_recorded() {
            return End::Ok;
        }
        let Some(status) = status() else { return End::Ok };
        if let Some(span) = &self.spans().invocation {
            span.attribute(semconv::HTTP_RESPONSE_STATUS_CODE, status.as_u16())
        }
        match status.is_server_error() {
            true => End::Failed { message: status.to_string(), kind: status.as_str().to_owned() },
            false => End::Ok,
        }
    }

    /// Calls `record` with the span, which runs the application's code: it serializes a response, and the redaction hook
    /// looks at it. Meanwhile the span is taken out, so that nobody waits for that code; the watchdog delivers without it.
    fn capture(&self, record: impl FnOnce(&CapturePolicy, &Span)) {
        let Some(capture) = self.settings.capture() else { return };
        let Some(span) = self.spans().invocation.take() else { return };
        if span.id().is_some() {
            record(capture, &span)
        }
        self.spans().invocation = Some(span)
    }

    /// Ends the spans, unless they have ended. They are taken out before, because error texts go through the application's
    /// hook, and the watchdog must not wait for that.
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

    /// Ends the invocation once Lambda has the response, unless the handler's end was reported before. If it was not, the
    /// handler was not called, or it is not observed. `was_called` is whether the service was ready for the event.
    pub(crate) fn responded(&self, result: &Result<(), lambda_runtime::Error>, was_called: bool) {
        match result {
            Err(error) if !self.is_open() => self.lose_response(&error.to_string()),
            Err(error) if was_called => self.failed(error.to_string(), "Runtime.Response"),
            Err(error) => self.failed(format!("the service was not ready: {error}"), "Runtime.NotReady"),
            Ok(()) if !self.is_open() => {}
            Ok(()) if self.claimed.load(Acquire) => self.cancel(),
            Ok(()) => {
                let why = "the handler was not called: the payload is not of its type (or `observed` is not around it)";
                self.failed(why.to_owned(), "Runtime.Payload")
            }
        }
    }

    /// Records a panic between the event loop and the handler, which ends the loop. If the handler has ended, the panic is
    /// from serializing or sending its response.
    pub(crate) fn panicked(&self, message: String) {
        if self.is_open() {
            self.end(&End::Panicked(message))
        } else {
            self.lose_response(&format!("panicked: {message}"))
        }
    }

    fn is_open(&self) -> bool {
        self.spans().invocation.is_some()
    }

    fn lose_response(&self, why: &str) {
        if let Some(span) = ActiveSpan::of(self.context.clone()) {
            match self.settings.capture() {
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

    /// Ends the spans as cancelled, unless they have ended.
    pub(crate) fn cancel(&self) {
        let Spans { invocation, batch, .. } = &mut *self.spans();
        [batch.take(), invocation.take()].into_iter().flatten().for_each(Span::cancel)
    }

    /// Records that the time limit is near, and delivers the open spans. Called by the watchdog.
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

/// The media type of events and responses.
const JSON: &str = "application/json";

/// The context of an invocation, with a segment of its own: the process returns to the same run again and again, and is
/// frozen in between.
fn cause(event: &Event) -> Extraction {
    let mut cause = event.carried().clone();
    // A single message is the cause of the invocation; of several messages, none is.
    if let [one] = event.records() {
        cause.problems.extend_from_slice(&one.carried.problems);
        cause.context = context_or(one.carried.context.clone(), || cause.context)
    }
    cause.context = cause.context.in_new_segment();
    cause
}

/// How long ago the cause was sent.
fn age(event: &Event) -> Option<Duration> {
    let [one] = event.records() else { return None };
    waited(one.sent, SystemTime::now()).known()
}

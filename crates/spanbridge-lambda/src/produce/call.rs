//! A call, from its beginning until its outcome is known.

use super::call_error::{CallError, REJECTED, UNKNOWN, may_be_accepted};
use super::call_span::{CallSpan, Entries, Packing};
use super::operation::AnyOperation;
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
use super::operation::Operation;
use super::options::CallOptions;
use crate::carrier::XRay;
use aws_smithy_runtime_api::client::interceptors::context::{FinalizerInterceptorContextRef, Input};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::ConfigBag;
use spanbridge::adapter::HandoffStatus;
use spanbridge::messaging::CapturePolicy;
use spanbridge::{Context, semconv};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call. It is shared by the future, the SDK's configuration of the call, and the body of a streamed response. If the
/// last of them drops it with its span open, the span ends as [`CallSpan`] says.
#[derive(Debug)]
pub(super) struct Call {
    /// The context inside the span.
    context: Context,
    options: CallOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The span, until the outcome is known.
    span: Option<CallSpan>,
    entries: Entries,
    /// Set when the context is packed.
    operation: Option<&'static dyn AnyOperation>,
    /// What is captured of the response. Set when the context is packed.
    capture: Option<CapturePolicy>,
    /// Whether an attempt is in progress.
    is_sending: bool,
    /// Whether an attempt failed that the service may have accepted.
    may_be_accepted: bool,
    /// The attempt whose response is watched.
    #[cfg(feature = "invoke")]
    watched: Option<u32>,
}

impl Call {
    pub(super) fn new(span: CallSpan, options: CallOptions) -> Arc<Self> {
        // The call may fail before its context is packed.
        let span = match &options.capture {
            Some(capture) => span.guarded(capture),
            None => span,
        };
        let context = span.context();
        let state = State {
            span: Some(span),
            entries: Entries::new(),
            operation: None,
            capture: None,
            is_sending: false,
            may_be_accepted: false,
            #[cfg(feature = "invoke")]
            watched: None,
        };
        Arc::new(Call { context, options, state: state.into() })
    }

    /// The context inside the span.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Captures what is sent and packs the context, once. `also` are the options of all calls of the client.
    pub(super) fn pack(
        &self,
        operation: &'static dyn AnyOperation,
        also: &CallOptions,
        input: &mut Input,
        config: &ConfigBag,
    ) {
        let mut state = self.state();
        let State { span: call, entries, operation: packed, capture, .. } = &mut *state;
        if packed.replace(operation).is_some() {
            return;
        }
        *capture = self.options.capture.as_ref().or(also.capture.as_ref()).cloned();
        if let Some(capture) = capture {
            *call = call.take().map(|span| span.guarded(capture))
        }
        let Some(span) = call.as_ref().and_then(CallSpan::span) else { return };
        let in_payload = [&self.options.in_payload, &also.in_payload];
        operation.pack(input, &mut Packing { span, in_payload, capture: capture.as_ref(), config, entries });
    }

    /// An attempt begins.
    pub(super) fn sending(&self) {
        self.state().is_sending = true
    }

    /// An attempt has ended.
    pub(super) fn attempted(&self, context: &FinalizerInterceptorContextRef<'_>) {
        let mut state = self.state();
        let was_sent = std::mem::take(&mut state.is_sending);
        if let (true, Some(Err(error))) = (was_sent, context.output_or_error()) {
            let status = context.response().map(|response| response.status().as_u16());
            state.may_be_accepted |= may_be_accepted(error, status)
        }
    }

    /// Adds X-Ray's header unless it is there. By now the SDK has taken it from the environment, if that has one. The request
    /// is signed already, but the header is not part of the signature.
    pub(super) fn add_xray(&self, headers: &mut Headers) {
        let is_passed_on = self.state().operation.is_some_and(|operation| operation.passes_xray());
        if is_passed_on
            && !headers.contains_key(XRay::HEADER)
            && let Some(xray) = XRay::of(&self.context)
        {
            let _ = headers.try_insert(XRay::HEADER, xray.to_string()); // cannot fail: it is ASCII
        }
    }

    /// Whether the response that has just come has to be watched. False if it is being watched already.
    #[cfg(feature = "invoke")]
    pub(super) fn watches(&self, is_stream: bool, config: &ConfigBag) -> bool {
        let mut state = self.state();
        let attempt = attempts(config);
        let streams = is_stream && state.operation.is_some_and(|operation| operation.streams());
        streams && state.watched.replace(attempt) != Some(attempt)
    }

    /// The SDK is done.
    pub(super) fn executed(&self, context: &FinalizerInterceptorContextRef<'_>, config: &ConfigBag) {
        let mut state = self.state();
        let Some(call) = &state.span else { return };
        if let Some(response) = context.response() {
            call.attribute(semconv::HTTP_RESPONSE_STATUS_CODE, i64::from(response.status().as_u16()));
            if let Some(id) = ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|n| response.headers().get(n)) {
                call.attribute(semconv::AWS_REQUEST_ID, id)
            }
        }
        let attempts = attempts(config);
        if attempts > 1 {
            call.attribute(semconv::REQUEST_ATTEMPTS, i64::from(attempts))
        }
        let operation = state.operation;
        if let (Some(operation), Some(capture), Some(span)) = (operation, &state.capture, call.span())
            && let Some(Ok(output)) = context.output_or_error()
        {
            operation.capture_response(output, span, capture)
        }
        match context.output_or_error() {
            // The body of the response will say how the call went.
            #[cfg(feature = "invoke")]
            Some(Ok(_)) if state.watched.is_some() => {}
            Some(Ok(output)) => {
                if let (Some(operation), Some(call)) = (operation, state.span.take()) {
                    let refused = state.refused();
                    operation.responded(output, call, std::mem::take(&mut state.entries), refused)
                }
            }
            Some(Err(error)) => {
                let refused = state.refused();
                state.fail(&CallError::of_sdk(error, |error| operation?.metadata(error)), refused)
            }
            None => {}
        }
    }

    /// The future resolved to an error. The span may still be open: the SDK could not make a request, or a time limit around
    /// the whole call was reached.
    pub(super) fn failed(&self, error: &dyn StdError) {
        let mut state = self.state();
        if state.span.is_some() {
            let refused = state.refused();
            state.fail(&CallError::of_any(error), refused)
        }
    }

    /// A stand-in has answered instead of the service.
    #[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
    pub(super) fn replayed<O: Operation>(&self, result: Result<&O::Output, &CallError>) {
        let mut state = self.state();
        match result {
            Ok(output) => {
                if let (Some(span), Some(capture)) =
                    (state.span.as_ref().and_then(CallSpan::span), &self.options.capture)
                {
                    O::capture_response(output, span, capture)
                }
                if let Some(span) = state.span.take() {
                    O::responded(output, span, Entries::new(), REJECTED)
                }
            }
            Err(error) => state.fail(error, REJECTED),
        }
    }

    /// The response stream says how the call went. Only the first report counts.
    #[cfg(feature = "invoke")]
    pub(super) fn streamed(&self, outcome: Result<(), CallError>) {
        let mut state = self.state();
        match outcome {
            Ok(()) => state.span.take().into_iter().for_each(CallSpan::end),
            Err(error) => state.fail(&error, UNKNOWN),
        }
    }
}

impl State {
    /// The status of what the service has refused.
    fn refused(&self) -> HandoffStatus {
        if self.is_sending || self.may_be_accepted { UNKNOWN } else { REJECTED }
    }

    fn fail(&mut self, error: &CallError, handoff: HandoffStatus) {
        for (_, entry) in self.entries.drain(..) {
            CallSpan::Handoff(entry).fail(error, handoff)
        }
        if let Some(call) = self.span.take() {
            call.fail(error, handoff)
        }
    }
}

fn attempts(config: &ConfigBag) -> u32 {
    config.load::<RequestAttempts>().map_or(0, RequestAttempts::attempts)
}

//! A call from its beginning until it is known how it went.

use super::failure::{Failure, REJECTED, UNKNOWN, may_be_taken};
use super::open::{Entries, Open, Packing};
use super::operation::AnyOperation;
use super::wanted::Wanted;
use crate::carrier::XRay;
use aws_smithy_runtime_api::client::interceptors::context::{FinalizerInterceptorContextRef, Input};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::ConfigBag;
use spanbridge::messaging::CapturePolicy;
use spanbridge::{Context, semconv};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call. Who works on it shares it: the future, the SDK's configuration of the call, and in the end the body of a
/// response that streams. When the last of them drops it with its span still open, the span ends as [`Open`] says.
#[derive(Debug)]
pub(super) struct Call {
    /// Inside the span.
    context: Context,
    wanted: Wanted,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Until it is known how it went.
    open: Option<Open>,
    entries: Entries,
    /// Once the context is packed.
    operation: Option<&'static dyn AnyOperation>,
    /// Of the answer, once the context is packed.
    capture: Option<CapturePolicy>,
    /// An attempt is under way.
    is_sending: bool,
    /// An attempt failed that the service may have taken.
    may_be_taken: bool,
    /// The attempt whose response is watched.
    #[cfg(feature = "invoke")]
    watched: Option<u32>,
}

impl Call {
    pub(super) fn new(open: Open, wanted: Wanted) -> Arc<Self> {
        let state = State {
            entries: Entries::new(),
            operation: None,
            capture: None,
            is_sending: false,
            may_be_taken: false,
            #[cfg(feature = "invoke")]
            watched: None,
            open: None,
        };
        // It may fail before it is packed.
        let open = match &wanted.capture {
            Some(capture) => open.guarded(capture),
            None => open,
        };
        Arc::new(Call { context: open.context(), wanted, state: State { open: Some(open), ..state }.into() })
    }

    /// The context inside the span.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Captures what is sent and packs the context, once. `also` is what is wanted of every call.
    pub(super) fn pack(
        &self,
        operation: &'static dyn AnyOperation,
        also: &Wanted,
        input: &mut Input,
        config: &ConfigBag,
    ) {
        let mut state = self.state();
        let State { open, entries, operation: packed, capture, .. } = &mut *state;
        if packed.replace(operation).is_some() {
            return;
        }
        *capture = self.wanted.capture.as_ref().or(also.capture.as_ref()).cloned();
        if let Some(capture) = capture {
            *open = open.take().map(|open| open.guarded(capture))
        }
        let Some(span) = open.as_ref().and_then(Open::span) else { return };
        let in_payload = [&self.wanted.in_payload, &also.in_payload];
        operation.pack(input, &mut Packing { span, in_payload, capture: capture.as_ref(), config, entries });
    }

    /// An attempt is about to be sent.
    pub(super) fn sending(&self) {
        self.state().is_sending = true
    }

    /// An attempt is over.
    pub(super) fn attempted(&self, context: &FinalizerInterceptorContextRef<'_>) {
        let mut state = self.state();
        let was_sent = std::mem::take(&mut state.is_sending);
        if let (true, Some(Err(error))) = (was_sent, context.output_or_error()) {
            let status = context.response().map(|response| response.status().as_u16());
            state.may_be_taken |= may_be_taken(error, status)
        }
    }

    /// Adds X-Ray's header where there is none. The SDK has taken it from the environment by now, if that has one, and the
    /// request is signed: the header is not part of the signature.
    pub(super) fn add_xray(&self, headers: &mut Headers) {
        let takes_it = self.state().operation.is_some_and(|operation| operation.takes_xray());
        if takes_it
            && !headers.contains_key(XRay::HEADER)
            && let Some(xray) = XRay::of(&self.context)
        {
            let _ = headers.try_insert(XRay::HEADER, xray.to_string()); // it is all ASCII
        }
    }

    /// Whether the response that has just come is to be watched, by one of us.
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
        let Some(open) = &state.open else { return };
        if let Some(response) = context.response() {
            open.attribute(semconv::HTTP_RESPONSE_STATUS_CODE, i64::from(response.status().as_u16()));
            if let Some(id) = ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|n| response.headers().get(n)) {
                open.attribute(semconv::AWS_REQUEST_ID, id)
            }
        }
        let attempts = attempts(config);
        if attempts > 1 {
            open.attribute(semconv::REQUEST_ATTEMPTS, i64::from(attempts))
        }
        let operation = state.operation;
        if let (Some(operation), Some(capture), Some(span)) = (operation, &state.capture, open.span())
            && let Some(Ok(output)) = context.output_or_error()
        {
            operation.capture_answer(output, span, capture)
        }
        match context.output_or_error() {
            // Its body says how it went.
            #[cfg(feature = "invoke")]
            Some(Ok(_)) if state.watched.is_some() => {}
            Some(Ok(output)) => {
                if let (Some(operation), Some(open)) = (operation, state.open.take()) {
                    let refused = state.refused();
                    operation.answered(output, open, std::mem::take(&mut state.entries), refused)
                }
            }
            Some(Err(error)) => {
                let refused = state.refused();
                state.fail(&Failure::of(error, |error| operation?.metadata(error)), refused)
            }
            None => {}
        }
    }

    /// It failed, if nothing was known yet: before the SDK made a request of it, or by a time limit around all of it.
    pub(super) fn ended(&self, error: &dyn StdError) {
        let mut state = self.state();
        if state.open.is_some() {
            let refused = state.refused();
            state.fail(&Failure::untold(error), refused)
        }
    }

    /// The response stream says how it went; the first word counts.
    #[cfg(feature = "invoke")]
    pub(super) fn streamed(&self, outcome: Result<(), Failure>) {
        let mut state = self.state();
        match outcome {
            Ok(()) => state.open.take().into_iter().for_each(Open::ended),
            Err(failure) => state.fail(&failure, UNKNOWN),
        }
    }
}

impl State {
    /// What a failure says of what was handed over.
    fn refused(&self) -> &'static str {
        if self.is_sending || self.may_be_taken { UNKNOWN } else { REJECTED }
    }

    fn fail(&mut self, failure: &Failure, handoff: &'static str) {
        for (_, entry) in self.entries.drain(..) {
            Open::HandedOff(entry).failed(failure, handoff)
        }
        if let Some(open) = self.open.take() {
            open.failed(failure, handoff)
        }
    }
}

fn attempts(config: &ConfigBag) -> u32 {
    config.load::<RequestAttempts>().map_or(0, RequestAttempts::attempts)
}

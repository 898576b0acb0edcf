//! The interceptor for the SDK's clients.

use super::call::Call;
use super::operation::AnyOperation;
use super::options::{CallOptions, InPayload};
#[cfg(feature = "sns")]
use super::sns::{Publish, PublishBatch};
#[cfg(feature = "sqs")]
use super::sqs::{SendMessage, SendMessageBatch};
#[cfg(feature = "invoke")]
use super::{
    invoke::{Invoke, InvokeWithResponseStream},
    stream,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextMut,
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use spanbridge::adapter::{self, Refused, under_current};
use spanbridge::messaging::CapturePolicy;
use std::sync::Arc;

/// An interceptor for the SDK's clients. Every call of a function (`Invoke`, `InvokeWithResponseStream`) and every message
/// (`SendMessage`, `Publish`, and batches of them) gets a span and carries its context.
///
/// One line in the configuration of a client covers all its calls. A call that is also
/// [`observed`](crate::CallExt::observed) still gets one span. Other operations are not touched.
///
/// ```
/// # #[cfg(feature = "invoke")]
/// # fn f(config: aws_sdk_lambda::config::Builder) -> aws_sdk_lambda::Client {
/// let config = config.interceptor(spanbridge_lambda::Propagate::new());
/// aws_sdk_lambda::Client::from_conf(config.build())
/// # }
/// ```
///
/// **The payload of a call is not changed** unless you ask for it, because not every function accepts an extra field. A
/// synchronous call carries its context in the client context. An `Event` call has no client context: it carries only
/// X-Ray's header, which has the trace but no parent, and a diagnostic `injection.not_possible` says so. Name the functions
/// that accept the hidden field with [`in_payload_of`](Propagate::in_payload_of); all functions observed by this crate do. A
/// call that is [`observed`](crate::CallExt::observed) uses the hidden field if it has to. If the payload has the field
/// already, it is updated.
///
/// It also works for a single call: `.customize().interceptor(Propagate::new()).send()`.
///
/// In a replay, calls that only the interceptor observes are refused: it can answer those that are also
/// [`observed`](crate::CallExt::observed).
///
/// The span is not current while the SDK sends, so spans of the HTTP client belong to the span around the call.
#[derive(Clone, Debug, Default)]
pub struct Propagate {
    options: CallOptions,
    /// The one call that this is for.
    call: Option<Arc<Call>>,
}

impl Propagate {
    /// The interceptor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Always puts the context into the hidden field of the payload, even if there could be a client context.
    pub fn in_payload(self) -> Self {
        Propagate { options: CallOptions { in_payload: InPayload::Always, ..self.options }, ..self }
    }

    /// Puts the context into the hidden field of the payload for calls of these functions, and no others. Name them as in a
    /// call: by name or by all or part of the ARN. A qualifier makes no difference.
    ///
    /// ```
    /// let propagate = spanbridge_lambda::Propagate::new().in_payload_of(["score", "ship"]);
    /// ```
    #[cfg(feature = "invoke")]
    pub fn in_payload_of<F: AsRef<str>>(self, functions: impl IntoIterator<Item = F>) -> Self {
        let names = functions.into_iter().map(|function| crate::describe::invoked_name(function.as_ref()).to_owned());
        Propagate { options: CallOptions { in_payload: InPayload::Of(names.collect()), ..self.options }, ..self }
    }

    /// What is recorded of payloads and attributes that are sent, and of the responses of functions. Default: the sizes of
    /// messages. The policy of a single call ([`ObservedCall::capture`](crate::ObservedCall::capture)) comes first.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        Propagate { options: CallOptions { capture: Some(capture.into()), ..self.options }, ..self }
    }

    pub(super) fn of(call: Arc<Call>) -> Self {
        Propagate { options: CallOptions::default(), call: Some(call) }
    }
}

/// Why a call cannot be answered here.
const NOT_ANSWERED: &str = "a replay refused the call, because it can answer only a call that is observed itself: with \
                            `.observed()` before `.send()`";

/// The call that the SDK executes.
#[derive(Clone, Debug)]
struct Current(Arc<Call>);

impl Storable for Current {
    type Storer = StoreReplace<Self>;
}

fn current(config: &ConfigBag) -> Option<&Arc<Call>> {
    config.load::<Current>().map(|current| &current.0)
}

// If the client has the interceptor and the call is observed, each hook runs twice for a call. The second time there is
// nothing left to do. No hook returns an error, except in a replay: a call never fails because of us.
impl Intercept for Propagate {
    fn name(&self) -> &'static str {
        "spanbridge_lambda::Propagate"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = &self.call {
            config.interceptor_state().store_put(Current(call.clone()));
        }
        Ok(())
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(operation) = operation(context.input()) else { return Ok(()) };
        let call = match current(config) {
            Some(call) => call.clone(),
            None => {
                let Some(span) = under_current(|| operation.open(context.input())) else { return Ok(()) };
                let call = Call::new(span, CallOptions::default());
                config.interceptor_state().store_put(Current(call.clone()));
                // An interceptor cannot answer.
                match adapter::ask(call.context(), || operation.outbound(context.input())).into_answer() {
                    None => {}
                    Some(Ok(_)) => return Err(Refused::new(NOT_ANSWERED).into()),
                    Some(Err(refused)) => return Err(refused.into()),
                }
                call
            }
        };
        call.pack(operation, &self.options, context.input_mut(), config);
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = current(config) {
            call.add_xray(context.request_mut().headers_mut());
            call.sending()
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = current(config) {
            call.attempted(context)
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        #[cfg(feature = "invoke")]
        if let Some(call) = current(config)
            && call.watches(stream::is_stream(context.response()), config)
        {
            stream::watch(call.clone(), context.response_mut())
        }
        #[cfg(not(feature = "invoke"))]
        let _ = (context, config);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = current(config) {
            call.executed(context, config)
        }
        Ok(())
    }
}

const OPERATIONS: &[&dyn AnyOperation] = &[
    #[cfg(feature = "invoke")]
    &Invoke,
    #[cfg(feature = "invoke")]
    &InvokeWithResponseStream,
    #[cfg(feature = "sqs")]
    &SendMessage,
    #[cfg(feature = "sqs")]
    &SendMessageBatch,
    #[cfg(feature = "sns")]
    &Publish,
    #[cfg(feature = "sns")]
    &PublishBatch,
];

/// The operation of an input, if it is one of ours.
fn operation(input: &Input) -> Option<&'static dyn AnyOperation> {
    OPERATIONS.iter().copied().find(|operation| operation.accepts(input))
}

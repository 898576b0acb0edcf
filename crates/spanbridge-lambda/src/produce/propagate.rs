//! The interceptor.

use super::call::Call;
use super::operation::AnyOperation;
#[cfg(feature = "sns")]
use super::sns::{Publish, PublishBatch};
#[cfg(feature = "sqs")]
use super::sqs::{SendMessage, SendMessageBatch};
use super::wanted::{InPayload, Wanted};
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
use spanbridge::messaging::CapturePolicy;
use std::sync::Arc;

/// An interceptor for the SDK's clients: every call of a function (`Invoke`, `InvokeWithResponseStream`) and every message
/// that is sent (`SendMessage`, `Publish`, and batches of them) gets a span and carries its context.
///
/// One line in the configuration of a client covers all its calls. A call that is [`observed`](crate::CallExt::observed) as well
/// has one span all the same. Other operations stay as they are.
///
/// ```
/// # #[cfg(feature = "invoke")]
/// # fn f(config: aws_sdk_lambda::config::Builder) -> aws_sdk_lambda::Client {
/// let config = config.interceptor(spanbridge_lambda::Propagate::new());
/// aws_sdk_lambda::Client::from_conf(config.build())
/// # }
/// ```
///
/// **The payload of a function's call is not changed**, unless it is asked for: not every function expects a field more. A
/// call that waits for its answer carries its context in the client context, where nobody meets it by chance. An `Event`
/// has none of that: it carries X-Ray's header alone, which holds the trace and no parent, and a diagnostic
/// `injection.not_possible` says so. [`in_payload_of`](Propagate::in_payload_of) names the functions that take the hidden
/// field, as all do that are handled by this crate; a call that is [`observed`](crate::CallExt::observed) has asked for it.
/// Where the payload has the field already, it is brought up to date.
///
/// One call that is customized takes it, too: `.customize().interceptor(Propagate::new()).send()`.
///
/// The span is not current while the SDK sends: what the HTTP client below records belongs to what is around the call.
#[derive(Clone, Debug, Default)]
pub struct Propagate {
    wanted: Wanted,
    /// Of the one call that this is for.
    call: Option<Arc<Call>>,
}

impl Propagate {
    /// The interceptor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every function finds the context in the hidden field of its payload, also where a client context would do.
    pub fn in_payload(self) -> Self {
        Propagate { wanted: Wanted { in_payload: InPayload::Always, ..self.wanted }, ..self }
    }

    /// The same for these functions alone, in place of those that were named before. Named as in a call: by name or by
    /// ARN, in part or whole, with or without a qualifier, which makes no difference.
    ///
    /// ```
    /// let propagate = spanbridge_lambda::Propagate::new().in_payload_of(["score", "ship"]);
    /// ```
    #[cfg(feature = "invoke")]
    pub fn in_payload_of<F: AsRef<str>>(self, functions: impl IntoIterator<Item = F>) -> Self {
        let names = functions.into_iter().map(|function| crate::describe::invoked_name(function.as_ref()).to_owned());
        Propagate { wanted: Wanted { in_payload: InPayload::Of(names.collect()), ..self.wanted }, ..self }
    }

    /// What is recorded of the payloads and attributes that are sent, and of the answers of functions; the size of messages
    /// where nothing is said. What a call that is [`observed`](crate::CallExt::observed) says about itself counts before
    /// this.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        Propagate { wanted: Wanted { capture: Some(capture.into()), ..self.wanted }, ..self }
    }

    pub(super) fn of(call: Arc<Call>) -> Self {
        Propagate { wanted: Wanted::default(), call: Some(call) }
    }
}

/// The call that an execution is.
#[derive(Clone, Debug)]
struct Current(Arc<Call>);

impl Storable for Current {
    type Storer = StoreReplace<Self>;
}

fn current(config: &ConfigBag) -> Option<&Arc<Call>> {
    config.load::<Current>().map(|current| &current.0)
}

// Each hook may run twice for a call, where the client has the interceptor and the call is observed: the second time
// there is nothing left to do. No hook fails: a call is never lost to us.
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
                let Some(open) = operation.open(context.input()) else { return Ok(()) };
                let call = Call::new(open, Wanted::default());
                config.interceptor_state().store_put(Current(call.clone()));
                call
            }
        };
        call.pack(operation, &self.wanted, context.input_mut(), config);
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

/// The operation that an input is of, if we know it.
fn operation(input: &Input) -> Option<&'static dyn AnyOperation> {
    OPERATIONS.iter().copied().find(|operation| operation.accepts(input))
}

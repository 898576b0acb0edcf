//! Calling functions and sending messages, with the AWS SDK.
//!
//! There is one mechanism, an interceptor of the SDK: it opens the span where nobody has, packs the context into the
//! typed request, and ends the span when the SDK is done. `.observed()` opens the span before, so that it is current
//! while the SDK sends, and gives it to the same interceptor.

mod call;
mod failure;
mod observed;
mod operation;

#[cfg(any(feature = "sqs", feature = "sns"))]
mod batch;
#[cfg(feature = "invoke")]
mod invoke;
#[cfg(any(feature = "sqs", feature = "sns"))]
mod message;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(feature = "invoke")]
mod stream;

pub use observed::{CallExt, Observed};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextMut,
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use call::Call;
use std::sync::Arc;

/// An interceptor for the SDK's clients: every call of a function (`Invoke`, `InvokeWithResponseStream`) and every message
/// that is sent (`SendMessage`, `Publish`, and batches of them) gets a span and carries its context.
///
/// One line in the configuration of a client covers all its calls. A call that is [`observed`](CallExt::observed) as well
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
/// The span is not current while the SDK sends: what the HTTP client below records belongs to what is around the call.
#[derive(Clone, Debug, Default)]
pub struct Propagate {
    in_payload: bool,
    /// Of the one call that this is for.
    call: Option<Arc<Call>>,
}

impl Propagate {
    /// The interceptor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Functions find the context in the hidden field of their payload, also where a client context would do.
    pub fn in_payload(self) -> Self {
        Propagate { in_payload: true, ..self }
    }

    fn of(call: Arc<Call>) -> Self {
        Propagate { in_payload: false, call: Some(call) }
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
        let Some(operation) = operation::of(context.input()) else { return Ok(()) };
        let call = match current(config) {
            Some(call) => call.clone(),
            None => {
                let Some(open) = operation.open(context.input()) else { return Ok(()) };
                let call = Call::new(open, self.in_payload);
                config.interceptor_state().store_put(Current(call.clone()));
                call
            }
        };
        call.pack(operation, context.input_mut(), config);
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = current(config) {
            call.add_xray(context.request_mut().headers_mut())
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
        if let Some(call) = current(config).filter(|call| call.streams(config)) {
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

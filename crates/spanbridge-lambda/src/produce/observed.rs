//! `.observed()` on the SDK's builders.

use super::call::Call;
use super::call_span::CallSpan;
use super::options::{CallOptions, InPayload};
use super::propagate::Propagate;
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
use super::{
    operation::Operation,
    replayed::{self, Replay},
};
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
use spanbridge::adapter;
use spanbridge::adapter::under_current;
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe;

/// `.observed()` before `.send()`, for the SDK's builders of `invoke`, `invoke_with_response_stream`, `send_message`,
/// `send_message_batch`, `publish` and `publish_batch`.
pub trait CallExt: Builder {
    /// The same call with a span, which is current while the SDK sends and whose context is sent along.
    ///
    /// A function finds the context in the client context. An `Event` call has no client context: there the context is in
    /// the hidden field of the payload. A function observed by this crate does not see that field; others do.
    fn observed(self) -> ObservedCall<Self> {
        let options = CallOptions { in_payload: InPayload::IfNeeded, ..CallOptions::default() };
        ObservedCall { builder: self, options }
    }
}

impl<B: Builder> CallExt for B {}

/// An observed call. Its result is the SDK's own.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ObservedCall<B> {
    builder: B,
    options: CallOptions,
}

/// A builder of the SDK. (Cannot be named outside of this crate, which seals [`CallExt`].)
pub trait Builder: Sized {}

impl<B> ObservedCall<B> {
    /// What is recorded of the request and the response. Default: the sizes of messages.
    ///
    /// - For a call of a function, the payload is captured as `input` and the function's response as `output`, as on the span
    ///   of the function itself. Both are artifacts even under [`CaptureMode::Reference`](crate::CaptureMode::Reference),
    ///   because no attribute has their sizes. A streamed response is not captured.
    /// - For a message, the body is captured as `output` and its attributes as `output.headers`; in a batch, each on the span of
    ///   its message.
    ///
    /// Our own field and attributes are left out.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        ObservedCall { options: CallOptions { capture: Some(capture.into()), ..self.options }, ..self }
    }

    #[cfg(feature = "invoke")]
    fn into_payload(self) -> Self {
        ObservedCall { options: CallOptions { in_payload: InPayload::Always, ..self.options }, ..self }
    }

    /// Sends the call. The span begins here, not when the future is first polled.
    #[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
    pub(super) fn send_with<O, F>(
        self,
        replay: Replay<B, O>,
        begin: fn(&B) -> CallSpan,
        send: fn(B, Propagate) -> F,
    ) -> impl Future<Output = Result<O::Output, SdkError<O::Error, HttpResponse>>>
    where
        O: Operation,
        F: Future<Output = Result<O::Output, SdkError<O::Error, HttpResponse>>>,
    {
        let capture = self.options.capture.clone();
        let call = Call::new(under_current(|| begin(&self.builder)), self.options);
        let outbound = || adapter::as_recorded((replay.call)(&self.builder), capture.as_ref());
        let replayed = adapter::ask(call.context(), outbound).into_answer().map(|answer| {
            let answer = answer.map_err(replayed::refused).and_then(|then| (replay.answer)(&self.builder, &then));
            call.replayed::<O>(answer.as_ref().map_err(|failed| &failed.0));
            answer
        });
        let sending = match replayed {
            Some(result) => Err(result),
            None => {
                Ok(observe::with_context(call.context().clone(), || send(self.builder, Propagate::of(call.clone()))))
            }
        };
        async move {
            let result = match sending {
                Ok(sending) => sending.await,
                Err(replayed) => return replayed.map_err(|failed| failed.1),
            };
            if let Err(error) = &result {
                call.failed(error)
            }
            result
        }
    }
}

/// Implements `send` for a builder.
macro_rules! observed {
    ($operation:ty, $builder:ty, $output:ty, $sdk_error:ident<$error:ty>, $begin:expr) => {
        impl Builder for $builder {}

        impl ObservedCall<$builder> {
            /// Calls the builder's own `send` in a span that ends with the call.
            ///
            /// # Errors
            /// Returns the SDK's error unchanged.
            pub fn send(self) -> impl Future<Output = Result<$output, $sdk_error<$error>>> + Send {
                self.send_with::<$operation, _>(<$operation>::REPLAY, $begin, |builder, interceptor| {
                    builder.customize().interceptor(interceptor).send()
                })
            }
        }
    };
}

#[cfg(feature = "invoke")]
mod invoke {
    use super::super::invoke::{Invoke, InvokeWithResponseStream, open};
    use super::{Builder, ObservedCall};
    use aws_sdk_lambda::error::SdkError;
    use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
    use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
    use aws_sdk_lambda::operation::invoke_with_response_stream::builders::InvokeWithResponseStreamFluentBuilder;
    use aws_sdk_lambda::operation::invoke_with_response_stream::{
        InvokeWithResponseStreamError, InvokeWithResponseStreamOutput,
    };

    observed!(Invoke, InvokeFluentBuilder, InvokeOutput, SdkError<InvokeError>, |builder| {
        let input = builder.as_input();
        open("Invoke", input.get_function_name().as_deref(), input.get_invocation_type().as_ref().map(|t| t.as_str()))
    });

    observed!(
        InvokeWithResponseStream,
        InvokeWithResponseStreamFluentBuilder,
        InvokeWithResponseStreamOutput,
        SdkError<InvokeWithResponseStreamError>,
        |builder| {
            let input = builder.as_input();
            let kind = input.get_invocation_type().as_ref().map(|t| t.as_str());
            open("InvokeWithResponseStream", input.get_function_name().as_deref(), kind)
        }
    );

    impl ObservedCall<InvokeFluentBuilder> {
        /// Puts the context into the hidden field of the payload. `Event` calls do so anyway, because they have no client
        /// context.
        pub fn in_payload(self) -> Self {
            self.into_payload()
        }
    }

    impl ObservedCall<InvokeWithResponseStreamFluentBuilder> {
        /// Puts the context into the hidden field of the payload.
        pub fn in_payload(self) -> Self {
            self.into_payload()
        }
    }
}

#[cfg(feature = "sqs")]
mod sqs {
    use super::super::call_span::CallSpan;
    use super::super::sqs::{SQS, SendMessage, SendMessageBatch};
    use super::{Builder, ObservedCall};
    use aws_sdk_sqs::error::SdkError;
    use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
    use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
    use aws_sdk_sqs::operation::send_message_batch::builders::SendMessageBatchFluentBuilder;
    use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};

    observed!(SendMessage, SendMessageFluentBuilder, SendMessageOutput, SdkError<SendMessageError>, |builder| {
        CallSpan::Handoff(SQS.message(builder.as_input().get_queue_url().as_deref().unwrap_or_default()))
    });

    observed!(
        SendMessageBatch,
        SendMessageBatchFluentBuilder,
        SendMessageBatchOutput,
        SdkError<SendMessageBatchError>,
        |builder| {
            let input = builder.as_input();
            let count = input.get_entries().as_ref().map_or(0, Vec::len);
            SQS.batch(input.get_queue_url().as_deref().unwrap_or_default(), count)
        }
    );
}

#[cfg(feature = "sns")]
mod sns {
    use super::super::call_span::CallSpan;
    use super::super::sns::{Publish, PublishBatch, SNS};
    use super::{Builder, ObservedCall};
    use aws_sdk_sns::error::SdkError;
    use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
    use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
    use aws_sdk_sns::operation::publish_batch::builders::PublishBatchFluentBuilder;
    use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchOutput};

    observed!(Publish, PublishFluentBuilder, PublishOutput, SdkError<PublishError>, |builder| {
        let input = builder.as_input();
        let topic = input.get_topic_arn().as_deref().or(input.get_target_arn().as_deref());
        CallSpan::Handoff(SNS.message(topic.unwrap_or_default()))
    });

    observed!(PublishBatch, PublishBatchFluentBuilder, PublishBatchOutput, SdkError<PublishBatchError>, |builder| {
        let input = builder.as_input();
        let count = input.get_publish_batch_request_entries().as_ref().map_or(0, Vec::len);
        SNS.batch(input.get_topic_arn().as_deref().unwrap_or_default(), count)
    });
}

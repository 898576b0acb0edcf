//! `.observed()` on the SDK's builders.

use super::call::Call;
use super::open::Open;
use super::propagate::Propagate;
use super::wanted::{InPayload, Wanted};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe;

/// `.observed()` before `.send()`: for the SDK's builders of `invoke`, `invoke_with_response_stream`, `send_message`,
/// `send_message_batch`, `publish` and `publish_batch`.
pub trait CallExt: Sized {
    /// The same call, with a span that is current while the SDK sends and whose context goes along.
    ///
    /// A function finds it in the client context; one that is called as an `Event`, for which there is no client context, in
    /// the hidden field of its payload. A function of ours takes that out; others see it.
    fn observed(self) -> ObservedCall<Self>;
}

impl<B: Builder> CallExt for B {
    fn observed(self) -> ObservedCall<Self> {
        let wanted = Wanted { in_payload: InPayload::IfNeeded, ..Wanted::default() };
        ObservedCall { builder: self, wanted }
    }
}

/// A call, observed. What it gives is the SDK's own.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ObservedCall<B> {
    builder: B,
    wanted: Wanted,
}

/// A builder of the SDK's.
pub trait Builder: Sized {}

impl<B> ObservedCall<B> {
    /// What is recorded of what is sent and answered; the size of messages where nothing is said.
    ///
    /// - Of a call of a function the payload is the step's `input`, and the function's answer its `output`, as with the span
    ///   of the function itself. No attribute tells their sizes, so they are artifacts also under
    ///   [`CaptureMode::Reference`](crate::CaptureMode::Reference). Of an answer that is streamed nothing is recorded.
    /// - Of a message the body is the step's `output`, and its attributes are the `output.headers`: of a batch, each
    ///   message's with its own span.
    ///
    /// Our own field and attributes are not among it.
    pub fn capture(self, capture: &CapturePolicy) -> Self {
        ObservedCall { wanted: Wanted { capture: Some(capture.clone()), ..self.wanted }, ..self }
    }

    #[cfg(feature = "invoke")]
    fn into_payload(self) -> Self {
        ObservedCall { wanted: Wanted { in_payload: InPayload::Always, ..self.wanted }, ..self }
    }

    /// The span begins here, not when the future is first polled.
    pub(super) fn send_with<F, T, E>(
        self,
        begin: fn(&B) -> Open,
        send: fn(B, Propagate) -> F,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
        E: std::error::Error,
    {
        let call = Call::new(begin(&self.builder), self.wanted);
        let sending = observe::with_context(call.context().clone(), send(self.builder, Propagate::of(call.clone())));
        async move {
            let result = sending.await;
            if let Err(error) = &result {
                call.ended(error)
            }
            result
        }
    }
}

/// What one builder's `send` consists of.
macro_rules! observed {
    ($builder:ty, $output:ty, $sdk_error:ident<$error:ty>, $begin:expr) => {
        impl Builder for $builder {}

        impl ObservedCall<$builder> {
            /// The builder's own `send`, in a span that ends by how the call went.
            ///
            /// # Errors
            /// The SDK's.
            pub fn send(self) -> impl Future<Output = Result<$output, $sdk_error<$error>>> + Send {
                self.send_with($begin, |builder, interceptor| builder.customize().interceptor(interceptor).send())
            }
        }
    };
}

#[cfg(feature = "invoke")]
mod invoke {
    use super::super::invoke::open;
    use super::{Builder, ObservedCall};
    use aws_sdk_lambda::error::SdkError;
    use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
    use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
    use aws_sdk_lambda::operation::invoke_with_response_stream::builders::InvokeWithResponseStreamFluentBuilder;
    use aws_sdk_lambda::operation::invoke_with_response_stream::{
        InvokeWithResponseStreamError, InvokeWithResponseStreamOutput,
    };

    observed!(InvokeFluentBuilder, InvokeOutput, SdkError<InvokeError>, |builder| {
        let input = builder.as_input();
        open("Invoke", input.get_function_name().as_deref(), input.get_invocation_type().as_ref().map(|t| t.as_str()))
    });

    observed!(
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
        /// The function finds the context in the hidden field of its payload. So it is with `Event` anyway, which carries
        /// no client context.
        pub fn in_payload(self) -> Self {
            self.into_payload()
        }
    }

    impl ObservedCall<InvokeWithResponseStreamFluentBuilder> {
        /// The function finds the context in the hidden field of its payload.
        pub fn in_payload(self) -> Self {
            self.into_payload()
        }
    }
}

#[cfg(feature = "sqs")]
mod sqs {
    use super::super::{open::Open, sqs::SQS};
    use super::{Builder, ObservedCall};
    use aws_sdk_sqs::error::SdkError;
    use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
    use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
    use aws_sdk_sqs::operation::send_message_batch::builders::SendMessageBatchFluentBuilder;
    use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};

    observed!(SendMessageFluentBuilder, SendMessageOutput, SdkError<SendMessageError>, |builder| {
        Open::HandedOff(SQS.message(builder.as_input().get_queue_url().as_deref().unwrap_or_default()))
    });

    observed!(SendMessageBatchFluentBuilder, SendMessageBatchOutput, SdkError<SendMessageBatchError>, |builder| {
        let input = builder.as_input();
        let count = input.get_entries().as_ref().map_or(0, Vec::len);
        SQS.batch(input.get_queue_url().as_deref().unwrap_or_default(), count)
    });
}

#[cfg(feature = "sns")]
mod sns {
    use super::super::{open::Open, sns::SNS};
    use super::{Builder, ObservedCall};
    use aws_sdk_sns::error::SdkError;
    use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
    use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
    use aws_sdk_sns::operation::publish_batch::builders::PublishBatchFluentBuilder;
    use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchOutput};

    observed!(PublishFluentBuilder, PublishOutput, SdkError<PublishError>, |builder| {
        let input = builder.as_input();
        let topic = input.get_topic_arn().as_deref().or(input.get_target_arn().as_deref());
        Open::HandedOff(SNS.message(topic.unwrap_or_default()))
    });

    observed!(PublishBatchFluentBuilder, PublishBatchOutput, SdkError<PublishBatchError>, |builder| {
        let input = builder.as_input();
        let count = input.get_publish_batch_request_entries().as_ref().map_or(0, Vec::len);
        SNS.batch(input.get_topic_arn().as_deref().unwrap_or_default(), count)
    });
}

//! `.observed()` on the SDK's builders.

use super::Propagate;
use super::call::Call;
use super::operation::{Open, Operation};
use spanbridge::observe;
use std::sync::Arc;

/// `.observed()` before `.send()`: for the SDK's builders of `invoke`, `invoke_with_response_stream`, `send_message`,
/// `send_message_batch`, `publish` and `publish_batch`.
pub trait CallExt: Sized {
    /// The same call, with a span that is current while the SDK sends and whose context goes along.
    fn observed(self) -> Observed<Self>;
}

impl<B: Builder> CallExt for B {
    fn observed(self) -> Observed<Self> {
        Observed { builder: self, in_payload: false }
    }
}

/// A call, observed. What it gives is the SDK's own.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Observed<B> {
    builder: B,
    in_payload: bool,
}

/// A builder of the SDK's.
pub trait Builder: Sized {}

/// What one builder's `send` consists of.
macro_rules! observed {
    ($builder:ty, $operation:ty, $output:ty, $sdk_error:ident<$error:ty>, $begin:expr) => {
        impl crate::produce::observed::Builder for $builder {}

        impl crate::produce::observed::Observed<$builder> {
            /// The builder's own `send`, in a span that ends by how the call went.
            ///
            /// # Errors
            /// The SDK's.
            pub fn send(self) -> impl Future<Output = Result<$output, $sdk_error<$error>>> + Send {
                let begin: fn(&$builder) -> crate::produce::operation::Open = $begin;
                self.send_with(begin, |builder, interceptor| builder.customize().interceptor(interceptor).send())
            }
        }
    };
}
pub(super) use observed;

impl<B> Observed<B> {
    pub(super) fn with_payload(self) -> Self {
        Observed { in_payload: true, ..self }
    }

    /// The span begins here, not when the future is first polled.
    pub(super) fn send_with<F, T, E>(
        self,
        begin: fn(&B) -> Open,
        send: impl FnOnce(B, Propagate) -> F,
    ) -> impl Future<Output = Result<T, E>> + use<B, F, T, E, impl FnOnce(B, Propagate) -> F>
    where
        F: Future<Output = Result<T, E>>,
        E: std::error::Error,
    {
        let call = Call::new(begin(&self.builder), self.in_payload);
        let sending = observe::with_context(call.context().clone(), send(self.builder, Propagate::of(call.clone())));
        async move {
            let result = sending.await;
            if let Err(error) = &result {
                call.unsent(error)
            }
            result
        }
    }
}

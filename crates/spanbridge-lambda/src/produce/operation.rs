//! What differs from operation to operation of the SDK: the span, where the context goes, and what an answer says.

use super::call::Packing;
use super::failure::Failure;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use spanbridge::messaging::Handoff;
use spanbridge::observe::Span;
use spanbridge::{Context, Value, semconv};
use std::error::Error as StdError;
use std::fmt::Debug;

/// An operation, by its types.
pub(super) trait Operation: Debug + Send + Sync + 'static {
    type Input: Debug + Send + Sync + 'static;
    type Output: Debug + Send + Sync + 'static;
    type Error: ProvideErrorMetadata + StdError + Send + Sync + 'static;

    /// The answer is over when its body is.
    const STREAMS: bool = false;
    /// X-Ray's header of the request reaches who gets the message.
    const TAKES_XRAY: bool = false;

    /// Begins the span.
    fn open(input: &Self::Input) -> Open;

    /// Packs the context.
    fn pack(input: &mut Self::Input, packing: &mut Packing<'_>);

    /// Ends the spans by what was answered: that of the call, and of a batch those of its entries.
    fn answered(output: &Self::Output, call: Open, entries: Entries);
}

/// The spans of a batch's entries, by the entries' ids.
pub(super) type Entries = Vec<(String, Handoff)>;

/// An operation, whatever its types.
pub(super) trait AnyOperation: Debug + Send + Sync {
    fn accepts(&self, input: &Input) -> bool;
    fn open(&self, input: &Input) -> Option<Open>;
    fn pack(&self, input: &mut Input, packing: &mut Packing<'_>);
    fn answered(&self, output: &Output, call: Open, entries: Entries);
    fn metadata<'e>(&self, error: &'e Error) -> Option<&'e ErrorMetadata>;
    #[cfg(feature = "invoke")]
    fn streams(&self) -> bool;
    fn takes_xray(&self) -> bool;
}

impl<O: Operation> AnyOperation for O {
    fn accepts(&self, input: &Input) -> bool {
        input.downcast_ref::<O::Input>().is_some()
    }

    fn open(&self, input: &Input) -> Option<Open> {
        input.downcast_ref().map(O::open)
    }

    fn pack(&self, input: &mut Input, packing: &mut Packing<'_>) {
        if let Some(input) = input.downcast_mut() {
            O::pack(input, packing)
        }
    }

    fn answered(&self, output: &Output, call: Open, entries: Entries) {
        if let Some(output) = output.downcast_ref() {
            O::answered(output, call, entries)
        }
    }

    fn metadata<'e>(&self, error: &'e Error) -> Option<&'e ErrorMetadata> {
        error.downcast_ref::<O::Error>().map(ProvideErrorMetadata::meta)
    }

    #[cfg(feature = "invoke")]
    fn streams(&self) -> bool {
        O::STREAMS
    }

    fn takes_xray(&self) -> bool {
        O::TAKES_XRAY
    }
}

const ALL: &[&dyn AnyOperation] = &[
    #[cfg(feature = "invoke")]
    &super::invoke::Invoke,
    #[cfg(feature = "invoke")]
    &super::invoke::InvokeWithResponseStream,
    #[cfg(feature = "sqs")]
    &super::sqs::SendMessage,
    #[cfg(feature = "sqs")]
    &super::sqs::SendMessageBatch,
    #[cfg(feature = "sns")]
    &super::sns::Publish,
    #[cfg(feature = "sns")]
    &super::sns::PublishBatch,
];

/// The operation that an input is of, if we know it.
pub(super) fn of(input: &Input) -> Option<&'static dyn AnyOperation> {
    ALL.iter().copied().find(|operation| operation.accepts(input))
}

/// The span of a call that is under way.
#[derive(Debug)]
pub(super) enum Open {
    /// The answer says how it went. Dropped before it comes the span is cancelled.
    Answered(Span),
    /// The answer says that something was taken over. Dropped before it comes nobody knows.
    HandedOff(Handoff),
}

impl Open {
    pub(super) fn span(&self) -> Option<&Span> {
        match self {
            Open::Answered(span) => Some(span),
            Open::HandedOff(handoff) => handoff.span(),
        }
    }

    pub(super) fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    pub(super) fn attribute<'v>(&self, key: &'static str, value: impl Into<Value<'v>>) {
        if let Some(span) = self.span() {
            span.attribute(key, value)
        }
    }

    /// It went well.
    pub(super) fn ended(self) {
        match self {
            Open::Answered(span) => span.end(),
            Open::HandedOff(handoff) => handoff.ended("confirmed"),
        }
    }

    pub(super) fn failed(self, failure: &Failure) {
        self.attribute(semconv::ERROR_TYPE, &*failure.kind);
        match self {
            Open::Answered(span) => span.error(failure),
            Open::HandedOff(handoff) => handoff.failed(failure.handoff, failure),
        }
    }
}

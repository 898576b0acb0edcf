//! What differs from operation to operation of the SDK: the span, where the context goes, and what an answer says.

use super::open::{Entries, Open, Packing};
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::Span;
use std::error::Error as StdError;
use std::fmt::Debug;

/// An operation, by its types.
pub(super) trait Operation: Debug + Send + Sync + 'static {
    type Input: Debug + Send + Sync + 'static;
    type Output: Debug + Send + Sync + 'static;
    type Error: ProvideErrorMetadata + StdError + Send + Sync + 'static;

    /// The answer is over when its body is.
    #[cfg(feature = "invoke")]
    const STREAMS: bool = false;
    /// X-Ray's header of the request reaches who gets the message.
    const TAKES_XRAY: bool = false;

    /// Begins the span.
    fn open(input: &Self::Input) -> Open;

    /// Captures what is sent, and packs the context.
    fn pack(input: &mut Self::Input, packing: &mut Packing<'_>);

    /// Captures what was answered, where that is more than that it was taken.
    fn capture_answer(_: &Self::Output, _: &Span, _: &CapturePolicy) {}

    /// Ends the spans by what was answered: that of the call, and of a batch those of its entries. `refused` is what a
    /// refusal says of a hand-off: an attempt before may have got through.
    fn answered(output: &Self::Output, call: Open, entries: Entries, refused: &'static str);
}

/// An operation, whatever its types.
pub(super) trait AnyOperation: Debug + Send + Sync {
    fn accepts(&self, input: &Input) -> bool;
    fn open(&self, input: &Input) -> Option<Open>;
    fn pack(&self, input: &mut Input, packing: &mut Packing<'_>);
    fn capture_answer(&self, output: &Output, span: &Span, capture: &CapturePolicy);
    fn answered(&self, output: &Output, call: Open, entries: Entries, refused: &'static str);
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

    fn capture_answer(&self, output: &Output, span: &Span, capture: &CapturePolicy) {
        if let Some(output) = output.downcast_ref() {
            O::capture_answer(output, span, capture)
        }
    }

    fn answered(&self, output: &Output, call: Open, entries: Entries, refused: &'static str) {
        if let Some(output) = output.downcast_ref() {
            O::answered(output, call, entries, refused)
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

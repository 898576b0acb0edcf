//! What differs between the operations of the SDK: the span, where the context goes, and what a response says.

use super::call_span::{CallSpan, Entries, Packing};
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use spanbridge::Primitive;
use spanbridge::adapter::{HandoffStatus, OutboundCall};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::Span;
use std::error::Error as StdError;
use std::fmt::Debug;

/// An operation, by its types.
pub(super) trait Operation: Debug + Send + Sync + 'static {
    type Input: Debug + Send + Sync + 'static;
    type Output: Debug + Send + Sync + 'static;
    type Error: ProvideErrorMetadata + StdError + Send + Sync + 'static;

    /// Whether the response is complete only when its body is.
    #[cfg(feature = "invoke")]
    const STREAMS: bool = false;
    /// Whether the service passes on X-Ray's header of the request.
    const PASSES_XRAY: bool = false;

    /// Begins the span.
    fn open(input: &Self::Input) -> CallSpan;

    /// The call, as it is recorded: where it goes is enough where nothing can answer it.
    fn outbound(input: &Self::Input) -> OutboundCall<'_>;

    /// Captures what is sent, and packs the context.
    fn pack(input: &mut Self::Input, packing: &mut Packing<'_>);

    /// Captures the response, if it says more than that something was accepted.
    fn capture_response(_: &Self::Output, _: &Span, _: &CapturePolicy) {}

    /// Ends the spans by the response: that of the call, and those of a batch's entries. `refused` is the status of what the
    /// service refused, because an earlier attempt may have succeeded.
    fn responded(output: &Self::Output, call: CallSpan, entries: Entries, refused: HandoffStatus);
}

/// An operation of any types.
pub(super) trait AnyOperation: Debug + Send + Sync {
    fn accepts(&self, input: &Input) -> bool;
    fn open(&self, input: &Input) -> Option<CallSpan>;
    fn outbound<'i>(&self, input: &'i Input) -> OutboundCall<'i>;
    fn pack(&self, input: &mut Input, packing: &mut Packing<'_>);
    fn capture_response(&self, output: &Output, span: &Span, capture: &CapturePolicy);
    fn responded(&self, output: &Output, call: CallSpan, entries: Entries, refused: HandoffStatus);
    fn metadata<'e>(&self, error: &'e Error) -> Option<&'e ErrorMetadata>;
    #[cfg(feature = "invoke")]
    fn streams(&self) -> bool;
    fn passes_xray(&self) -> bool;
}

impl<O: Operation> AnyOperation for O {
    fn accepts(&self, input: &Input) -> bool {
        input.downcast_ref::<O::Input>().is_some()
    }

    fn open(&self, input: &Input) -> Option<CallSpan> {
        input.downcast_ref().map(O::open)
    }

    fn outbound<'i>(&self, input: &'i Input) -> OutboundCall<'i> {
        input.downcast_ref().map_or_else(|| OutboundCall::new(Primitive::OPERATION, ""), O::outbound)
    }

    fn pack(&self, input: &mut Input, packing: &mut Packing<'_>) {
        if let Some(input) = input.downcast_mut() {
            O::pack(input, packing)
        }
    }

    fn capture_response(&self, output: &Output, span: &Span, capture: &CapturePolicy) {
        if let Some(output) = output.downcast_ref() {
            O::capture_response(output, span, capture)
        }
    }

    fn responded(&self, output: &Output, call: CallSpan, entries: Entries, refused: HandoffStatus) {
        if let Some(output) = output.downcast_ref() {
            O::responded(output, call, entries, refused)
        }
    }

    fn metadata<'e>(&self, error: &'e Error) -> Option<&'e ErrorMetadata> {
        error.downcast_ref::<O::Error>().map(ProvideErrorMetadata::meta)
    }

    #[cfg(feature = "invoke")]
    fn streams(&self) -> bool {
        O::STREAMS
    }

    fn passes_xray(&self) -> bool {
        O::PASSES_XRAY
    }
}

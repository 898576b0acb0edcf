//! What a replay answers instead of AWS: outputs and errors of the SDK's own, without a request.

use super::call_error::CallError;
use super::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ErrorMetadata;
use spanbridge::adapter::{OutboundCall, Recorded, RecordedError, Refused};
use spanbridge::semconv;

/// A failed call: what its span says, and what its caller gets.
pub(super) type Failed<E> = Box<(CallError, SdkError<E, HttpResponse>)>;

/// What a call is answered that is not made: an output, or an error.
pub(super) type Answer<O, E> = Result<O, Failed<E>>;

/// Describes the call of a builder.
type Describes<B> = for<'b> fn(&'b B) -> OutboundCall<'b>;

/// Answers the call of a builder by what was recorded.
type Answers<B, O> = fn(&B, &Recorded) -> Answer<<O as Operation>::Output, <O as Operation>::Error>;

/// How a replay answers a call of a builder.
pub(super) struct Replay<B, O: Operation> {
    pub(super) call: Describes<B>,
    pub(super) answer: Answers<B, O>,
}

/// A call that is refused: as one whose request could not be made, because none was sent.
pub(super) fn refused<E>(refused: Refused) -> Failed<E> {
    Box::new((CallError::of_any(&refused), SdkError::construction_failure(refused)))
}

/// The same, because the record does not have what was answered.
pub(super) fn not_recorded<E>(what: &str) -> Failed<E> {
    refused(Refused::new(format!("a replay refused the call, because {what}")))
}

/// The HTTP status of the recorded response.
pub(super) fn status(then: &Recorded) -> Option<u16> {
    then.integer(semconv::HTTP_RESPONSE_STATUS_CODE).and_then(|status| status.try_into().ok())
}

/// Whether the service accepted the call, whatever came of it after that.
pub(super) fn is_accepted(then: &Recorded) -> bool {
    match status(then) {
        Some(status) => (200..300).contains(&status),
        None => then.error().is_none(),
    }
}

/// A recorded error of the service or of the connection. `generic` makes the operation's error.
pub(super) fn failed<E>(then: &Recorded, generic: impl FnOnce(ErrorMetadata) -> E) -> Failed<E> {
    let none = RecordedError::default();
    let error = then.error().unwrap_or(&none);
    let class = error.class().unwrap_or("_OTHER");
    // The text of a span begins with the class.
    let message =
        error.message().strip_prefix(class).and_then(|text| text.strip_prefix(": ")).unwrap_or(error.message());
    let sdk = match (class, status(then)) {
        ("timeout", _) => SdkError::timeout_error(error.clone()),
        ("io", _) => SdkError::dispatch_failure(ConnectorError::io(error.clone().into())),
        (code, Some(status)) => match status.try_into() {
            Ok(status) => {
                let metadata = ErrorMetadata::builder().code(code).message(message).build();
                SdkError::service_error(generic(metadata), HttpResponse::new(status, SdkBody::empty()))
            }
            Err(_) => SdkError::construction_failure(error.clone()),
        },
        (_, None) => SdkError::construction_failure(error.clone()),
    };
    Box::new((CallError::new(class.to_owned(), message), sdk))
}

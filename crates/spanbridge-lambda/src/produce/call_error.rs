//! Why a call failed: a kind and a message for its span.

use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_types::error::metadata::ErrorMetadata;
use spanbridge::adapter::HandoffStatus;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The error of a call.
#[derive(Debug, PartialEq)]
pub(super) struct CallError {
    /// `error.type`: as the service or the function names it, or by OpenTelemetry's conventions.
    pub(super) kind: Cow<'static, str>,
    pub(super) message: String,
}

/// The status of a hand-off that failed: the service did not accept the message, or that is unknown.
pub(super) const REJECTED: HandoffStatus = HandoffStatus::Rejected;
pub(super) const UNKNOWN: HandoffStatus = HandoffStatus::Unknown;
/// The conventions' fallback.
const OTHER: &str = "_OTHER";

impl CallError {
    /// The SDK's error. `metadata` is the service's own error, if it sent one.
    pub(super) fn of_sdk<'e>(
        error: &'e OrchestratorError<Error>,
        metadata: impl FnOnce(&'e Error) -> Option<&'e ErrorMetadata>,
    ) -> Self {
        if let Some(error) = error.as_operation_error() {
            let metadata = metadata(error);
            let code = metadata.and_then(|m| m.code()).unwrap_or(OTHER);
            let message = metadata.and_then(|m| m.message()).map_or_else(|| root(error), str::to_owned);
            return Self::new(code.to_owned(), message);
        }
        let connector = error.as_connector_error();
        let kind = match connector {
            _ if error.is_timeout_error() => "timeout",
            Some(connector) if connector.is_timeout() => "timeout",
            Some(connector) if connector.is_io() => "io",
            _ if error.is_response_error() => "response",
            _ => OTHER,
        };
        let message = match connector {
            Some(connector) if connector.is_io() || connector.is_timeout() => chain(connector),
            _ => root(error),
        };
        CallError { kind: kind.into(), message }
    }

    /// Any error.
    pub(super) fn of_any(error: &dyn StdError) -> Self {
        CallError { kind: OTHER.into(), message: root(error) }
    }

    pub(super) fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        CallError { kind: kind.into(), message: message.into() }
    }

    /// A function's own error, as [runtimes write it](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror).
    /// `fallback` is the kind if the body does not say it.
    #[cfg(feature = "invoke")]
    pub(super) fn of_function(body: &[u8], fallback: &str) -> Self {
        let error = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
        let text = |name: &str| error.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        let kind = text("errorType").unwrap_or(fallback).to_owned();
        let message = text("errorMessage").map_or_else(|| "the function failed".to_owned(), str::to_owned);
        Self::new(kind, message)
    }

    /// The same from the last event of a stream, whose details may also be plain text.
    #[cfg(feature = "invoke")]
    pub(super) fn of_function_in_stream(details: &str, code: &str) -> Self {
        match serde_json::from_str::<serde_json::Value>(details) {
            Ok(serde_json::Value::Object(_)) => Self::of_function(details.as_bytes(), code),
            _ if details.is_empty() => Self::of_function(b"", code),
            _ => Self::new(code.to_owned(), details),
        }
    }
}

/// Whether the service may have accepted what a failed attempt sent. A response may be lost on its way, and a request that
/// fails inside the service or at a proxy may have been accepted. Only a 4xx, and a request that the HTTP client refused to
/// send, were certainly not.
pub(super) fn may_be_accepted(error: &OrchestratorError<Error>, status: Option<u16>) -> bool {
    match status {
        Some(status) => !(400..500).contains(&status),
        None => !error.as_connector_error().is_some_and(|error| error.is_user()),
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            OTHER => f.write_str(&self.message),
            // lambda_runtime writes this for boxed errors; it says nothing.
            kind if kind.contains("dyn ") => f.write_str(&self.message),
            kind => write!(f, "{kind}: {}", self.message),
        }
    }
}

/// The root cause of an error. Some of the SDK's errors above it contain the whole request, which must not be recorded.
fn root(mut error: &dyn StdError) -> String {
    while let Some(cause) = error.source() {
        error = cause
    }
    error.to_string()
}

/// An error and its causes: the outer errors of a connection say little.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

//! Why a call failed, in the few words that a span has for it.

use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_types::error::metadata::ErrorMetadata;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// A call that failed.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    /// `error.type`: the service's or the function's own word, or the conventions'.
    pub(super) kind: Cow<'static, str>,
    pub(super) message: String,
}

/// What became of a hand-off that failed: the service did not take it, or nobody knows.
pub(super) const REJECTED: &str = "rejected";
pub(super) const UNKNOWN: &str = "unknown";
/// The conventions' word where there is no better one.
const OTHER: &str = "_OTHER";

impl Failure {
    /// The SDK's error; `metadata` is what the service said, if it did.
    pub(super) fn of<'e>(
        error: &'e OrchestratorError<Error>,
        metadata: impl FnOnce(&'e Error) -> Option<&'e ErrorMetadata>,
    ) -> Self {
        if let Some(error) = error.as_operation_error() {
            let metadata = metadata(error);
            let code = metadata.and_then(|m| m.code()).unwrap_or(OTHER);
            let message = metadata.and_then(|m| m.message()).map_or_else(|| root(error), str::to_owned);
            return Self::told(code.to_owned(), message);
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
        Failure { kind: kind.into(), message }
    }

    /// An error of which nothing was seen but that it is one.
    pub(super) fn untold(error: &dyn StdError) -> Self {
        Failure { kind: OTHER.into(), message: root(error) }
    }

    /// In somebody's own words.
    pub(super) fn told(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Failure { kind: kind.into(), message: message.into() }
    }

    /// A function's own error, as [the runtimes write it](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror).
    /// Of a body that says nothing, `otherwise` is what is known.
    #[cfg(feature = "invoke")]
    pub(super) fn of_function(body: &[u8], otherwise: &str) -> Self {
        let told = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
        let text = |name: &str| told.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        let kind = text("errorType").unwrap_or(otherwise).to_owned();
        let message = text("errorMessage").map_or_else(|| "the function failed".to_owned(), str::to_owned);
        Self::told(kind, message)
    }

    /// The same in the last event of a stream, where the details may also be a plain text.
    #[cfg(feature = "invoke")]
    pub(super) fn of_function_in_stream(details: &str, code: &str) -> Self {
        match serde_json::from_str::<serde_json::Value>(details) {
            Ok(serde_json::Value::Object(_)) => Self::of_function(details.as_bytes(), code),
            _ if details.is_empty() => Self::of_function(b"", code),
            _ => Self::told(code.to_owned(), details),
        }
    }
}

/// Whether the service may have taken what an attempt sent that failed: an answer may be lost on its way, and what fails
/// inside of a service, or at a proxy before it, may have been taken all the same. Only a 4xx says that it was not, and
/// what the HTTP client would not send.
pub(super) fn may_be_taken(error: &OrchestratorError<Error>, status: Option<u16>) -> bool {
    match status {
        Some(status) => !(400..500).contains(&status),
        None => !error.as_connector_error().is_some_and(|error| error.is_user()),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            OTHER => f.write_str(&self.message),
            // What lambda_runtime writes for a boxed error, which could be any.
            kind if kind.contains("dyn ") => f.write_str(&self.message),
            kind => write!(f, "{kind}: {}", self.message),
        }
    }
}

/// What an error comes from. Some of the SDK's on the way there hold the whole request, which is nothing to record.
fn root(mut error: &dyn StdError) -> String {
    while let Some(cause) = error.source() {
        error = cause
    }
    error.to_string()
}

/// An error and what caused it: what a connection's say by themselves is little.
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

//! What a gRPC response says of how the call ended. Its HTTP status is 200 in any case.

use http::header::{CONTENT_TYPE, HeaderMap};

/// The status of a call, by gRPC's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcStatus(&'static str);

/// [The codes](https://github.com/grpc/grpc/blob/master/doc/statuscodes.md), in their order.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Those that are errors of a server
/// ([conventions](https://opentelemetry.io/docs/specs/semconv/rpc/grpc/)). The others are the caller's.
const SERVER_ERRORS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

impl GrpcStatus {
    /// Whether a response is one of gRPC, by its media type: `application/grpc`, `application/grpc+proto`.
    pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
        let rest = headers.get(CONTENT_TYPE).and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    }

    /// The status in trailers, or in the headers of a response that has nothing else.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let code: usize = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
        CODES.get(code).copied().map(GrpcStatus)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// Whether the server has failed.
    pub(crate) fn is_server_error(self) -> bool {
        SERVER_ERRORS.contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))])
    }

    #[test]
    fn a_status_is_read_by_its_code() {
        let of = |value| {
            GrpcStatus::of(&headers("grpc-status", value)).map(|status| (status.name(), status.is_server_error()))
        };
        assert_eq!([of("0"), of("5")], [Some(("OK", false)), Some(("NOT_FOUND", false))]);
        assert_eq!([of("2"), of("13")], [Some(("UNKNOWN", true)), Some(("INTERNAL", true))]);
        assert_eq!(["17", "-1", "", "OK", "999999999999999999999999"].map(of), [None; 5]);
    }

    #[test]
    fn a_response_is_grpc_by_its_media_type() {
        let is = |value| GrpcStatus::is_grpc(&headers("content-type", value));
        assert!(is("application/grpc") && is("application/grpc+proto") && is("application/grpc;x=y"));
        assert!(!is("application/grpc-web") && !is("application/json"));
    }
}

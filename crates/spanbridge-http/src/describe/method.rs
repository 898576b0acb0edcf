//! The method of a request, by OpenTelemetry's
//! [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/).

use http::Method;

/// A method as it is recorded: attributes and names of spans have few values, whatever clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordedMethod<'a> {
    /// For `http.request.method`: a known method, or `_OTHER`.
    pub(crate) method: &'static str,
    /// What the name of the span begins with: the method, or `HTTP`.
    pub(crate) in_name: &'static str,
    /// For `http.request.method_original`, if it is not a known one.
    pub(crate) original: Option<&'a str>,
}

/// RFC 9110, section 9, PATCH (RFC 5789) and QUERY (RFC 10008).
const KNOWN: [&str; 10] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

impl<'a> From<&'a Method> for RecordedMethod<'a> {
    fn from(method: &'a Method) -> Self {
        // Methods have a case: `get` is another one than `GET`.
        match KNOWN.iter().find(|known| **known == method.as_str()) {
            Some(known) => RecordedMethod { method: known, in_name: known, original: None },
            None => RecordedMethod { method: "_OTHER", in_name: "HTTP", original: Some(method.as_str()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_method_is_other() {
        let get = RecordedMethod { method: "GET", in_name: "GET", original: None };
        assert_eq!(RecordedMethod::from(&Method::GET), get);
        for unknown in ["get", "PROPFIND", "GETS"] {
            let method = Method::from_bytes(unknown.as_bytes()).unwrap();
            let other = RecordedMethod { method: "_OTHER", in_name: "HTTP", original: Some(unknown) };
            assert_eq!(RecordedMethod::from(&method), other);
        }
    }
}

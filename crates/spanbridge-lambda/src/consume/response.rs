//! The response of a handler, on its way to Lambda.

use super::status;
use http::StatusCode;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A handler's response. If it was captured, it is already serialized, so that this is not done twice.
#[derive(Debug)]
pub struct CapturableResponse<B>(State<B>);

#[derive(Debug)]
enum State<B> {
    Plain(B),
    Serialized(Box<RawValue>),
}

impl<B> CapturableResponse<B> {
    pub(crate) fn new(response: B) -> Self {
        CapturableResponse(State::Plain(response))
    }
}

impl<B: Serialize> CapturableResponse<B> {
    /// Serializes the response and returns the JSON. If that fails, the response stays as it is: lambda_runtime serializes it
    /// later and reports the error.
    pub(crate) fn json(&mut self) -> Option<&[u8]> {
        if let State::Plain(response) = &self.0 {
            let json = catch_unwind(AssertUnwindSafe(|| to_raw_value(response)));
            self.0 = State::Serialized(json.ok()?.ok()?)
        }
        match &self.0 {
            State::Serialized(json) => Some(json.get().as_bytes()),
            State::Plain(_) => None,
        }
    }

    /// The status of an HTTP response.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match &self.0 {
            State::Plain(response) => status::of_response(response),
            State::Serialized(json) => status::of_json(json.get().as_bytes()),
        }
    }
}

impl<B: Serialize> Serialize for CapturableResponse<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::Plain(response) => response.serialize(serializer),
            State::Serialized(json) => json.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn json_is_the_same_to_the_byte() {
        fn check<B: Serialize>(response: impl Fn() -> B) {
            let (plain, mut captured) = (serde_json::to_vec(&response()).unwrap(), CapturableResponse::new(response()));
            assert_eq!(serde_json::to_vec(&CapturableResponse::new(response())).unwrap(), plain);
            assert_eq!(captured.json(), Some(&*plain));
            assert_eq!(serde_json::to_vec(&captured).unwrap(), plain);
        }
        check(|| ());
        check(|| "\u{2028}\"\\ü\0");
        check(|| (1.0, f64::NAN, u64::MAX, -0.0));
        check(|| serde_json::json!({"a": [1, {"b": null}]}));
        check(|| RawValue::from_string(" { \"a\" : 1 } ".trim().to_owned()).unwrap());
    }

    #[test]
    fn errors_of_serialization_are_the_same() {
        let no_json = || BTreeMap::from([((1, 2), 3)]);
        let mut response = CapturableResponse::new(no_json());
        assert!(response.json().is_none());
        let error = serde_json::to_vec(&response).unwrap_err().to_string();
        assert_eq!(error, serde_json::to_vec(&no_json()).unwrap_err().to_string());

        struct Panics;
        impl Serialize for Panics {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("on purpose")
            }
        }
        assert!(CapturableResponse::new(Panics).json().is_none());
    }
}

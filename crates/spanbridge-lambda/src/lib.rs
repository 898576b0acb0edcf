//! spanbridge for AWS Lambda: restores the context of an event from any source, records what the function does, and
//! delivers it before the process is frozen.
//!
//! # Functions
//!
//! ```no_run
//! use lambda_runtime::{Error, LambdaEvent, service_fn};
//! use serde_json::Value;
//! use spanbridge::{JsonLines, Recorder, observe};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let _recorder = Recorder::builder("score").sink(JsonLines::new(std::io::stdout())).install()?;
//!     spanbridge_lambda::run(service_fn(score)).await // instead of `lambda_runtime::run`
//! }
//!
//! async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
//!     observe::span("score risk").in_scope(|| event.payload["order"].as_u64().ok_or("an order has a number"))?;
//!     Ok(event.payload)
//! }
//! ```
//!
//! [`run`] takes care of the outcome, the flush before the freeze, the time limit, hostile headers, SIGTERM and SnapStart.
//! [`run_concurrent`] does the same for several events at a time. If you cannot change `main`, use the attribute
//! [`#[handler]`](macro@handler). If you build a `Runtime` yourself, use [`ObservedLayer`] with [`observed`].
//!
//! [`FunctionOptions`] sets how far callers are trusted (a function URL is open to strangers), how the work relates to its
//! cause, what is recorded of payloads, and how long a flush may take.
//!
//! A batch has a span that is linked to every sender. [`for_each_record`] gives each record a span under its own sender's
//! span, and returns the partial batch response.
//!
//! # Events
//!
//! [`Event`] reads the context of an event from its bytes, whatever its source. The standard headers `traceparent`,
//! `tracestate` and `baggage` come first, wherever the source puts them; without them X-Ray's header is used:
//!
//! ```
//! use spanbridge_lambda::{Event, InvocationMetadata, Source};
//!
//! let payload = br#"{"Records": [{
//!     "messageId": "059f36b4", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
//!     "attributes": {"ApproximateReceiveCount": "2"},
//!     "messageAttributes": {"traceparent": {
//!         "stringValue": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "dataType": "String"}},
//!     "body": "{}"}]}"#;
//! let (event, _payload) = Event::read(payload, InvocationMetadata::new());
//! assert_eq!(event.source(), Source::Sqs);
//! let [record] = event.records() else { panic!("one record") };
//! assert_eq!((record.destination.as_str(), record.attempt), ("orders", Some(2)));
//! assert_eq!(record.carried.context.span_id().unwrap().to_string(), "00f067aa0ba902b7");
//! ```
//!
//! # Calling functions and sending messages
//!
//! Add `.observed()` before `.send()`: with the feature `invoke` for calls of functions, with `sqs` and `sns` for messages.
//! The result is the SDK's own, and the span ends by what became of the call:
//!
//! ```no_run
//! # #[cfg(feature = "invoke")]
//! # async fn f(client: aws_sdk_lambda::Client) -> Result<(), aws_sdk_lambda::Error> {
//! use aws_sdk_lambda::primitives::Blob;
//! use spanbridge_lambda::CallExt;
//!
//! let score = client.invoke().function_name("score").payload(Blob::new(r#"{"order": 42}"#)).observed().send().await?;
//! # Ok(()) }
//! ```
//!
//! The context travels in the client context, beside what you have put there. `InvocationType::Event` has no client
//! context: there, and with [`in_payload`](ObservedCall::in_payload), the context travels in a hidden field of the payload.
//! X-Ray's header is added unless it is already set. [`Propagate`] does the same for every call of a client, with one line in
//! its configuration, except that it changes the payload only for the functions that you name.

#![cfg_attr(
    not(all(feature = "runtime", feature = "invoke")),
    expect(rustdoc::broken_intra_doc_links, reason = "the docs are written for all features")
)]

mod carrier;
#[cfg(feature = "runtime")]
mod consume;
mod describe;
mod durable;
mod event;
mod json;
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
mod produce;

#[cfg(feature = "sqs")]
pub use carrier::extract_message;
pub use carrier::{ClientContext, XRay};
#[cfg(feature = "runtime")]
pub use consume::{
    BatchError, BatchResponse, Cause, FunctionOptions, Lambda, ObservedLayer, ReceiveOptions, Records, for_each_record,
    observed, run, run_concurrent, snapstart,
};
pub use durable::Durable;
pub use event::{Event, InvocationMetadata, Record, Source};
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
pub use produce::{CallExt, ObservedCall, Propagate};
#[cfg(any(feature = "runtime", feature = "invoke", feature = "sqs", feature = "sns"))]
pub use spanbridge::messaging::{CaptureMode, CapturePolicy, Part, PartKind};
#[cfg(feature = "runtime")]
pub use spanbridge::messaging::{Relation, Trust};

#[cfg(feature = "runtime")]
#[doc = include_str!("handler_attribute.md")]
pub use spanbridge_macros::handler;

/// For the code of the attribute and for the fuzz target. Not public API: it changes without notice.
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod __private {
    pub use crate::consume::handling;
    pub use crate::event::bodies;
    pub use spanbridge::__private::{Verdict, never};
}

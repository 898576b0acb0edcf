//! spanbridge for AWS Lambda: the context of any event source is restored, and what a function does is recorded.
//!
//! # A function
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
//! [`run`] says what it sees to: the outcome, the flush before the freeze, the time limit, hostile headers, SIGTERM,
//! SnapStart. [`run_concurrent`] is the same for several events at a time. Where `main` is not to be changed there is the
//! attribute [`#[handler]`](macro@handler), and for a `Runtime` of one's own [`ObservedLayer`] with [`observed`].
//! [`Observe`] says how far callers are believed (a function URL is open to strangers), how work hangs together with what
//! caused it, what is recorded of payloads, and how long a flush may take.
//!
//! A batch has a span that is linked to every sender; [`for_each_record`] gives each of its records a span under its own
//! sender's, and makes the partial batch response.
//!
//! # What came with an event
//!
//! [`Event`] reads an event from its bytes, whatever its source. The standard headers `traceparent`, `tracestate` and
//! `baggage` come first, wherever the source puts them, and X-Ray's header where there are none:
//!
//! ```
//! use spanbridge_lambda::{InvocationMetadata, Event, Source};
//!
//! let payload = br#"{"Records": [{
//!     "messageId": "059f36b4", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
//!     "attributes": {"ApproximateReceiveCount": "2"},
//!     "messageAttributes": {"traceparent": {
//!         "stringValue": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "dataType": "String"}},
//!     "body": "{}"}]}"#;
//! let (event, _payload) = Event::read(payload, InvocationMetadata::default());
//! assert_eq!(event.source(), Source::Sqs);
//! let [record] = event.records() else { panic!("one record") };
//! assert_eq!((record.destination.as_str(), record.attempt), ("orders", Some(2)));
//! assert_eq!(record.carried.context.span_id().unwrap().to_string(), "00f067aa0ba902b7");
//! ```
//!
//! # Calling functions, sending messages
//!
//! One word before `send`, with the feature `invoke` (and `sqs`, `sns` for their messages). What it gives is the SDK's
//! own, and the span ends by what really became of the call:
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
//! The context goes in the client context, beside what the user has there, and in a field of the payload where there is
//! none: for `InvocationType::Event`, or where [`in_payload`](ObservedCall::in_payload) asks for it. X-Ray's header is
//! added where nobody has set it. [`Propagate`] is the same for every call of a client, in one line of its
//! configuration, but for the payload: that it changes for the functions that it is told of.

#![cfg_attr(
    not(all(feature = "runtime", feature = "invoke")),
    expect(rustdoc::broken_intra_doc_links, reason = "it says what there is with all features")
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
    BatchError, BatchResponse, Observe, ObservedLayer, Records, for_each_record, observed, parts, run, run_concurrent,
    snapstart,
};
pub use durable::Durable;
pub use event::{Event, InvocationMetadata, Record, Source};
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
pub use produce::{CallExt, ObservedCall, Propagate};
#[cfg(any(feature = "runtime", feature = "invoke", feature = "sqs", feature = "sns"))]
pub use spanbridge::messaging::{CaptureMode, CapturePolicy, Part, PartKind};
#[cfg(feature = "runtime")]
pub use spanbridge::messaging::{ReceiveOptions, Relation, Trust};

#[cfg(feature = "runtime")]
#[doc = include_str!("handler_attribute.md")]
pub use spanbridge_macros::handler;

/// What the code of the attribute calls, and the fuzz target. Not for use by hand: it changes without notice.
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod __private {
    pub use crate::consume::handling;
    pub use crate::event::bodies;
    pub use spanbridge::__private::{Verdict, never};
}

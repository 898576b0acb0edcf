//! spanbridge for AWS Lambda: the context of any event source is restored, and what a function does is recorded.
//!
//! # What came with an event
//!
//! [`Event`] reads an event from its bytes, whatever its source. The standard headers `traceparent`, `tracestate` and
//! `baggage` come first, wherever the source puts them, and X-Ray's header where there are none:
//!
//! ```
//! use spanbridge_lambda::{Beside, Event, Source};
//!
//! let payload = br#"{"Records": [{
//!     "messageId": "059f36b4", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
//!     "attributes": {"ApproximateReceiveCount": "2"},
//!     "messageAttributes": {"traceparent": {
//!         "stringValue": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "dataType": "String"}},
//!     "body": "{}"}]}"#;
//! let (event, _payload) = Event::read(payload, Beside::default());
//! assert_eq!(event.source(), Source::Sqs);
//! let [record] = event.records() else { panic!("one record") };
//! assert_eq!((record.destination.as_str(), record.attempt), ("orders", Some(2)));
//! assert_eq!(record.carried.context.span_id().unwrap().to_string(), "00f067aa0ba902b7");
//! ```

mod carrier;
mod describe;
mod durable;
mod event;
mod json;

pub use carrier::{ClientContext, XRay};
pub use durable::Durable;
pub use event::{Beside, Event, Record, Source};

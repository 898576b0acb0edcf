//! What options see of the cause of an invocation.

use crate::event::{Event, Record};
use spanbridge::messaging::MessageView;

/// The events and records of Lambda, for [`ReceiveOptions`].
#[derive(Debug)]
pub enum Lambda {}

impl MessageView for Lambda {
    type View<'m> = Cause<'m>;
}

/// The cause of an invocation, or of the work on a record of a batch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Cause<'m> {
    /// The event.
    pub event: &'m Event,
    /// The record. For an invocation, the only record of the event, if it has a single one.
    pub record: Option<&'m Record>,
}

impl<'m> Cause<'m> {
    /// The cause of an invocation. A single record causes it; of several records, none does.
    pub(super) fn of_invocation(event: &'m Event) -> Self {
        let record = match event.records() {
            [one] => Some(one),
            _ => None,
        };
        Cause { event, record }
    }

    pub(super) fn of_record(event: &'m Event, record: &'m Record) -> Self {
        Cause { event, record: Some(record) }
    }
}

/// [`ReceiveOptions`](spanbridge::messaging::ReceiveOptions) for Lambda: `relation_by` gets the [`Cause`]. If it panics on an
/// invocation, the handler is called all the same, and `relation` counts.
///
/// [`Relation::Auto`](spanbridge::messaging::Relation::Auto) uses [`Record::sent`]. If that is unknown, as for requests, the
/// cause counts as fresh.
///
/// [`capture`](spanbridge::messaging::ReceiveOptions::capture) sets what is recorded of payloads and headers. Default: only the
/// sizes of messages.
///
/// - For an invocation, the event is captured as its `input` and the handler's response as its `output`. Both are artifacts
///   even under [`CaptureMode::Reference`](crate::CaptureMode::Reference), because no attribute has their sizes. The headers
///   of a request are its `input.headers`.
/// - For a record handled by [`Records`](crate::Records) or [`for_each_record`](crate::for_each_record), the body is the
///   `input` of its `process` span, and its headers or message attributes are the `input.headers`. Its size is the attribute
///   `messaging.message.body.size`, unless capturing is [`CaptureMode::Off`](crate::CaptureMode::Off).
///
/// The hidden field and our own headers are left out. The event as a whole is captured as the handler gets it: **it includes
/// the headers of a request, and all messages of a batch**. Remove secrets from it with a
/// [redaction hook](crate::CapturePolicy::redact), which sees the whole event, every body and every header.
///
/// A streamed response is not captured, because it is not held back. Nor is the response of a handler that has only
/// [`#[handler]`](macro@crate::handler) on it, which reports only how it ended.
///
/// A response that is captured is serialized before the span ends. The event of a batch is kept until the invocation is over,
/// without a copy. What is not recorded is not read, copied or shown to the hook.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde_json::Value;
/// use spanbridge_lambda::{CaptureMode, CapturePolicy, FunctionOptions, PartKind, ReceiveOptions};
///
/// # async fn f() -> Result<(), Error> {
/// let inline = CaptureMode::Inline { max: 512 };
/// let capture = CapturePolicy::from(inline).headers(inline).redact(|part| {
///     match part.kind() {
///         // Callers write names in any case.
///         PartKind::Header(name) if ["authorization", "cookie"].contains(&&*name.to_lowercase()) => part.replace("***"),
///         PartKind::Payload => {
///             let mut payload: Value = serde_json::from_slice(part.bytes())?; // on an error nothing is recorded
///             for name in ["headers", "multiValueHeaders", "cookies"] {
///                 payload.get_mut(name).map(Value::take);
///             }
///             part.replace(payload.to_string())
///         }
///         // Error texts and the like are not JSON.
///         _ => {}
///     }
///     Ok::<_, serde_json::Error>(())
/// });
/// FunctionOptions::new().with(ReceiveOptions::new().capture(capture)).run(service_fn(score)).await
/// # }
/// # async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> { Ok(event.payload) }
/// ```
pub type ReceiveOptions = spanbridge::messaging::ReceiveOptions<Lambda>;

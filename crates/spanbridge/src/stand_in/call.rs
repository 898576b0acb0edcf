//! A call that is about to leave the process.

use crate::{Primitive, SpanId};
use std::borrow::Cow;
use std::fmt;

type EachHeader<'a> = dyn Fn(&mut dyn FnMut(&str, &[u8])) + 'a;

/// A call that is about to leave the process, as a [`StandIn`](super::StandIn) sees it.
///
/// What is asked is told as the client sends it. The record of an earlier run is looked up by `operation`, `target` and `body`.
pub struct OutboundCall<'a> {
    span: Option<SpanId>,
    operation: Primitive,
    target: Cow<'a, str>,
    content_type: Option<Cow<'a, str>>,
    body: Option<Cow<'a, [u8]>>,
    headers: Option<Box<EachHeader<'a>>>,
}

impl<'a> OutboundCall<'a> {
    /// A call of this kind to this target, with a body that is not compared.
    ///
    /// | operation | target |
    /// |---|---|
    /// | `http.client` | `METHOD url`, the URL without its fragment, credentials masked as in `url.full` |
    /// | `messaging.publish` | RabbitMQ: `exchange/routing key`; Kafka: the topic; SQS: the queue's URL; SNS: the topic's ARN |
    /// | `messaging.settle` | RabbitMQ: the queue, or the consumer's tag; Kafka: `topic/partition` |
    /// | `messaging.settle`, in a span of a publish | a transaction, which is asked about once, when it begins. RabbitMQ: `tx.select`; Kafka: the transactional id |
    /// | `function.invoke` | the function's name, and its qualifier behind a colon |
    /// | `db.query` | the database's name, as in `db.namespace` |
    pub fn new(operation: Primitive, target: impl Into<Cow<'a, str>>) -> Self {
        OutboundCall { span: None, operation, target: target.into(), content_type: None, body: None, headers: None }
    }

    /// What the body is, as a media type.
    pub fn with_content_type(self, content_type: impl Into<Option<&'a str>>) -> Self {
        OutboundCall { content_type: content_type.into().map(Cow::Borrowed), ..self }
    }

    /// What is sent. Left out for a stream, which nobody can look at before it is sent.
    pub fn with_body(self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        OutboundCall { body: Some(body.into()), ..self }
    }

    /// The headers: `each` calls its argument with the name and the value of each, in order.
    pub fn with_headers(self, each: impl Fn(&mut dyn FnMut(&str, &[u8])) + 'a) -> Self {
        OutboundCall { headers: Some(Box::new(each)), ..self }
    }

    /// With the body that this makes of it.
    pub(crate) fn map_body(self, f: impl FnOnce(Cow<'a, [u8]>) -> Option<Cow<'a, [u8]>>) -> Self {
        OutboundCall { body: self.body.and_then(f), ..self }
    }

    /// With each header replaced by what this gives.
    pub(crate) fn map_headers(self, f: impl Fn(&str, &[u8], &mut dyn FnMut(&str, &[u8])) + 'a) -> Self {
        let headers = self.headers.map(|headers| -> Box<EachHeader<'a>> {
            Box::new(move |each| headers(&mut |name, value| f(name, value, each)))
        });
        OutboundCall { headers, ..self }
    }

    #[cfg(feature = "record")]
    pub(super) fn in_span(self, span: Option<SpanId>) -> Self {
        OutboundCall { span, ..self }
    }

    /// The span of the call: it has begun, and its parent is where the call was made. `None` for a call without a span, which
    /// nobody recorded.
    pub fn span(&self) -> Option<SpanId> {
        self.span
    }

    /// What kind of call it is.
    pub fn operation(&self) -> Primitive {
        self.operation
    }

    /// Where it goes: see [`OutboundCall::new`].
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What the body is, as a media type, if that is known.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// What is sent. `None` for a stream.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// Calls `each` with the name and the value of each header, in order.
    pub fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        if let Some(headers) = &self.headers {
            headers(each)
        }
    }
}

impl fmt::Debug for OutboundCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundCall")
            .field("operation", &self.operation.name())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

//! A message that came back.

use lapin::message::BasicReturnMessage;
use lapin::types::{ReplyCode, ShortString};
use spanbridge::{Context, Failure, SpanId, TraceId};
use std::fmt;

/// Names a message by the context that it carries. Messages that carry another trace's context may share it: then any will do.
pub(crate) type Key = (TraceId, SpanId);

pub(crate) fn key(context: &Context) -> Option<Key> {
    context.trace_parent().map(|p| (p.trace_id, p.span_id))
}

/// Why a message came back.
#[derive(Debug)]
pub(crate) struct Returned {
    code: ReplyCode,
    text: ShortString,
}

impl Returned {
    /// Its class is AMQP's reply code.
    pub(crate) fn failure(&self) -> Failure<'_> {
        Failure::new(self).class(self.code.to_string())
    }
}

impl From<&BasicReturnMessage> for Returned {
    fn from(message: &BasicReturnMessage) -> Self {
        Returned { code: message.reply_code, text: message.reply_text.clone() }
    }
}

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "returned by the broker: {} {}", self.code, self.text)
    }
}

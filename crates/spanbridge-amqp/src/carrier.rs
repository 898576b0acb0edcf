//! AMQP headers as a carrier.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::carrier::{Budget, Extract, Header, Inject};
use spanbridge::w3c;

/// The headers of a received message.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a>(pub &'a BasicProperties);

impl Extract for Headers<'_> {
    /// Long strings are what every peer writes; byte arrays are what Python makes of bytes.
    fn get(&self, name: &str) -> Header<'_> {
        let Some(value) = self.0.headers().as_ref().and_then(|h| h.inner().get(name)) else { return Header::Absent };
        match value {
            AMQPValue::LongString(s) => Header::Value(s.as_bytes().into()),
            AMQPValue::ByteArray(b) => Header::Value(b.as_slice().into()),
            AMQPValue::ShortString(s) => Header::Value(s.as_str().as_bytes().into()),
            AMQPValue::Void => Header::Unusable("is null, not text"),
            AMQPValue::FieldTable(_) => Header::Unusable("is a table, not text"),
            AMQPValue::FieldArray(_) => Header::Unusable("is an array, not text"),
            AMQPValue::Boolean(_) => Header::Unusable("is a boolean, not text"),
            AMQPValue::Timestamp(_) => Header::Unusable("is a timestamp, not text"),
            _ => Header::Unusable("is a number, not text"),
        }
    }
}

/// Headers of a message that is about to be sent. They are written as long strings: a short string as a header value
/// makes RabbitMQ close the whole connection.
#[derive(Debug)]
pub struct HeadersMut<'a>(pub &'a mut FieldTable);

impl Inject for HeadersMut<'_> {
    fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(name) = ShortString::try_new(name) {
            self.0.insert(name, AMQPValue::LongString(value.into()));
        }
    }

    fn remove(&mut self, name: &'static str) {
        // A field table cannot take one out.
        if self.0.contains_key(name) {
            let mut rest = self.0.inner().clone();
            rest.remove(name);
            *self.0 = rest.into()
        }
    }
}

/// All properties of a message travel in one frame, and one that is too large ends the connection. This is the usual
/// size of a frame, which RabbitMQ and lapin agree on unless told otherwise (a channel does not say).
const FRAME: usize = 128 << 10;
/// Room for the frame itself and for the other properties.
const OTHERS: usize = 3 << 10;

impl HeadersMut<'_> {
    /// What there is room for, beside the headers of the user.
    pub(crate) fn budget(&self) -> Budget {
        let ours = |name: &str| [w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE].contains(&name);
        let theirs = self.0.into_iter().filter(|(name, _)| !ours(name.as_str()));
        let used: usize = theirs.map(|(name, value)| 1 + name.as_str().len() + size(value)).sum();
        // A byte for the length of the name, one for the type, four for the length of the value.
        Budget { bytes: (FRAME - OTHERS).saturating_sub(used), per_header: 6, headers: usize::MAX }
    }
}

/// How many bytes a value takes on the wire, its type among them.
fn size(value: &AMQPValue) -> usize {
    1 + match value {
        AMQPValue::Void => 0,
        AMQPValue::Boolean(_) | AMQPValue::ShortShortInt(_) | AMQPValue::ShortShortUInt(_) => 1,
        AMQPValue::ShortInt(_) | AMQPValue::ShortUInt(_) => 2,
        AMQPValue::LongInt(_) | AMQPValue::LongUInt(_) | AMQPValue::Float(_) => 4,
        AMQPValue::DecimalValue(_) => 5,
        AMQPValue::LongLongInt(_) | AMQPValue::Double(_) | AMQPValue::Timestamp(_) => 8,
        AMQPValue::ShortString(s) => 1 + s.as_str().len(),
        AMQPValue::LongString(s) => 4 + s.as_bytes().len(),
        AMQPValue::ByteArray(b) => 4 + b.as_slice().len(),
        AMQPValue::FieldArray(values) => 4 + values.as_slice().iter().map(size).sum::<usize>(),
        AMQPValue::FieldTable(t) => 4 + t.into_iter().map(|(k, v)| 1 + k.as_str().len() + size(v)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests;

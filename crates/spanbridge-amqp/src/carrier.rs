//! AMQP headers as a carrier.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::carrier::{Extract, Header, Inject};

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

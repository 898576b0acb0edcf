//! AMQP headers as a carrier.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::carrier::{Extract, Header, Inject};
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

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        let names = self.0.headers().iter().flat_map(|table| table.inner().keys());
        names.for_each(|name| f(name.as_str()))
    }
}

impl Headers<'_> {
    /// Every header: text and bytes as they are, anything else as lapin shows it.
    pub(crate) fn each(&self, f: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in self.0.headers().iter().flat_map(|table| table.into_iter()) {
            match self.get(name.as_str()) {
                Header::Value(bytes) => f(name.as_str(), &bytes),
                _ => f(name.as_str(), format!("{value:?}").as_bytes()),
            }
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

    fn remove_other_case(&mut self) {
        if self.0.inner().keys().any(|name| w3c::is_other_case(name.as_str())) {
            let mut rest = self.0.inner().clone();
            rest.retain(|name, _| !w3c::is_other_case(name.as_str()));
            *self.0 = rest.into()
        }
    }
}

/// How many bytes the headers take on the wire, without ours.
pub(crate) fn size_of_theirs(headers: &FieldTable) -> usize {
    let theirs = headers.into_iter().filter(|(name, _)| w3c::header_named(name.as_str()).is_none());
    theirs.map(|(name, value)| 1 + name.as_str().len() + size(value)).sum()
}

/// What a header costs beside its name and value: a byte for the length of the name, one for the type, four for the length
/// of the value.
pub(crate) const PER_HEADER: usize = 6;

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
pub(crate) mod tests;

//! AMQP headers as a carrier.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::carrier::{Extract, Header, Inject};
use spanbridge::w3c;

/// The headers of a received message.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a>(pub &'a BasicProperties);

impl Extract for Headers<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        get(self.0.headers().as_ref(), name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        each_name(self.0.headers().as_ref(), f)
    }

    /// A field table compares whole names on its way to one, so a pass over a few headers is cheaper than three look-ups.
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        for (name, value) in self.0.headers().iter().flatten() {
            f(name.as_str().as_bytes(), header(value))
        }
        true
    }
}

/// Long strings are what every peer writes; byte arrays are what Python makes of bytes.
fn get<'t>(table: Option<&'t FieldTable>, name: &str) -> Header<'t> {
    table.and_then(|table| table.inner().get(name)).map_or(Header::Absent, header)
}

fn header(value: &AMQPValue) -> Header<'_> {
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

fn each_name(table: Option<&FieldTable>, f: &mut dyn FnMut(&str)) {
    table.into_iter().flat_map(|table| table.inner().keys()).for_each(|name| f(name.as_str()))
}

impl Headers<'_> {
    /// Every header: text and bytes as they are, anything else as lapin shows it.
    pub(crate) fn pairs(&self, f: &mut dyn FnMut(&str, &[u8])) {
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

    /// One pass tells that nothing has to be taken out, as in nearly every message.
    fn set_all(&mut self, values: [Option<&str>; 3]) {
        let unwanted = |name: &ShortString| match w3c::header_named(name.as_str()) {
            Some(ours) => ours != name.as_str() || w3c::HEADERS.into_iter().zip(values).any(|it| it == (ours, None)),
            None => false,
        };
        if self.0.inner().keys().any(unwanted) {
            let mut rest = self.0.inner().clone();
            rest.retain(|name, _| !unwanted(name));
            *self.0 = rest.into()
        }
        for (name, value) in w3c::HEADERS.into_iter().zip(values) {
            if let Some(value) = value {
                self.set(name, value)
            }
        }
    }
}

/// The properties of a message that is about to be sent: the headers are copied only if something is written.
pub(crate) struct Outgoing {
    properties: BasicProperties,
    /// Those that are written.
    headers: Option<FieldTable>,
}

impl Outgoing {
    pub(crate) fn new(properties: BasicProperties) -> Self {
        Outgoing { properties, headers: None }
    }

    /// The properties as the user gave them.
    pub(crate) fn given(&self) -> &BasicProperties {
        &self.properties
    }

    pub(crate) fn into_properties(self) -> BasicProperties {
        match self.headers {
            Some(headers) => self.properties.with_headers(headers),
            None => self.properties,
        }
    }

    fn table(&self) -> Option<&FieldTable> {
        self.headers.as_ref().or(self.properties.headers().as_ref())
    }

    fn headers(&mut self) -> HeadersMut<'_> {
        let given = &self.properties;
        HeadersMut(self.headers.get_or_insert_with(|| given.headers().clone().unwrap_or_default()))
    }
}

impl Extract for Outgoing {
    fn get(&self, name: &str) -> Header<'_> {
        get(self.table(), name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        each_name(self.table(), f)
    }
}

impl Inject for Outgoing {
    fn set(&mut self, name: &'static str, value: &str) {
        self.headers().set(name, value)
    }

    fn remove(&mut self, name: &'static str) {
        if self.table().is_some_and(|table| table.contains_key(name)) {
            self.headers().remove(name)
        }
    }

    fn remove_other_case(&mut self) {
        if self.table().is_some_and(|table| table.inner().keys().any(|name| w3c::is_other_case(name.as_str()))) {
            self.headers().remove_other_case()
        }
    }

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        let ours = |table: &FieldTable| table.inner().keys().any(|name| w3c::header_named(name.as_str()).is_some());
        if values.iter().any(Option::is_some) || self.table().is_some_and(ours) {
            self.headers().set_all(values)
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

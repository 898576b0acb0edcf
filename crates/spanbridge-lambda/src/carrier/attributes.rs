//! Message attributes of SQS and SNS, whichever SDK's type they are.

use spanbridge::Context;
use spanbridge::carrier::{Budget, Extract, Header, Inject, inject_within};
use spanbridge::w3c;
use std::collections::HashMap;

/// An attribute of a message, in an SDK's type.
pub(crate) trait Attribute: Sized {
    /// Of type String.
    fn of_text(text: &str) -> Self;

    /// Its text or its bytes; `None` where it has neither.
    fn bytes(&self) -> Option<&[u8]>;
}

/// The attributes of a message.
#[derive(Debug)]
pub(crate) struct Attributes<'a, V>(pub(crate) &'a mut HashMap<String, V>);

/// How many a message may have.
const MOST: usize = 10;
/// What counts beside name and value: the name of the type, `String`.
const TYPE: usize = 6;

impl<V: Attribute> Attributes<'_, V> {
    /// Writes a context, within what the user's own attributes leave of ten, and within `bytes`. Says what was left out,
    /// if anything.
    pub(crate) fn inject(&mut self, context: &Context, bytes: usize) -> Option<String> {
        let ours = |name: &String| [w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE].contains(&name.as_str());
        let users = self.0.keys().filter(|name| !ours(name)).count();
        inject_within(context, Budget { bytes, per_header: TYPE, headers: MOST.saturating_sub(users) }, self)
    }
}

impl<V: Attribute> Extract for Attributes<'_, V> {
    fn get(&self, name: &str) -> Header<'_> {
        match self.0.get(name).map(V::bytes) {
            None => Header::Absent,
            Some(None) => Header::Unusable("has neither text nor bytes"),
            Some(Some(bytes)) => Header::Value(bytes.into()),
        }
    }
}

impl<V: Attribute> Inject for Attributes<'_, V> {
    fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name.to_owned(), V::of_text(value));
    }

    fn remove(&mut self, name: &'static str) {
        self.0.remove(name);
    }
}

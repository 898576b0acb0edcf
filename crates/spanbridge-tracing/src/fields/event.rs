//! The fields of an event.

use super::value::{Given, text, visit_by};
use std::error::Error;
use std::fmt::Debug;
use tracing_core::Field;
use tracing_core::field::Visit;

/// The fields in which an error is looked for: what `#[instrument(err)]` calls it, and its short form.
pub(crate) const ERROR_FIELDS: [&str; 2] = ["error", "err"];

const MESSAGE: &str = "message";

/// What an event says. Fields that describe a record of the `log` crate are taken for what they describe.
#[derive(Debug, Default)]
pub(crate) struct EventFields {
    pub(crate) message: Option<String>,
    /// The first of the fields in which an error is looked for.
    pub(crate) error: Option<(&'static str, String)>,
    /// Of a record of `log`.
    pub(crate) target: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<i64>,
    /// All others.
    pub(crate) rest: Vec<(&'static str, Given)>,
}

impl EventFields {
    fn put(&mut self, field: &Field, given: Given) {
        let name = field.name();
        match (name, given) {
            ("log.line", Given::Value(spanbridge::Value::I64(line))) => self.line = Some(line),
            (MESSAGE, given) => self.message = Some(given.into_text()),
            (name, given) if ERROR_FIELDS.contains(&name) && self.error.is_none() => {
                self.error = Some((name, given.into_text()))
            }
            ("log.target", Given::Text(target)) => self.target = Some(target),
            ("log.file", Given::Text(file)) => self.file = Some(file),
            ("log.module_path", _) => {}
            (name, given) => self.rest.push((name, given)),
        }
    }
}

impl Visit for EventFields {
    visit_by!(put);

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Given::Text(value.to_owned()))
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Given::Text(text(value)))
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, Given::of_error(value))
    }
}

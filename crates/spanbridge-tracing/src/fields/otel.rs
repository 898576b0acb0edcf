//! The fields that `tracing-opentelemetry` has given a meaning.

use super::value::text;
use crate::spans::Spans;
use spanbridge::{Failure, Kind};
use std::fmt::Debug;
use tracing_core::Field;
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Id};

const PREFIX: &str = "otel.";
const NAME: &str = "otel.name";
const KIND: &str = "otel.kind";
const STATUS_CODE: &str = "otel.status_code";
/// Two names for one thing: the second is the older one.
const STATUS_TEXTS: [&str; 2] = ["otel.status_description", "otel.status_message"];

/// What these fields say of a span that begins.
#[derive(Debug, Default)]
pub(crate) struct Otel {
    pub(crate) name: Option<String>,
    pub(crate) kind: Option<Kind>,
    pub(crate) outcome: Outcome,
}

/// What they say of its end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    is_ok: bool,
    /// The text of the error.
    failed: Option<String>,
}

impl Otel {
    pub(crate) fn of(attributes: &Attributes<'_>) -> Self {
        let mut otel = Otel::default();
        if attributes.metadata().fields().iter().any(|field| field.name().starts_with(PREFIX)) {
            attributes.record(&mut otel)
        }
        otel
    }

    fn take(&mut self, field: &Field, value: &str) {
        match field.name() {
            NAME if value.is_empty() => {} // to readers, a span without a name is one that has not begun
            NAME => self.name = Some(value.to_owned()),
            KIND => self.kind = kind(value),
            _ => {
                self.outcome.take(field, value);
            }
        }
    }
}

impl Visit for Otel {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value)
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name().starts_with(PREFIX) {
            self.take(field, &text(value))
        }
    }

    fn record_i64(&mut self, _: &Field, _: i64) {}
    fn record_u64(&mut self, _: &Field, _: u64) {}
    fn record_i128(&mut self, _: &Field, _: i128) {}
    fn record_u128(&mut self, _: &Field, _: u128) {}
    fn record_f64(&mut self, _: &Field, _: f64) {}
    fn record_bool(&mut self, _: &Field, _: bool) {}
}

/// Whether a field of a new span is no attribute, because [`Otel`] has understood it.
pub(super) fn is_understood(field: &Field, value: &str) -> bool {
    match field.name() {
        NAME => true,
        KIND => kind(value).is_some(),
        name => is_of_status(name),
    }
}

fn is_of_status(name: &str) -> bool {
    name == STATUS_CODE || STATUS_TEXTS.contains(&name)
}

impl Outcome {
    /// False, if the field says nothing of the end.
    pub(super) fn take(&mut self, field: &Field, value: &str) -> bool {
        match field.name() {
            STATUS_CODE if value.eq_ignore_ascii_case("ok") => self.is_ok = true,
            STATUS_CODE if value.eq_ignore_ascii_case("error") => {
                self.failed.get_or_insert_default();
            }
            STATUS_CODE => {}
            name if is_of_status(name) => self.failed = Some(value.to_owned()),
            _ => return false,
        }
        true
    }

    pub(crate) fn apply(&self, spans: &Spans, id: &Id) {
        if let Some(text) = &self.failed {
            spans.fail(id, &Failure::new(text))
        }
        if self.is_ok {
            spans.succeed(id)
        }
    }
}

fn kind(text: &str) -> Option<Kind> {
    let all = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
    all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text))
}

//! Fields of spans and events, and what they become.

mod event;
mod new;
mod otel;
mod recorded;
mod value;

pub(crate) use event::{ERROR_FIELDS, EventFields};
pub(crate) use new::NewFields;
pub(crate) use otel::Otel;
pub(crate) use recorded::RecordedFields;

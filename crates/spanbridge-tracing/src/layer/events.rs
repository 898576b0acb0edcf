//! Events.

use super::{LEVEL, Layer, TARGET};
use crate::fields::{ERROR_FIELDS, EventFields};
use spanbridge::observe::{self, ActiveSpan};
use spanbridge::{Failure, Value, semconv};
use tracing_core::{Event, Level};

/// The name of an event that is an error without a message.
const EXCEPTION: &str = "exception";

impl Layer {
    pub(super) fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let is_kept = *metadata.level() <= self.options.events;
        let may_fail = may_fail(event);
        if !is_kept && !may_fail {
            return;
        }
        let Some((span, id)) = self.span_of(event) else { return };
        let mut fields = EventFields::default();
        event.record(&mut fields);
        // An error that nobody has described: it is what the work has ended with.
        if let (Some((_, error)), None, Some(id), true) = (&fields.error, &fields.message, id, may_fail) {
            self.spans.fail(&id, &Failure::new(error))
        }
        if is_kept {
            self.record(&span, event, &fields)
        }
    }

    /// The span that an event belongs to, and its number, if it is one of `tracing`. An event belongs to the current span, also if
    /// it names one that is hidden from this layer.
    fn span_of(&self, event: &Event<'_>) -> Option<(ActiveSpan, Option<tracing_core::span::Id>)> {
        if event.is_root() {
            return None;
        }
        if let Some(parent) = event.parent() {
            if let Some(context) = self.spans.context(parent) {
                return Some((ActiveSpan::of(context)?, Some(parent.clone())));
            }
        }
        Some((observe::active_span()?, self.spans.current()))
    }

    fn record(&self, span: &ActiveSpan, event: &Event<'_>, fields: &EventFields) {
        let metadata = event.metadata();
        let mut all = Vec::with_capacity(fields.rest.len() + 5);
        all.push((LEVEL, Value::Static(metadata.level().as_str())));
        all.push((TARGET, fields.target.as_deref().map_or(Value::Static(metadata.target()), Value::Str)));
        if self.options.location {
            let file = fields.file.as_deref().map(Value::Str).or(metadata.file().map(Value::Static));
            let line = fields.line.or(metadata.line().map(i64::from));
            all.extend(file.map(|file| (semconv::CODE_FILE_PATH, file)));
            all.extend(line.map(|line| (semconv::CODE_LINE_NUMBER, Value::I64(line))));
        }
        let name = match (&fields.message, &fields.error) {
            (Some(message), _) => message,
            (None, Some(_)) => EXCEPTION,
            (None, None) => metadata.name(),
        };
        all.extend(fields.error.iter().map(|(key, error)| {
            let key = if fields.message.is_some() { key } else { semconv::EXCEPTION_MESSAGE };
            (key, Value::Str(error))
        }));
        all.extend(fields.rest.iter().map(|(key, given)| (beside_ours(key), given.value())));
        span.event(name, &all)
    }
}

/// The name of a field. If an event has a field of its own that is called as what is known of each event, both are there: whoever looks
/// for the target of an event is not to find the address that a connection has as its `target`.
fn beside_ours(name: &'static str) -> &'static str {
    match name {
        LEVEL => "field.level",
        TARGET => "field.target",
        name => name,
    }
}

/// Whether an event, if it has no message, says that its span has failed: it has an error, and is of level `ERROR` or has nothing
/// else. That is what `#[instrument(err)]` emits.
fn may_fail(event: &Event<'_>) -> bool {
    let fields = event.metadata().fields();
    let has_error = ERROR_FIELDS.iter().any(|name| fields.field(name).is_some());
    has_error && (*event.metadata().level() == Level::ERROR || fields.len() == 1)
}

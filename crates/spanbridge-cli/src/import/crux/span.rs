//! Spans, and what happens in them.

use super::converted::Converted;
use super::envelope::Envelope;
use super::fields::{Fields, missing};
use super::{ids, values};
use spanbridge::record::{End, Event, SpanData, SpanEnd};
use spanbridge::{Primitive, SpanId, Status, family};

type Result<T> = std::result::Result<T, String>;

/// What kind of step a span without a primitive is.
const UNKNOWN: &str = Primitive::OPERATION.name();

/// Names of the time of an event, the first that is there.
const EVENT_TIMES: [&str; 4] = ["timestamp", "occurredAt", "createdAt", "at"];

/// Why something failed.
pub(super) struct Failed {
    pub(super) text: Option<String>,
    class: Option<String>,
}

pub(super) fn start(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    let begun = Begun::read(&mut fields)?;
    drop_running(&mut fields);
    Ok(begun.record(envelope, fields, None))
}

pub(super) fn whole(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    let begun = Begun::read(&mut fields)?;
    let end = match fields.time("endedAt")? {
        Some(ended_at) => Some(read_end(&mut fields, ended_at)),
        None => {
            drop_running(&mut fields);
            None
        }
    };
    Ok(begun.record(envelope, fields, end))
}

pub(super) fn end(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    let (text, span_id) = span_id(&mut fields)?;
    let ended_at = fields.required_time("endedAt")?;
    let end = read_end(&mut fields, ended_at);
    // An end may repeat what the start says.
    Envelope::drop_repeated(&mut fields);
    let mut attributes = values::List::default();
    keep_id(&mut attributes, text, span_id);
    attributes.members(fields);
    let end = SpanEnd::new(span_id, end).with_attributes(attributes.done());
    Ok(Converted::Record { record: envelope.record(end), more: None })
}

pub(super) fn event(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    let (text, span_id) = span_id(&mut fields)?;
    let event_id = fields.required_text("eventId")?;
    let name = fields.required_text("name")?;
    let named = EVENT_TIMES.into_iter().find(|name| fields.has(name)).ok_or_else(|| missing("timestamp"))?;
    let timestamp = fields.required_time(named)?;
    Envelope::drop_repeated(&mut fields);
    let mut attributes = values::List::default();
    keep_id(&mut attributes, text, span_id);
    attributes.members(fields);
    let event = Event::new(span_id, event_id, name, timestamp).with_attributes(attributes.done());
    Ok(Converted::Record { record: envelope.record(event), more: None })
}

/// What a span begins with.
struct Begun {
    text: String,
    span_id: SpanId,
    parent: Option<String>,
    name: String,
    primitive: String,
    started_at: u64,
}

impl Begun {
    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let (text, span_id) = span_id(fields)?;
        let parent = fields.text("parentSpanId")?;
        let started_at = fields.required_time("startedAt")?;
        let primitive = fields.text("primitive")?.filter(|name| !name.is_empty()).unwrap_or_else(|| UNKNOWN.to_owned());
        let name = fields.text("name")?.unwrap_or_else(|| primitive.clone());
        if fields.peek_text("family").is_some_and(|told| told == family(&primitive)) {
            fields.take("family");
        }
        Ok(Begun { text, span_id, parent, name, primitive, started_at })
    }

    fn record(self, envelope: Envelope, fields: Fields<'_>, end: Option<End<'static>>) -> Converted {
        let mut attributes = envelope.attributes(fields);
        keep_id(&mut attributes, self.text, self.span_id);
        let parent = self.parent.map(|text| {
            let id = ids::span(&text);
            if !ids::is_same(&text, id) {
                attributes.text("crux.parentSpanId", text);
            }
            id
        });
        let data = SpanData::new(self.span_id, self.name, self.started_at)
            .with_parent_span_id(parent)
            .with_primitive(self.primitive)
            .with_end(end)
            .with_attributes(attributes.done());
        Converted::Record { record: envelope.record(data), more: None }
    }
}

pub(super) fn span_id(fields: &mut Fields<'_>) -> Result<(String, SpanId)> {
    let text = fields.required_text("spanId")?;
    let id = ids::span(&text);
    Ok((text, id))
}

/// Keeps the id of a span, unless ours says it.
fn keep_id(attributes: &mut values::List, text: String, ours: SpanId) {
    if !ids::is_same(&text, ours) {
        attributes.text("crux.spanId", text);
    }
}

/// What begins is running. That is no news.
pub(super) fn drop_running(fields: &mut Fields<'_>) {
    if fields.peek_text("status").is_some_and(|status| status == "running") {
        fields.take("status");
    }
}

fn read_end(fields: &mut Fields<'_>, ended_at: u64) -> End<'static> {
    let error = error(fields);
    let status = status(fields, error.is_some());
    fields.take("durationMs");
    let (text, class) = error.map_or((None, None), |error| (error.text, error.class));
    End::new(ended_at, status).with_error(text.map(Into::into)).with_error_type(class.map(Into::into))
}

/// The status of an end. Of a word that is not known, an error decides, and the word stays.
pub(super) fn status(fields: &mut Fields<'_>, has_error: bool) -> Status {
    let status = match fields.peek_text("status").as_deref() {
        Some("ok") => Status::Ok,
        Some("error") => Status::Error,
        Some("cancelled") => Status::Cancelled,
        _ if has_error => return Status::Error,
        _ => return Status::Ok,
    };
    fields.take("status");
    status
}

/// Why it failed: `{message, name?}` or a text. What else it says stays.
pub(super) fn error(fields: &mut Fields<'_>) -> Option<Failed> {
    if let Some(text) = fields.text_or_stay("error") {
        return Some(Failed { text: Some(text), class: None });
    }
    let whole = fields.raw("error")?;
    let Ok(mut error) = Fields::parse(whole.get()) else {
        return Some(Failed { text: None, class: None });
    };
    let failed = Failed { text: error.text_or_stay("message"), class: error.text_or_stay("name") };
    if error.is_empty() {
        fields.take("error");
    }
    Some(failed)
}

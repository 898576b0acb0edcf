//! What all records of Crux have.

use super::converted::Converted;
use super::fields::{Fields, missing};
use super::{ids, values};
use spanbridge::record::{AttributeValue, Attributes, Body, Record, RunAttributes, SpanAttributes};
use spanbridge::{RunId, SegmentId, SpanId, TraceId};

/// The version since which records have what is read here. Later ones are read as far as they are known.
const FIRST_VERSION: u64 = 2;

/// What records say that do not say which service recorded them.
const SERVICE: &str = "crux";

/// Who recorded it, and of which run.
pub(super) struct Envelope {
    record_id: String,
    record_type: String,
    pub(super) run_text: String,
    pub(super) segment_text: String,
    pub(super) run_id: RunId,
    pub(super) trace_id: TraceId,
    segment_id: SegmentId,
    segment_seq: u64,
    service: String,
}

impl Envelope {
    pub(super) fn read(fields: &mut Fields<'_>, record_type: &str) -> Result<Self, String> {
        let version = fields.take("schemaVersion").ok_or_else(|| missing("schemaVersion"))?;
        match version.get().parse::<u64>() {
            Ok(version) if version >= FIRST_VERSION => {}
            _ => return Err("`schemaVersion` is not a version, from 2".to_owned()),
        }
        let record_id = fields.required_text("recordId")?;
        let run_text = fields.required_text("runId")?;
        let segment_text = fields.required_text("segmentId")?;
        let run_id = ids::run(&run_text);
        let trace_id = match fields.text("traceId")? {
            Some(text) => ids::trace(&text),
            None => TraceId::new(run_id.get()).ok_or_else(|| missing("traceId"))?,
        };
        let segment_seq = fields.number_or_stay("segmentSeq").filter(|seq| *seq > 0);
        let segment_seq = segment_seq.ok_or("`segmentSeq` is not a number, from 1")?;
        let service = fields.text_or_stay("service").filter(|name| !name.is_empty()).unwrap_or(SERVICE.to_owned());
        let segment_id = ids::segment(&segment_text);
        let record_type = record_type.to_owned();
        Ok(Envelope {
            record_id,
            record_type,
            run_text,
            segment_text,
            run_id,
            trace_id,
            segment_id,
            segment_seq,
            service,
        })
    }

    /// The record.
    pub(super) fn record(&self, body: impl Into<Body<'static>>) -> Record<'static> {
        self.with_id(self.record_id.clone(), body)
    }

    /// The record, and one beside it for what it has no place for.
    pub(super) fn with_more(self, body: impl Into<Body<'static>>, span: Option<SpanId>, rest: More<'_>) -> Converted {
        let record = self.record(body);
        let more = (!rest.fields.is_empty()).then(|| {
            let id = rest.id.as_deref().unwrap_or(&self.record_id);
            let name = format!("crux.{}.{id}", self.record_type.replace(':', "."));
            let value = AttributeValue::Json(rest.fields.into_json().into());
            let attributes: Attributes<'static> = [(name.into(), value)].into_iter().collect();
            let id = format!("{}/more", self.record_id);
            match span {
                Some(span) => self.with_id(id, SpanAttributes::new(span, attributes)),
                None => self.with_id(id, RunAttributes::new(attributes)),
            }
        });
        Converted::Record { record, more }
    }

    fn with_id(&self, id: String, body: impl Into<Body<'static>>) -> Record<'static> {
        Record::new(self.segment_id, self.segment_seq, self.service.clone(), body)
            .of_run(Some(self.run_id), Some(self.trace_id))
            .with_id(Some(id.into()))
    }

    /// Members that each record repeats. Those that have attributes of their own, and begin something, keep them; what goes on
    /// or ends would say the same again.
    pub(super) fn drop_repeated(fields: &mut Fields<'_>) {
        for name in ["operationId", "sessionId", "userId", "deployment"] {
            fields.take(name);
        }
    }

    /// The ids as they were, and all members that are left.
    pub(super) fn attributes(&self, fields: Fields<'_>) -> values::List {
        let mut attributes = values::List::default();
        attributes.text("crux.runId", self.run_text.clone());
        attributes.text("crux.segmentId", self.segment_text.clone());
        attributes.members(fields);
        attributes
    }
}

/// What a record says beyond what ours have room for.
pub(super) struct More<'t> {
    /// The id of what it is about, if that is not the record.
    pub(super) id: Option<String>,
    pub(super) fields: Fields<'t>,
}

//! A batch at work: a span for each record, and the response.

use super::batch_response::{BatchError, BatchResponse};
use super::invocation::Invocation;
use super::order::{group_of, has_order};
use super::record_capture::RecordCapture;
use crate::describe;
use crate::event::{Record, Source};
use futures_util::FutureExt;
use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Relation, Step, Waited, span, waited};
use spanbridge::observe::{self, Span};
use spanbridge::{Context, Outcome, panics, semconv};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::SystemTime;

/// The records of an event, and which of them the handler works on.
pub(super) struct Batch<'a> {
    context: Context,
    receiving: Option<&'a ReceiveOptions>,
    capture: Option<RecordCapture<'a>>,
    source: Source,
    /// The event's records.
    records: &'a [Record],
    /// The place in `records` of each of the handler's records; `None` if unknown.
    places: Vec<Option<usize>>,
}

impl<'a> Batch<'a> {
    /// A batch of which the handler works on `count` records, with these ids if it has given any.
    pub(super) fn new(invocation: Option<&'a Invocation>, count: usize, ids: Option<Vec<String>>) -> Self {
        let context = invocation.map_or_else(observe::current_context, |i| i.context().clone());
        let Some(event) = invocation.map(|i| &i.event) else {
            let (source, places) = (Source::Direct, vec![None; count]);
            return Batch { context, receiving: None, capture: None, source, records: &[], places };
        };
        let receiving = invocation.map(|i| &i.settings.receiving).filter(|options| !options.is_default());
        let capture = invocation.and_then(RecordCapture::of);
        let (source, records) = (event.source(), event.records());
        let places = match ids {
            Some(ids) => {
                let named = records.iter().enumerate().filter(|(_, record)| !record.id.is_empty());
                let by_id: HashMap<_, _> = named.map(|(place, record)| (record.id.as_str(), place)).collect();
                ids.iter().map(|id| by_id.get(id.as_str()).copied()).collect()
            }
            None if event.count() == count && has_order(source, records) => {
                (0..count).map(|place| Some(place).filter(|place| *place < records.len())).collect()
            }
            None => vec![None; count],
        };
        Batch { context, receiving, capture, source, records, places }
    }

    fn record(&self, index: usize) -> Option<&'a Record> {
        self.places[index].map(|place| &self.records[place])
    }

    /// The handler's records with their indices, grouped by what is in order.
    pub(super) fn groups<T>(&self, records: Vec<T>) -> Vec<Vec<(usize, T)>> {
        let mut groups: Vec<Vec<_>> = vec![];
        let mut places = HashMap::new();
        for (index, record) in records.into_iter().enumerate() {
            let place = match self.record(index).map(|r| group_of(self.source, r)) {
                Some(Some(group)) => *places.entry(group).or_insert(groups.len()),
                _ => groups.len(),
            };
            match groups.get_mut(place) {
                Some(group) => group.push((index, record)),
                // With room for one: many groups never have more.
                None => groups.push(vec![(index, record)]),
            }
        }
        groups
    }

    /// Works on one record; false if that failed.
    pub(super) async fn work<F>(&self, index: usize, work: impl FnOnce() -> F) -> bool
    where
        F: Future,
        F::Output: Outcome,
    {
        let span = self.begin(index);
        let work = span.with_context(async || work().await);
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(value) => {
                let is_ok = value.judged().is_none();
                span.end_with(&value);
                is_ok
            }
            Err(panic) => {
                span.panicked(panics::text(&*panic));
                panics::discard(panic);
                false
            }
        }
    }

    fn begin(&self, index: usize) -> Span {
        let Some((place, record)) = self.places[index].map(|place| (place, &self.records[place])) else {
            let system = self.source.messaging_system().unwrap_or("aws");
            return observe::in_scope(&self.context, || span(system, Step::Process, "process", "").open());
        };
        let with_size = self.capture.as_ref().is_none_or(|capture| capture.policy().tells_size());
        let open = || {
            let span = describe::message(self.source, record, with_size).open();
            match &self.capture {
                Some(capture) => capture.policy().guard(span),
                None => span,
            }
        };
        let is_alone = self.records.len() == 1;
        let waited = waited(record.sent, SystemTime::now());
        let span = if is_alone {
            // The invocation is under the sender's span, and has recorded the problems with its headers.
            observe::in_scope(&self.context, open)
        } else if record.carried.context.is_empty() {
            // Without a sender its span is under the batch's. Its baggage is its own.
            let mut received = Received::from(record.carried.clone());
            if let Some(receiving) = self.receiving {
                received =
                    received.with(receiving, MessageInfo { relation: Some(Relation::Parent), ..MessageInfo::default() })
            }
            received.or_under(&self.context).process(open)
        } else {
            let mut received = Received::from(record.carried.clone());
            if let Some(receiving) = self.receiving {
                let name = || format!("process {}", record.destination).trim_end().to_owned();
                let age = waited.known();
                received = received.with(receiving, MessageInfo { relation: None, age, name: &name, primitive: None })
            }
            let span = received.process(open);
            span.link(&self.context);
            span
        };
        match waited {
            Waited::Known(time) => span.attribute(semconv::QUEUE_TIME_MS, time.as_millis() as u64),
            Waited::Ahead(by) => {
                let ms = by.as_millis();
                span.diagnostic(semconv::CLOCK_SKEW, &format!("the source's timestamp is {ms} ms in the future"))
            }
            Waited::Unknown => {}
        }
        if let Some(capture) = &self.capture {
            capture.record(&span, place)
        }
        span
    }

    /// The response, by the indices of the records that failed out of `all`.
    pub(super) fn response(&self, failed: &[usize], all: usize) -> Result<BatchResponse, BatchError> {
        if failed.is_empty() {
            return Ok(BatchResponse::default());
        }
        observe::in_scope(&self.context, || {
            if let Some(span) = observe::active_span() {
                span.attribute(semconv::BATCH_FAILED_COUNT, failed.len())
            }
        });
        let error = |why| BatchError { failed: failed.len(), all, why };
        let places: Option<Vec<_>> = failed.iter().map(|index| self.places[*index]).collect();
        let mut places = places.ok_or(error("it is unknown which records of the event they are"))?;
        places.sort_unstable(); // in the order of the source, whatever order the handler worked in
        let records = places.into_iter().map(|place| &self.records[place]).collect();
        BatchResponse::of_failed(self.source, records).map_err(error)
    }
}

//! A batch at work: a span for each record, and the response.

use super::batch_response::{BatchError, BatchResponse};
use super::cause::ReceiveOptions;
use super::invocation::Invocation;
use super::order::{group_of, has_order};
use super::record::{EventRecords, RecordMessage};
use crate::event::{Record, Source};
use futures_util::FutureExt;
use spanbridge::adapter::{Restored, Step, Work, span};
use spanbridge::carrier::Extraction;
use spanbridge::messaging::{CaptureMode, CapturePolicy, MessageInfo, Received, Relation};
use spanbridge::observe::{self, Span};
use spanbridge::{Context, Outcome, panics, semconv};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

/// The records that a handler works on.
pub(super) struct Batch<'a> {
    /// The context of the span around the batch.
    context: Context,
    /// The event; `None` if it is unknown.
    event: Option<EventRecords<'a>>,
    receive: ReceiveOptions,
    /// The place in the event of each of the handler's records; `None` if unknown.
    places: Vec<Option<usize>>,
}

impl<'a> Batch<'a> {
    /// A batch of which the handler works on `count` records, with these ids if it has given any.
    pub(super) fn new(invocation: Option<&'a Invocation>, count: usize, ids: Option<Vec<String>>) -> Self {
        let Some(invocation) = invocation else {
            let (context, receive) = (observe::current_context(), ReceiveOptions::new());
            return Batch { context, event: None, receive, places: vec![None; count] };
        };
        let (event, records) = (&invocation.event, invocation.event.records());
        let places = match ids {
            Some(ids) => {
                let named = records.iter().enumerate().filter(|(_, record)| !record.id.is_empty());
                let by_id: HashMap<_, _> = named.map(|(place, record)| (record.id.as_str(), place)).collect();
                ids.iter().map(|id| by_id.get(id.as_str()).copied()).collect()
            }
            None if event.count() == count && has_order(event.source(), records) => {
                (0..count).map(|place| Some(place).filter(|place| *place < records.len())).collect()
            }
            None => vec![None; count],
        };
        let receive = receive_options(invocation, event.source());
        Batch { context: invocation.context().clone(), event: Some(EventRecords::of(invocation)), receive, places }
    }

    fn source(&self) -> Source {
        self.event.as_ref().map_or(Source::Direct, |of| of.event.source())
    }

    fn record(&self, place: usize) -> Option<&'a Record> {
        self.event.as_ref()?.event.records().get(place)
    }

    /// The handler's records with their indices, grouped by what is in order.
    pub(super) fn groups<T>(&self, records: Vec<T>) -> Vec<Vec<(usize, T)>> {
        let mut groups: Vec<Vec<_>> = vec![];
        let mut places = HashMap::new();
        for (index, record) in records.into_iter().enumerate() {
            let of_event = self.places[index].and_then(|place| self.record(place));
            let place = match of_event.and_then(|record| group_of(self.source(), record)) {
                Some(group) => *places.entry(group).or_insert(groups.len()),
                None => groups.len(),
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
        // Where nothing is recorded, a record under the invocation is where that is, in other libraries too.
        let is_of_its_own = *span.context() != self.context;
        let restored = if is_of_its_own { Restored::of(&span) } else { Restored::default() };
        let work = restored.around(span.with_context(async || work().await));
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
        match (&self.event, self.places[index]) {
            (Some(of), Some(place)) => self.begin_record(of, &of.at(place)),
            _ => {
                let system = self.source().messaging_system().unwrap_or("aws");
                observe::in_scope(&self.context, || span(system, Step::Process, "process", "").open())
            }
        }
    }

    fn begin_record(&self, of: &EventRecords<'_>, message: &RecordMessage<'_, '_>) -> Span {
        let received = || Received::from(message.record.carried.clone());
        let in_batch = |received| Work::with_received(received, self.receive.capture_policy().cloned()).begin(message);
        if of.event.records().len() == 1 {
            // The invocation is under the sender's span, and has recorded the problems with its headers.
            let context = self.context.clone();
            in_batch(Received::from(Extraction::from(context)))
        } else if message.record.carried.context.is_empty() {
            // Without a sender its span is under the batch's. Its baggage is its own.
            let info = MessageInfo::new().relation(Relation::Parent);
            in_batch(received().with(&self.receive, info).or_under(&self.context))
        } else {
            let span = Work::of(received(), message, &self.receive).begin(message);
            span.link(&self.context);
            span
        }
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
        let records = places.into_iter().filter_map(|place| self.record(place)).collect();
        BatchResponse::of_failed(self.source(), records).map_err(error)
    }
}

/// The function's options. Headers are captured only if the records of the source have any.
fn receive_options(invocation: &Invocation, source: Source) -> ReceiveOptions {
    let receive = invocation.settings.receive.clone();
    match receive.capture_policy().cloned() {
        Some(policy) if !source.has_headers() => {
            receive.capture(CapturePolicy::clone(&policy).headers(CaptureMode::Off))
        }
        _ => receive,
    }
}

//! Who received the messages of which nothing says that they were settled.

use spanbridge::record::{BodyView, Record};
use spanbridge::{Value, semconv};
use spanbridge_graph::Unsettled;
use spanbridge_graph::hash::Map;
use spanbridge_query::RunRow;
use spanbridge_query::engine::NeverSettled;
use std::cell::RefCell;

/// What one question knows of receivers.
#[derive(Debug)]
pub(super) struct Receivers {
    pub(super) never_settled: NeverSettled,
    /// The service and the messaging system of those that have messages without a settlement.
    names: RefCell<Map<u64, (String, String)>>,
}

impl Receivers {
    pub(super) fn at(now: u64) -> Self {
        Self { never_settled: NeverSettled::at(now), names: RefCell::default() }
    }

    /// These receivers, with their names.
    pub(super) fn named(&self, receivers: &[u64]) -> Map<u64, (String, String)> {
        let names = self.names.borrow();
        receivers.iter().filter_map(|receiver| Some((*receiver, names.get(receiver)?.clone()))).collect()
    }

    /// Learns who received the messages of a run, from its records.
    pub(super) fn learn(&self, row: &RunRow, records: &[Record<'_>]) {
        let mut names = self.names.borrow_mut();
        let is_unknown = |receiver: u64| row.unsettled().messages.iter().any(|message| message.receiver == receiver);
        if row.unsettled().messages.iter().all(|message| names.contains_key(&message.receiver)) {
            return;
        }
        for record in records {
            let BodyView::Span(span) = record.view().body() else { continue };
            if span.primitive() == "messaging.process" {
                let system = match span.attributes().get(semconv::MESSAGING_SYSTEM) {
                    Some(Value::Str(system)) => system,
                    Some(Value::Static(system)) => system,
                    _ => "",
                };
                let receiver = Unsettled::receiver(&record.service, system);
                if is_unknown(receiver) {
                    names.insert(receiver, (record.service.to_string(), system.to_owned()));
                }
            }
        }
    }
}

//! Records of several requests, stored together.

use super::limits::STORED_AT_ONCE;
use super::outcome::Outcome;
use super::refused::Refused;
use spanbridge::SpanId;
use spanbridge::record::Record;
use spanbridge_query::Store;

/// Records of several requests, stored together.
pub(super) struct Batch<'s, 'j> {
    store: &'s mut Store,
    outcomes: &'s mut [Outcome],
    /// And the span that it is of, if spanbridge may have recorded that.
    records: Vec<(Record<'j>, Option<SpanId>)>,
    /// For each: of which request it is, and its number there.
    places: Vec<(usize, u64)>,
    weight: usize,
}

impl<'s, 'j> Batch<'s, 'j> {
    /// Stores records there, and tells each request what became of its own.
    pub(super) fn new(store: &'s mut Store, outcomes: &'s mut [Outcome]) -> Self {
        let (records, places) = (Vec::new(), Vec::new());
        Self { store, outcomes, records, places, weight: 0 }
    }

    pub(super) fn outcome(&mut self, request: usize) -> &mut Outcome {
        &mut self.outcomes[request]
    }

    /// Adds a record, and stores what is there once it is much. `weight`: about how many bytes it has. `exported`: a span of ours that
    /// it was made of; if the store has that as it was recorded, nothing is added.
    pub(super) fn push(
        &mut self,
        request: usize,
        number: u64,
        weight: usize,
        record: Record<'j>,
        exported: Option<SpanId>,
    ) -> Result<(), Refused> {
        self.records.push((record, exported));
        self.places.push((request, number));
        self.weight += weight;
        let (records, bytes) = STORED_AT_ONCE;
        if self.records.len() >= records || self.weight >= bytes { self.store() } else { Ok(()) }
    }

    /// Stores what is there.
    pub(super) fn store(&mut self) -> Result<(), Refused> {
        if self.records.is_empty() {
            return Ok(());
        }
        let Self { store, outcomes, records, places, .. } = self;
        let place = |at: u64| usize::try_from(at).ok().and_then(|at| places.get(at)).copied();
        let report = store.import_unless_recorded(records.drain(..), |at, what| {
            if let Some((request, _)) = place(at) {
                outcomes[request].became(what);
            }
        })?;
        for (at, why) in report.rejected {
            if let Some((request, number)) = place(at) {
                outcomes[request].reject(number, why);
            }
        }
        for at in report.late {
            if let Some((request, number)) = place(at) {
                outcomes[request].reject_late(number);
            }
        }
        places.clear();
        self.weight = 0;
        Ok(())
    }
}

//! Records that are stored together, and what became of each.

use super::tally::Place;
use super::target::Into;
use crate::failure::Failure;
use spanbridge::record::Record;
use spanbridge_query::Imported;

/// Records, each with the line or row it came from, and with one beside it that says the rest.
pub(super) struct Batch<'t> {
    place: fn(u64) -> Place,
    records: Vec<Record<'t>>,
    /// For each record: the line, and whether it says the rest of the record before it.
    places: Vec<(u64, bool)>,
}

impl Default for Batch<'_> {
    fn default() -> Self {
        Self { place: Place::Line, records: Vec::new(), places: Vec::new() }
    }
}

impl<'t> Batch<'t> {
    /// Of records that come from rows.
    #[cfg(feature = "parquet")]
    pub(super) fn of_rows() -> Self {
        Self { place: Place::Row, ..Self::default() }
    }

    pub(super) fn push(&mut self, line: u64, record: Record<'t>, more: Option<Record<'t>>) {
        self.records.push(record);
        self.places.push((line, false));
        if let Some(more) = more {
            self.records.push(more);
            self.places.push((line, true));
        }
    }

    /// Stores all of them, and counts what was read as one as one.
    pub(super) fn store(self, into: &mut Into<'_>) -> Result<(), Failure> {
        if self.records.is_empty() {
            return Ok(());
        }
        let mut became = vec![Imported::New; self.records.len()];
        let report = into.store.import_each(self.records, |at, what| {
            if let Some(place) = usize::try_from(at).ok().and_then(|at| became.get_mut(at)) {
                *place = what;
            }
        })?;
        let mut rest = &became[..];
        let mut places = &self.places[..];
        while let ([what, others @ ..], [(line, _), lines @ ..]) = (rest, places) {
            let more = lines.first().filter(|(_, is_more)| *is_more).and_then(|_| others.first().copied());
            into.tally.became(together(*what, more), into.name, (self.place)(*line));
            let used = usize::from(more.is_some());
            (rest, places) = (&others[used..], &lines[used..]);
        }
        for (at, why) in &report.rejected {
            let place = usize::try_from(*at).ok().and_then(|at| self.places.get(at));
            into.tally.bad(into.name, (self.place)(place.map_or(0, |(line, _)| *line)), why);
        }
        Ok(())
    }
}

/// What became of a record that is stored as two.
fn together(record: Imported, more: Option<Imported>) -> Imported {
    match (record, more) {
        (record, None) => record,
        // The same record says something else now.
        (Imported::Repeated, Some(Imported::New | Imported::Conflict)) => Imported::Conflict,
        (Imported::New, Some(Imported::Conflict)) => Imported::Conflict,
        (record, Some(_)) => record,
    }
}

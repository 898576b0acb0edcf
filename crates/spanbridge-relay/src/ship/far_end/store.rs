//! A store: a directory, or a database.

use super::contract::{Away, FarEnd, Sent};
use crate::ship::stop::Stop;
use spanbridge::record::Record;
use spanbridge_query::{Error, ImportReport, Store};

/// Opens a store, or makes it.
type Open = Box<dyn FnMut() -> Result<Store, Error> + Send>;

/// Sends records into a store.
pub struct StoreEnd {
    open: Open,
    store: Option<Store>,
    batch: Vec<Record<'static>>,
    /// To see how large a record is.
    text: String,
}

impl StoreEnd {
    /// Opens the store when something is sent, and again after an error.
    pub fn new(open: impl FnMut() -> Result<Store, Error> + Send + 'static) -> Self {
        Self { open: Box::new(open), store: None, batch: Vec::new(), text: String::new() }
    }

    fn store(&mut self) -> Result<Sent, Error> {
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert((self.open)()?),
        };
        let records = self.batch.iter().map(|record| record.view().to_record());
        // The lists of a directory count what is stored twice, so it compares. Engines know records again.
        let report = if store.directory().is_some() { store.import(records) } else { store.append(records) }?;
        let mut sent = Sent::default();
        for (_, why) in report.rejected {
            sent.reject(1, why);
        }
        if !report.late.is_empty() {
            sent.reject(report.late.len() as u64, ImportReport::LATE);
        }
        Ok(sent)
    }
}

impl FarEnd for StoreEnd {
    fn add(&mut self, record: Record<'_>) -> usize {
        self.text.clear();
        record.write_json(&mut self.text);
        self.batch.push(record.into_owned());
        self.text.len()
    }

    fn send(&mut self, _: &Stop) -> Result<Sent, Away> {
        let stored = self.store();
        match stored {
            Ok(sent) => {
                self.batch.clear();
                Ok(sent)
            }
            Err(error) => {
                // It may have been mended, or its connection is broken.
                self.store = None;
                Err(Away::new(error.to_string()))
            }
        }
    }
}

//! Where the records go.

use crate::failure::Failure;
use spanbridge::record::Record;
use spanbridge_cli::place::Place;
use spanbridge_query::{Error, ErrorKind, ImportReport, Store};

/// A store, which is opened again after an error.
pub(super) struct Destination {
    place: Place,
    store: Option<Store>,
}

impl Destination {
    /// # Errors
    /// Waiting would not help. A database that is away may come back.
    pub(super) fn open(place: Place) -> Result<Self, Failure> {
        use ErrorKind::{Busy, Full, Io, Moved};
        match place.open_or_create() {
            Ok(store) => Ok(Self { place, store: Some(store) }),
            Err(error) if error.kind() == ErrorKind::InvalidPath => Err(Failure::Usage(error.to_string())),
            Err(error) if place.directory().is_none() && matches!(error.kind(), Busy | Full | Io | Moved) => {
                Ok(Self { place, store: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores records. Those that are there already are stored once.
    pub(super) fn store(&mut self, records: Vec<Record<'_>>) -> Result<ImportReport, Error> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert(self.place.open_or_create()?),
        };
        // A database knows by itself what it has.
        let result = match self.place.directory() {
            Some(_) => store.import(records),
            None => store.append(records),
        };
        if result.is_err() {
            self.store = None;
        }
        result
    }
}

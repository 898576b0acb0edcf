//! What to follow, and how.

use crate::place::Place;
use spanbridge_db::StatePolicy;
use std::path::PathBuf;
use std::time::Duration;

/// What to follow, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The database: a `postgres://` URL, or `key=value` pairs. The password may be in the environment (`PGPASSWORD`).
    pub postgres: String,
    /// The name of the slot.
    pub slot: String,
    /// The name of the publication. A second one, `<name>_inserts`, has the tables of which only new rows can be told.
    pub publication: String,
    /// Only these tables. Empty: all. A name without a schema stands for the table in every schema.
    pub tables: Vec<String>,
    /// What is recorded of the rows.
    pub policy: StatePolicy,
    /// The store.
    pub store: Place,
    /// The directory with the notes of the slots that are followed into the store. `None`: none are kept.
    pub notes: Option<PathBuf>,
    /// Create what is missing: the slot, the publications, and tables in these.
    pub create: bool,
    /// End when everything is read that was there at the beginning.
    pub once: bool,
    /// Drop the slot if it holds back more of the log than this, in bytes.
    pub max_lag: Option<u64>,
    /// How often to look for changes.
    pub interval: Duration,
    /// Number of changes after which a round takes no more transactions.
    pub changes_per_round: i32,
}

impl Options {
    /// Follows this database into this store: keys only, the slot and the publication `spanbridge`, once a second.
    pub fn new(postgres: impl Into<String>, store: impl Into<Place>) -> Self {
        let store = store.into();
        Self {
            postgres: postgres.into(),
            slot: "spanbridge".to_owned(),
            publication: "spanbridge".to_owned(),
            tables: Vec::new(),
            policy: StatePolicy::keys(),
            notes: store.notes(),
            store,
            create: false,
            once: false,
            max_lag: None,
            interval: Duration::from_secs(1),
            changes_per_round: 10_000,
        }
    }

    /// The publications, in which everything or only new rows are told.
    pub(super) fn publications(&self) -> [String; 2] {
        [self.publication.clone(), inserts_of(&self.publication)]
    }
}

/// The publication with the tables of which only new rows can be told.
pub(super) fn inserts_of(publication: &str) -> String {
    format!("{publication}_inserts")
}

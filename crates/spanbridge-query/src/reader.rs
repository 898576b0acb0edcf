//! Asking an engine, and remembering what is damaged there.

use crate::Result;
use crate::damage::Damage;
use crate::engine::{Engine, Snapshot};
use crate::engines::Engines;
use crate::stop::Stoppable;
use spanbridge_graph::Diagnostic;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An engine, and the damage that was found in it.
pub(crate) struct Reader {
    pub(crate) path: PathBuf,
    pub(crate) engine: Engines,
    damage: RefCell<Damage>,
    /// Questions end early once this is true.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl Reader {
    pub(crate) fn new(path: PathBuf, engine: Engines) -> Self {
        Self { path, engine, damage: RefCell::default(), stop: None }
    }

    /// Asks a question of one consistent state. The question may look at the damage that it met itself.
    pub(crate) fn read<T>(&self, question: impl FnOnce(&dyn Snapshot) -> Result<T>) -> Result<T> {
        let ask = || {
            let snapshot = self.engine.snapshot()?;
            let answer = match &self.stop {
                Some(stop) => question(&Stoppable { snapshot: &*snapshot, stop }),
                None => question(&*snapshot),
            };
            self.damage.borrow_mut().add(snapshot.damaged());
            answer
        };
        ask().map_err(|e| e.at("read", &self.path))
    }

    /// What was skipped so far, because it is damaged.
    pub(crate) fn damage(&self) -> Option<Diagnostic> {
        self.damage.borrow().diagnostic()
    }
}

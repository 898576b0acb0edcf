//! How a consumer treats the contexts that come with its messages.

use super::message::{Incoming, Received};
use spanbridge::messaging::{CapturePolicy, ReceiveOptions, Relation};
use std::fmt;
use std::sync::Arc;

/// Empty by default, so that a message with the defaults costs nothing here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(Option<Arc<NonDefault>>);

#[derive(Clone, Default)]
pub(super) struct NonDefault {
    pub(super) receiving: ReceiveOptions,
    pub(super) relation_by: Option<Arc<RelationBy>>,
}

pub(super) type RelationBy = dyn Fn(&Incoming<'_>) -> Relation + Send + Sync;

impl Settings {
    /// The settings, if any was changed.
    pub(super) fn receiving(&self) -> Option<&ReceiveOptions> {
        self.0.as_ref().map(|all| &all.receiving)
    }

    /// The relation chosen for this message alone.
    pub(super) fn relation_of(&self, message: &impl Received) -> Option<Relation> {
        self.0.as_ref()?.relation_by.as_ref().map(|by| by(&Incoming::of(message)))
    }

    pub(super) fn records_size(&self) -> bool {
        self.capture().is_none_or(CapturePolicy::tells_size)
    }

    pub(super) fn capture(&self) -> Option<&CapturePolicy> {
        self.receiving().map(|receiving| &receiving.capture)
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut NonDefault)) {
        let mut all = self.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut all);
        self.0 = Some(Arc::new(all))
    }
}

impl fmt::Debug for NonDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Settings");
        d.field("receiving", &self.receiving).field("relation_by", &self.relation_by.is_some()).finish()
    }
}

//! The subscriber of the cases.

use crate::MODE;
use spanbridge_graph::testing::{self, RecordOptions, Recorded};
use std::sync::{Once, RwLock};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Identity;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

/// What the subscriber is like.
pub(crate) struct Mode {
    pub(crate) is_global: bool,
    pub(crate) is_filtered: bool,
}

/// The target of spans that a filter hides from the layer, if there are filters.
pub(crate) const NOISY: &str = "noisy";

fn dispatch() -> Dispatch {
    if !MODE.is_filtered {
        return registry().with(spanbridge_tracing::layer()).into();
    }
    let ours = spanbridge_tracing::layer().with_filter(filter_fn(|metadata| metadata.target() != NOISY));
    // Without a layer that wants them, there would be no such spans.
    registry().with(ours).with(Identity::new().with_filter(LevelFilter::TRACE)).into()
}

/// Calls `work` under the subscriber.
pub(crate) fn subscribed<R>(work: impl FnOnce() -> R) -> R {
    static SET: Once = Once::new();
    if !MODE.is_global {
        return tracing::dispatcher::with_default(&dispatch(), work);
    }
    SET.call_once(|| tracing::dispatcher::set_global_default(dispatch()).unwrap());
    work()
}

/// Held while there is another default, for a thread. Then the default of the process is used as if it were one of those, too.
static OTHERS: RwLock<()> = RwLock::new(());

/// Calls `work` under a subscriber of its own.
pub(crate) fn under<R>(dispatch: &Dispatch, work: impl FnOnce() -> R) -> R {
    let _other = OTHERS.read();
    tracing::dispatcher::with_default(dispatch, work)
}

/// Calls `work` while there is no other default.
pub(crate) fn alone<R>(work: impl FnOnce() -> R) -> R {
    let _alone = MODE.is_global.then(|| OTHERS.write());
    work()
}

/// The subscriber of this thread, as other threads need it.
#[derive(Clone)]
pub(crate) struct Default(Option<Dispatch>);

pub(crate) fn default() -> Default {
    Default((!MODE.is_global).then(|| tracing::dispatcher::get_default(Clone::clone)))
}

impl Default {
    /// Calls `work` under it.
    pub(crate) fn call<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(dispatch) => tracing::dispatcher::with_default(dispatch, work),
            None => work(),
        }
    }

    /// Makes it the default of this thread for ever.
    pub(crate) fn set(&self) {
        if let Some(dispatch) = &self.0 {
            std::mem::forget(tracing::dispatcher::set_default(dispatch))
        }
    }
}

/// What `work` records under the subscriber.
pub(crate) fn traced<R>(work: impl FnOnce() -> R) -> Recorded<R> {
    testing::record(|| subscribed(work))
}

/// The same as a text, with these attributes.
pub(crate) fn tree_of<R>(shown: &[&str], work: impl FnOnce() -> R) -> String {
    RecordOptions::new().show(shown.iter().copied()).record(|| subscribed(work)).tree()
}

//! Notices work that was begun outside of what it is polled in.
//!
//! A span begins where it is written. In `run.with_context(span("step").run(work))` that is outside of the run, where
//! nothing is current: the step becomes a run of its own, or is not recorded at all. It compiles, it runs, and nobody sees
//! why the tree is in two pieces; so it is said, where it is polled for the first time.

use super::details;
use crate::current::{self, ambient};
use crate::{Context, semconv};

/// Whether a future with a span, or a run, around it was begun where nothing was current, and was not polled yet.
pub(super) struct BegunAlone(bool);

impl BegunAlone {
    pub(super) const NO: BegunAlone = BegunAlone(false);

    #[inline(always)]
    pub(super) fn new(alone: bool) -> Self {
        BegunAlone(alone)
    }

    /// It is polled; `own` is its context. What is current is still what is around it.
    #[inline(always)]
    pub(super) fn polled(&mut self, own: &Context) {
        if std::mem::take(&mut self.0) && !ambient().shared.get().is_null() {
            tell(own, &current::context())
        }
    }
}

#[cold]
#[inline(never)]
fn tell(own: &Context, around: &Context) {
    if around.is_empty() {
        return count_for_its_recorder(own, around);
    }
    let Some(run) = around.run_id().filter(|_| around.is_recorded()) else { return };
    let became = match own.run_id() {
        Some(same) if same == run => return,
        Some(other) if own.is_recorded() => format!("is run {other}"),
        _ => "is not recorded".to_owned(),
    };
    let message = format!(
        "a span or run that is polled here was begun before this was current, so it is not part of it and {became}: \
         make it inside, as in `async {{ span(\"step\").run(work).await }}`"
    );
    details::diagnostic(around, semconv::BEGUN_OUTSIDE, &message)
}

/// There is no run around it, but perhaps the scope of a recorder, which has none of its own to tell it in.
#[cfg(feature = "record")]
fn count_for_its_recorder(own: &Context, around: &Context) {
    use std::sync::{Arc, atomic::Ordering::Relaxed};
    let recorder = |context: &Context| context.shared().and_then(|shared| shared.intake.clone());
    if let Some(around) = recorder(around).filter(|intake| intake.is_on())
        && !recorder(own).is_some_and(|own| Arc::ptr_eq(&own, &around))
    {
        around.begun_outside.fetch_add(1, Relaxed);
    }
}

#[cfg(not(feature = "record"))]
fn count_for_its_recorder(_: &Context, _: &Context) {}

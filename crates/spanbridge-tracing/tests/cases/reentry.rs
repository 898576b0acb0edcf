//! Fields whose `Debug` uses `tracing` itself. Under a default of the thread, `tracing` swallows what they do; under a default of the
//! process it is a trap for every layer that holds a lock meanwhile.

use super::{alone, traced};
use crate::MODE;
use std::fmt;
use tracing::{error, info, info_span};

/// Traces while it is shown.
struct Traces(tracing::Span);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("shown");
        info_span!("shows", x = 1).in_scope(|| self.0.record("seen", true));
        error!(parent: &self.0, error = "seen");
        self.0.in_scope(|| f.write_str("text"))
    }
}

/// Nothing hangs, and the spans are in their places.
#[test]
fn a_field_that_traces() {
    let work = || {
        let other = info_span!("other", seen = tracing::field::Empty);
        let root = info_span!("root", late = tracing::field::Empty).entered();
        let at_once = info_span!("at once", field = ?Traces(other.clone()), after = 1);
        root.record("late", tracing::field::debug(Traces(other.clone())));
        at_once.in_scope(|| info!(field = ?Traces(other.clone()), "event"));
    };
    let recorded = alone(|| traced(work));
    let tree = "\
other [error]
root
  at once
    shows
  shows
  shows
";
    // Under a default of the thread, it depends on other threads what `tracing` swallows.
    if MODE.is_global {
        assert_eq!(recorded.tree(), tree)
    }
    let attributes = &recorded.span("at once").attributes;
    assert_eq!(
        attributes.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        ["field=\"text\"", "after=1"]
    );
}

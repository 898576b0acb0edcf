//! Reports what was skipped because the store is damaged.

use crate::stream;
use spanbridge_query::Store;

const ADVICE: &str = "Restore the file from a backup, or export what can be read with `spanbridge export` and import it into \
                      a new store.";

const LESS_LOST: &str = "Applications remove logs to keep within SPANBRIDGE_MAX_BYTES and SPANBRIDGE_MAX_AGE. Set larger limits, or fold \
                         more often, as `spanbridge compact --watch` does. `spanbridge prune --older-than` forgets old losses.";

/// Reports damage on standard error, if there is any.
pub(super) fn report(store: &Store) {
    if let Some(damage) = store.damage() {
        let advice = if damage.code == "store.logs_removed" { LESS_LOST } else { ADVICE };
        stream::note(&format!("{}\n  {advice}", damage.message));
    }
}

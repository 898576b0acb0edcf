//! What a process needs once, whichever way its handler is observed.

use super::{signals, watchdog};
use std::time::Duration;

/// How long `std::process::exit` may wait for records to be delivered.
const EXIT_FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Sets a process up. Later calls change nothing.
pub(super) fn set_up() {
    watchdog::start();
    spanbridge::flush_at_exit(EXIT_FLUSH_LIMIT);
    signals::own_sigterm()
}

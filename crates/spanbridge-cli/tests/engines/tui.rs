//! `spanbridge tui` over a database.

use crate::common::{Recording, run};
use crate::program::Database;
use crate::server::order;
use crate::terminal::Terminal;

/// The list, a run, and what is recorded while they are shown.
#[test]
fn the_viewer_shows_what_comes() {
    let Some(database) = Database::filled(&order(1)) else { return };
    let viewer = Terminal::start(database.url.as_ref(), &[]);
    viewer.wait_for_selected("order");
    viewer.keys("\r");
    viewer.wait_for("pay");
    database.store(&[Recording::of(run(1), 100, "billing").span(99, 9, "charge", 3, 4)]);
    viewer.wait_for("charge");
    viewer.keys("\x1b");
    viewer.wait_for("newest first");
    database.store(&[Recording::of(run(2), 200, "mail").span(77, 0, "refund", 30, 40)]);
    viewer.wait_for("refund");
    viewer.keys("q");
}

//! Stores of an earlier release, to which nothing is written.

use super::common::old::OldWriter;
use super::common::{Recording, place, run};
use super::terminal::Terminal;
use rusqlite::Connection;

/// What can be read is shown, and the status line says what is missing.
#[test]
fn an_old_store_that_is_damaged() {
    let (_dir, path) = place();
    let mut writer = OldWriter::open(&path);
    let (mut shop, mut mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "mail"));
    writer.deliver(7, 1, &[shop.span(1, 0, "order", 0, 9)]);
    writer.deliver(7, 2, &[mail.span(3, 0, "send", 2, 3)]);
    drop(writer);
    let damage = "UPDATE delivery SET run_tails = x'ff', aggregates = x'ff' WHERE id = 2";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let terminal = Terminal::start(&path, &[]);
    terminal.wait_for_selected("order");
    terminal.wait_for("! delivery 2 is damaged and was skipped");
    terminal.keys("g");
    terminal.wait_for("not live 1/1");
    terminal.keys("\r");
    terminal.wait_for_selected("run order");
}

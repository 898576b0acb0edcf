//! Every command over a database says what it says over a directory, and goes on when a database that was away is back.
#![cfg(all(unix, feature = "serve", feature = "tui"))]

#[path = "../../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "../serve/events.rs"]
mod events;
#[path = "../../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../replay/reports.rs"]
mod reports;
#[path = "../serve/server.rs"]
mod server;
#[path = "../../../spanbridge-graph/tests/stories/story.rs"]
mod story;
#[path = "../replay/support.rs"]
mod support;
#[path = "../tui/terminal.rs"]
mod terminal;

mod away;
mod program;
mod refusals;
mod replay;
mod serve;
mod stories;
mod tail;
mod tui;

//! What the viewer knows, and what follows from an input. Nothing here reads a store, a clock or a terminal: [`App::update`] takes an
//! [`Input`] and returns [`Effect`]s, and the [view](super::view) draws the state as it is.

pub(crate) mod action;
pub(crate) mod app;
pub(crate) mod ask;
pub(crate) mod cursor;
pub(crate) mod details;
mod filter;
pub(crate) mod key;
pub(crate) mod layout;
pub(crate) mod list;
mod on_action;
mod on_answer;
pub(crate) mod pages;
pub(crate) mod pane;
pub(crate) mod prompt;
mod refresh;
pub(crate) mod run;
pub(crate) mod tree;
mod update;

#[cfg(test)]
mod tests;

//! Turns graphs and rows into text for people.
//!
//! Everything here is a pure function of its arguments: no terminal is asked, nothing is written, nothing is read
//! from the environment. Text that comes from outside is escaped before it is shown ([`escape`]), colour is never
//! the only signal, and the work is linear in the size of what is shown.

mod badges;
mod bar;
mod doctor;
mod footer;
mod forest;
mod header;
mod page;
mod row;
mod story;
mod table;
mod text;
mod time;
mod tree;
mod walk;

pub use doctor::gaps;
pub use text::escape;
pub use time::{ago, duration, instant};
pub use tree::tree;

// What the binary's own commands are made of.
#[doc(hidden)]
pub use header::status as run_status;
#[doc(hidden)]
pub use page::Ink;
#[doc(hidden)]
pub use table::{Align, Cell, table};

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many columns a line may take. Under 40 it is taken as 40: there is nothing left to truncate.
    pub width: usize,
    /// Whether to colour (ANSI escape sequences).
    pub color: bool,
}

impl Default for Options {
    /// 100 columns, no colour: what a pipe gets.
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

impl Options {
    pub(crate) fn columns(&self) -> usize {
        self.width.max(40)
    }
}

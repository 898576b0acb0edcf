//! Turns graphs, gaps and lists of runs into text for people.
//!
//! Everything here is a pure function of its arguments: nothing is written, and neither the terminal nor the environment is
//! read. Text that comes from outside is escaped before it is shown (see [`escape`]). Colour is never the only signal. The
//! work is linear in the size of what is shown.

pub(crate) mod alike;
mod attributes;
pub(crate) mod badges;
pub(crate) mod critical;
pub(crate) mod debug;
mod diff;
pub(crate) mod footer;
pub(crate) mod forest;
pub(crate) mod gaps;
pub(crate) mod header;
pub(crate) mod history;
pub(crate) mod left_out;
pub(crate) mod lines;
pub(crate) mod mutations;
pub(crate) mod options;
pub(crate) mod page;
pub(crate) mod parts;
mod replay;
mod replay_command;
pub(crate) mod row;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod services;
mod slots;
mod state;
pub(crate) mod status;
mod table;
mod tail;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod timeline;
pub(crate) mod tree;
pub(crate) mod view;
pub(crate) mod why;
mod writer;

pub use debug::{PAYLOAD_LINES, debug};
pub use diff::diff;
pub use gaps::{gaps, not_judged};
pub use options::Options;
pub use replay::{replay, replay_candidates, replay_plan};
pub use runs::runs;
pub use slots::slots;
pub use state::{state_blame, state_history};
pub use tail::{TailFilter, TailLines};
pub use text::escape;
pub use tree::{tree, tree_of};
pub use view::View;
pub use why::why;

//! Turns graphs, gaps and lists of runs into text for people.
//!
//! Everything here is a pure function of its arguments: nothing is written, and neither the terminal nor the environment is
//! read. Text that comes from outside is escaped before it is shown (see [`escape`]). Colour is never the only signal. The
//! work is linear in the size of what is shown.

mod alike;
mod badges;
mod critical;
mod debug;
mod diff;
mod footer;
mod forest;
mod gaps;
mod header;
mod history;
mod options;
mod page;
mod row;
mod rows;
mod runs;
mod services;
mod status;
mod table;
mod tail;
mod text;
mod time;
mod timeline;
mod tree;
mod view;
mod why;

pub use debug::{PAYLOAD_LINES, debug};
pub use diff::diff;
pub use gaps::{gaps, not_judged};
pub use options::Options;
pub use runs::runs;
pub use tail::{TailFilter, TailLines};
pub use text::escape;
pub use tree::{tree, tree_of};
pub use view::View;
pub use why::why;

//! For tests of applications: record a block, and compare its spans with a text.
//!
//! ```
//! use spanbridge::observe;
//! use spanbridge_graph::testing;
//!
//! fn place_order(items: u32) -> Result<u32, String> {
//!     observe::span("place order").attribute("order.items", items).in_scope(|| {
//!         observe::span("reserve").in_scope(|| ());
//!         observe::span("charge").in_scope(|| Err("card declined".to_owned()))
//!     })
//! }
//!
//! let recorded = testing::record(|| place_order(3));
//! assert_eq!(recorded.output, Err("card declined".to_owned()));
//! assert_eq!(recorded.tree(), "\
//! place order [error]
//!   reserve
//!   charge [error]
//! ");
//! ```
//!
//! [`record_async`] does the same for async code. [`RecordOptions`] has the settings: the attributes to show, the service, the
//! sampler. [`Recorded`] has what the block returned, the text, and the spans and graphs behind it.
//!
//! Each recording has a recorder of its own, which is in effect for the block and nothing else. So tests run side by side,
//! and a recorder that is installed does not matter. Nothing is written to disk.
//!
//! # What is recorded
//!
//! What runs inside the block, as in production: a task or thread that the block spawns belongs to it if the code says so
//! (`observe::spawn`, `observe::bind`). The recording ends when the block does. A span that has not ended by then is
//! `[open]`, and what a task does later is not recorded. To see it, wait for the task inside the block.
//!
//! If the block panics, so does the recording. To look at the spans of a panic, catch it inside the block.
//!
//! # The text
//!
//! One line for each span, below its parent; siblings by start. The text has no ids and no times, so it is the same for every
//! recording of the same work.
//!
//! | text | meaning |
//! |---|---|
//! | `charge` | a span that succeeded |
//! | `charge [error]` | it failed; also `[panicked]`, `[cancelled]`, and `[open]` if it has no end |
//! | `charge order.item=3` | an attribute that you asked for, see [`RecordOptions::show`] |
//! | `charge -> send, (remote)` | its links: to a span `send` of this recording, and to a span that is not recorded here |
//! | `charge (remote)` | its parent is not recorded here: it is in another process, or was not sampled |
//! | `charge (other run)` | its parent belongs to another run |
//! | `run nightly report` | a run that the code declared. Its spans stand below it, and it stands below the span that started it |
//! | `run nightly report [suspended]` | how the run ended, unless it succeeded |
//! | `suspended: approval` | the run waited here, and for what |
//!
//! Spans that run at the same time may start in any order. For those, see [`RecordOptions::sort_siblings`].

mod forest;
mod line;
mod options;
mod recorded;

pub use options::{RecordOptions, record, record_async};
pub use recorded::Recorded;

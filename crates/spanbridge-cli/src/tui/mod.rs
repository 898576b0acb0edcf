//! The terminal viewer: a list of runs that is live, and each run as a tree with a timeline.
//!
//! `state` knows what is shown and what a key does, without a terminal or a store; `view` draws it; `reader` reads the store on
//! threads of its own; the rest is the terminal. See `docs/adr/0040-the-terminal-viewer.md`.
//!
//! ```no_run
//! use spanbridge_cli::tui::{self, Viewer};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! tui::run(&Viewer::new("/var/lib/orders/store"))?;
//! # Ok(())
//! # }
//! ```

mod error;
mod findings;
mod keyboard;
mod loaded;
mod message;
mod reader;
#[cfg(test)]
mod sample;
mod session;
#[cfg(unix)]
mod signals;
mod state;
mod view;
mod viewer;

pub use error::Error;
pub use viewer::{Viewer, has_utf8_locale, run};
